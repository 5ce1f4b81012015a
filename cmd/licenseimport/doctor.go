package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"licenseimport/events/eventlog"
	"licenseimport/projector"
)

// doctorCommand checks a deployment. The checks stand in doctor_*.go.
type doctorCommand struct {
	JSON     bool     `name:"json" help:"Print the findings as JSON, and nothing else."`
	MinFree  size     `group:"limits" default:"1GiB" placeholder:"SIZE" help:"Free space that the data directory's disk should have: more than --min-free of the server (256MiB), so that it is known before uploads are refused. Default: 1GiB."`
	Stalled  timespan `group:"limits" default:"5m" placeholder:"TIME" help:"How long an import or an upload may stand still. Default: 5m."`
	Server   string   `group:"where" placeholder:"URL" help:"A server to ask whether it is ready. Default: the one that holds the data directory."`
	ServerCA string   `name:"server-ca" group:"where" placeholder:"FILE" help:"Certificates (PEM) that the server's is checked against. Default: those of this machine."`
	adminFlag
	logFlags
}

// Help is what --help tells beside the flags.
func (doctorCommand) Help() string {
	return `Looks, and changes nothing: the data directory, its disk and its keys; NATS, its version and clock; streams and replicas; imports and uploads that stand still; whether a server is ready.

Examples:
  licenseimport doctor
  licenseimport doctor --nats-url nats://nats-1:4222 --server https://licenses.example.com
  licenseimport doctor --json

Exit status: 0 when there is no problem, though perhaps a warning; 1 else.`
}

// The levels of a finding.
const (
	fine    = "ok"
	warning = "warning"
	problem = "problem"
)

// A finding is the result of one check.
type finding struct {
	Check   string `json:"check"`
	Status  string `json:"status"` // ok, warning or problem
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"` // what to do; empty where all is well
}

// A diagnosis collects findings.
type diagnosis struct {
	*doctorCommand
	findings []finding

	owner eventlog.LockInfo // of the data directory
	held  bool
	idle  bool // no server runs: doctor has opened the data directory itself
}

func (d *diagnosis) ok(check, format string, a ...any) {
	d.findings = append(d.findings, finding{Check: check, Status: fine, Message: fmt.Sprintf(format, a...)})
}

func (d *diagnosis) warn(check, advice, format string, a ...any) {
	d.findings = append(d.findings, finding{Check: check, Status: warning, Message: fmt.Sprintf(format, a...), Advice: advice})
}

func (d *diagnosis) problem(check, advice, format string, a ...any) {
	d.findings = append(d.findings, finding{Check: check, Status: problem, Message: fmt.Sprintf(format, a...), Advice: advice})
}

// worst returns the worst status of all findings.
func (d *diagnosis) worst() string {
	rank := map[string]int{fine: 0, warning: 1, problem: 2}
	worst := fine
	for _, f := range d.findings {
		if rank[f.Status] > rank[worst] {
			worst = f.Status
		}
	}
	return worst
}

// Run looks at everything that can be reached.
func (c *doctorCommand) Run(ctx context.Context, t *terminal) error {
	d := &diagnosis{doctorCommand: c}
	if exists(c.Data) || c.NatsURL == "" && c.Server == "" {
		d.dataDir()
	}
	d.nats(ctx)
	d.server(ctx)
	if ctx.Err() != nil {
		return errors.New("stopped before the end")
	}
	if err := d.print(t); err != nil {
		return err
	}
	if d.worst() == problem {
		return exitStatus(1)
	}
	return nil
}

func (d *diagnosis) print(t *terminal) error {
	if d.JSON {
		encoder := json.NewEncoder(t.out)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(map[string]any{"status": d.worst(), "checks": d.findings})
	}
	out := newTable(t.out, "Check", "Status", "Finding")
	out.SetColumnConfigs([]table.ColumnConfig{{Number: 3, WidthMax: 100, WidthMaxEnforcer: text.WrapSoft}})
	for _, f := range d.findings {
		message := f.Message + "."
		if f.Advice != "" {
			message += " " + f.Advice + "."
		}
		out.AppendRow([]any{f.Check, f.Status, printable(message)})
	}
	out.Render()
	return nil
}

// nats connects to the log and checks it.
func (d *diagnosis) nats(ctx context.Context) {
	config := d.natsFlags.config(d.NatsURL, d.Data)
	switch {
	case d.NatsURL != "":
	case d.held && d.owner.NATS == "":
		d.warn("NATS", "Run doctor again when that process has ended", "it can only be reached within process %d", d.owner.PID)
		return
	case d.held:
		config = d.natsFlags.config(d.owner.NATS, d.Data)
	case !holdsData(d.Data):
		return // dataDir has reported it
	default:
		d.idle = true
		if err := refuseRoot(d.Data); err != nil {
			d.problem("NATS", "Then doctor looks into the streams, too", "%v", err)
			return
		}
		claims, err := projector.Held(d.Data)
		if err != nil {
			d.problem("views", "Stop the process that has them open, then run doctor again", "%v", err)
			return
		}
		server, err := startServer(eventlog.ServerConfig{Dir: d.Data, Claims: claims})
		if d.lost(err) {
			return
		}
		if err != nil {
			advice := "Start the server and read its log"
			if errors.Is(err, fs.ErrPermission) {
				advice = "Then run doctor again"
			}
			d.problem("NATS", advice, "the embedded server does not start: %v", err)
			return
		}
		defer server.Shutdown()
		config.Server, config.Claims = server, claims
	}
	config.Name = "licenseimport doctor"
	log, err := eventlog.Attach(ctx, config)
	if errors.Is(err, eventlog.ErrUntrusted) {
		d.problem("NATS", "Name its issuer by --nats-ca", "%s: %v", withoutPassword(config.URL), err)
		return
	}
	if err != nil {
		d.problem("NATS", "See whether it runs, whether a firewall is between, and whether --nats-url names the right user and password, or --nats-token-file the right token", "no answer from %s: %v", withoutPassword(config.URL), err)
		return
	}
	defer log.Close()
	d.log(ctx, log, config)
}

