package eventlog

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// TestLosses is the decision as a table: what the evidence says, and what is lost.
func TestLosses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*inventory)
		want   []string // parts of what is lost, in order; none: missing streams may be created
	}{
		{"all is there", func(*inventory) {}, nil},
		{"LICENSES is missing", without("LICENSES"), []string{"LICENSES does not exist"}},
		{"ROWS is missing", without("ROWS"), []string{"ROWS does not exist"}},
		{"the catalogue is missing", without("KV_products"), []string{"KV_products does not exist"}},
		{"the keys are missing", without("KV_managers"), []string{"KV_managers does not exist"}},
		{"the job ids are missing", without("KV_jobs"), []string{"KV_jobs does not exist"}},
		{"all but one are missing", without("LICENSES", "ROWS", "KV_jobs", "KV_managers"),
			[]string{"ROWS does not", "LICENSES does not", "KV_managers does not", "KV_jobs does not"}},
		{"a stream of a version without marks is missing", both(without("KV_products"), unmarked), []string{"KV_products does not exist"}},
		{"streams of a version without marks", unmarked, nil},
		{"the saved mappings are missing", without("KV_mappings"), []string{"KV_mappings does not exist"}},
		{"a version without marks had no saved mappings", both(without("KV_mappings"), unmarked), nil},
		{"nothing was ever there", func(inv *inventory) { *inv = inventory{streams: nowhere()} }, nil},
		{"nothing is there, but views", func(inv *inventory) { *inv = inventory{streams: nowhere(), claims: inv.claims} },
			[]string{"ROWS does not", "LICENSES does not", "KV_managers does not", "KV_products does not", "KV_jobs does not"}},
		{"views without an event say nothing", func(inv *inventory) { *inv = inventory{streams: nowhere(), claims: []Claim{{"views", 0}}} }, nil},
		{"creating them was interrupted", both(without("ROWS", "KV_jobs"), unmarked, unused), nil},
		{"marking them was interrupted", onlyOneLists, nil},
		{"a bucket of a later version is not there yet", both(without("KV_products"), listed("ROWS LICENSES KV_jobs KV_managers")), nil},
		{"LICENSES was cut", ends("LICENSES", 60), []string{"LICENSES ends at sequence 60, although the views hold events up to 120"}},
		{"LICENSES is empty", ends("LICENSES", 0), []string{"LICENSES ends at sequence 0"}},
		{"ROWS is empty", both(ends("ROWS", 0), func(inv *inventory) { inv.sealed = true }), []string{"ROWS is empty"}},
		{"ROWS is empty, and no import was sealed", ends("ROWS", 0), nil},
		{"KV_jobs is empty", both(ends("KV_jobs", 0), func(inv *inventory) { inv.sealed = true }), []string{"KV_jobs is empty"}},
		{"LICENSES of another log", marked("LICENSES", "other"), []string{"LICENSES is another one"}},
		{"KV_managers made by hand", marked("KV_managers", ""), []string{"KV_managers is another one"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inv := wholeInventory()
			test.change(&inv)
			got := inv.losses()
			if !slices.EqualFunc(got, test.want, strings.Contains) {
				t.Errorf("lost: %q, want %q", got, test.want)
			}
		})
	}
}

func nowhere() (all []found) {
	for _, name := range streamNames() {
		all = append(all, found{name: name})
	}
	return all
}

// wholeInventory is that of a log in use, from which nothing is lost.
func wholeInventory() inventory {
	inv := inventory{streams: nowhere(), claims: []Claim{{"the views", 120}}}
	for i := range inv.streams {
		inv.streams[i].exists = true
		inv.streams[i].state = State{Last: 120, Messages: 120}
		inv.streams[i].config.Metadata = map[string]string{storeMark: "this", streamsMark: strings.Join(streamNames(), " ")}
	}
	return inv
}

func both(changes ...func(*inventory)) func(*inventory) {
	return func(inv *inventory) {
		for _, change := range changes {
			change(inv)
		}
	}
}

// each changes the named streams.
func each(names []string, change func(*found)) func(*inventory) {
	return func(inv *inventory) {
		for i := range inv.streams {
			if slices.Contains(names, inv.streams[i].name) {
				change(&inv.streams[i])
			}
		}
	}
}

func without(names ...string) func(*inventory) {
	return each(names, func(s *found) { *s = found{name: s.name} })
}

func ends(name string, last events.Seq) func(*inventory) {
	return each([]string{name}, func(s *found) { s.state.Last = last })
}

// marked gives one stream another identity; "": no marks.
func marked(name, store string) func(*inventory) {
	return each([]string{name}, func(s *found) {
		s.config.Metadata = map[string]string{storeMark: store, streamsMark: s.config.Metadata[streamsMark]}
		if store == "" {
			s.config.Metadata = nil
		}
	})
}

func listed(list string) func(*inventory) {
	return each(streamNames(), func(s *found) {
		if s.exists {
			s.config.Metadata = map[string]string{storeMark: "this", streamsMark: list}
		}
	})
}

func unmarked(inv *inventory) {
	each(streamNames(), func(s *found) { s.config.Metadata = nil })(inv)
}

