package main

import (
	"runtime/debug"
	"testing"
)

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