// server checks whether the server is ready. Without a server it verifies the views.
func (d *diagnosis) server(ctx context.Context) {
	base := d.Server
	if base == "" && d.held {
		base = d.owner.HTTP
	}
	if base == "" {
		if d.idle {
			d.idleViews()
		}
		return
	}
	base, err := baseURL(base)
	if err != nil {
		d.problem("server", "Name it in that form", "%v", err)
		return
	}
	resp, err := d.ask(ctx, base, "/readyz")
	if err != nil {
		d.problem("server", "See whether it runs and whether the address is right", "%v", err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		d.ok("server", "%s is ready: all that runs in this process can do its work", base)
		d.serverViews(ctx, base)
	} else {
		d.problem("server", "Wait where it has just started; otherwise its log says more", "%s: %s", base, strings.TrimSuffix(readProblem(resp).Error(), "."))
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		d.clock("server clock", time.Until(date.Add(time.Second/2))) // the header has whole seconds
	}
}

// serverViews checks the size of the views that a server has open, if its metrics tell.
func (d *diagnosis) serverViews(ctx context.Context, base string) {
	resp, err := d.ask(ctx, base, "/metrics")
	if err != nil {
		return // its readiness was just answered
	}
	defer resp.Body.Close()
	values := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] = n
		}
	}
	d.viewsSize(uint64(values["licenseimport_views_bytes"]), uint64(values["licenseimport_views_free_bytes"]))
}

// ownerServesAPI reports whether the process that holds the data directory answers the API: serve does, a role alone
// does not.
func (d *diagnosis) ownerServesAPI(ctx context.Context) bool {
	if !d.held || d.owner.HTTP == "" {
		return false
	}
	resp, err := d.ask(ctx, d.owner.HTTP, "/api/v1/me/")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusUnauthorized
}

func (d *diagnosis) ask(ctx context.Context, base, path string) (*http.Response, error) {
	transport, err := (&clientFlags{ServerCA: d.ServerCA}).transport()
	if err != nil {
		return nil, err
	}
	transport.DisableKeepAlives = true // for the only request
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Transport: transport, Timeout: 2 * probeTimeout}).Do(r)
	if err != nil {
		return nil, (&client{base: base}).unreachable(ctx, err)
	}
	return resp, nil
}

func (d *diagnosis) idleViews() {
	usage, err := projector.Verify(d.Data)
	if err != nil {
		d.warn("views", "They are rebuilt at the next start, or by: "+d.command("rebuild"), "%v", err)
		return
	}
	n, err := projector.CountHeld(d.Data)
	switch {
	case errors.Is(err, os.ErrNotExist):
		d.ok("views", "there are none; they are folded at the next start")
	case err != nil:
		d.warn("views", "Run doctor again when no other process has them open", "%v", err)
	default:
		d.ok("views", "their checksums are right; they hold %s", plural(uint64(n), "license", "licenses"))
		d.viewsSize(uint64(usage.Size), uint64(usage.Free))
	}
}

// viewsSize says when a new file of views would have half of the size.
func (d *diagnosis) viewsSize(size, free uint64) {
	if !projector.Wasteful(int64(size), int64(free)) {
		return
	}
	d.warn("views' size", "A server that runs makes a smaller file within minutes, or its log says why not; without a server: "+d.command("rebuild"),
		"%s of the %s of views.bolt hold nothing: the file grew while something read it for long", formatBytes(free), formatBytes(size))
}

// command is a command line that works on the same data directory.
func (d *diagnosis) command(words ...string) string {
	if d.NatsURL == "" {
		words = append(words, d.dataFlag.again()...)
	}
	return command(words)
}

// lost reports a loss as a problem; false for any other error.
func (d *diagnosis) lost(err error) bool {
	loss, lost := errors.AsType[*eventlog.LossError](err)
	if lost {
		d.problem("streams", "Put back what is missing; or restore a backup into a new data directory: licenseimport restore DIR --data NEW; or go on without it: "+d.command("serve", "--accept-loss")+", which first sets the views aside under another name", "%v", loss)
	}
	return lost
}

// maxClockSkew bounds the difference between two clocks.
const maxClockSkew = 2 * time.Second

func (d *diagnosis) clock(check string, ahead time.Duration) {
	if ahead.Abs() <= maxClockSkew {
		d.ok(check, "it agrees with this machine's")
		return
	}
	d.warn(check, "Set both by NTP: times in results would mislead, and uploads could be taken for abandoned", "it differs from this machine's by %s", ahead.Round(time.Second))
}

// isPrivate reports whether only the owner has access to a file or directory.
func isPrivate(info os.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 }
