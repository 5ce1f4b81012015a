package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"licenseimport/events/eventlog"
	"licenseimport/internal/httpx"
)

// Groups of flags that several commands have. Each default stands beside its flag.

// dataFlag names the directory that holds everything.
type dataFlag struct {
	Data string `group:"where" default:"./data" placeholder:"DIR" help:"Directory that holds everything: event streams, views, the admin key. Default: ./data."`
}

// again are the flags by which another command finds the same data directory. The environment says again what it has
// said.
func (f dataFlag) again() []string {
	return repeated("--data", "LICENSEIMPORT_DATA", f.Data, defaultData)
}

// repeated are a flag and its value, unless the value is the usual one or the environment has it.
func repeated(flag, variable, value, usual string) []string {
	if value == "" || value == usual || value == os.Getenv(variable) {
		return nil
	}
	return []string{flag, value}
}

// defaultData is the data directory of a command without --data.
const defaultData = "./data"

// httpFlags configure the HTTP server.
type httpFlags struct {
	HTTP    string `name:"http" group:"listen" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address for the web page and the API. Default: 127.0.0.1:8080; port 0: any free one."`
	TLSCert string `name:"tls-cert" group:"listen" placeholder:"FILE" help:"Certificate (PEM); with --tls-key the server speaks HTTPS."`
	TLSKey  string `name:"tls-key" group:"listen" placeholder:"FILE" help:"The certificate's key (PEM)."`

	PublicURL      externalURL `name:"public-url" group:"listen" placeholder:"URL" help:"Address under which clients reach this server behind a proxy, such as https://host/prefix: links begin with it."`
	TrustedProxies []network   `group:"listen" placeholder:"CIDR" help:"Proxies, such as 10.0.0.0/8,127.0.0.1, whose headers X-Forwarded-Proto, -Host and -Prefix say the same for each request. Default: none."`
}

// external says where clients reach the server.
func (f httpFlags) external() httpx.External {
	e := httpx.External{URL: string(f.PublicURL)}
	for _, n := range f.TrustedProxies {
		e.Trusted = append(e.Trusted, netip.Prefix(n))
	}
	return e
}

// externalURL is an address of this server as its clients see it, without a last slash.
type externalURL string

// UnmarshalText reads one; empty: none.
func (u *externalURL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	address, err := httpx.ParseExternalURL(string(text))
	if err != nil {
		return fmt.Errorf("%q %w", text, err)
	}
	*u = externalURL(address)
	return nil
}

// network is a range of addresses, or a single one.
type network netip.Prefix

// UnmarshalText reads one.
func (n *network) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil {
		*n = network(netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	prefix, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("%q is neither an address nor a range such as 10.0.0.0/8", text)
	}
	*n = network(prefix.Masked())
	return nil
}

// healthFlags configure the HTTP server of roles without API.
type healthFlags struct {
	HTTP string `name:"http" group:"listen" placeholder:"HOST:PORT" help:"Address for /healthz, /readyz and /metrics. Default: none of them."`
}

// adminFlag is the key from the environment.
type adminFlag struct {
	AdminKey string `placeholder:"KEY" help:"An admin key that you choose, in any form, of at least 24 characters. Better set by the environment: a command line can be read by other users."`
}

// minAdminKey is from how many characters on nobody guesses a key.
const minAdminKey = 24

// Validate refuses a key that no request can send. One that may be guessed works as it is: see warnOfShortKey.
func (f *adminFlag) Validate() error {
	if strings.TrimSpace(f.AdminKey) != f.AdminKey || strings.ContainsFunc(f.AdminKey, unicode.IsControl) {
		return fmt.Errorf("the admin key has white space around it, or a control character, which no request can send: choose another one of at least %d characters", minAdminKey)
	}
	return nil
}

func warnOfShortKey(key string) {
	if n := utf8.RuneCountInString(key); n > 0 && n < minAdminKey {
		slog.Warn("the admin key may be guessed: choose a longer one", "characters", n, "at_least", minAdminKey)
	}
}

// natsFlags configure the connection to an external NATS server. --nats-url is a flag of
// each command, since its default and meaning differ.
type natsFlags struct {
	tokenFlags
	NatsInboxPrefix string `group:"nats" placeholder:"SUBJECT" help:"Where NATS answers this process, for permissions by user. Default: _INBOX_USER for the user in --nats-url, else _INBOX."`
	NatsCreds       string `group:"nats" placeholder:"FILE" help:"Credentials file for NATS."`
	NatsCA          string `name:"nats-ca" group:"nats" placeholder:"FILE" help:"Certificates (PEM) that the NATS server's is checked against."`
	NatsCert        string `group:"nats" placeholder:"FILE" help:"Client certificate (PEM) for NATS."`
	NatsKey         string `group:"nats" placeholder:"FILE" help:"The client certificate's key (PEM)."`
	Replicas        int    `group:"nats" default:"0" placeholder:"N" enum:"0,1,3,5" help:"Replicas of new streams: 1, 3 or 5. Default: 1; use 3 on a cluster."`
}

