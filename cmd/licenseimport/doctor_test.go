package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// one runs a check and returns its only finding.
func one(t *testing.T, look func(*diagnosis)) finding {
	t.Helper()
	d := &diagnosis{doctorCommand: &doctorCommand{Stalled: timespan(time.Minute)}}
	look(d)
	if len(d.findings) != 1 {
		t.Fatalf("%d findings: %+v", len(d.findings), d.findings)
	}
	f := d.findings[0]
	if (f.Advice == "") != (f.Status == fine) {
		t.Errorf("%s: advice %q", f.Status, f.Advice)
	}
	return f
}

func TestDoctorOnVersions(t *testing.T) {
	for version, want := range map[string]string{
		"2.15.2": fine, "2.16.0-beta.1": fine, "3.0.0": fine, "2.14.9": warning, "2.14.4": warning, "2.14.3": problem, "2.14.0": problem, "2.12.0": warning, "2.11.8": problem, "1.9": problem, "": warning, "dev": warning,
	} {
		if f := one(t, func(d *diagnosis) { d.version(version) }); f.Status != want {
			t.Errorf("%q: %s, want %s", version, f.Status, want)
		}
	}
}

func TestDoctorOnDurability(t *testing.T) {
	replicas := func(n ...int) (all []eventlog.StreamHealth) {
		for _, n := range n {
			all = append(all, eventlog.StreamHealth{State: eventlog.State{Replicas: n}})
		}
		return all
	}
	for name, test := range map[string]struct {
		c    eventlog.Health
		want string
	}{
		"embedded":           {eventlog.Health{Embedded: true, Streams: replicas(1, 1)}, fine},
		"three on a cluster": {eventlog.Health{Cluster: "c", Streams: replicas(3, 3)}, fine},
		"one on a cluster":   {eventlog.Health{Cluster: "c", Streams: replicas(3, 1)}, warning},
		"a single server":    {eventlog.Health{Streams: replicas(1)}, warning},
	} {
		if f := one(t, func(d *diagnosis) { d.durability(test.c) }); f.Status != test.want {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestDoctorOnClocks(t *testing.T) {
	for ahead, want := range map[time.Duration]string{0: fine, time.Second: fine, -time.Second: fine, time.Hour: warning, -3 * time.Second: warning} {
		if f := one(t, func(d *diagnosis) { d.clock("clock", ahead) }); f.Status != want {
			t.Errorf("%s: %s, want %s", ahead, f.Status, want)
		}
	}
}

func TestDoctorOnReplicas(t *testing.T) {
	for name, test := range map[string]struct {
		r            eventlog.ReplicaComparison
		err          error
		want         string
		says, advice string
	}{
		"the same": {r: eventlog.ReplicaComparison{Leader: "a", At: 1234, Whole: []string{"a", "b", "c"}}, want: fine,
			says: "all servers hold the same: LICENSES at sequence 1,234"},
		"one lacks some": {r: eventlog.ReplicaComparison{Leader: "a", At: 1, Whole: []string{"a", "c"}, Lacking: []string{"b"}}, want: problem,
			says: "b lacks messages that a, c has", advice: "stop b, delete"},
		"the leader lacks some": {
			r:    eventlog.ReplicaComparison{Leader: "b", At: 1, Whole: []string{"c"}, Lacking: []string{"a", "b"}},
			want: problem, says: "a, b lacks messages that c has, and b leads", advice: "Make c the leader (nats stream cluster step-down LICENSES, again",
		},
		"one is away": {r: eventlog.ReplicaComparison{Leader: "a", At: 1, Whole: []string{"a", "c"}, Unknown: []string{"b"}}, want: warning,
			says: "b could not be compared with a, c", advice: "again"},
		"not compared": {err: errors.New("no permission"), want: warning, says: "no permission", advice: "may create consumers"},
	} {
		var all []eventlog.ReplicaComparison
		if test.err == nil {
			test.r.Stream = events.LicensesStream
			all = append(all, test.r)
		}
		f := one(t, func(d *diagnosis) { d.replicas(all, test.err) })
		if f.Status != test.want || !strings.Contains(f.Message, test.says) || !strings.Contains(f.Advice, test.advice) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestDoctorOnAnUndoThatStandsStill: it is found when its import's rows were purged long ago, too.
func TestDoctorOnAnUndoThatStandsStill(t *testing.T) {
	log, err := eventlog.Open(t.Context(), eventlog.Config{URL: startPlainNATS(t).ClientURL()})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for job := events.JobID(1); job <= 2; job++ {
		facts := []events.Event{&events.UndoStarted{JobID: job}, &events.UndoFinished{JobID: job}}
		last := events.Seq(0)
		for _, fact := range facts[:job] { // the second undo has ended
			body, err := events.Encode(fact, time.Now())
			if err == nil {
				last, err = log.AppendFact(t.Context(), job, fact.Subject(), body, last)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	later := &diagnosis{doctorCommand: &doctorCommand{Stalled: timespan(time.Minute)}}
	if err := later.imports(t.Context(), log, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if len(later.findings) != 2 || later.findings[0].Status != problem || later.findings[0].Check != "import 1" ||
		!strings.Contains(later.findings[0].Message, "it is at undo_started and has stood still for 1h") {
		t.Errorf("%+v", later.findings)
	}
}

// TestDoctorOnAnUndoneImport: an undo that has finished ends an import: it does not stand still.
func TestDoctorOnAnUndoneImport(t *testing.T) {
	log, err := eventlog.Open(t.Context(), eventlog.Config{URL: startPlainNATS(t).ClientURL()})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.AppendRows(t.Context(), 1, 0, [][]byte{{1}}); err != nil {
		t.Fatal(err)
	}
	undone := &events.UndoFinished{JobID: 1}
	body, err := events.Encode(undone, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.AppendFact(t.Context(), 1, undone.Subject(), body, 0); err != nil {
		t.Fatal(err)
	}
	later := &diagnosis{doctorCommand: &doctorCommand{Stalled: timespan(time.Minute)}}
	if err := later.imports(t.Context(), log, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if len(later.findings) != 1 || later.worst() != fine {
		t.Errorf("%+v", later.findings)
	}
}

// TestDoctorOnUploads: one that stands still and one that goes on.
func TestDoctorOnUploads(t *testing.T) {
	server := startPlainNATS(t)
	log, err := eventlog.Open(t.Context(), eventlog.Config{URL: server.ClientURL()})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for job := events.JobID(1); job <= 2; job++ {
		if _, err := log.AppendRows(t.Context(), job, 0, [][]byte{{1}}); err != nil {
			t.Fatal(err)
		}
	}
	started, err := events.Encode(&events.ImportStarted{JobID: 2}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.AppendFact(t.Context(), 2, events.StartedSubject(2), started, 0); err != nil {
		t.Fatal(err)
	}
	now := &diagnosis{doctorCommand: &doctorCommand{Stalled: timespan(time.Minute)}}
	later := &diagnosis{doctorCommand: now.doctorCommand}
	idle := &diagnosis{doctorCommand: now.doctorCommand, idle: true}
	err = errors.Join(now.imports(t.Context(), log, time.Now()), later.imports(t.Context(), log, time.Now().Add(time.Hour)),
		idle.imports(t.Context(), log, time.Now().Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	if len(now.findings) != 1 || now.worst() != fine {
		t.Errorf("at once: %+v", now.findings)
	}
	if len(later.findings) != 3 || later.worst() != problem || !strings.Contains(later.findings[0].Message, "its upload has stood still for 1h") {
		t.Errorf("later: %+v", later.findings)
	}
	if len(idle.findings) != 3 || idle.worst() != warning {
		t.Errorf("nothing runs: %+v", idle.findings)
	}

	if _, err := log.AppendFact(t.Context(), 1, events.SealedSubject(1), []byte("{}"), 0); err != nil {
		t.Fatal(err)
	}
	unreadable := &diagnosis{doctorCommand: now.doctorCommand}
	if err := unreadable.imports(t.Context(), log, time.Now()); err != nil {
		t.Fatal(err)
	}
	if unreadable.worst() != problem || !strings.Contains(unreadable.findings[0].Message, "imports.1.sealed (stream LICENSES, sequence 2)") {
		t.Errorf("an event that cannot be read: %+v", unreadable.findings)
	}

	// What a server is that this program does not run: it may not sync.
	var out bytes.Buffer
	c := &doctorCommand{Stalled: timespan(time.Minute), logFlags: logFlags{dataFlag: dataFlag{Data: filepath.Join(t.TempDir(), "none")}, NatsURL: server.ClientURL()}}
	if err := c.Run(t.Context(), &terminal{out: &out, err: &out}); !errors.Is(err, exitStatus(1)) { // it has no keys
		t.Error(err)
	}
	for _, want := range []string{"durability", "sync_interval: always", "there is no key", "none has ever run here"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

// startPlainNATS is a server as others run it.
func startPlainNATS(t *testing.T) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{ServerName: "theirs", Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	return s
}

// TestDoctorOnAServer that is not ready, and that has another clock.
func TestDoctorOnAServer(t *testing.T) {
	theirs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"code":"not_ready","detail":"Not ready: projector: the views are 7 events behind."}`))
	}))
	defer theirs.Close()
	d := &diagnosis{doctorCommand: &doctorCommand{Server: theirs.URL}}
	d.server(t.Context())
	if len(d.findings) != 2 || d.findings[0].Status != problem || !strings.Contains(d.findings[0].Message, "7 events behind") {
		t.Errorf("%+v", d.findings)
	}
	if f := d.findings[1]; f.Status != warning || !strings.Contains(f.Message, "-1h0m") && !strings.Contains(f.Message, "-59m59s") {
		t.Errorf("%+v", f)
	}
}

// TestDoctorOnViewsThatGrew: doctor says when a rebuild would halve the views' file.
func TestDoctorOnViewsThatGrew(t *testing.T) {
	f := one(t, func(d *diagnosis) { d.viewsSize(40<<20, 21<<20) })
	if f.Status != warning || !strings.Contains(f.Message, "21.0 MiB of the 40.0 MiB") || !strings.Contains(f.Advice, "licenseimport rebuild") {
		t.Errorf("%+v", f)
	}
	d := &diagnosis{}
	d.viewsSize(40<<20, 20<<20)
	d.viewsSize(15<<20, 14<<20)
	if len(d.findings) != 0 {
		t.Errorf("%+v", d.findings)
	}
}

// TestDoctorOnViewsOfAServer: doctor learns the same of a running server.
func TestDoctorOnViewsOfAServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			_, _ = w.Write([]byte("# HELP x y\nlicenseimport_views_bytes 4.194304e+07\nlicenseimport_views_free_bytes 2.2020096e+07\n"))
		}
	}))
	defer server.Close()
	f := one(t, func(d *diagnosis) { d.serverViews(t.Context(), server.URL) })
	if f.Status != warning || !strings.Contains(f.Message, "21.0 MiB of the 40.0 MiB") {
		t.Errorf("%+v", f)
	}
}

// TestDoctorOnAnEmptyServer: a NATS server without any stream of ours is one finding, not one for each stream.
func TestDoctorOnAnEmptyServer(t *testing.T) {
	missing := eventlog.StreamHealth{Name: "ROWS", Problem: eventlog.ErrStreamMissing}
	f := one(t, func(d *diagnosis) { d.streams(eventlog.Health{Streams: []eventlog.StreamHealth{missing, missing}}) })
	if f.Status != problem || !strings.Contains(f.Advice, "The first role that starts") {
		t.Errorf("%+v", f)
	}
	there := eventlog.StreamHealth{Name: "LICENSES"}
	if f := one(t, func(d *diagnosis) { d.streams(eventlog.Health{Streams: []eventlog.StreamHealth{missing, there}}) }); f.Check != "stream ROWS" {
		t.Errorf("%+v", f)
	}
}
