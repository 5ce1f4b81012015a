package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/google/pprof/profile"
)

// An owner owns the stacks whose innermost matching frame begins with one of its
// prefixes. Frames of the Go runtime, the JSON library and package events match no
// owner: their cost belongs to their caller.
type owner struct {
	name       string
	prefixes   []string
	activities []activity // the first with a frame in the stack counts; none: "other"
}

// An activity is a kind of an owner's work, recognized by substrings of the names of
// a stack's frames.
type activity struct {
	name   string
	frames []string
}

var jsonActivity = activity{"JSON", []string{"licenseimport/events.Encode", "licenseimport/events.Decode", "licenseimport/events.Append"}}

// stages is the one table of owners, in the order in which a row passes them. A point
// in the last element of a package's path is %2e in its functions' names.
var stages = []owner{
	{"garbage collection", []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcStart", "runtime.gcMark"}, nil},
	{"HTTP", []string{"net/http.", "licenseimport/internal/httpx", "licenseimport/internal/access"}, nil},
	{"ingest", []string{"licenseimport/ingest", "licenseimport/internal/csvfile", "mime/multipart"}, []activity{
		jsonActivity,
		{"CSV", []string{"licenseimport/internal/csvfile"}},
		{"hash of the file", []string{"crypto/sha256", "crypto/internal/fips140/sha256"}},
	}},
	{"processor", []string{"licenseimport/processor"}, []activity{
		jsonActivity,
		{"judge", []string{"processor.(*Policy).Judge"}},
	}},
	{"projector", []string{"licenseimport/projector"}, []activity{
		jsonActivity,
		{"fold", []string{"projector.(*memtable).apply"}},
		{"sort and write", []string{"projector.(*memtable).commit", "viewstore.(*WriteTx)"}},
	}},
	{"bbolt", []string{"go.etcd.io/bbolt"}, []activity{
		{"commit", []string{"bbolt.(*Tx).Commit"}},
		{"put", []string{"bbolt.(*Bucket).Put"}},
		{"look up", []string{"bbolt.(*Bucket).Get", "bbolt.(*Cursor)"}},
	}},
	{"event log", []string{"licenseimport/events/eventlog", "licenseimport/internal/natstuning"}, []activity{
		jsonActivity,
	}},
	{"NATS client", []string{"github.com/nats-io/nats%2ego.", "github.com/nats-io/nats.go/", "github.com/synadia-io/orbit.go/", "github.com/nats-io/nuid"}, []activity{
		{"publish", []string{"nats%2ego.(*Conn).publish", "nats%2ego.(*Conn).PublishMsg", "nats%2ego.(*Conn).flusher", "nats%2ego.(*Msg).headerBytes"}},
		{"receive", []string{"nats%2ego.(*Conn).readLoop", "nats%2ego.(*Conn).waitForMsgs"}},
		{"hand out messages", []string{"nats.go/jetstream.(*pullSubscription)", "nats.go/jetstream.(*orderedSubscription)", "nats.go/jetstream.(*jetStreamMsg)"}},
	}},
	{"NATS server", []string{"github.com/nats-io/nats-server/v2/"}, []activity{
		{"fsync", []string{"os.(*File).Sync"}},
		{"direct reads", []string{"natstuning.(*Stream)."}},
		{"deliver to consumers", []string{"server.(*consumer)."}},
		{"look up", []string{"server.(*stream).processDirectGet", "server.(*stream).getDirect"}},
		{"store", []string{"server.(*fileStore).", "server.(*msgBlock)."}},
		{"stage and check batches", []string{"server.(*stream).processJetStreamAtomicBatchMsg", "server.(*stream).processJetStreamBatchMsg", "server.(*stream).processJetStreamMsg"}},
		{"read connections", []string{"server.(*client).readLoop"}},
		{"write connections", []string{"server.(*client).writeLoop", "server.(*client).flushOutbound"}},
		{"queues between its parts", []string{"server.(*stream).internalLoop"}},
	}},
	{"rest of the program", []string{"licenseimport/", "main.", "log/slog", "github.com/prometheus/"}, nil},
	{"scheduler and timers", []string{"runtime."}, nil},
}

const rest = "other"

// stageOf returns a stack's owner and activity. The stack holds function names, the
// innermost first.
func stageOf(stack []string) (owner, part string) {
	for _, function := range stack {
		for _, s := range stages[:len(stages)-1] {
			if hasAnyPrefix(function, s.prefixes) && function != "licenseimport/events" && !strings.HasPrefix(function, "licenseimport/events.") {
				return s.name, s.activityOf(stack)
			}
		}
	}
	last := stages[len(stages)-1]
	if len(stack) > 0 && hasAnyPrefix(stack[len(stack)-1], last.prefixes) {
		return last.name, ""
	}
	return rest, ""
}

func (o owner) activityOf(stack []string) string {
	for _, p := range o.activities {
		for _, function := range stack {
			for _, frame := range p.frames {
				if strings.Contains(function, frame) {
					return p.name
				}
			}
		}
	}
	if len(o.activities) > 0 {
		return rest
	}
	return ""
}

func hasAnyPrefix(function string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}

// cost is the total cost of some stacks.
type cost struct {
	cpu, waiting        int64 // nanoseconds; waiting: for mutexes
	allocations, memory int64 // number, bytes
}

func (c *cost) add(other cost) {
	c.cpu += other.cpu
	c.waiting += other.waiting
	c.allocations += other.allocations
	c.memory += other.memory
}

// stageActivity names a row of the table.
type stageActivity struct{ stage, activity string }

// costs reads the profiles in a directory and adds them up by stage and activity.
func costs(dir string) (map[stageActivity]cost, error) {
	all := map[stageActivity]cost{}
	for _, source := range []struct {
		file, value string
		add         func(*cost, int64)
	}{
		{"cpu.pprof", "cpu", func(c *cost, v int64) { c.cpu += v }},
		{"allocs.pprof", "alloc_objects", func(c *cost, v int64) { c.allocations += v }},
		{"allocs.pprof", "alloc_space", func(c *cost, v int64) { c.memory += v }},
		{"mutex.pprof", "delay", func(c *cost, v int64) { c.waiting += v }},
	} {
		p, err := readProfile(filepath.Join(dir, source.file))
		if err != nil {
			return nil, err
		}
		for i, t := range p.SampleType {
			if t.Type != source.value {
				continue
			}
			for _, sample := range p.Sample {
				stage, part := stageOf(functions(sample))
				c := all[stageActivity{stage, part}]
				source.add(&c, sample.Value[i])
				all[stageActivity{stage, part}] = c
			}
		}
	}
	return all, nil
}

func readProfile(path string) (*profile.Profile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return profile.Parse(f)
}

// functions returns the names in a sample's stack, the innermost first.
func functions(s *profile.Sample) []string {
	var names []string
	for _, location := range s.Location {
		for _, line := range location.Line {
			if line.Function != nil {
				names = append(names, line.Function.Name)
			}
		}
	}
	return names
}