// config returns how to connect to the server at a URL. Where that server holds the data directory,
// its token is read there. data "": the command has no data directory.
func (f natsFlags) config(url, data string) eventlog.Config {
	c := eventlog.Config{
		URL: url, Creds: f.NatsCreds, CA: f.NatsCA, Cert: f.NatsCert, Key: f.NatsKey, Replicas: f.Replicas,
		Token: f.NatsToken, TokenFile: f.NatsTokenFile, InboxPrefix: f.NatsInboxPrefix,
	}
	if c.Token == "" && c.TokenFile == "" && data != "" {
		c.TokenFile = tokenOfHolder(url, data)
	}
	return c
}

// tokenOfHolder returns the file with the token of a server that holds the data directory now, or
// "". No other server ever gets that token.
func tokenOfHolder(url, data string) string {
	by, held, err := eventlog.LockOwner(data)
	path := eventlog.TokenPath(data)
	if err != nil || !held || by.NATS == "" || !exists(path) || !sameServer(by.NATS, url) {
		return ""
	}
	return path
}

// tokenFlags name the token of a NATS server: what its clients show, and what an embedded server
// asks for.
type tokenFlags struct {
	NatsToken     string `group:"nats" placeholder:"TOKEN" help:"Token that the NATS server asks for. Default: for an embedded server one that its first start makes. Better set by --nats-token-file or by the environment: a command line can be read by other users."`
	NatsTokenFile string `group:"nats" placeholder:"FILE" help:"File with that token; a role waits until it exists. Default: nats.token in the data directory of an embedded server."`
}

// minFree is --min-free where a command has no such flag.
const minFree = 256 << 20

// embeddedFlags configure the embedded NATS server.
type embeddedFlags struct {
	NatsPort     int    `group:"nats" default:"4222" placeholder:"PORT" help:"Port of the embedded NATS server. Default: 4222; -1: any free one."`
	NatsHost     string `group:"nats" default:"127.0.0.1" placeholder:"HOST" help:"Address that it listens on. Default: 127.0.0.1; one that other machines reach needs --nats-tls-cert, or in a network that you trust --nats-password or --nats-token."`
	NatsTLSCert  string `name:"nats-tls-cert" group:"nats" placeholder:"FILE" help:"Certificate (PEM) of the embedded NATS server; with --nats-tls-key it takes connections by TLS only."`
	NatsTLSKey   string `name:"nats-tls-key" group:"nats" placeholder:"FILE" help:"The certificate's key (PEM)."`
	NatsUser     string `group:"nats" default:"licenseimport" placeholder:"NAME" help:"User that its clients have to name, where there is a password. Default: licenseimport."`
	NatsTuning   bool   `group:"nats" default:"true" negatable:"" help:"Shorten two caches of the embedded NATS server, which saves some 500 MB, and read, write and compress its streams without its protocol, which saves a quarter of the CPU and two thirds of the disk. Default: true; --nats-tuning=false or --no-nats-tuning uses the server as others do."`
	MinFree      size   `group:"limits" default:"256MiB" placeholder:"SIZE" help:"Free space of the disk below which uploads are refused, so that what was accepted can be finished. Default: 256MiB."`
	NatsPassword string `group:"nats" placeholder:"PASSWORD" help:"Password that its clients have to show, with --nats-user, instead of a token. Better set by the environment."`
}

// config returns the embedded server's configuration on a data directory. Whatever token the
// operator chose, the data directory has a copy, for the commands that use the directory.
func (f embeddedFlags) config(data string, token tokenFlags) (eventlog.ServerConfig, error) {
	c := eventlog.ServerConfig{
		Dir: data, Host: f.NatsHost, Port: f.NatsPort, MinFree: int64(f.MinFree), NoTuning: !f.NatsTuning,
		TLSCert: f.NatsTLSCert, TLSKey: f.NatsTLSKey, Token: token.NatsToken, TokenFile: eventlog.TokenPath(data),
	}
	if f.NatsPassword != "" {
		c.User, c.Password = f.NatsUser, f.NatsPassword
		return c, nil
	}
	if c.Token != "" || token.NatsTokenFile == "" || absolute(token.NatsTokenFile) == absolute(c.TokenFile) {
		return c, nil
	}
	var err error
	c.Token, err = eventlog.ReadToken(token.NatsTokenFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("--nats-token-file: there is no file %s: write a token of your choice to it, or leave the flag out and the server makes one in %s", token.NatsTokenFile, c.TokenFile)
	}
	return c, err
}

