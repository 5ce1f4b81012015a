package backup_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/internal/backup"
)

// TestViews: the views are copied before any stream, and a backup does not depend on them.
func TestViews(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	dir := filepath.Join(t.TempDir(), "copy")
	first := ""
	m, err := backup.Write(t.Context(), backup.Source{Log: log, Views: func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "all that was imported")
		return err
	}}, dir, "", func(name string, _ int) {
		if first == "" {
			first = name
		}
	})
	check(t, err)
	if first != "views.bolt" || m.Views == nil || m.Views.Bytes != 21 || m.NoViews != "" {
		t.Errorf("%s came first; %+v %q", first, m.Views, m.NoViews)
	}
	path := filepath.Join(dir, "views.bolt")
	for name, test := range map[string]struct {
		damage func() error
		says   string
	}{
		"whole":   {func() error { return nil }, ""},
		"changed": {func() error { return os.WriteFile(path, []byte("all that was 1mported"), 0o600) }, "differs from its checksum"},
		"missing": {func() error { return os.Remove(path) }, "views.bolt is missing"},
	} {
		check(t, os.WriteFile(path, []byte("all that was imported"), 0o600))
		check(t, test.damage())
		b, err := backup.Open(t.Context(), dir)
		check(t, err)
		got, reason := b.Views()
		if usable := test.says == ""; usable != (got == path) || usable != (reason == nil) || reason != nil && !strings.Contains(reason.Error(), test.says) {
			t.Errorf("%s: %q, %v", name, got, reason)
		}
	}
}

// TestNoViews: if the views cannot be copied, the backup is complete and says why.
func TestNoViews(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	dir := filepath.Join(t.TempDir(), "copy")
	m, err := backup.Write(t.Context(), backup.Source{Log: log, Views: func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "half of")
		return errors.Join(err, io.ErrUnexpectedEOF)
	}}, dir, "", nil)
	check(t, err)
	if m.Views != nil || m.NoViews != io.ErrUnexpectedEOF.Error() || exists(filepath.Join(dir, "views.bolt.unfinished")) {
		t.Errorf("%+v %q", m.Views, m.NoViews)
	}
	b, err := backup.Open(t.Context(), dir)
	check(t, err)
	if path, reason := b.Views(); path != "" || reason != nil {
		t.Errorf("%q, %v", path, reason)
	}
}
