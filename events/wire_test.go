package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "add the golden files and documented columns that are missing")

// goldenFiles are the published bodies of a type: <Type>.json, and <Type>-2.json and so on for
// fields that were added later. A golden file is never changed: streams hold such bodies for ever.
func goldenFiles(t *testing.T, eventType string) map[string][]byte {
	t.Helper()
	var paths []string
	for _, pattern := range []string{eventType + ".json", eventType + "-*.json"} {
		matching, err := filepath.Glob(filepath.Join("testdata", "wire", pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, matching...)
	}
	bodies := map[string][]byte{}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bodies[filepath.Base(path)] = bytes.TrimSuffix(body, []byte("\n"))
	}
	return bodies
}

// addGolden writes a new golden file beside those that the type has.
func addGolden(t *testing.T, eventType string, body []byte, present int) {
	t.Helper()
	name := eventType + ".json"
	if present > 0 {
		name = fmt.Sprintf("%s-%d.json", eventType, present+1)
	}
	if err := os.WriteFile(filepath.Join("testdata", "wire", name), append(bytes.Clone(body), '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The newest golden file of each type has every field. All of them are read and written as they were
// published.
func TestWireFormIsAsPublished(t *testing.T) {
	samples := fullEvents()
	for _, name := range Types() {
		t.Run(name, func(t *testing.T) {
			sample := samples[name]
			if sample == nil {
				t.Fatalf("samples_test.go has no %s", name)
			}
			want, published, found := mustEncode(t, sample), goldenFiles(t, name), false
			for file, body := range published {
				decoded, err := Decode(body)
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				if got := mustEncode(t, decoded.Event); !bytes.Equal(got, body) {
					t.Errorf("%s: encoded\n%s\npublished\n%s", file, got, body)
				}
				if decoded.ID != sample.ID() || decoded.Type != name {
					t.Errorf("%s is %s %s", file, decoded.Type, decoded.ID)
				}
				if bytes.Equal(body, want) {
					found = true
					if !reflect.DeepEqual(decoded.Event, sample) {
						t.Errorf("%s: decoded\n%+v\nwant\n%+v", file, decoded.Event, sample)
					}
				}
			}
			switch {
			case found:
			case *update:
				addGolden(t, name, want, len(published))
			default:
				t.Errorf("no golden file of %s has all its fields (make generate adds one):\n%s", name, want)
			}
		})
	}
}

func TestNoGoldenFileWithoutType(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "wire", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), "-")
		if _, err := New(name); err != nil {
			t.Errorf("%s: %v: a published type stays", file, err)
		}
	}
	for _, name := range Types() {
		if len(goldenFiles(t, name)) == 0 {
			t.Errorf("%s has no golden file", name)
		}
	}
}

// A golden file with an empty field would not show a change of that field.
func TestSamplesFillEveryField(t *testing.T) {
	for name, sample := range fullEvents() {
		for _, path := range zeroFields(reflect.ValueOf(sample).Elem(), name) {
			t.Errorf("%s is empty", path)
		}
	}
}

func zeroFields(v reflect.Value, path string) (empty []string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			empty = append(empty, zeroFields(v.Field(i), path+"."+v.Type().Field(i).Name)...)
		}
	case reflect.Pointer:
		if v.IsNil() {
			return []string{path}
		}
		if v.Elem().Kind() == reflect.Struct {
			return zeroFields(v.Elem(), path)
		}
	case reflect.Array, reflect.Slice:
		if v.Len() == 0 {
			return []string{path}
		}
		empty = zeroFields(v.Index(0), path+"[]")
		for i := 1; i < v.Len(); i++ { // what another element shows is shown
			other := zeroFields(v.Index(i), path+"[]")
			empty = slices.DeleteFunc(empty, func(path string) bool { return !slices.Contains(other, path) })
		}
	default:
		if v.IsZero() {
			return []string{path}
		}
	}
	return empty
}

