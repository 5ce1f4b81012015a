package main

import "testing"

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
		if got := c.r.whatToDo(""); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
