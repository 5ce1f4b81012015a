package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/events/eventlog"
)

// nobody is the id of a user without rights.
const nobody = 65534

// What root would write to another user's data directory, that user's server could not read.
func TestRootLeavesOtherUsersDataAlone(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives a directory to another user")
	}
	dir := t.TempDir()
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	data := dataFlag{Data: dir}
	for name, run := range map[string]func(context.Context) error{
		"a command on the log": func(ctx context.Context) error {
			return (&logFlags{dataFlag: data}).withLog(ctx, func(*eventlog.Log) error { return nil })
		},
		"a command with the roles": func(ctx context.Context) error {
			return (&clientFlags{dataFlag: data}).withServer(ctx, &terminal{}, allRoles,
				func(context.Context, *client) error { return nil })
		},
		"rebuild by --nats-url": func(ctx context.Context) error {
			return (&rebuildCommand{logFlags: logFlags{dataFlag: data}}).rebuild(ctx, &terminal{}, nil)
		},
	} {
		err := run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "run it as that user") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// A data directory that this user may not look into is not one that holds nothing.
func TestDataOfAnotherUser(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may look into every directory")
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0); err != nil {
		t.Fatal(err)
	}
	data := dataFlag{Data: dir}
	for name, err := range map[string]error{
		"a command on the log": (&logFlags{dataFlag: data}).mustExist(),
		"a command with the roles": (&clientFlags{dataFlag: data}).withExisting(t.Context(), &terminal{}, allRoles,
			func(context.Context, *client) error { return nil }),
	} {
		if err == nil || !strings.Contains(err.Error(), "permission denied: run it as the user") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
