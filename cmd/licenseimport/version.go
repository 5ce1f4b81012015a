package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// release is the program's version: that of the first entry of CHANGELOG.md. Between two releases
// it is the next version with "-dev".
//
//go:embed VERSION
var release string

// commit is set by the linker (-X main.commit=...) where the Go tool cannot read the repository:
// in the image, which is built without .git, and in packages.
var commit string

// natsModule is the module whose version is the embedded NATS server's.
const natsModule = "github.com/nats-io/nats-server/v2"

// versionCommand prints what this program was built from.
type versionCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is what --help tells beside the flags.
func (versionCommand) Help() string {
	return `Example:
  licenseimport version --json`
}

// Run prints it.
func (c versionCommand) Run(t *terminal) error {
	if !c.JSON {
		_, err := fmt.Fprintln(t.out, buildInfo())
		return err
	}
	return json.NewEncoder(t.out).Encode(buildInfo())
}

// build says what a program was built from.
type build struct {
	Version  string `json:"version"`  // as in CHANGELOG.md, with "-dev" between two releases
	Commit   string `json:"commit"`   // full hash, "-dirty" behind it where files had changed; "unknown" without a repository
	Go       string `json:"go"`       // as runtime.Version has it
	NATS     string `json:"nats"`     // of the embedded server, without "v"
	Platform string `json:"platform"` // GOOS/GOARCH
}

// String is the one line that --version prints.
func (b build) String() string {
	return fmt.Sprintf("licenseimport %s, commit %s, %s, NATS %s, %s", b.Version, b.Commit, b.Go, b.NATS, b.Platform)
}

// name is the version with its commit, as metrics show it.
func (b build) name() string {
	return b.Version + " (" + b.Commit + ")"
}

// buildInfo is this program's build.
func buildInfo() build {
	b := build{
		Version: strings.TrimSpace(release), Commit: commit, Go: runtime.Version(), NATS: "unknown",
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.read(info)
	}
	if b.Commit == "" {
		b.Commit = "unknown"
	}
	return b
}

// read takes what the Go tool recorded. The linker's commit has precedence.
func (b *build) read(info *debug.BuildInfo) {
	for _, module := range info.Deps {
		if module.Path == natsModule {
			b.NATS = strings.TrimPrefix(module.Version, "v")
		}
	}
	if b.Commit != "" {
		return
	}
	dirty := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	b.Commit += dirty
}
