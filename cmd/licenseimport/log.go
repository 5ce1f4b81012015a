package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/internal/backup"
	"licenseimport/projector"
)

// logFlags select the event log that a command works on.
type logFlags struct {
	dataFlag
	NatsURL string `name:"nats-url" group:"nats" placeholder:"URL" help:"A NATS server; may hold user and password. Default: the one of the data directory."`
	natsFlags
}

// mustExist fails where the data directory holds nothing: most likely its name is
// misspelt.
func (c *logFlags) mustExist() error {
	if c.NatsURL == "" && !holdsData(c.Data) {
		return nothingIn(c.Data, "a NATS server by --nats-url")
	}
	return nil
}

// nothingIn is the error of a command that needs what a data directory holds, and finds nothing there.
func nothingIn(dir, other string) error {
	if _, err := os.Stat(filepath.Join(dir, eventlog.RecordFile)); errors.Is(err, fs.ErrPermission) {
		return explainDenied(dir, err)
	}
	if err := backup.CheckRestored(dir); err != nil {
		return err
	}
	return fmt.Errorf("there is nothing in the data directory %s: name another by --data, or %s", dir, other)
}

// holdsData reports whether a data directory holds, or held, streams.
func holdsData(dir string) bool {
	return exists(filepath.Join(dir, "nats")) || exists(filepath.Join(dir, eventlog.RecordFile))
}

// withExisting is withLog for commands that need existing data. It creates no stream.
func (c *logFlags) withExisting(ctx context.Context, f func(*eventlog.Log) error) error {
	if err := c.mustExist(); err != nil {
		return err
	}
	return c.open(ctx, true, f)
}

// withLog opens the log: of the NATS server named by --nats-url, else of the server that
// holds the data directory, else of the directory itself, without a port. It creates the
// streams on a server that is new.
func (c *logFlags) withLog(ctx context.Context, f func(*eventlog.Log) error) error {
	return c.open(ctx, false, f)
}

func (c *logFlags) open(ctx context.Context, existing bool, f func(*eventlog.Log) error) error {
	config := c.natsFlags.config(c.NatsURL, c.Data)
	if c.NatsURL == "" {
		by, held, err := eventlog.LockOwner(c.Data)
		if err != nil {
			return explainDenied(c.Data, err)
		}
		if held && by.NATS == "" {
			return explainHeld(&eventlog.LockedError{Dir: c.Data, Owner: by})
		}
		config = c.natsFlags.config(by.NATS, c.Data)
	}
	if config.URL == "" {
		if err := refuseRoot(c.Data); err != nil {
			return err
		}
		claims, err := projector.Held(c.Data)
		if err != nil {
			return explainDenied(c.Data, err)
		}
		server, err := startServer(eventlog.ServerConfig{Dir: c.Data, Claims: claims})
		if err != nil {
			return err
		}
		defer server.Shutdown()
		config.Server, config.Claims = server, claims
	}
	config.Name = "licenseimport"
	config.CrossCheck, config.Existing = true, existing
	log, err := openWithTimeout(ctx, config)
	if errors.Is(err, eventlog.ErrNoStreams) {
		return fmt.Errorf("%w here: name another data directory by --data, or a NATS server by --nats-url", err)
	}
	_, lost := errors.AsType[*eventlog.LossError](err)
	if err != nil && !lost && !errors.Is(err, eventlog.ErrUntrusted) && c.NatsURL == "" && config.URL != "" {
		return fmt.Errorf("%w (where it wants a password: --nats-url nats://USER:PASSWORD@%s; where it has TLS: --nats-ca FILE)", err, strings.TrimPrefix(config.URL, "nats://"))
	}
	if err != nil {
		return err
	}
	defer log.Close()
	return f(log)
}

// openTimeout is how long such a command waits for NATS.
const openTimeout = 15 * time.Second

func openWithTimeout(ctx context.Context, config eventlog.Config) (*eventlog.Log, error) {
	within, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	log, err := eventlog.Open(within, config)
	err = explainRefused(err)
	if errors.Is(err, fs.ErrNotExist) && config.TokenFile != "" && !exists(config.TokenFile) { // not of --nats-ca
		return nil, fmt.Errorf("%w: the NATS server makes it at its first start; --nats-token-file names it", err)
	}
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("no answer from NATS at %s: is it running there?", withoutPassword(config.URL))
	}
	return log, err
}
