//go:build tools

package browsertest

import (
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const changeHeader = "license__license_key,product__short_code,license__max_activations,customer__email\n"

// write makes a file and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pick selects a value of the first select element that has it.
func (b *tab) pick(value string) {
	b.Helper()
	b.do(`const o = document.querySelector("select option[value=" + CSS.escape(` + quote(value) + `) + "]");
		o.parentElement.value = o.value; o.parentElement.dispatchEvent(new Event("change", { bubbles: true }))`)
}

// TestBrowserUpdatesAfterCheck: a check shows each change with both values, and one button goes on to the
// import. The license's page tells the story.
func TestBrowserUpdatesAfterCheck(t *testing.T) {
	t.Parallel()
	site := serve(t)
	imported(t, site, "", "first.csv", strings.NewReader(changeHeader+"UP-1,psc,3,ada@example.com\nUP-2,psc,1,bob@example.com\n"))
	b := openSignedIn(t, site)
	b.choose(write(t, "prices.csv", changeHeader+"UP-1,psc,5,\nUP-2,psc,1,\nUP-3,psc,2,\nUP-4,psc,many,\n"))
	b.sees("If a license exists already")
	b.pick("update")
	b.sees("Empty cells change nothing")
	b.do(`document.querySelector(".choice input").click()`)
	b.click("Check the file")
	b.sees("1 new, 1 would change, 1 exists already (unchanged), 1 to fix", "Checked, 1 to fix")
	b.click("Would change 1")
	b.sees("UP-1 psc Maximum activations license__max_activations 3 5")
	b.click("Import the 3 valid rows")
	b.sees("Import 3", "1 imported, 1 updated, 1 existed (unchanged), 1 to fix")
	if strings.Contains(ask[string](b, "document.body.innerText"), "sent this file before") {
		t.Error("a check before the import counts as the same file")
	}
	b.click("Changed 1")
	b.click("UP-1")
	b.sees("History", "Imported,", "Updated,", "Import 1, row 1", "Import 3, row 1", "1 change", "3 → became 5", "Technical details: event LicenseUpdated")
}

// TestBrowserUndoesImport: the question says in numbers what will happen; then the page shows what did, what
// stayed and why, and a license that is gone.
func TestBrowserUndoesImport(t *testing.T) {
	t.Parallel()
	site := serve(t)
	imported(t, site, "", "wrong.csv", strings.NewReader(changeHeader+"UN-1,psc,3,ada@example.com\nUN-2,psc,1,bob@example.com\nUN-3,psc,1,\n"))
	imported(t, site, "existing=update", "later.csv", strings.NewReader(changeHeader+"UN-3,psc,7,\n"))
	b := open(t, site)
	b.expectConsole("410")
	b.signIn(adminKey)
	b.click("later.csv")
	b.sees("1 updated")
	if strings.Contains(ask[string](b, "document.body.innerText"), "Customers:") {
		t.Error("an import that made no customer and found none counts customers")
	}
	b.click("Imports")
	b.click("wrong.csv")
	b.sees("3 imported", "Customers: 2 new Orders: 3 new")
	b.click("View the imported licenses")
	b.click("UN-1")
	b.sees("Where it came from")
	gone := ask[string](b, "location.hash")
	b.run(chromedp.Navigate(site + "/#/imports/1"))
	b.click("Undo this import")
	b.sees("Undo import 1?", "2 licenses will be removed", "1 license stays as it is, because a later import changed it")
	b.do(`document.querySelector("dialog .danger").click()`)
	b.sees("This import was undone", "2 licenses were removed", "1 license stayed", "Undone")
	b.click("See what stayed")
	b.sees("UN-3", "Import 2, row 1")
	b.run(chromedp.Navigate(site + "/" + gone))
	b.until(`document.querySelector("h1")?.innerText === "UN-1" && document.title.startsWith("UN-1")`)
	b.sees("Product psc", "An undo removed this license", "It was taken back by undoing import 1, by admin", "History", "Imported,", "Removed by an undo")
	b.click("Licenses")
	b.sees("1 license", "UN-3")
}

// TestBrowserTriesRejectedRowsAgain: once the catalogue has the product, the same rows go in, and both imports
// link each other.
func TestBrowserTriesRejectedRowsAgain(t *testing.T) {
	t.Parallel()
	site, data := serveOn(t)
	setProduct(t, data, "photo-pro")
	imported(t, site, "", "shop.csv", strings.NewReader(changeHeader+"RE-1,photo-pro,3,\nRE-2,photo-lite,1,\n"))
	b := openSignedIn(t, site)
	b.click("shop.csv")
	b.sees("1 imported, 1 to fix", "Unknown product")
	setProduct(t, data, "photo-lite")
	b.click("Try the rejected rows again")
	b.sees("Import 2", "1 imported", "Another try", "These are rejected rows of import 1, sent again")
	b.click("import 1")
	b.sees("Tried again", "The rejected rows were sent again as import 2. No rejected row is left to fix.")
}

func setProduct(t *testing.T, data, code string) {
	t.Helper()
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "products", "set", code, "--data", data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestBrowserExportsLists: what is exported is what the filters select.
func TestBrowserExportsLists(t *testing.T) {
	t.Parallel()
	site := serve(t)
	imported(t, site, "", "some.csv", strings.NewReader(rows(9)))
	b := openSignedIn(t, site)
	b.sees("some.csv")
	for _, c := range []struct {
		hash, shows, name string
		rows              int
	}{
		{"#/licenses?email=c1@example.com", "3 licenses", "licenses.csv", 3},
		{"#/customers?email=c2", "1 customer", "customers.csv", 1},
		{"#/orders?order=order-1", "1 order", "orders.csv", 2}, // an export of orders holds their licenses
	} {
		b.run(chromedp.Navigate(site + "/" + c.hash))
		b.sees(c.shows)
		b.click("Export as CSV")
		records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.downloaded(c.name), "\uFEFF"))).ReadAll()
		if err != nil || len(records) != c.rows+1 {
			t.Errorf("%s: %d records, want a header and %d rows (%v)", c.name, len(records), c.rows, err)
		}
	}
}

