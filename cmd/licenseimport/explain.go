package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"

	"licenseimport/events/eventlog"
)

// startServer starts the embedded NATS server, on a data folder that only this
// user can read, or says in plain words what is in the way.
func startServer(c eventlog.ServerConfig) (*eventlog.Server, error) {
	if err := makeDataFolder(c.Dir); err != nil {
		return nil, err
	}
	server, err := eventlog.StartServer(c)
	if err == nil {
		return server, nil
	}
	if held, ok := errors.AsType[*eventlog.HeldError](err); ok {
		return nil, explainHeld(held)
	}
	if errors.Is(err, eventlog.ErrUnprotected) {
		return nil, err
	}
	if c.Port > 0 && taken(net.JoinHostPort(c.Host, strconv.Itoa(c.Port))) {
		return nil, fmt.Errorf("port %d, on which NATS would listen, is taken by another program: choose another by --nats-port, -1 for any free one, or use the NATS server that runs there by --nats-url nats://%s:%d", c.Port, c.Host, c.Port)
	}
	return nil, err
}

func makeDataFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", err)
	}
	return nil
}

func explainHeld(held *eventlog.HeldError) error {
	if held.By.HTTP == "" && held.By.NATS == "" {
		return fmt.Errorf("%w, such as an import that ends by itself: try again then, or choose another folder by --data", held)
	}
	return fmt.Errorf("%w: stop that one first, or choose another folder by --data", held)
}

// explainListen says what to do about an address that cannot be listened on.
func explainListen(addr, flag string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("the address %s is taken by another program: choose another by %s", addr, flag)
	}
	return err
}

// taken reports whether another program listens on the address.
func taken(addr string) bool {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE)
	}
	listener.Close()
	return false
}

// withoutPassword is a list of NATS addresses as it may be shown.
func withoutPassword(urls string) string {
	all := strings.Split(urls, ",")
	for i, one := range all {
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil && u.User != nil {
			u.User = nil
			all[i] = u.String()
		}
	}
	return strings.Join(all, ",")
}
