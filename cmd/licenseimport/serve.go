package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"

	"licenseimport/internal/httpx"
)

// The commands that run until they are stopped. Each runs some roles of the table and
// differs from the others in its flags only.

// remoteFlags are the flags of a role that needs an external NATS server.
type remoteFlags struct {
	NatsURL string `name:"nats-url" group:"nats" default:"nats://127.0.0.1:4222" placeholder:"URL" help:"The NATS server, or several separated by commas; may hold user and password. It is waited for. Default: nats://127.0.0.1:4222."`
	natsFlags
	lossFlag
}

type serveCommand struct {
	dataFlag
	httpFlags
	NatsURL string `name:"nats-url" group:"nats" placeholder:"URL" help:"Use this NATS server or cluster instead of the embedded server."`
	natsFlags
	embeddedFlags
	lossFlag
	limitFlags
	rateFlag
	concurrencyFlag
	adminFlag
}

// Help is what --help tells beside the flags.
func (serveCommand) Help() string {
	return `One process with all roles and an embedded NATS server. The first start makes an admin key and stores it in the data directory (admin.key); a terminal shows it, this once.

Examples:
  licenseimport serve
  licenseimport serve --http :8443 --tls-cert cert.pem --tls-key key.pem --data /var/lib/licenseimport
  licenseimport serve --nats-url nats://nats-1:4222,nats://nats-2:4222 --replicas 3

Ctrl-C or SIGTERM stops it in order: uploads in flight get up to 30 seconds. A second one stops it at once.`
}

// Run serves.
func (c *serveCommand) Run(ctx context.Context, t *terminal) error {
	s := settings{
		roles: allRoles, data: c.Data, http: c.httpFlags.config(), external: c.external(), limits: c.limitFlags,
		rate: float64(c.Rate), concurrency: int(c.Concurrency), adminKey: c.AdminKey,
		makeAdminKey: c.AdminKey == "", acceptLoss: c.AcceptLoss,
	}
	if c.NatsURL != "" {
		s.roles, s.nats = allRoles[1:], c.natsFlags.config(c.NatsURL, c.Data)
	} else {
		embedded, err := c.embeddedFlags.config(c.Data, c.tokenFlags)
		if err != nil {
			return err
		}
		s.embedded = &embedded
	}
	return runNode(ctx, t, s)
}

// printTokenPath prints where the token is that clients of the embedded NATS server show.
func printTokenPath(w io.Writer, n *node) {
	if e := n.settings.embedded; n.server != nil && e.Port != 0 && e.User == "" {
		fmt.Fprintf(w, "  Token of NATS in %s\n", e.TokenFile)
	}
}

// printKey prints where the admin key is, and on a terminal the key itself at the first start. What is no
// terminal may end up in a log.
func printKey(w io.Writer, n *node, onTerminal bool) {
	path := adminKeyPath(n.settings.data)
	switch {
	case n.newKey && onTerminal:
		fmt.Fprintf(w, "\n  Your admin key, printed only this once and stored in %s:\n\n    %s\n\n", path, n.key)
	case n.key != "":
		fmt.Fprintf(w, "  Admin key     in %s\n", path)
	}
}

type natsCommand struct {
	dataFlag
	healthFlags
	embeddedFlags
	lossFlag
	tokenFlags
}

// Help is what --help tells beside the flags.
func (natsCommand) Help() string {
	return `For running each role as a separate process on one machine. On several machines, a NATS cluster takes its place.

Examples:
  licenseimport nats --data ./data
  licenseimport nats --nats-host 0.0.0.0 --nats-tls-cert cert.pem --nats-tls-key key.pem

Its clients have to show the token in the file nats.token of the data directory: give each role --nats-token-file.`
}

// Run serves.
func (c *natsCommand) Run(ctx context.Context, t *terminal) error {
	embedded, err := c.embeddedFlags.config(c.Data, c.tokenFlags)
	if err != nil {
		return err
	}
	return runNode(ctx, t, settings{
		roles: []string{"nats"}, data: c.Data, http: httpx.ServerConfig{Addr: c.HTTP}, embedded: &embedded,
		acceptLoss: c.AcceptLoss,
	})
}

type ingestCommand struct {
	httpFlags
	remoteFlags
	ProjectorURL string `name:"projector-url" group:"listen" placeholder:"URL" help:"Where the role projector answers: reads are forwarded to it, so that clients need only this address."`
	limitFlags
	rateFlag
	adminFlag
}

// Help is what --help tells beside the flags.
func (ingestCommand) Help() string {
	return `Takes uploads and stores every row; any number may run.

Example:
  licenseimport ingest --http 127.0.0.1:8080 --projector-url http://127.0.0.1:8081 --nats-token-file ./data/nats.token`
}

// Run serves.
func (c *ingestCommand) Run(ctx context.Context, t *terminal) error {
	return runNode(ctx, t, settings{
		roles: []string{"ingest"}, http: c.httpFlags.config(), external: c.external(), nats: c.natsFlags.config(c.NatsURL, ""),
		limits: c.limitFlags, rate: float64(c.Rate), adminKey: c.AdminKey, projectorURL: c.ProjectorURL,
		acceptLoss: c.AcceptLoss,
	})
}

