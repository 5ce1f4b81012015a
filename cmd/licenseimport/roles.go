package main

import (
	"context"
	"os"
	"runtime"
	"slices"

	"licenseimport/events/eventlog"
	"licenseimport/ingest"
	"licenseimport/internal/gctuner"
	"licenseimport/internal/httpx"
	"licenseimport/processor"
	"licenseimport/projector"
	"licenseimport/projector/readapi"
)

// A role is one part of the system that a process can run.
type role struct {
	name string
	log  bool // it needs the streams
	api  bool // it answers clients, and so needs to know who calls
	// make makes the role in a process. It gets a node with what the role
	// needs, and returns what is to be done with it.
	make func(ctx context.Context, n *node) (part, error)
}

// A part is a role that runs in a process. What is nil is not needed.
type part struct {
	ready func(context.Context) error // why it is not ready
	run   func(context.Context) error // its work in the background, until the context ends
	// finish ends what was begun, for as long as the context allows; the rest
	// of the process still runs meanwhile. It comes before run's context ends.
	finish func(context.Context) error
	close  func() error // comes last
}

// roles is the one table of them, in the order in which they start; they stop
// in the opposite one.
var roles = []role{
	{name: "nats", make: makeNATS},
	{name: "projector", log: true, api: true, make: makeProjector},
	{name: "processor", log: true, make: makeProcessor},
	{name: "ingest", log: true, api: true, make: makeIngest},
}

// What commands run: everything, and what is needed to read only.
var (
	startEverything = []string{"nats", "projector", "processor", "ingest"}
	startReading    = []string{"nats", "projector"}
)

func has(names []string, name string) bool { return slices.Contains(names, name) }

// makeNATS starts the embedded server on the data folder. It is what needs memory in a process.
func makeNATS(_ context.Context, n *node) (part, error) {
	server, err := startServer(*n.settings.embedded)
	if err != nil {
		return part{}, err
	}
	n.server = server
	return part{
		ready: func(context.Context) error { return server.CheckFreeSpace() },
		run:   watchHeap,
		close: func() error { server.Shutdown(); return nil },
	}, nil
}

// watchHeap bounds the memory of the process, unless its operator has set what Go itself goes by.
func watchHeap(ctx context.Context) error {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		return gctuner.Watch(ctx)
	}
	<-ctx.Done()
	return nil
}

// procs is one more than Go would have run at once: the cores.
var procs = runtime.GOMAXPROCS(0) + 1

// lookAtSockets has requests noticed while an embedded server is busy. Go looks at sockets when it has
// nothing else to run, or each 10 ms, and while an import is decided there always is something: the slowest
// hundredth of the answers took 28 ms instead of 19, of which this is the price: an import takes
// 1.07 times as long.
func lookAtSockets() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(procs)
	}
}

func makeProjector(ctx context.Context, n *node) (part, error) {
	if err := makeDataFolder(n.settings.data); err != nil {
		return part{}, err
	}
	p, err := projector.Open(ctx, n.settings.data, n.log)
	if err != nil {
		return part{}, err
	}
	readapi.New(p).Register(n.router, n.auth)
	n.metrics.Views(p)
	return part{ready: p.Ready, run: p.Run, close: p.Close}, nil
}

func makeProcessor(_ context.Context, n *node) (part, error) {
	p := processor.New(n.log, processor.Config{Concurrency: n.settings.concurrency, Observer: n.metrics.Processor()})
	return part{ready: func(context.Context) error { return p.Ready() }, run: p.Run}, nil
}

func makeIngest(_ context.Context, n *node) (part, error) {
	limits := n.settings.limits
	in := ingest.New(n.log, ingest.Config{
		MaxFile: int64(limits.MaxFileSize), MaxRow: int(limits.MaxRowSize), MaxColumns: int(limits.MaxColumns),
		MaxUploads: int(limits.MaxUploads), SlowBytes: int64(limits.MinUpload), SlowWindow: limits.MinUploadTime,
		Retention: limits.RowsRetention, Abandoned: limits.AbandonedAfter,
		Observer: n.metrics.Ingest(),
	})
	n.metrics.Uploads(in)
	in.Register(n.router, n.auth)
	if n.settings.projectorURL != "" {
		forward, err := ingest.ProxyTo(n.settings.projectorURL)
		if err != nil {
			return part{}, err
		}
		n.router.Fallback("/api/", forward)
	}
	return part{run: in.RunJanitor, finish: in.Shutdown}, nil
}

// settings are what the roles of one process need to know.
type settings struct {
	roles []string
	data  string

	http     httpx.ServerConfig // no address and no listener: no HTTP
	embedded *eventlog.ServerConfig
	nats     eventlog.Config // where the server is not embedded

	limits       limitFlags // zero values are the defaults
	rate         float64
	concurrency  int
	adminKey     string // from the environment
	ownKey       bool   // the data folder gets an admin key of its own, where nobody has one
	projectorURL string
}
