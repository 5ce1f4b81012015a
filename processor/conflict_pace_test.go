package processor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"
)

// TestRefusalsAreWarnedOf: a job whose batches are refused again and again is named in the log, once. It
// uses the default log, so it does not run in parallel.
func TestRefusalsAreWarnedOf(t *testing.T) {
	for name, onConflict := range map[string]func(context.Context, *job, error) error{
		"import": new(lookupPolicy).onConflict,
		"undo":   new(undoPace).onConflict,
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			defer slog.SetDefault(slog.Default())
			slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
			synctest.Test(t, func(t *testing.T) {
				j := &job{State: importjob.State{Job: 7}}
				refuse := func(times int) {
					for range times {
						if err := onConflict(t.Context(), j, fmt.Errorf("%w: no space", eventlog.ErrConflict)); err != nil {
							t.Fatal(err)
						}
					}
				}
				for range 20 { // busy writers: the job advances, however slowly
					j.Last.Seq++
					refuse(4)
				}
				if logged.Len() > 0 {
					t.Errorf("a job that advances is warned of: %s", &logged)
				}
				for range 3 {
					j.Last.Seq++
					refuse(20)
				}
			})
			line := logged.String()
			if strings.Count(line, "\n") != 1 || !strings.Contains(line, "level=WARN") || !strings.Contains(line, "job_id=7 attempts=10") ||
				!strings.Contains(line, "no space") {
				t.Errorf("the log has %q", line)
			}
		})
	}
}
