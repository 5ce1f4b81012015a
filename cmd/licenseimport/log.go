package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"licenseimport/events/eventlog"
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
	if c.NatsURL == "" && !exists(filepath.Join(c.Data, "nats")) {
		return fmt.Errorf("there is nothing in the data directory %s: name another by --data, or a NATS server by --nats-url", c.Data)
	}
	return nil
}

// withExisting is withLog for commands that need existing data.
func (c *logFlags) withExisting(ctx context.Context, f func(*eventlog.Log) error) error {
	if err := c.mustExist(); err != nil {
		return err
	}
	return c.withLog(ctx, f)
}

// withLog opens the log: of the NATS server named by --nats-url, else of the server that
// holds the data directory, else of the directory itself, without a port.
func (c *logFlags) withLog(ctx context.Context, f func(*eventlog.Log) error) error {
	config := c.natsFlags.config(c.NatsURL)
	config.Name = "licenseimport"
	if c.NatsURL == "" {
		by, held, err := eventlog.LockOwner(c.Data)
		if err != nil {
			return err
		}
		if held && by.NATS == "" {
			return explainHeld(&eventlog.LockedError{Dir: c.Data, Owner: by})
		}
		config.URL = by.NATS
	}
	if config.URL == "" {
		server, err := startServer(eventlog.ServerConfig{Dir: c.Data})
		if err != nil {
			return err
		}
		defer server.Shutdown()
		config.Server = server
	}
	log, err := openWithTimeout(ctx, config)
	if err != nil && c.NatsURL == "" && config.URL != "" {
		return fmt.Errorf("%w (where it wants a password: --nats-url nats://USER:PASSWORD@%s)", err, strings.TrimPrefix(config.URL, "nats://"))
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
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("no answer from NATS at %s: is it running there?", withoutPassword(config.URL))
	}
	return log, err
}
