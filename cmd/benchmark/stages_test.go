package main

import "testing"

func TestStageOf(t *testing.T) {
	for _, test := range []struct {
		name        string
		stack       []string // the innermost first
		stage, part string
	}{
		{"copying in the server's store", []string{"runtime.memmove", "github.com/nats-io/nats-server/v2/server.(*msgBlock).writeMsgRecordLocked", "github.com/nats-io/nats-server/v2/server.(*stream).internalLoop"}, "NATS server", "store"},
		{"its fsync", []string{"syscall.Syscall", "os.(*File).Sync", "github.com/nats-io/nats-server/v2/server.(*msgBlock).flush"}, "NATS server", "fsync"},
		{"the client, called by the processor", []string{"runtime.mallocgc", "github.com/nats-io/nats%2ego.(*Conn).publish", "licenseimport/events/eventlog.(*Batch).Add", "licenseimport/processor.(*Processor).stage"}, "NATS client", "publish"},
		{"the client's next message", []string{"runtime.selectgo", "github.com/nats-io/nats.go/jetstream.(*pullSubscription).Next", "licenseimport/events/eventlog.(*cursor).next"}, "NATS client", "hand out messages"},
		{"the extension for batches", []string{"strconv.Itoa", "github.com/synadia-io/orbit.go/jetstreamext.(*batchPublisher).AddMsg", "main.publishBatches"}, "NATS client", "other"},
		{"JSON of the projector", []string{"encoding/json.Unmarshal", "licenseimport/events.Decode", "licenseimport/projector.decode"}, "projector", "JSON"},
		{"JSON of the processor", []string{"licenseimport/events.Encode", "licenseimport/processor.(*Processor).stage"}, "processor", "JSON"},
		{"CSV", []string{"bytes.IndexByte", "licenseimport/internal/csvfile.(*Reader).Read", "licenseimport/ingest.(*rows).next"}, "ingest", "CSV"},
		{"collecting garbage", []string{"runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker"}, "garbage collection", ""},
		{"helping to collect it", []string{"runtime.gcAssistAlloc", "runtime.mallocgc", "licenseimport/ingest.read"}, "garbage collection", ""},
		{"looking for work", []string{"runtime.futex", "runtime.findRunnable", "runtime.mcall"}, "scheduler and timers", ""},
		{"nothing known", []string{"crypto/tls.read"}, "other", ""},
	} {
		if stage, part := stageOf(test.stack); stage != test.stage || part != test.part {
			t.Errorf("%s: %q, %q; want %q, %q", test.name, stage, part, test.stage, test.part)
		}
	}
}
