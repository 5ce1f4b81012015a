package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/ingest"
	"licenseimport/internal/access"
	"licenseimport/internal/admin"
	"licenseimport/internal/fsx"
	"licenseimport/internal/gctuner"
	"licenseimport/internal/httpx"
	"licenseimport/internal/workbook"
	"licenseimport/processor"
	"licenseimport/projector"
	"licenseimport/projector/readapi"
)

// A role is one service of the system that a process can run.
type role struct {
	name string
	log  bool // it needs the streams
	api  bool // it answers clients, and so needs to know who calls
	// make builds the role's component from a node that has what the role needs.
	make func(ctx context.Context, n *node) (component, error)
}

// A component is a role as it runs in a process. Each function may be nil.
type component struct {
	ready func(context.Context) error // returns why the component is not ready
	run   func(context.Context) error // works in the background until the context ends
	// finish completes work in flight, at most until the context ends. The whole
	// process still runs; run's context ends later.
	finish func(context.Context) error
	close  func() error // is called last
}

// roles is the one table of roles, in the order of their start. They stop in the
// reverse order.
var roles = []role{
	{name: "nats", make: makeNATS},
	{name: "projector", log: true, api: true, make: makeProjector},
	{name: "processor", log: true, make: makeProcessor},
	{name: "ingest", log: true, api: true, make: makeIngest},
}

// Sets of roles that commands run: all, and those needed for reading.
var (
	allRoles  = roleNames()
	readRoles = []string{"nats", "projector"}
)

func roleNames() (names []string) {
	for _, r := range roles {
		names = append(names, r.name)
	}
	return names
}

func has(names []string, name string) bool { return slices.Contains(names, name) }

// makeNATS starts the embedded server on the data directory. The server's subject
// index dominates the heap, so the GC tuner runs with it.
func makeNATS(_ context.Context, n *node) (component, error) {
	config := *n.settings.embedded
	alone := len(n.settings.roles) == 1
	config.Record = alone    // with others, the log has to open first
	config.MoveRows = !alone // the ingest of an earlier version may be connected to one that is alone
	var err error
	if config.Claims, err = n.claims(); err != nil {
		return component{}, err
	}
	if has(n.settings.roles, "projector") {
		config.BeforeStart = n.beginViews
	}
	server, err := startServer(config)
	if n.accepts(err) {
		config.AcceptLoss = true
		server, err = startServer(config)
	}
	if err != nil {
		return component{}, err
	}
	n.server = server
	if e := n.settings.embedded; e.Wide() && e.TLSCert == "" {
		slog.Warn("NATS can be reached from other machines without TLS: the network can read its password or token, and every row",
			"what_to_do", "give it a certificate: --nats-tls-cert and --nats-tls-key")
	}
	return component{
		ready: func(context.Context) error { return server.CheckFreeSpace() },
		run:   tuneGC,
		close: func() error { server.Shutdown(); return nil },
	}, nil
}

// tuneGC bounds the heap, unless the operator has set GOGC or GOMEMLIMIT.
func tuneGC(ctx context.Context) error {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		return gctuner.Watch(ctx)
	}
	<-ctx.Done()
	return nil
}

// raisedProcs is Go's default, the number of cores, plus one.
var raisedProcs = runtime.GOMAXPROCS(0) + 1

// raiseGOMAXPROCS lowers the latency of requests while an import keeps all cores
// busy. With all Ps busy, the scheduler polls the network only every 10 ms.
//
//	p99 of polls during an import   28 → 19 ms
//	duration of the import          × 1.07
//
// An operator's GOMAXPROCS stays as it is.
func raiseGOMAXPROCS() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(raisedProcs)
	}
}

func makeProjector(ctx context.Context, n *node) (component, error) {
	if err := makeDataDir(n.settings.data); err != nil {
		return component{}, err
	}
	if n.views == nil {
		n.beginViews()
	}
	p, err := n.views.Finish(ctx, n.log)
	if n.accepts(err) {
		if err := n.log.RedeliverJobs(ctx); err != nil {
			return component{}, err
		}
		p, err = projector.Open(ctx, n.settings.data, n.log)
	}
	if err != nil {
		return component{}, err
	}
	readapi.New(p, processor.OpenCatalogue(n.log)).Register(n.router, n.auth)
	n.metrics.Views(p)
	return component{ready: p.Ready, run: p.Run, close: p.Close}, nil
}

