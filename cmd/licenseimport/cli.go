package main

import (
	"io"
	"log/slog"

	"github.com/alecthomas/kong"
)

const description = `Imports licenses, their features and customers from CSV files and Excel workbooks: fast, each row exactly once, with an answer for every row.

A first look, with nothing set up:
  licenseimport import examples/licenses.csv

Then the server with its web page and API:
  licenseimport serve

Each flag can be set by the environment as well, for example --max-file-size by LICENSEIMPORT_MAX_FILE_SIZE.`

// groups are the headings of --help.
var groups = []kong.Group{
	{Key: "use", Title: "Import licenses:"},
	{Key: "manage", Title: "Manage:"},
	{Key: "run", Title: "Run a server:"},
	{Key: "file", Title: "About the file:"},
	{Key: "filter", Title: "Which ones:"},
	{Key: "where", Title: "Which server, or which data directory:"},
	{Key: "listen", Title: "Where it listens:"},
	{Key: "nats", Title: "NATS:"},
	{Key: "limits", Title: "Limits:"},
	{Key: "log", Title: "Log:"},
}

// cli is the whole command line. Each flag may be set by the environment as well:
// --max-file-size by LICENSEIMPORT_MAX_FILE_SIZE.
type cli struct {
	LogLevel  string           `group:"log" placeholder:"LEVEL" enum:"auto,debug,info,warn,error" default:"auto" help:"What to log on standard error: debug, info, warn or error. Default: info for servers, warn for commands that end by themselves."`
	LogFormat string           `group:"log" placeholder:"FORMAT" enum:"text,json" default:"text" help:"text (the default) or json."`
	Profile   string           `hidden:"" placeholder:"DIR" help:"Write profiles of the CPU, allocations and mutexes to this directory."`
	Build     kong.VersionFlag `name:"version" env:"-" help:"Print the version and stop."`

	Import   importCommand   `cmd:"" group:"use" help:"Import a CSV file or an Excel workbook, and show what happened to every row."`
	Inspect  inspectCommand  `cmd:"" group:"use" help:"Suggest what each column of a file becomes, and the command that imports it."`
	Mappings mappingsCommand `cmd:"" group:"use" help:"Mappings of foreign files: list, show, save, remove."`
	Status   statusCommand   `cmd:"" group:"use" help:"Show one import, or the list of all."`
	Retry    retryCommand    `cmd:"" group:"use" help:"Import again the rows that an import rejected."`
	Undo     undoCommand     `cmd:"" group:"use" help:"Take an import back, as far as nothing else has changed its licenses."`
	Export   exportCommand   `cmd:"" group:"use" help:"Write licenses, customers or orders as a CSV."`
	Template templateCommand `cmd:"" group:"use" help:"Print a CSV file with all columns and one example row."`

	Keys     keysCommand     `cmd:"" group:"manage" help:"Managers' keys: create, list, revoke."`
	Products productsCommand `cmd:"" group:"manage" help:"The product catalogue: set, list, remove."`
	Audit    auditCommand    `cmd:"" group:"manage" help:"Who changed keys, products and mappings, and when."`
	Rebuild  rebuildCommand  `cmd:"" group:"manage" help:"Drop the views and fold the event stream again."`
	SetAside setAsideCommand `cmd:"" name:"set-aside" group:"manage" help:"Let all readers go on without one message that cannot be read."`
	Backup   backupCommand   `cmd:"" group:"manage" help:"Copy everything into a directory, while it runs."`
	Restore  restoreCommand  `cmd:"" group:"manage" help:"Make a data directory, or the streams of a NATS server, from a backup."`
	Doctor   doctorCommand   `cmd:"" group:"manage" help:"Check a deployment and say what to do."`

	Completion completionCommand `cmd:"" group:"manage" help:"Print a script that makes bash, zsh or fish complete commands and flags."`
	Complete   completeCommand   `cmd:"" hidden:""`
	Man        manCommand        `cmd:"" group:"manage" help:"Print the manual page."`
	Version    versionCommand    `cmd:"" group:"manage" help:"Print the version, its commit, and those of Go and NATS."`

	Serve     serveCommand     `cmd:"" group:"run" help:"Everything in one process: start here."`
	Nats      natsCommand      `cmd:"" group:"run" help:"The embedded NATS server alone."`
	Ingest    ingestCommand    `cmd:"" group:"run" help:"The role that takes uploads."`
	Processor processorCommand `cmd:"" group:"run" help:"The role that checks rows and imports licenses."`
	Projector projectorCommand `cmd:"" group:"run" help:"The role that answers questions about imports and licenses."`
}

// logger returns the log of the chosen command. Servers log from info on. Other commands
// print a result, and log from warn on.
func (c *cli) logger(w io.Writer, chosen *kong.Node) *slog.Logger {
	level := slog.LevelWarn
	if c.LogLevel != "auto" {
		// The flag takes only names that slog knows.
		_ = level.UnmarshalText([]byte(c.LogLevel))
	} else if chosen != nil && chosen.Group != nil && chosen.Group.Key == "run" {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
