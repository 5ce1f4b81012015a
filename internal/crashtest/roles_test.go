//go:build unix

package crashtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/internal/freeport"
)

// system is each role as a separate process, the processor twice.
type system struct {
	nats, ingest, projector *process
	processors              [2]*process
	cluster                 *eventlogtest.Cluster // instead of nats, or nil

	data   string // of the projector, and of nats in a directory beside
	url    string // of nats, with the token
	client *client
	reads  *client // of the projector, without the way through ingest
}

// newSystem starts one on empty directories. An upload that stands still for so long
// is given up; an outage of nats makes each stand still for some seconds.
func newSystem(t *testing.T, abandoned time.Duration) *system {
	return newSystemOf(t, program, abandoned)
}

// newSystemOf is newSystem of another build of the program, with further variables
// in its environment.
func newSystemOf(t *testing.T, program string, abandoned time.Duration, environment ...string) *system {
	data := t.TempDir()
	nats, api, reads := freeport.Address(), freeport.Address(), freeport.Address()
	s := &system{data: filepath.Join(data, "views"), url: "nats://" + nats, client: newClient("http://" + api), reads: newClient("http://" + reads)}
	s.nats = newProcess(t, "nats", "nats", "--data", filepath.Join(data, "streams"), "--nats-port", nats[len("127.0.0.1:"):])
	s.ingest = newProcess(t, "ingest", "ingest", "--http", api, "--nats-url", s.url, "--projector-url", "http://"+reads, "--abandoned-after", abandoned.String())
	s.projector = newProcess(t, "projector", "projector", "--http", reads, "--nats-url", s.url, "--data", s.data)
	for i, name := range []string{"processor-1", "processor-2"} {
		s.processors[i] = newProcess(t, name, "processor", "--nats-url", s.url)
	}
	for _, p := range s.all() {
		p.path, p.env = program, append(p.env, environment...)
		p.env = append(p.env, "LICENSEIMPORT_NATS_TOKEN_FILE="+eventlog.TokenPath(filepath.Join(data, "streams")))
		must(t, p.start())
	}
	must(t, s.ready())
	var err error
	s.url, err = withToken(s.url, filepath.Join(data, "streams"))
	must(t, err)
	return s
}

func (s *system) all() []*process {
	all := []*process{s.processors[0], s.ingest, s.projector, s.processors[1]} // those that wait for nats first
	if s.nats != nil {
		all = append(all, s.nats)
	}
	return all
}

func (s *system) ready() error {
	if err := s.client.ready(); err != nil {
		return err
	}
	return s.reads.ready()
}

// withoutViews stops the projector, deletes its views and starts it again.
func (s *system) withoutViews() error {
	if err := s.projector.stop(); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(s.data, "views.bolt")); err != nil {
		return err
	}
	if err := s.projector.start(); err != nil {
		return err
	}
	return s.folded()
}

// folded waits for readiness, for as long as the views come nearer to the end of the stream.
func (s *system) folded() error {
	err := waitForAll("the views", func() (int, error) {
		notReady := s.reads.probe(context.Background())
		if notReady == nil {
			return 0, nil
		}
		text, err := s.reads.get("/metrics")
		if found := lagMetric.FindSubmatch(text); err == nil && found != nil {
			lag, err := strconv.ParseFloat(string(found[1]), 64)
			return int(lag), err
		}
		return 0, errors.Join(notReady, err)
	})
	if err != nil {
		return err
	}
	return s.ready()
}

var lagMetric = regexp.MustCompile(`(?m)^licenseimport_views_lag_events ([1-9]\S*)$`)

// rebuilt compares the answers with those of views from nothing, also about some files that are not of licenses.
// Before, all replicas hold the same.
func (s *system) rebuilt(t *testing.T, files ...*file) {
	t.Helper()
	if s.cluster != nil {
		s.cluster.WaitForReplicas()
	}
	before := kindAnswers(t, s.client, files...)
	must(t, s.withoutViews())
	same(t, before, kindAnswers(t, s.client, files...))
}

// restartByKill is a crash of one process and its next start.
func (p *process) restartByKill() error {
	p.kill()
	return p.start()
}

// TestFourProcesses imports 20,000 rows while each process is killed once.
func TestFourProcesses(t *testing.T) {
	t.Parallel()
	s := newSystem(t, time.Minute)
	big := shape{name: "big", rows: 12000, seed: 1}.generate()
	must(t, s.client.send(t.Context(), big, attempt{}))
	for i, p := range s.processors { // one of them had the import, the other takes it over
		must(t, decided(s.url, big.Job, 1500+3000*i))
		must(t, p.restartByKill())
	}

	unseen := shape{name: "unseen", rows: 2000, seed: 2}.generate()
	s.projector.kill()
	must(t, s.client.send(t.Context(), unseen, attempt{}))
	must(t, s.projector.start())

	across := shape{name: "across", rows: 4000, seed: 3}.generate()
	restarted := make(chan error, 1)
	must(t, s.client.send(t.Context(), across, attempt{at: len(across.text) / 2, spring: func() {
		if err := waitFor("rows of "+across.Name, func() error { return seen(s.client, across.Name) }); err != nil {
			t.Error(err)
		}
		go func() { restarted <- s.nats.restartByKill() }()
	}}))
	must(t, <-restarted)

	must(t, s.ingest.restartByKill())
	must(t, s.ready())
	last := shape{name: "last", rows: 2000, seed: 4}.generate()
	must(t, s.client.send(t.Context(), last, attempt{}))

	report := verify(t, s.url, s.client, big, unseen, across, last)
	if report.Acknowledged != 20000 || report.Rejected != 200 || report.Existed != 200 || report.Imported != 19600 {
		t.Error("the counts are not those of the files")
	}
	before := answers(t, s.client)
	must(t, s.withoutViews())
	same(t, before, answers(t, s.client))
}

// TestPausedProcessorIsFenced has a processor stand still in the middle of an
// import for longer than its lease lasts.
func TestPausedProcessorIsFenced(t *testing.T) {
	t.Parallel()
	s := newSystem(t, time.Minute)
	files := overtaken(t, s, func() {})
	report := verify(t, s.url, s.client, files...)
	repeated := 12000 * (len(files) - 1)
	if report.Imported != 12000-240 || report.Existed != 120+repeated-repeated/100 || report.Rejected != 120+repeated/100 {
		t.Error("the counts are not those of a file and its repetitions")
	}
}