// lossFlag lets a process start although something that was stored is missing.
type lossFlag struct {
	AcceptLoss bool `group:"where" help:"Where something that was stored is missing, go on with what is left: the views are first set aside under another name, then what is missing is created. Without it such a start fails and says what is missing."`
}

// limitFlags bound uploads.
type limitFlags struct {
	MaxFileSize     size     `group:"limits" default:"4GiB" placeholder:"SIZE" help:"Largest file, unpacked; what is stored of its rows may take four times as much, at least 16MiB. Default: 4GiB."`
	MaxWorkbookSize size     `group:"limits" default:"256MiB" placeholder:"SIZE" help:"Largest Excel workbook, as it is sent; unpacked it may take sixteen times as much, and no more than --max-file-size. Default: 256MiB."`
	MaxRows         count    `group:"limits" default:"20000000" placeholder:"N" help:"Most rows of a file. Default: 20000000."`
	MaxRowSize      size     `group:"limits" default:"256KiB" placeholder:"SIZE" help:"Longest row; a longer one is rejected alone. Default: 256KiB."`
	MaxColumns      count    `group:"limits" default:"200" placeholder:"N" help:"Most columns of a file. Default: 200."`
	MaxUploads      count    `group:"limits" default:"16" placeholder:"N" help:"Most uploads at once. What one manager has beyond half of them is not counted against the others, so half as many again may go on. Default: 16."`
	MinUpload       size     `name:"min-upload" group:"limits" default:"64KiB" placeholder:"SIZE" help:"What a client has to send in each --min-upload-time, or the upload is given up. Default: 64KiB."`
	MinUploadTime   timespan `group:"limits" default:"60s" placeholder:"TIME" help:"See --min-upload. Default: 60s."`
	RowsRetention   timespan `group:"limits" default:"168h" placeholder:"TIME" help:"How long the uploaded rows of an import stay after its end; those of an upload that was not sealed are purged at once. Default: 168h."`
	AbandonedAfter  timespan `group:"limits" default:"2m" placeholder:"TIME" help:"How long an upload may give no sign of life, neither a row nor a response of its process, before another process ends its import. Default: 2m."`
}

type rateFlag struct {
	Rate rate `group:"limits" default:"0" placeholder:"N" help:"Requests a second that each key may make. Default: any number."`
}

type concurrencyFlag struct {
	Concurrency count `group:"limits" default:"4" placeholder:"N" help:"Imports that are worked on at a time. What one manager has beyond half of them is not counted against the others, so half as many again may be. Default: 4."`
}

// count is a number of 1 or more.
type count int

// UnmarshalText reads one.
func (c *count) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 31)
	if err != nil || n == 0 {
		return fmt.Errorf("%q is not a whole number from 1 on", text)
	}
	*c = count(n)
	return nil
}

// timespan is a time of more than 0. A limit of 0 or less is a mistake, not the default.
type timespan time.Duration

// UnmarshalText reads one as Go writes it. It has no days: not each has 24 hours.
func (s *timespan) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is not a time above 0 in hours, minutes and seconds, such as 168h, 30m or 1m30s", text)
	}
	*s = timespan(d)
	return nil
}

// rate is a number of requests a second; 0: any.
type rate float64

// UnmarshalText reads one.
func (r *rate) UnmarshalText(text []byte) error {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(f >= 0) || math.IsInf(f, 0) {
		return fmt.Errorf("%q is not a number of requests a second, such as 20 or 0.5", text)
	}
	*r = rate(f)
	return nil
}

// size is a number of bytes, written with a unit.
type size int64

var units = []struct {
	name  string
	shift int
}{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}, {"B", 0}}

// UnmarshalText reads a size of at least one byte. A number without unit is an error: who writes 4
// for a largest file rarely means 4 bytes.
func (s *size) UnmarshalText(text []byte) error {
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && n > 0 {
		bytes := fmt.Sprintf("%d bytes", n)
		if n == 4 {
			bytes = "four bytes"
		}
		return fmt.Errorf("%d is %s: write %dGiB or %dB", n, bytes, n, n)
	}
	for _, u := range units {
		digits, ok := strings.CutSuffix(string(text), u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 1 || n > 1<<62>>u.shift {
			break
		}
		*s = size(n << u.shift)
		return nil
	}
	return fmt.Errorf("%q is not a size such as 4GiB, 256KiB or 1000B", text)
}