func unused(inv *inventory) {
	inv.claims = nil
	each(streamNames(), func(s *found) { s.state = State{} })(inv)
}

func onlyOneLists(inv *inventory) {
	each(streamNames()[1:], func(s *found) { s.config.Metadata = map[string]string{storeMark: "this"} })(inv)
}

// TestALostStreamIsNotCreated deletes each stream of a log in use, then opens the log again.
func TestALostStreamIsNotCreated(t *testing.T) {
	t.Parallel()
	for _, name := range streamNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := openHere(t)
			if err := log.js.DeleteStream(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			config := Config{Server: log.server}
			_, err := Open(t.Context(), config)
			var loss *LossError
			if !errors.As(err, &loss) || !strings.Contains(err.Error(), name+" does not exist") {
				t.Fatalf("opened without %s: %v", name, err)
			}
			if _, err := log.js.Stream(t.Context(), name); !errors.Is(err, jetstream.ErrStreamNotFound) {
				t.Fatalf("%s was created: %v", name, err)
			}
			config.AcceptLoss = true
			again, err := Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			again.Close()
			config.AcceptLoss = false
			if again, err = Open(t.Context(), config); err != nil {
				t.Fatalf("after the loss was accepted: %v", err)
			}
			again.Close()
		})
	}
}

// TestReadersCreateNothing opens an empty server for reading only.
func TestReadersCreateNothing(t *testing.T) {
	t.Parallel()
	server, err := StartServer(ServerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	if _, err := Open(t.Context(), Config{Server: server, Existing: true}); !errors.Is(err, ErrNoStreams) {
		t.Fatalf("an empty server: %v", err)
	}
	log, err := Attach(t.Context(), Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if info, err := log.js.AccountInfo(t.Context()); err != nil || info.Streams != 0 {
		t.Errorf("%d streams, %v", info.Streams, err)
	}
	claims := []Claim{{Source: "the views", Last: 7}}
	_, err = Open(t.Context(), Config{Server: server, Claims: claims})
	if _, lost := errors.AsType[*LossError](err); !lost || !strings.Contains(err.Error(), "the views (events up to sequence 7)") {
		t.Errorf("an empty server beside views: %v", err)
	}
}

// A log of an earlier version lacks streams of this one. A reader creates none, and does not say that there is no log.
func TestReadersOfAnEarlierLog(t *testing.T) {
	t.Parallel()
	server, err := StartServer(ServerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	log, err := Attach(t.Context(), Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for _, s := range specs() {
		if s.name == BucketStream(Mappings) {
			continue
		}
		if err := s.create(t.Context(), log.js, nil, 1); err != nil {
			t.Fatal(err)
		}
	}
	_, err = Open(t.Context(), Config{Server: server, Existing: true})
	if err == nil || errors.Is(err, ErrNoStreams) || !strings.Contains(err.Error(), "no stream KV_mappings yet") {
		t.Errorf("a reader: %v", err)
	}
	if _, err := log.js.Stream(t.Context(), BucketStream(Mappings)); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("the reader has created a stream: %v", err)
	}
}

// TestStreamsWithoutMarksAreAdopted opens streams as an earlier version left them, several times at
// once.
func TestStreamsWithoutMarksAreAdopted(t *testing.T) {
	t.Parallel()
	log := openHere(t)
	unmark(t, log)
	openAtOnce(t, log.server)
	inv, err := log.inspect(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	if store, named := inv.marks(); len(named) != len(streamNames()) || store == "" {
		t.Errorf("marked as %q with %v", store, named)
	}
}

// unmark takes the marks off, as an earlier version leaves the streams.
func unmark(t *testing.T, log *Log) {
	t.Helper()
	for _, name := range streamNames() {
		stream, err := log.js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		config := stream.CachedInfo().Config
		config.Metadata = nil
		if _, err := log.js.UpdateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRolesCreateTheStreamsTogether: of several processes that start at once on an empty server,
// none takes the others' unfinished work for a loss.
func TestRolesCreateTheStreamsTogether(t *testing.T) {
	t.Parallel()
	server, err := StartServer(ServerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	openAtOnce(t, server)
}

func openAtOnce(t *testing.T, server *Server) {
	t.Helper()
	results := make(chan error)
	for range 4 {
		go func() {
			log, err := Open(t.Context(), Config{Server: server})
			if err == nil {
				log.Close()
			}
			results <- err
		}()
	}
	for range 4 {
		select {
		case err := <-results:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("not opened")
		}
	}
}

// TestAClockThatWasSetBackLosesNothing: it is told from a loss, and how far it is behind is known.
func TestAClockThatWasSetBackLosesNothing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for ahead, want := range map[time.Duration]time.Duration{-time.Hour: 0, time.Second: 0, 48 * time.Hour: 48 * time.Hour} {
		inv := wholeInventory()
		inv.now = now
		each([]string{"ROWS"}, func(s *found) { s.lastTime = now.Add(ahead) })(&inv)
		if got, lost := inv.clockBehind(), inv.losses(); got != want || len(lost) > 0 {
			t.Errorf("newest message %s ahead: behind %s, want %s; lost %q", ahead, got, want, lost)
		}
	}
}
