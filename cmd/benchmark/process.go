package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"

	"licenseimport/internal/freeport"
)

const adminKey = "benchmark"

// figures are the wall time and CPU time of one run.
type figures struct{ wall, cpu time.Duration }

// A process is one running role, or serve, which has all of them.
type process struct {
	cmd  *exec.Cmd
	http string // base URL; "": none
	nats string // URL of its NATS server, with the token; "": none
	done bool
}

// start runs one role with the benchmark's key.
func start(ctx context.Context, program string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "LICENSEIMPORT_ADMIN_KEY="+adminKey, "LICENSEIMPORT_LOG_LEVEL=warn")
	cmd.Stderr = os.Stderr
	return &process{cmd: cmd}, cmd.Start()
}

// serve runs all roles on a data directory, and returns when they are ready.
func serve(ctx context.Context, program, dir string, args ...string) (*process, error) {
	address, port := freeport.Address(), strconv.Itoa(freeport.Port())
	p, err := start(ctx, program, append(args, "serve", "--data", dir, "--http", address, "--nats-port", port)...)
	if err != nil {
		return nil, err
	}
	p.http = "http://" + address
	if err = waitReady(ctx, p.http); err == nil {
		p.nats, err = withToken("nats://127.0.0.1:"+port, dir)
	}
	if err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

// stop ends a process in order and waits for it.
func (p *process) stop() error {
	if p.done {
		return nil
	}
	p.done = true
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.AfterFunc(time.Minute, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	return p.cmd.Wait()
}

// kill kills a process, for errors. After stop it does nothing.
func (p *process) kill() {
	if !p.done {
		p.done = true
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// cpu returns a running process's user and system CPU time so far.
func (p *process) cpu() (time.Duration, error) {
	proc, err := procfs.NewProc(p.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	stat, err := proc.Stat()
	return time.Duration(stat.CPUTime() * float64(time.Second)), err
}

// peak returns a running process's peak RSS, in bytes.
func (p *process) peak() (int64, error) {
	proc, err := procfs.NewProc(p.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	status, err := proc.NewStatus()
	return int64(status.VmHWM), err
}

// measure runs work and returns its wall time and the process's CPU time meanwhile.
func (p *process) measure(work func() error) (figures, error) {
	before, err := p.cpu()
	if err != nil {
		return figures{}, err
	}
	began := time.Now()
	if err := work(); err != nil {
		return figures{}, err
	}
	wall := time.Since(began)
	after, err := p.cpu()
	return figures{wall, after - before}, err
}

// settle waits until the server has done what it does after an answer, such as writing its views.
func (p *process) settle(ctx context.Context) error {
	for range 60 {
		f, err := p.measure(func() error {
			time.Sleep(250 * time.Millisecond)
			return ctx.Err()
		})
		if err != nil || f.cpu < 20*time.Millisecond {
			return err
		}
	}
	return errors.New("the server is still busy, 15 seconds after its answer")
}

// importFile imports a file and measures it.
func (p *process) importFile(ctx context.Context, file string) (figures, error) {
	return p.importWith(ctx, "", file)
}

// importWith is importFile with query parameters.
func (p *process) importWith(ctx context.Context, query, file string) (figures, error) {
	return p.measure(func() error { return importFile(ctx, p.http, query, file) })
}

// withToken returns the URL of the NATS server that holds a data directory, with its token.
func withToken(url, dir string) (string, error) {
	token, err := os.ReadFile(filepath.Join(dir, "nats.token"))
	return strings.Replace(url, "nats://", "nats://"+strings.TrimSpace(string(token))+"@", 1), err
}

// sizeOf returns the size of a file, or of all files below a directory, in bytes.
func sizeOf(path string) (int64, error) {
	var sum int64
	err := filepath.Walk(path, func(at string, info os.FileInfo, err error) error {
		if at != path && errors.Is(err, fs.ErrNotExist) {
			return nil // it was replaced meanwhile
		}
		if err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
