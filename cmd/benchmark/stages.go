package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/google/pprof/profile"
)

// An owner is whose work a stack is: that of the first frame, seen from the
// innermost, whose function begins with one of the prefixes. What the Go runtime,
// the JSON library or package events do there is the owner's work.
type owner struct {
	name     string
	prefixes []string
	parts    []part // the first one with a frame in the stack; else "other"
}

// A part of an owner's work, by what occurs in the name of any frame of the stack.
type part struct {
	name   string
	frames []string
}

var jsonPart = part{"JSON", []string{"licenseimport/events.Encode", "licenseimport/events.Decode", "licenseimport/events.Append"}}

// stages is the one table of them (a point in the last element of a package's path
// is %2e in its functions' names), in the order in which a row travels.
var stages = []owner{
	{"garbage collection", []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcStart", "runtime.gcMark"}, nil},
	{"HTTP", []string{"net/http.", "licenseimport/internal/httpx", "licenseimport/internal/access"}, nil},
	{"ingest", []string{"licenseimport/ingest", "licenseimport/internal/csvfile", "mime/multipart"}, []part{
		jsonPart,
		{"CSV", []string{"licenseimport/internal/csvfile"}},
		{"hash of the file", []string{"crypto/sha256", "crypto/internal/fips140/sha256"}},
	}},
	{"processor", []string{"licenseimport/processor"}, []part{
		jsonPart,
		{"judge", []string{"processor.(*Policy).Judge"}},
	}},
	{"projector", []string{"licenseimport/projector"}, []part{
		jsonPart,
		{"fold", []string{"projector.(*batch).apply"}},
		{"sort and write", []string{"projector.(*batch).commit", "projector.(*batch).write", "projector.(*batch).flush"}},
	}},
	{"bbolt", []string{"go.etcd.io/bbolt"}, []part{
		{"commit", []string{"bbolt.(*Tx).Commit"}},
		{"put", []string{"bbolt.(*Bucket).Put"}},
		{"look up", []string{"bbolt.(*Bucket).Get", "bbolt.(*Cursor)"}},
	}},
	{"event log", []string{"licenseimport/events/eventlog"}, nil},
	{"NATS client", []string{"github.com/nats-io/nats%2ego.", "github.com/nats-io/nats.go/", "github.com/synadia-io/orbit.go/", "github.com/nats-io/nuid"}, []part{
		{"publish", []string{"nats%2ego.(*Conn).publish", "nats%2ego.(*Conn).PublishMsg", "nats%2ego.(*Conn).flusher", "nats%2ego.(*Msg).headerBytes"}},
		{"receive", []string{"nats%2ego.(*Conn).readLoop", "nats%2ego.(*Conn).waitForMsgs"}},
		{"hand out messages", []string{"nats.go/jetstream.(*pullSubscription)", "nats.go/jetstream.(*orderedSubscription)", "nats.go/jetstream.(*jetStreamMsg)"}},
	}},
	{"NATS server", []string{"github.com/nats-io/nats-server/v2/"}, []part{
		{"fsync", []string{"os.(*File).Sync"}},
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

// stageOf says whose work a stack is, from the names of its functions, the
// innermost first.
func stageOf(stack []string) (owner, part string) {
	for _, function := range stack {
		for _, s := range stages[:len(stages)-1] {
			if begins(function, s.prefixes) && function != "licenseimport/events" && !strings.HasPrefix(function, "licenseimport/events.") {
				return s.name, s.partOf(stack)
			}
		}
	}
	last := stages[len(stages)-1]
	if len(stack) > 0 && begins(stack[len(stack)-1], last.prefixes) {
		return last.name, ""
	}
	return rest, ""
}

func (o owner) partOf(stack []string) string {
	for _, p := range o.parts {
		for _, function := range stack {
			for _, frame := range p.frames {
				if strings.Contains(function, frame) {
					return p.name
				}
			}
		}
	}
	if len(o.parts) > 0 {
		return rest
	}
	return ""
}

func begins(function string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}

// cost is what one part of a stage took.
type cost struct {
	cpu, waiting        int64 // nanoseconds; waiting for mutexes
	allocations, memory int64 // how many, bytes
}

func (c *cost) add(other cost) {
	c.cpu += other.cpu
	c.waiting += other.waiting
	c.allocations += other.allocations
	c.memory += other.memory
}

// stagePart names a row of the table.
type stagePart struct{ stage, part string }

// costs reads the profiles of a folder and shares them out to the stages.
func costs(dir string) (map[stagePart]cost, error) {
	all := map[stagePart]cost{}
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
				c := all[stagePart{stage, part}]
				source.add(&c, sample.Value[i])
				all[stagePart{stage, part}] = c
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

// functions are the names in a sample's stack, the innermost first.
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
