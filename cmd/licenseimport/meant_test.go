package main

import (
	"context"
	"encoding/json"
	"testing"

	"licenseimport/events"
)

func TestMeantProduct(t *testing.T) {
	known := map[string]bool{"DESKTOP": true, "PhotoPro": true, "sync": true}
	for code, want := range map[string]string{
		"photopor": "PhotoPro", "PHOTOPOR": "PhotoPro", "Desktpo": "DESKTOP", "snyc": "", "synk": "sync", "other": "",
	} {
		if got := meantProduct(code, known); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
	if got := meantProduct("sync", nil); got != "" {
		t.Errorf("without a catalogue: %q", got)
	}
}

// TestAdviceAfterADryRun: it promises of other rows only what a real import does.
func TestAdviceAfterADryRun(t *testing.T) {
	first := uint64(1)
	for name, c := range map[string]struct {
		r    result
		want string
	}{
		"some rejected": {result{Result: &counts{Rows: 3, Invalid: 1}},
			"Correct them in your own file, or import it as it is: the other rows go in, and these can be corrected afterwards."},
		"all rejected": {result{Result: &counts{Rows: 3, Invalid: 3}}, "Correct them in your own file."},
		"all or nothing": {result{Mode: "all_or_nothing", Result: &counts{Rows: 3, Invalid: 1}},
			"Correct them in your own file: while one row is rejected, nothing is imported."},
		"a retry": {result{RetryOf: &first, Result: &counts{Rows: 3, Invalid: 1}},
			"Correct them in a file, or retry without the dry run: the other rows go in."},
		"a retry, all rejected": {result{RetryOf: &first, Result: &counts{Rows: 3, Invalid: 3}}, "Correct them in a file."},
		"a retry, all or nothing": {result{RetryOf: &first, Mode: "all_or_nothing", Result: &counts{Rows: 3, Invalid: 1}},
			"Correct them in a file: while one row is rejected, nothing is imported."},
	} {
		c.r.DryRun = true
		if got := c.r.whatToDo(&client{}, ""); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestCommandsNameTheServer: a command that is printed to be copied asks the server, or works on the data directory,
// of the command that prints it. What the environment names need not be named, and the key never is.
func TestCommandsNameTheServer(t *testing.T) {
	t.Setenv("LICENSEIMPORT_SERVER_CA", "ca.pem")
	on := clientFlags{Server: "https://licenses.example.com", Key: "lik_secret", ServerCA: "ca.pem", dataFlag: dataFlag{Data: defaultData}}
	in := clientFlags{dataFlag: dataFlag{Data: "my data"}}
	server, dir := &client{again: on.again(), remote: true}, &client{again: in.again()}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	r := result{ID: 7, kind: events.DefaultKind, Result: &counts{Rows: 3, Invalid: 1}}
	cancelled := r
	if err := json.Unmarshal([]byte(`{"error": {"code": "cancelled"}}`), &cancelled); err != nil {
		t.Fatal(err)
	}
	for want, got := range map[string]string{
		"Save them, correct them and import that file: licenseimport status 7 --rejected fix-me.csv --server https://licenses.example.com": r.whatToDo(server, ""),
		"All of them are in f.csv. Correct them there, then: licenseimport import f.csv --retry-of 7 --data 'my data'":                     r.whatToDo(dir, "f.csv"),
		"Not all rows were reached: correct these in your own file, then import the whole file again. No row is imported twice.":           cancelled.whatToDo(dir, ""),
		"stopped waiting; the server goes on with import 7: licenseimport status 7 --watch --server https://licenses.example.com":          explainWait(stopped, 7, server, nil).Error(),
		"stopped waiting; the server goes on with the undo: licenseimport status 7 --watch --server https://licenses.example.com":          explainUndo(stopped, 7, server, nil).Error(),
	} {
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
