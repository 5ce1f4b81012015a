//go:build tools

package browsertest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/mapping"

	"github.com/chromedp/chromedp"
)

// TestBrowserReadsDatesAsTheImportDoes: the preview of a mapped file shows no date that the import would not read.
func TestBrowserReadsDatesAsTheImportDoes(t *testing.T) {
	t.Parallel()
	cells := []string{
		"2030-12-31", "2030-02-30", "2030-1-2", "0000-00-00", "20301231", "never", "31-12-2030", "12/31/2030", "31/12/2030",
		"3/5/30", "31.12.27", "3/5/2030", "31.12.2030", "2030/1/2", "12/31/20301", "1/2/2030 x", "5 Mar 2030", "05-march-2030",
		"5 Mrz 2030", "Mar 5, 2030", "december 31 2030 11:59 pm", "Dec 31, 30", "Dec, 31 2030", "Sept 5, 2030", "29 Feb 2027",
		"2030-12-31 9:05", "2030-12-31, 23:59:59,5 UTC", "2030-12-31 24:00", "2030-12-31 00:30 AM", "2030-12-31T10:00:00+02",
		"2030-12-31T10:00:00+24:00", "2030-12-31 1:00:00 PM +0100", "12/31/2030 11:59 PM", "2030-12-31 12:00 pm gmt",
	}
	formats := mapping.DateFormats()
	given, err := json.Marshal(map[string][]string{"cells": cells, "formats": formats})
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, serve(t))
	shown, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]byte](fmt.Sprintf(`import(new URL("static/js/cells.js", document.baseURI).href).then(({ isoDate }) => {
		const { cells, formats } = %s;
		return formats.map((format) => cells.map((cell) => isoDate(cell, format)));
	})`, given), chromedp.EvalAwaitPromise))
	if err != nil {
		b.fail("%v", err)
	}
	var dates [][]string
	if err := json.Unmarshal(shown, &dates); err != nil {
		t.Fatal(err)
	}
	column, _ := events.Licenses.ColumnIndex("license__validity_period")
	for f, format := range formats {
		read := mapping.Compile(&events.Mapping{Kind: events.Licenses.Name, DateFormat: format})
		for c, cell := range cells {
			var values events.Values
			values[column] = cell
			read.Apply(&values)
			if got := dates[f][c]; got != strings.TrimSpace(values[column]) {
				t.Errorf("%s: %s is shown as %q, and the import reads %q", format, cell, got, values[column])
			}
		}
	}
}
