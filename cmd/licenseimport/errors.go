package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"licenseimport/events/eventlog"
	"licenseimport/internal/backup"
)

// startServer starts the embedded NATS server on a data directory that only this user
// can read. Its errors say what the user can do.
func startServer(c eventlog.ServerConfig) (*eventlog.Server, error) {
	if err := makeDataDir(c.Dir); err != nil {
		return nil, err
	}
	if err := backup.CheckRestored(c.Dir); err != nil {
		return nil, err
	}
	server, err := eventlog.StartServer(c)
	if err == nil {
		return server, nil
	}
	if held, ok := errors.AsType[*eventlog.LockedError](err); ok {
		return nil, explainHeld(held)
	}
	if errors.Is(err, eventlog.ErrUnprotected) {
		return nil, fmt.Errorf("%w: give it a certificate by --nats-tls-cert and --nats-tls-key, or, in a network that you trust, a secret by --nats-password or --nats-token", err)
	}
	if c.Port > 0 && portInUse(net.JoinHostPort(c.Host, strconv.Itoa(c.Port))) {
		return nil, fmt.Errorf("port %d, on which NATS would listen, is taken by another program: choose another by --nats-port, -1 for any free one, or use the NATS server that runs there by --nats-url nats://%s:%d", c.Port, c.Host, c.Port)
	}
	return nil, explainDenied(c.Dir, err)
}

// explainUsage turns an error of the parser into one that names the help to read.
func explainUsage(err error) error {
	text, command := err.Error(), "licenseimport"
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context.Selected() != nil {
		command = parse.Context.Selected().FullPath()
	}
	if argument, ok := strings.CutPrefix(text, `expected "<`); ok {
		text = strings.TrimRight(argument, `>"`) + " is missing"
	}
	text = strings.Replace(text, `one of "",`, "one of ", 1) // to leave it out needs no flag
	if !strings.HasSuffix(text, "?") {
		text += "."
	}
	return fmt.Errorf("%s Run %q for usage", text, command+" --help")
}

// apiParameters matches the API's parameters that are flags of import.
var apiParameters = regexp.MustCompile(`\b(unknown_columns|encoding|delimiter)=([a-z0-9-]+)`)

// apiInBrackets and apiUpload match the API's parameters with a header of the file, which may hold any character.
var (
	apiInBrackets = regexp.MustCompile(`\((map|ignore)=(.+?)\)([,;.]|$)`)
	apiUpload     = regexp.MustCompile(`\bupload with map=.+?:[a-z_]+`)
)

// apiMappings matches the API's parameters of a mapping, whose values may hold any character.
var apiMappings = regexp.MustCompile(`(^|[ (])(mapping|map|set|ignore|value|date_format|sheet)=(: | )?`)

// apiFilters matches the API's parameters where a message names them as such: most are flags.
var apiFilters = regexp.MustCompile(`\bQuery parameter ([a-z_]+)`)

// apiMappingList matches the address of the saved mappings.
var apiMappingList = regexp.MustCompile(`\S*/api/v1/import-mappings/ lists`)

// inFlags replaces the API's parameters in a message by the flags of the command line.
func inFlags(message string) string {
	message = apiMappingList.ReplaceAllLiteralString(message, command([]string{"mappings"})+" lists")
	message = apiFilters.ReplaceAllStringFunc(message, func(said string) string {
		_, name, _ := strings.Cut(said, "parameter ")
		return "--" + strings.NewReplacer("__", "-", "_", "-").Replace(name)
	})
	message = apiInBrackets.ReplaceAllStringFunc(message, func(said string) string {
		part := apiInBrackets.FindStringSubmatch(said)
		return "(--" + part[1] + " " + shellQuoted(part[2]) + ")" + part[3]
	})
	message = apiUpload.ReplaceAllStringFunc(message, func(said string) string {
		return "upload with --map " + shellQuoted(strings.TrimPrefix(said, "upload with map="))
	})
	message = apiMappings.ReplaceAllStringFunc(message, func(said string) string {
		name, after, _ := strings.Cut(said, "=")
		bare := strings.TrimLeft(name, " (")
		return strings.TrimSuffix(name, bare) + "--" + strings.ReplaceAll(bare, "_", "-") + cmp.Or(after, " ")
	})
	return apiParameters.ReplaceAllStringFunc(message, func(said string) string {
		name, value, _ := strings.Cut(said, "=")
		return "--" + strings.ReplaceAll(name, "_", "-") + " " + value
	})
}

func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the data directory cannot be made: %w", err)
	}
	return nil
}

func explainHeld(held *eventlog.LockedError) error {
	if held.Owner.HTTP == "" && held.Owner.NATS == "" {
		return fmt.Errorf("%w, such as an import that ends by itself: try again then, or choose another directory by --data", held)
	}
	return fmt.Errorf("%w: stop that one first, or choose another directory by --data", held)
}

// explainListen turns an error of listening into one that names the flag to change.
func explainListen(addr, flag string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("the address %s is taken, perhaps by a server that runs already: choose another by %s", addr, flag)
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%s %s: must be an address of this machine and a port, such as 127.0.0.1:8080 (%w)", flag, addr, err)
	}
	return err
}

// portInUse reports whether another program listens on the address.
func portInUse(addr string) bool {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return errors.Is(err, syscall.EADDRINUSE)
	}
	listener.Close()
	return false
}

// explainRefused adds the flags to an error of a NATS server that wants to know who connects, or that is not known here.
func explainRefused(err error) error {
	if errors.Is(err, eventlog.ErrUnauthorized) {
		return errors.New("the NATS server refused the connection (Authorization Violation): it wants a token (--nats-token-file names the file, nats.token in the server's data directory), a user and a password (in --nats-url), or --nats-creds")
	}
	if errors.Is(err, eventlog.ErrUntrusted) {
		return fmt.Errorf("%w: name its issuer by --nats-ca", err)
	}
	return err
}

// explainStreams turns an error of creating streams into one that names the flag to
// change.
func explainStreams(err error, replicas int) error {
	err = explainRefused(err)
	if err != nil && strings.Contains(err.Error(), "not supported in non-clustered mode") {
		return fmt.Errorf("--replicas %d: the NATS server is no cluster and keeps one: leave the flag out, or name a cluster by --nats-url", replicas)
	}
	return err
}

// withoutPassword removes user and password, or the token, from a list of NATS addresses, also where they are not
// escaped as they should be.
func withoutPassword(urls string) string {
	all := strings.Split(urls, ",")
	for i, one := range all {
		scheme, rest, found := strings.Cut(strings.TrimSpace(one), "://")
		if found {
			scheme += "://"
		} else {
			scheme, rest = "", scheme
		}
		all[i] = scheme + rest[strings.LastIndex(rest, "@")+1:]
		if _, err := url.Parse(all[i]); found && err != nil {
			all[i] = "(an address that cannot be read)"
		}
	}
	return strings.Join(all, ",")
}
