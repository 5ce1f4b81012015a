package eventlog_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// TestLookupSince: an answer of a replica that does not have the witness is none, whether it found messages or not. The
// replica is asked again.
func TestLookupSince(t *testing.T) {
	t.Parallel()
	log := eventlogtest.StartExternal(t)
	subjects := make([]string, 2000) // two requests, each with the witness
	for i := range subjects {
		subjects[i] = events.LicenseSubject("psc", fmt.Sprint(i))
	}
	batch := log.NewBatch(7)
	for _, i := range []int{0, 1999} {
		if err := batch.AddAfter(subjects[i], []byte("{}"), subjects[i], 0); err != nil {
			t.Fatal(err)
		}
	}
	known, err := batch.Commit(t.Context(), "imports.7.progressed", []byte("{}"), 0)
	if err != nil {
		t.Fatal(err)
	}
	lookUp := func(ctx context.Context, after events.Seq, subjects []string) (found []string, err error) {
		witness := eventlog.Witness{Subject: "imports.7.progressed", Seq: after}
		err = log.LookupSince(ctx, witness, subjects, func(m eventlog.Message) error {
			found = append(found, m.Subject)
			return nil
		})
		return found, err
	}
	found, err := lookUp(t.Context(), known, subjects)
	if err != nil || len(found) != 2 || found[0] != subjects[0] || found[1] != subjects[1999] {
		t.Errorf("%v, %v", found, err)
	}
	for _, some := range [][]string{subjects[:1], subjects[1:2]} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if _, err := lookUp(ctx, known+1, some); err == nil || !strings.Contains(err.Error(), "behind") {
			t.Errorf("a replica without the witness: %v", err)
		}
		cancel()
	}
	appended := make(chan error, 1)
	go func() {
		time.Sleep(50 * time.Millisecond)
		_, err := log.AppendFact(t.Context(), 7, "imports.7.progressed", []byte("{}"), known)
		appended <- err
	}()
	if found, err := lookUp(t.Context(), known+1, subjects[1:2]); len(found) != 0 || err != nil {
		t.Errorf("when the witness is there: %v, %v", found, err)
	}
	if err := <-appended; err != nil {
		t.Fatal(err)
	}
}
