package main

import (
	"context"
	"errors"
	"fmt"
	"licenseimport/internal/freeport"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// roles are processes of one role each, and their NATS server.
type roles struct {
	nats                *process
	ingests, processors []*process
	projector           *process // nil: none
}

// startRoles starts processes on a data directory and waits until they are ready.
func startRoles(ctx context.Context, program, dir string, ingests, processors int, projector bool) (*roles, error) {
	port := strconv.Itoa(freeport.Port())
	url := "nats://127.0.0.1:" + port
	r := &roles{}
	var err error
	if r.nats, err = startRole(ctx, program, "nats", "--data", dir, "--nats-port", port, "--profile", dir); err != nil {
		return nil, err
	}
	begin := func(args ...string) (*process, error) {
		return startRole(ctx, program, append(args, "--nats-url", url, "--nats-token-file", filepath.Join(dir, "nats.token"))...)
	}
	for range ingests {
		if err != nil {
			break
		}
		var p *process
		p, err = begin("ingest")
		r.ingests = appendRole(r.ingests, p)
	}
	for range processors {
		if err != nil {
			break
		}
		var p *process
		p, err = begin("processor")
		r.processors = appendRole(r.processors, p)
	}
	if projector && err == nil {
		r.projector, err = begin("projector", "--data", dir)
	}
	if err != nil {
		r.kill()
		return nil, err
	}
	return r, nil
}

func appendRole(all []*process, p *process) []*process {
	if p == nil {
		return all
	}
	return append(all, p)
}

func startRole(ctx context.Context, program string, args ...string) (*process, error) {
	address := freeport.Address()
	p, err := start(ctx, program, append(args, "--http", address)...)
	if err != nil {
		return nil, err
	}
	p.http = "http://" + address
	if err := waitReady(ctx, p.http); err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// all returns the processes in the order in which they stop.
func (r *roles) all() []*process {
	all := append(append([]*process{}, r.ingests...), r.processors...)
	if r.projector != nil {
		all = append(all, r.projector)
	}
	return append(all, r.nats)
}

func (r *roles) stop() error {
	var errs []error
	for _, p := range r.all() {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}

func (r *roles) kill() {
	for _, p := range r.all() {
		p.kill()
	}
}

// roleCosts holds the duration of concurrent imports and the CPU time of each role.
type roleCosts struct {
	wall                               time.Duration
	nats, ingest, processor, projector time.Duration
	leader                             time.Duration // of the stream LICENSES; included in nats
}

func (s roleCosts) cpu() time.Duration { return s.nats + s.ingest + s.processor + s.projector }

// concurrentJobs is how many imports run at once.
const concurrentJobs = 4

// multiprocess measures concurrent imports with each role in a separate process: two
// ingests and four processors against one of each.
func (b *bench) multiprocess(ctx context.Context) ([]line, error) {
	rows := b.rows(100_000)
	var one, many []roleCosts
	for range b.runs {
		s, err := b.concurrentImports(ctx, rows, 1, 1)
		if err != nil {
			return nil, err
		}
		one = append(one, s)
		if s, err = b.concurrentImports(ctx, rows, 2, 4); err != nil {
			return nil, err
		}
		many = append(many, s)
	}
	rate := func(all []roleCosts) float64 {
		return float64(concurrentJobs*rows) / median(all, func(s roleCosts) time.Duration { return s.wall }).Seconds()
	}
	leader := median(many, func(s roleCosts) time.Duration { return s.leader })
	return []line{{
		what: fmt.Sprintf("4 processors and 2 ingests on an external NATS, %d jobs of %d rows at once", concurrentJobs, rows), measure: "rows/s ÷ one of each",
		value: fmt.Sprintf("%.2f", rate(many)/rate(one)),
		details: fmt.Sprintf("%s and %s thousand rows/s. CPU s a million rows: %s; with one of each: %s. The leader of LICENSES, one goroutine: %.1f, so with more cores %s thousand rows/s at most",
			thousands(rate(many)), thousands(rate(one)), byRole(many, concurrentJobs*rows), byRole(one, concurrentJobs*rows),
			leader.Seconds()/float64(concurrentJobs*rows)*1e6, thousands(float64(concurrentJobs*rows)/leader.Seconds())),
	}}, nil
}

// byRole formats CPU seconds a million rows by role, and the number of busy cores.
func byRole(all []roleCosts, rows int) string {
	each := func(name string, value func(roleCosts) time.Duration) string {
		return fmt.Sprintf("%s %.1f", name, median(all, value).Seconds()/float64(rows)*1e6)
	}
	cores := median(all, func(s roleCosts) float64 { return s.cpu().Seconds() / s.wall.Seconds() })
	return strings.Join([]string{
		each("nats", func(s roleCosts) time.Duration { return s.nats }),
		each("ingest", func(s roleCosts) time.Duration { return s.ingest }),
		each("processor", func(s roleCosts) time.Duration { return s.processor }),
		each("projector", func(s roleCosts) time.Duration { return s.projector }),
	}, ", ") + fmt.Sprintf(" (%.2f cores busy)", cores)
}

// concurrentImports imports concurrentJobs files at once and waits for all of them.
func (b *bench) concurrentImports(ctx context.Context, rows, ingests, processors int) (roleCosts, error) {
	dir, err := b.newDir()
	if err != nil {
		return roleCosts{}, err
	}
	defer os.RemoveAll(dir)
	var files []string
	for i := range concurrentJobs {
		file, err := b.file(shape{rows: rows, seed: uint64(i + 1)})
		if err != nil {
			return roleCosts{}, err
		}
		files = append(files, file)
	}
	r, err := startRoles(ctx, b.program, dir, ingests, processors, true)
	if err != nil {
		return roleCosts{}, err
	}
	defer r.kill()
	before, err := r.used()
	if err != nil {
		return roleCosts{}, err
	}
	began := time.Now()
	if err := r.importAll(ctx, files); err != nil {
		return roleCosts{}, err
	}
	wall := time.Since(began)
	after, err := r.used()
	if err != nil {
		return roleCosts{}, err
	}
	if err := r.stop(); err != nil {
		return roleCosts{}, err
	}
	leader, err := leaderCPU(filepath.Join(dir, "cpu.pprof"), "LICENSES")
	return roleCosts{
		wall: wall, leader: leader,
		nats: after.nats - before.nats, ingest: after.ingest - before.ingest,
		processor: after.processor - before.processor, projector: after.projector - before.projector,
	}, err
}

// leaderCPU returns the CPU time of a stream's leader: the one goroutine of the NATS
// server that appends to the stream. The server labels it in profiles.
func leaderCPU(path, stream string) (time.Duration, error) {
	p, err := readProfile(path)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, sample := range p.Sample {
		if sample.HasLabel("stream", stream) && len(sample.Label["consumer"]) == 0 {
			sum += sample.Value[len(sample.Value)-1]
		}
	}
	return time.Duration(sum), nil
}

// importAll sends each file to one of the ingests.
func (r *roles) importAll(ctx context.Context, files []string) error {
	errs := make([]error, len(files))
	var all sync.WaitGroup
	for i, file := range files {
		all.Go(func() {
			job, err := uploadFile(ctx, r.ingests[i%len(r.ingests)].http, "", file)
			if err == nil {
				err = waitForSuccess(ctx, r.projector.http, job, watchInterval)
			}
			errs[i] = err
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// used returns the CPU time of each role's processes so far.
func (r *roles) used() (roleCosts, error) {
	var s roleCosts
	var errs []error
	add := func(to *time.Duration, processes ...*process) {
		for _, p := range processes {
			cpu, err := p.cpu()
			errs = append(errs, err)
			*to += cpu
		}
	}
	add(&s.nats, r.nats)
	add(&s.ingest, r.ingests...)
	add(&s.processor, r.processors...)
	add(&s.projector, r.projector)
	return s, errors.Join(errs...)
}
