package events

import (
	"reflect"
	"testing"
	"time"
)

// TestRecycle: an event that is decoded into a recycled one has nothing of that one, and the texts that were taken out
// of that one stay what they are.
func TestRecycle(t *testing.T) {
	for name, full := range fullEvents() {
		t.Run(name, func(t *testing.T) {
			body, err := Encode(full, time.Unix(0, 0))
			if err != nil {
				t.Fatal(err)
			}
			decode := func(body []byte) Event {
				t.Helper()
				envelope, err := Decode(body)
				if err != nil {
					t.Fatal(err)
				}
				return envelope.Event
			}
			first := decode(body)
			copied := reflect.New(reflect.TypeOf(first).Elem()).Elem()
			copied.Set(reflect.ValueOf(first).Elem())
			Recycle(first)
			for range 3 {
				empty := reflect.New(reflect.TypeOf(full).Elem()).Interface().(Event)
				made, err := New(name)
				if err != nil || !reflect.DeepEqual(made, empty) {
					t.Fatalf("%+v, %v; want nothing in it", made, err)
				}
				Recycle(made)
				again := decode(body)
				if !reflect.DeepEqual(again, full) {
					t.Errorf("again %+v", again)
				}
				if !reflect.DeepEqual(copied.Addr().Interface(), full) {
					t.Errorf("what was taken from the first one is now %+v", copied)
				}
				Recycle(again)
			}
		})
	}
}