type processorCommand struct {
	healthFlags
	remoteFlags
	concurrencyFlag
}

// Help is what --help tells beside the flags.
func (processorCommand) Help() string {
	return `Checks each row and imports its license; any number may run, and each may be killed at any time.

Example:
  licenseimport processor --nats-url nats://127.0.0.1:4222 --nats-token-file ./data/nats.token`
}

// Run serves.
func (c *processorCommand) Run(ctx context.Context, t *terminal) error {
	return runNode(ctx, t, settings{
		roles: []string{"processor"}, http: httpx.ServerConfig{Addr: c.HTTP},
		nats: c.natsFlags.config(c.NatsURL, ""), concurrency: int(c.Concurrency),
		acceptLoss: c.AcceptLoss,
	})
}

// loopback is where the role ingest of this machine forwards reads from. It describes in headers
// which address its client used, so the projector trusts it unless --trusted-proxies is set.
var loopback = []network{network(netip.MustParsePrefix("127.0.0.0/8")), network(netip.MustParsePrefix("::1/128"))}

type projectorCommand struct {
	dataFlag
	httpFlags
	remoteFlags
	rateFlag
	adminFlag
}

// Help is what --help tells beside the flags.
func (projectorCommand) Help() string {
	return `Folds the events into views and answers every read. Each has its own data directory, whose views it can always rebuild from the events.
Links in its answers begin with the address that the role ingest was asked at: it is trusted to say so on this machine, elsewhere by --trusted-proxies.

Example:
  licenseimport projector --http 127.0.0.1:8081 --data ./data`
}

// Run serves.
func (c *projectorCommand) Run(ctx context.Context, t *terminal) error {
	if c.TrustedProxies == nil {
		c.TrustedProxies = loopback
	}
	return runNode(ctx, t, settings{
		roles: []string{"projector"}, data: c.Data, http: c.httpFlags.config(), external: c.external(),
		nats: c.natsFlags.config(c.NatsURL, c.Data), rate: float64(c.Rate), adminKey: c.AdminKey,
		acceptLoss: c.AcceptLoss,
	})
}

func (f httpFlags) config() httpx.ServerConfig {
	return httpx.ServerConfig{Addr: f.HTTP, TLSCert: f.TLSCert, TLSKey: f.TLSKey}
}

// runNode runs the roles until ctx ends or serving fails, then stops them in order. The
// end of ctx is not an error.
func runNode(ctx context.Context, t *terminal, s settings) error {
	n, err := startNode(ctx, s)
	if errors.Is(err, errStoppedStarting) { // SIGTERM is how a role ends, also one that waits for NATS
		slog.Info("stopped while starting")
		return nil
	}
	if err != nil {
		return err
	}
	if err := n.announce(); err != nil {
		return errors.Join(err, n.stop())
	}
	n.tellStarted(t)
	err = n.wait(ctx)
	slog.Info("stopping")
	return errors.Join(err, n.stop())
}

// tellStarted says what runs where: to people on standard output, and in one line of the log, in its format. Where
// one terminal shows both, the text for people is enough.
func (n *node) tellStarted(t *terminal) {
	onTerminal := isTerminal(t.out)
	if t.jsonLog || !onTerminal || !isTerminal(t.err) {
		n.logStarted()
	}
	printAddresses(t.out, n)
	printTokenPath(t.out, n)
	printKey(t.out, n, onTerminal)
}

// printAddresses prints the addresses of the process.
func printAddresses(w io.Writer, n *node) {
	name, at := "licenseimport", ""
	if len(n.settings.roles) == 1 {
		name += " " + n.settings.roles[0]
	}
	if n.http != nil && n.auth != nil {
		at = "; open " + n.http.URL()
	}
	fmt.Fprintf(w, "%s is running%s (Ctrl-C to stop)\n", name, at)
	fmt.Fprintf(w, "  Version       %s\n", buildInfo().Version)
	if n.http != nil {
		fmt.Fprintf(w, "  HTTP          %s\n", n.http.URL())
	}
	if n.server != nil {
		fmt.Fprintf(w, "  NATS          %s\n", n.server.URL())
	} else if url := n.settings.nats.URL; url != "" {
		fmt.Fprintf(w, "  uses NATS at  %s\n", withoutPassword(url))
	}
	if n.settings.data != "" {
		fmt.Fprintf(w, "  Data dir      %s\n", absolute(n.settings.data))
	}
}

// logStarted logs, in one line, what runs where.
func (n *node) logStarted() {
	attributes := []any{"version", buildInfo().name(), "roles", strings.Join(n.settings.roles, ",")}
	if n.http != nil {
		attributes = append(attributes, "http", n.http.URL())
	}
	if n.server != nil {
		attributes = append(attributes, "nats", n.server.URL())
	} else if url := n.settings.nats.URL; url != "" {
		attributes = append(attributes, "nats", withoutPassword(url))
	}
	if n.settings.data != "" {
		attributes = append(attributes, "data", absolute(n.settings.data))
	}
	if n.key != "" {
		attributes = append(attributes, "admin_key_file", absolute(adminKeyPath(n.settings.data)))
	}
	slog.Info("started", attributes...)
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
