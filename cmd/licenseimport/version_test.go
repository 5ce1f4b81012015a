package main

import (
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

// TestVersionIsInChangelog: a release has an entry of that number at the top; between two
// releases the top entry is Unreleased.
func TestVersionIsInChangelog(t *testing.T) {
	text, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	top := regexp.MustCompile(`(?m)^## \[([^]]+)\]`).FindSubmatch(text)
	version := strings.TrimSpace(release)
	want := version
	if strings.HasSuffix(version, "-dev") {
		want = "Unreleased"
	}
	if top == nil || string(top[1]) != want {
		t.Errorf("version %s: the changelog's first entry is %q, want %s", version, top, want)
	}
}

// TestBuildInfo: what the Go tool records of a build, and what the linker was told.
func TestBuildInfo(t *testing.T) {
	deps := []*debug.Module{{Path: natsModule, Version: "v2.15.2"}}
	for name, test := range map[string]struct {
		linked   string // by -X main.commit
		settings map[string]string
		want     build
	}{
		"a clone":              {settings: map[string]string{"vcs.revision": "abc", "vcs.modified": "false"}, want: build{Commit: "abc", NATS: "2.15.2"}},
		"files changed":        {settings: map[string]string{"vcs.revision": "abc", "vcs.modified": "true"}, want: build{Commit: "abc-dirty", NATS: "2.15.2"}},
		"no repository":        {want: build{NATS: "2.15.2"}},
		"an image":             {linked: "def", want: build{Commit: "def", NATS: "2.15.2"}},
		"a package of a clone": {linked: "def", settings: map[string]string{"vcs.revision": "abc"}, want: build{Commit: "def", NATS: "2.15.2"}},
	} {
		t.Run(name, func(t *testing.T) {
			info := &debug.BuildInfo{Deps: deps}
			for key, value := range test.settings {
				info.Settings = append(info.Settings, debug.BuildSetting{Key: key, Value: value})
			}
			got := build{Commit: test.linked}
			got.read(info)
			if got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}
