package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// defaultServer is the server of a command without --server and without a data directory.
const defaultServer = "http://127.0.0.1:8080"

// clientFlags select the server of a command that needs the API.
type clientFlags struct {
	Server   string `group:"where" placeholder:"URL" help:"A server that runs, such as http://127.0.0.1:8080. Default: the one that holds the data directory; where none does, this process does the work itself."`
	Key      string `group:"where" placeholder:"KEY" help:"Your key. Default: for the data directory, the admin key in it. Better set by the environment: a command line can be read by other users."`
	AdminKey string `hidden:"" help:"The key of a server of this machine that was started with it."`
	ServerCA string `name:"server-ca" group:"where" placeholder:"FILE" help:"Certificates (PEM) that the server's is checked against. Default: those of this machine."`
	dataFlag
}

// again are the flags by which another command finds the same server or data directory. The key, a secret, is not
// repeated.
func (c *clientFlags) again() []string {
	return slices.Concat(repeated("--server", "LICENSEIMPORT_SERVER", c.Server, ""),
		repeated("--server-ca", "LICENSEIMPORT_SERVER_CA", c.ServerCA, ""), c.dataFlag.again())
}

// withServer calls f with a client of the server. Where no process holds the data
// directory, this process runs the roles meanwhile.
func (c *clientFlags) withServer(ctx context.Context, t *terminal, roles []string, f func(context.Context, *client) error) error {
	if c.Server != "" {
		return c.withURL(ctx, c.Server, f)
	}
	by, held, err := eventlog.LockOwner(c.Data)
	switch {
	case err != nil:
		return explainDenied(c.Data, err)
	case held && by.HTTP == "" && by.NATS != "":
		return fmt.Errorf("the data directory %s is in use by process %d, which has no API: if it is serve, try again when it has started; if it is the role nats, name the address of ingest by --server", c.Data, by.PID)
	case held && by.HTTP == "":
		return fmt.Errorf("the data directory %s is in use by process %d, which answers no requests: wait until it has ended, or name a server by --server", c.Data, by.PID)
	case held:
		return c.withURL(ctx, by.HTTP, f)
	default:
		return c.withInProcess(ctx, t, roles, f)
	}
}

// withExisting is withServer for commands that need what was imported before: no process makes a data
// directory for them.
func (c *clientFlags) withExisting(ctx context.Context, t *terminal, roles []string, f func(context.Context, *client) error) error {
	_, held, err := eventlog.LockOwner(c.Data)
	switch {
	case c.Server != "" || err != nil || held || holdsData(c.Data):
		return c.withServer(ctx, t, roles, f)
	case c.Key == "" && c.AdminKey == "":
		return nothingIn(c.Data, "a server by --server and your key by --key or LICENSEIMPORT_KEY")
	default:
		return c.withURL(ctx, defaultServer, f)
	}
}

// withURL calls f with a client of the server at a URL.
func (c *clientFlags) withURL(ctx context.Context, server string, f func(context.Context, *client) error) error {
	base, err := baseURL(server)
	if err != nil {
		return err
	}
	key, err := c.keyFor(base)
	if err != nil {
		return err
	}
	transport, err := c.transport()
	if err != nil {
		return err
	}
	return f(ctx, &client{base: base, key: key, http: &http.Client{Transport: transport}, remote: true, again: c.again()})
}

// keyFor returns the key for a server: --key; else the admin key in the data directory
// that this server holds; else, for a server of this machine, the admin key from the
// environment. No other server ever gets one of the last two.
func (c *clientFlags) keyFor(base string) (string, error) {
	if c.Key != "" {
		return c.Key, nil
	}
	if by, held, err := eventlog.LockOwner(c.Data); err == nil && held && sameServer(by.HTTP, base) {
		key, err := access.ReadAdminKey(adminKeyPath(c.Data))
		if !errors.Is(err, fs.ErrNotExist) {
			return key, err
		}
	}
	if c.AdminKey != "" && isLocal(base) {
		return c.AdminKey, nil
	}
	return "", fmt.Errorf("the server %s wants a key: give it by --key or LICENSEIMPORT_KEY (keys are made by: licenseimport keys create NAME)", base)
}

// sameServer compares two URLs. Loopback addresses have several names.
func sameServer(a, b string) bool {
	if a == b {
		return true
	}
	one, err1 := url.Parse(a)
	other, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && one.Scheme == other.Scheme && one.Port() == other.Port() && isLocal(a) && isLocal(b)
}

// isLocal reports whether a URL's host is a loopback address.
func isLocal(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

// withInProcess runs the roles in this process, without a port, while f works.
func (c *clientFlags) withInProcess(ctx context.Context, t *terminal, roles []string, f func(context.Context, *client) error) error {
	if err := refuseRoot(c.Data); err != nil {
		return err
	}
	pipe := newPipeListener()
	n, err := startNode(ctx, settings{
		roles: roles, data: c.Data, embedded: &eventlog.ServerConfig{Dir: c.Data, MinFree: minFree}, http: httpx.ServerConfig{Listener: pipe},
		makeAdminKey: c.Key == "" && c.AdminKey == "", adminKey: c.AdminKey,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case err := <-n.failed: // f would wait for ever
			cancel(err)
		case <-ctx.Done():
		}
	}()
	if err = n.waitUntilReady(ctx); err == nil {
		err = c.withKey(t, n, func(key string) error {
			return f(ctx, &client{base: "http://" + pipe.Addr().String(), key: key, http: pipe.client(), again: c.again()})
		})
	}
	if stopped, ok := errors.AsType[*stoppedError](context.Cause(ctx)); ok {
		err = stopped // the cause of f's error
	}
	return errors.Join(err, n.stop())
}

// withKey calls f with a key for the data directory that this process holds.
func (c *clientFlags) withKey(t *terminal, n *node, f func(key string) error) error {
	switch {
	case c.Key != "":
		return f(c.Key)
	case c.AdminKey != "":
		return f(c.AdminKey)
	case n.key == "":
		return fmt.Errorf("the data directory %s has keys, but no admin key lies in it: give your key by --key or LICENSEIMPORT_KEY", c.Data)
	case n.newKey:
		fmt.Fprintf(t.err, "The data directory %s is new. Its admin key is stored in %s.\n", c.Data, adminKeyPath(c.Data))
	}
	return f(n.key)
}

// transport returns a transport that trusts --server-ca.
func (c *clientFlags) transport() (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if c.ServerCA == "" {
		return transport, nil
	}
	pem, err := os.ReadFile(c.ServerCA)
	if err != nil {
		return nil, fmt.Errorf("--server-ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--server-ca: %s holds no certificate in PEM form", c.ServerCA)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return transport, nil
}

// baseURL checks a URL that a user typed, and removes its last slash and query.
func baseURL(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("--server %s: must be an address such as http://127.0.0.1:8080", server)
	}
	return strings.TrimSuffix(u.Scheme+"://"+u.Host+u.Path, "/"), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func adminKeyPath(data string) string { return filepath.Join(data, "admin.key") }