// beginViews begins to open the views of the data directory, again after a loss that was accepted.
func (n *node) beginViews() {
	n.closeViews()
	n.views = projector.BeginOpen(n.settings.data)
}

// closeViews closes what beginViews has opened, unless the role projector has it.
func (n *node) closeViews() {
	if n.views != nil {
		n.views.Close()
		n.views = nil
	}
}

func makeProcessor(_ context.Context, n *node) (component, error) {
	p := processor.New(n.log, processor.Config{Concurrency: n.settings.concurrency, Observer: n.metrics.Processor()})
	ready := func(ctx context.Context) error { return errors.Join(p.Ready(), n.log.ProcessorsReady(ctx)) }
	return component{ready: ready, run: p.Run}, nil
}

func makeIngest(_ context.Context, n *node) (component, error) {
	limits := n.settings.limits
	temp, err := n.tempDir()
	if err != nil {
		return component{}, err
	}
	in := ingest.New(n.log, ingest.Config{
		MaxFile: int64(limits.MaxFileSize), MaxRows: int(limits.MaxRows), MaxRow: int(limits.MaxRowSize), MaxColumns: int(limits.MaxColumns),
		MaxUploads: int(limits.MaxUploads), SlowBytes: int64(limits.MinUpload), SlowWindow: time.Duration(limits.MinUploadTime),
		Retention: time.Duration(limits.RowsRetention), Abandoned: time.Duration(limits.AbandonedAfter),
		MaxWorkbook: int64(limits.MaxWorkbookSize), TempDir: temp, MinFree: n.minFree(),
		Observer: n.metrics.Ingest(),
	})
	n.metrics.Uploads(in)
	in.Register(n.router, n.auth)
	n.auth.RegisterSessions(n.router, access.OpenSessions(n.log))
	audit := openAudit(n.log)
	catalogue := processor.OpenCatalogue(n.log)
	admin.New(admin.Config{
		Audit: audit, Keys: n.keys, Uses: access.OpenUses(n.log), CheckProduct: processor.CheckProduct,
		Catalogue: func(manager string) admin.Catalogue { return catalogue.As(manager) },
	}).Register(n.router, n.auth)
	if n.settings.projectorURL != "" {
		forward, err := ingest.ProxyTo(n.settings.projectorURL)
		if err != nil {
			return component{}, err
		}
		n.router.Fallback("/api/", forward)
	}
	return component{run: together(in.RunJanitor, audit.Run), finish: in.Shutdown}, nil
}

// together runs both until ctx ends. An error of one ends the other.
func together(one, other func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			defer cancel()
			ended <- other(ctx)
		}()
		err := one(ctx)
		cancel()
		return errors.Join(err, <-ended)
	}
}

// openAudit returns the audit log of all that admins manage. It makes no request.
func openAudit(log *eventlog.Log) *admin.Audit {
	return admin.NewAudit(log, access.Recorded(log), processor.OpenCatalogue(log), ingest.RecordedMappings(log))
}

// tempDir returns the directory for the temporary files of workbooks: one in the data directory, without
// what a killed process has left there, or "" for the system's.
func (n *node) tempDir() (string, error) {
	if n.settings.data == "" {
		return "", nil
	}
	dir := filepath.Join(n.settings.data, "tmp")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return dir, fsx.RemoveTemp(dir, workbook.TempPrefix)
}

// minFree is the free space that temporary files leave on the disk.
func (n *node) minFree() int64 {
	if n.settings.embedded != nil {
		return n.settings.embedded.MinFree
	}
	return minFree
}

// settings configure the roles of one process.
type settings struct {
	roles []string
	data  string

	http     httpx.ServerConfig // no address and no listener: no HTTP
	external httpx.External
	embedded *eventlog.ServerConfig
	nats     eventlog.Config // where the server is not embedded

	limits       limitFlags // zero values are the defaults
	rate         float64
	concurrency  int
	adminKey     string // from the environment
	makeAdminKey bool   // make an admin key in the data directory, if no key works
	projectorURL string
	acceptLoss   bool // go on with what is left
}