func TestDecodeIgnoresUnknownMembers(t *testing.T) {
	for name, sample := range fullEvents() {
		t.Run(name, func(t *testing.T) {
			var body map[string]any
			if err := json.Unmarshal(mustEncode(t, sample), &body); err != nil {
				t.Fatal(err)
			}
			body["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
			addUnknown(body["data"].(map[string]any))
			wider, err := json.MarshalIndent(body, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := Decode(wider)
			if err != nil || !reflect.DeepEqual(decoded.Event, sample) {
				t.Errorf("decoded %+v, %v\nwant %+v", decoded.Event, err, sample)
			}
		})
	}
}

// tables are the objects whose member names are data.
var tables = []string{"values", "mapping"}

// addUnknown adds members of a newer version to every object.
func addUnknown(object map[string]any) {
	for name, value := range object {
		if inner, ok := value.(map[string]any); ok && !slices.Contains(tables, name) {
			addUnknown(inner)
		}
	}
	object["new_number"], object["new_object"] = 1.5e3, map[string]any{"row": []any{nil, true, "x"}}
	if values, ok := object["values"].(map[string]any); ok {
		values["license__of_tomorrow"] = "x"
	}
}

func TestDecodeRefuses(t *testing.T) {
	body := string(mustEncode(t, &ImportSealed{JobID: 10, Rows: 2, Bytes: 3, SHA256: "ab"}))
	for name, test := range map[string]struct{ old, new, want string }{
		"another specversion":  {`"specversion":"1.0"`, `"specversion":"0.3"`, "not a CloudEvent 1.0 of licenseimport"},
		"no specversion":       {`"specversion":"1.0",`, ``, "not a CloudEvent 1.0 of licenseimport"},
		"another source":       {`"source":"licenseimport"`, `"source":"elsewhere"`, "not a CloudEvent 1.0 of licenseimport"},
		"no id":                {`"id":"10/sealed",`, ``, "not a CloudEvent 1.0 of licenseimport"},
		"the id of another":    {`"id":"10/sealed"`, `"id":"11/sealed"`, "holds the data of 10/sealed"},
		"no data":              {`"data":{`, `"dato":{`, "data of ImportSealed 10/sealed"},
		"data that is null":    {`"data":{`, `"data":null,"x":{`, "names no job"},
		"data that is a list":  {`"data":{`, `"data":[],"x":{`, "data of ImportSealed"},
		"a text for a number":  {`"rows":2`, `"rows":"two"`, "data of ImportSealed"},
		"a negative number":    {`"rows":2`, `"rows":-2`, "data of ImportSealed"},
		"no job":               {`"job_id":10`, `"job_id":0`, "names no job"},
		"something after it":   {`"ab"}}`, `"ab"}}{}`, "not a CloudEvent"},
		"an end that is early": {`"ab"}}`, `"ab"`, "not a CloudEvent"},
		"bytes of no text":     {`"ab"`, "\"\xff\"", "not UTF-8"},
		"all of it":            {body, ``, "not a CloudEvent"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(body, test.old, test.new, 1)
			if changed == body {
				t.Fatalf("%q does not stand in %s", test.old, body)
			}
			envelope, err := Decode([]byte(changed))
			if err == nil || !strings.Contains(err.Error(), test.want) || envelope != (Envelope{}) {
				t.Errorf("%s\ngave %+v, %v; want an error with %q", changed, envelope, err, test.want)
			}
		})
	}
}

// Append leaves the buffer's content and appends what Encode returns.
func TestAppendAddsToTheBuffer(t *testing.T) {
	for name, sample := range fullEvents() {
		for _, buffer := range [][]byte{nil, []byte("before "), make([]byte, 3, 4<<10)} {
			got, err := Append(bytes.Clone(buffer), sample, observed)
			if want := string(buffer) + string(mustEncode(t, sample)); err != nil || string(got) != want {
				t.Errorf("%s after %q: %s, %v; want %s", name, buffer, got, err, want)
			}
		}
	}
}

// Encode writes a frequent event on the stack and allocates only its result.
func TestEncodeAllocatesOnce(t *testing.T) {
	row, imported := twelveFields()
	for _, e := range []Event{row, imported} {
		if n := testing.AllocsPerRun(100, func() { mustEncode(t, e) }); n > 1 {
			t.Errorf("%s: %v allocations", e.Type(), n)
		}
	}
}

func TestUnknownTypeIsAnUnknownTypeError(t *testing.T) {
	_, err := Decode([]byte(`{"specversion":"1.0","id":"10/17","source":"licenseimport","type":"LicenseImported.v2","time":"2026-01-02T03:04:05Z","datacontenttype":"application/json","data":{"job_id":10,"row":17}}`))
	var unknown *UnknownTypeError
	if !errors.As(err, &unknown) || unknown.Type != "LicenseImported.v2" || !strings.Contains(err.Error(), `"LicenseImported.v2"`) {
		t.Errorf("got %v", err)
	}
	if _, err := New("licenseimported"); !errors.As(err, &unknown) {
		t.Errorf("New took a name in another case: %v", err)
	}
}

// Readers reuse the memory of a body after Decode.
func TestDecodedEventDoesNotReferToTheBody(t *testing.T) {
	for name, sample := range fullEvents() {
		body := mustEncode(t, sample)
		decoded, err := Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		clear(body)
		if !reflect.DeepEqual(decoded.Event, sample) || decoded.ID != sample.ID() {
			t.Errorf("%s changed with the body: %+v", name, decoded.Event)
		}
	}
}
