//go:build unix

package crashtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/buildtest"
)

// The negative control: a program that breaks one of its promises (internal/failpoint)
// goes through a scenario which that promise is for, and the checker must find it.
// A program that keeps them goes through the same, and the checker finds nothing.

const faultsVariable = "LICENSEIMPORT_FAULTS"

// faulty builds the program that can break its promises, when it is first needed.
var faulty = sync.OnceValues(func() (string, error) {
	built, remove, err := buildtest.Build("faulty")
	removals = append(removals, remove)
	return built, err
})

// removals are done when all tests have ended.
var removals []func()

// A scenario goes on until what it is about has happened, and tells the files that were
// uploaded in it.
type scenario func(t *testing.T, s *system) []*file

// rounds is how often a scenario is tried, each time on a new system: it may come a moment
// too early or too late for what it is about.
const rounds = 10

// faults are the promises that can be broken, with what shows it.
var faults = map[string]struct {
	scenario scenario
	finds    func(*Report) Faults
}{
	"fence":           {pausedAndOvertaken, func(r *Report) Faults { return r.Duplicated }},
	"first":           {pausedWhileOthersImport, func(r *Report) Faults { return r.Duplicated }},
	"position":        {killedInTheMiddle, func(r *Report) Faults { return r.Duplicated }},
	"acknowledgement": {crashedUnderAnUpload, func(r *Report) Faults { return r.Lost }},
	"retry":           {retriedOnce, func(r *Report) Faults { return r.Unexpected }},
}

// TestFaultsAreFound breaks one promise after the other.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	for fault, f := range faults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			program, err := faulty()
			must(t, err)
			for round := range rounds {
				s := newSystemOf(t, program, time.Minute, faultsVariable+"="+fault)
				files := f.scenario(t, s)
				report, err := found(s, files)
				must(t, err)
				t.Logf("round %d: %v", round+1, report)
				if report.Acknowledged > 0 && len(f.finds(report)) > 0 && len(report.Unexpected) > 0 {
					return
				}
				for _, p := range s.all() {
					p.kill()
				}
			}
			t.Error("the fault is not found")
		})
	}
}

// found reckons when every import has ended, or something is there twice: what is lost
// shows at the end only.
func found(s *system, files []*file) (report *Report, err error) {
	for _, f := range files {
		if !f.Acknowledged {
			continue
		}
		if err := waitFor("the end of "+f.Name, func() error { return ended(s.url, f.Job) }); err != nil {
			return nil, err
		}
	}
	return report, waitFor("the end of every import", func() error {
		if report, err = checkStream(s.url, files); err != nil || len(report.Duplicated) > 0 {
			return err
		}
		for _, fault := range report.Unexpected {
			if strings.Contains(fault, "has no end") {
				return errors.New(fault)
			}
		}
		return nil
	})
}

// TestPromisesAreKept goes through the same scenarios without faults.
func TestPromisesAreKept(t *testing.T) {
	t.Parallel()
	for fault, f := range faults {
		if fault == "acknowledgement" {
			continue // it waits for what a sound program does not do; TestFourProcesses has the like
		}
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, time.Minute)
			verify(t, s.url, s.client, f.scenario(t, s)...)
		})
	}
}

// TestNoFaultsInTheProgram: a usual build holds no trace of them.
func TestNoFaultsInTheProgram(t *testing.T) {
	t.Parallel()
	with, err := faulty()
	must(t, err)
	for path, want := range map[string]bool{program: false, with: true} {
		binary, err := os.ReadFile(path)
		must(t, err)
		if bytes.Contains(binary, []byte(faultsVariable)) != want {
			t.Errorf("%s in %s: %v", faultsVariable, path, !want)
		}
	}
}

// slice is how long a processor runs before it is looked how far it is.
const slice = 10 * time.Millisecond

// halfway uploads a file for the first processor alone, which runs for slices of time until
// it has decided some rows, and stands still then. It tells how many.
func halfway(t *testing.T, s *system, name, keys string) (files []*file, before int) {
	t.Helper()
	slow := s.processors[0]
	for n := 1; ; n++ {
		f := shape{name: fmt.Sprintf("%s-%d", name, n), keys: keys, rows: 12000, seed: 1}.generate()
		files = append(files, f)
		slow.signal(syscall.SIGSTOP)
		must(t, s.client.send(t.Context(), f, attempt{}))
		must(t, waitFor("rows of "+f.Name+" to be decided", func() (err error) {
			slow.signal(syscall.SIGCONT)
			time.Sleep(slice)
			slow.signal(syscall.SIGSTOP)
			if before, err = position(s.url, f.Job); err == nil && before == 0 {
				err = errors.New("there are none")
			}
			return err
		}))
		if before < len(f.Rows)-4000 { // else it stands still behind the end, or near to it
			return files, before
		}
		slow.signal(syscall.SIGCONT)
	}
}