// TestBrowserTellsWhatWasOdd: ignored columns, warnings and a file that was sent before are named.
func TestBrowserTellsWhatWasOdd(t *testing.T) {
	t.Parallel()
	site := serve(t)
	file := "license__license_key,product__short_code,license__license_type,license__validity_period,Price\nW-1,psc,perpetual,2030-01-01,9.90\n"
	imported(t, site, "unknown_columns=ignore", "odd.csv", strings.NewReader(file))
	imported(t, site, "unknown_columns=ignore", "odd-again.csv", strings.NewReader(file))
	b := openSignedIn(t, site)
	b.click("odd.csv")
	b.sees("1 column ignored", "Price matches no field, so it was not read.", "Warnings", "Valid until", "2030-01-01",
		"End date on a perpetual license")
	b.run(chromedp.Navigate(site + "/#/imports/2"))
	b.sees("You have sent this file before", "It is the same file as import 1, sent on", "Nothing new")
	imported(t, site, "", "dates.csv", strings.NewReader("license__license_key,product__short_code,license__validity_period\nW-2,psc,12/31/2027\n"))
	b.run(chromedp.Navigate(site + "/#/imports/3"))
	b.sees("Nothing imported: 1 row to fix", "Date not in the right format Write 12/31/2027 as 2027-12-31.")
	imported(t, site, "dry_run=true&unknown_columns=ignore", "checked.csv", strings.NewReader(strings.Replace(file, "W-1", "W-4", 1)))
	b.run(chromedp.Navigate(site + "/#/imports/4?show=warnings"))
	b.sees("A check lists the warnings of rows that would be changed only. The import lists them all.")
}
