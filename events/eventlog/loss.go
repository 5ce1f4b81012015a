package eventlog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// A LossError says that something is missing that was stored: a stream or its content. Nothing was
// created and nothing deleted.
type LossError struct {
	Lost []string // what is missing, and how that is known
	Left []string // what is still there
}

func (e *LossError) Error() string {
	left := "nothing"
	if len(e.Left) > 0 {
		left = strings.Join(e.Left, "; ")
	}
	return fmt.Sprintf("something that was stored is missing: %s. What is left: %s. Nothing was created and nothing deleted",
		strings.Join(e.Lost, "; "), left)
}

// ErrNoStreams says that there is no log, and that nothing indicates that there ever was one.
var ErrNoStreams = errors.New("there are no streams of licenseimport")

// A Claim is what a source outside of NATS says of the stream LICENSES: it held an event at a
// sequence. Views are such a source.
type Claim struct {
	Source string // such as "the views data/views.bolt"
	Last   events.Seq
}

func (c Claim) any() bool { return c.Last > 0 }

// The marks are metadata of every stream. They tell the streams of one log from those of another,
// and each stream names all of them. So a stream that is missing is known from any other one.
const (
	storeMark   = "licenseimport.store"   // the log's identity: when its LICENSES was created
	streamsMark = "licenseimport.streams" // all of its streams, separated by spaces; written when all of them exist
)

// newerThanMarks is the stream that no version without marks had: where no stream names any, that one
// never existed.
var newerThanMarks = BucketStream(Mappings)

// A found is what a server says of one of the log's streams.
type found struct {
	name     string
	exists   bool
	config   jetstream.StreamConfig
	state    State
	lastTime time.Time // of its last message
}

func (f found) store() string     { return f.config.Metadata[storeMark] }
func (f found) streams() []string { return strings.Fields(f.config.Metadata[streamsMark]) }

// An inventory is all evidence of what a log holds and held.
type inventory struct {
	streams []found // in the order of [streamNames]
	claims  []Claim
	sealed  bool      // LICENSES has an ImportSealed, so KV_jobs and ROWS had messages: see [Config.CrossCheck]
	now     time.Time // by the server's clock
}

// losses is the decision whether anything is lost: it says what is. If nothing is, the streams that
// do not exist never did, and may be created.
//
//	a stream                           is lost if
//	does not exist                     another one names it; or none names any, one has been used, and a version without marks had it
//	exists                             the others are marked as one log, and it is not of that log
//	LICENSES ends at a sequence        a claim is beyond it
//	ROWS never had a message           an import is sealed: its rows are stored before that
//	KV_jobs never had a message        an import is sealed: its id is a revision there
func (inv inventory) losses() (lost []string) {
	store, named := inv.marks()
	for _, s := range inv.streams {
		switch {
		case !s.exists && (named[s.name] || len(named) == 0 && inv.used() && s.name != newerThanMarks):
			lost = append(lost, fmt.Sprintf("the stream %s does not exist", s.name))
		case s.exists && len(named) > 0 && s.store() != store:
			lost = append(lost, fmt.Sprintf("the stream %s is another one, made at %s: it does not belong to the other streams",
				s.name, s.state.Created.UTC().Format(time.DateTime)))
		}
	}
	licenses := inv.stream(events.LicensesStream)
	for _, c := range inv.claims {
		if licenses.exists && licenses.state.Last < c.Last {
			lost = append(lost, fmt.Sprintf("the stream %s ends at sequence %d, although %s hold events up to %d",
				licenses.name, licenses.state.Last, c.Source, c.Last))
		}
	}
	for _, name := range []string{events.RowsStream, BucketStream(Jobs)} {
		if s := inv.stream(name); inv.sealed && s.exists && s.state.Last == 0 {
			lost = append(lost, fmt.Sprintf("the stream %s is empty, although %s holds imports that used it", name, licenses.name))
		}
	}
	return lost
}

// left describes what holds something.
func (inv inventory) left() (left []string) {
	for _, s := range inv.streams {
		if s.exists && s.state.Last > 0 {
			left = append(left, fmt.Sprintf("%s (%d messages, up to sequence %d)", s.name, s.state.Messages, s.state.Last))
		}
	}
	for _, c := range inv.claims {
		if c.Last > 0 {
			left = append(left, fmt.Sprintf("%s (events up to sequence %d)", c.Source, c.Last))
		}
	}
	return left
}

// marks returns the identity that most of the marked streams have, and the streams that they name.
func (inv inventory) marks() (store string, named map[string]bool) {
	count := map[string]int{}
	for _, s := range inv.streams {
		if len(s.streams()) > 0 {
			count[s.store()]++
		}
	}
	for candidate, n := range count {
		if n > count[store] || n == count[store] && candidate > store {
			store = candidate
		}
	}
	named = map[string]bool{}
	for _, s := range inv.streams {
		if s.store() != store {
			continue
		}
		for _, name := range s.streams() {
			named[name] = true
		}
	}
	return store, named
}

// used reports whether anything holds, or held, a message.
func (inv inventory) used() bool {
	return slices.ContainsFunc(inv.streams, func(s found) bool { return s.state.Last > 0 }) ||
		slices.ContainsFunc(inv.claims, Claim.any)
}

func (inv inventory) stream(name string) found {
	i := slices.IndexFunc(inv.streams, func(s found) bool { return s.name == name })
	if i < 0 {
		return found{name: name}
	}
	return inv.streams[i]
}

// missing are the streams that do not exist.
func (inv inventory) missing() (names []string) {
	for _, s := range inv.streams {
		if !s.exists {
			names = append(names, s.name)
		}
	}
	return names
}

// newest is the time of the newest message of all streams.
func (inv inventory) newest() (t time.Time) {
	for _, s := range inv.streams {
		if s.lastTime.After(t) {
			t = s.lastTime
		}
	}
	return t
}