// reaches waits until so many rows of a file are decided.
func reaches(t *testing.T, url string, f *file, rows int) {
	t.Helper()
	must(t, waitFor(fmt.Sprintf("%d outcomes of %s", rows, f.Name), func() error {
		n, err := position(url, f.Job)
		if err == nil && n < rows {
			err = fmt.Errorf("there are %d", n)
		}
		return err
	}))
}

// ended tells whether an import has ended.
func ended(url string, job events.JobID) error {
	last, err := lastFact(url, job)
	if err != nil {
		return err
	}
	switch last.(type) {
	case *events.ImportFinished, *events.ImportAborted:
		return nil
	}
	return fmt.Errorf("its last fact is %s", last.ID())
}

// alone leaves one processor, which works on one import at a time.
func alone(t *testing.T, s *system) (slow, other *process) {
	t.Helper()
	slow, other = s.processors[0], s.processors[1]
	other.kill()
	if !slices.Contains(slow.args, "--concurrency") {
		slow.args = append(slow.args, "--concurrency", "1") // else its other workers get the job again
	}
	must(t, slow.restartByKill())
	return slow, other
}

// redeliver has all imports delivered again at once, as they are when a lease expires.
func redeliver(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	log, err := eventlog.Attach(ctx, eventlog.Config{URL: url})
	must(t, err)
	defer log.Close()
	must(t, log.RedeliverJobs(ctx))
}

// pausedAndOvertaken: a processor stands still in the middle of an import with a batch
// to be stored, another one takes the import over, and the first goes on. All licenses
// exist already: nothing but the fence keeps the batch away.
func pausedAndOvertaken(t *testing.T, s *system) []*file {
	return overtaken(t, s, func() { redeliver(t, s.url) })
}

// overtaken is pausedAndOvertaken; the lease expires, or ends by endLease.
func overtaken(t *testing.T, s *system, endLease func()) []*file {
	t.Helper()
	slow, other := alone(t, s)
	first := shape{name: "first", rows: 12000, seed: 1}.generate()
	must(t, s.client.send(t.Context(), first, attempt{}))
	reaches(t, s.url, first, len(first.Rows))
	files, before := halfway(t, s, "again", "first")
	endLease()
	must(t, other.start())
	reaches(t, s.url, files[len(files)-1], before+2000)
	slow.signal(syscall.SIGCONT)
	return append(files, first)
}

// pausedWhileOthersImport: a processor stands still with a batch to be stored, another
// one imports the same licenses from another file, and the first goes on.
func pausedWhileOthersImport(t *testing.T, s *system) []*file {
	slow, other := alone(t, s)
	files, before := halfway(t, s, "first", "")
	must(t, other.start())
	same := files[len(files)-1].part("same", before, before+3000)
	must(t, s.client.send(t.Context(), same, attempt{}))
	reaches(t, s.url, same, len(same.Rows))
	slow.signal(syscall.SIGCONT)
	return append(files, same)
}

// killedInTheMiddle: a processor is killed in the middle of an import, and another one
// goes on.
func killedInTheMiddle(t *testing.T, s *system) []*file {
	slow, other := alone(t, s)
	files, _ := halfway(t, s, "big", "")
	slow.kill()
	redeliver(t, s.url)
	must(t, other.start())
	must(t, slow.start())
	return files
}

// crashedUnderAnUpload: NATS stands still in the middle of an upload; when everything
// was sent off to it, it is killed and started again.
func crashedUnderAnUpload(t *testing.T, s *system) []*file {
	f := shape{name: "upload", rows: 2000, seed: 1}.generate()
	crashed := make(chan error, 1)
	err := s.client.send(t.Context(), f, attempt{
		at: len(f.text) / 2,
		spring: func() {
			if err := waitFor("rows of "+f.Name, func() error { return seen(s.client, f.Name) }); err != nil {
				t.Error(err)
			}
			s.nats.signal(syscall.SIGSTOP)
		},
		behind: func() {
			go func() {
				err := waitFor("all rows of "+f.Name, func() error { return countsStored(s.client, len(f.Rows)) })
				crashed <- errors.Join(err, s.nats.restartByKill())
			}()
		},
	})
	must(t, <-crashed)
	if err != nil {
		t.Logf("NATS was away for too long: %v", err) // a matter for another round
	}
	return []*file{f}
}

// countsStored tells whether ingest believes to have stored so many rows since its start.
func countsStored(c *client, least int) error {
	text, err := c.get("/metrics")
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(text), "\nlicenseimport_rows_received_total ")
	number, _, _ := strings.Cut(rest, "\n")
	var n float64
	if _, err := fmt.Sscan(number, &n); err != nil {
		return err
	}
	if int(n) < least {
		return fmt.Errorf("there are %v of %d", n, least)
	}
	return nil
}
