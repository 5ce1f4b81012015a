//go:build tools

package browsertest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// foreign is a spreadsheet that names none of our columns. Its dates have one meaning only.
const foreign = "Serial;Product;E-Mail;Vorname;Expires;Seats;Internal remark\n" +
	"MAP-1;photo-pro;ada@example.com;Ada;31/12/2030;3;call back\n" +
	"MAP-2;photo-pro;bob@example.com;Bob;04/03/2031;5;\n"

// ambiguous lacks a product, and its dates can be read in two ways.
const ambiguous = "Serial,E-Mail,Vorname,Expires,Seats,Internal remark\n" +
	"AAAA-0001,ada@example.com,Ada,03/04/2030,3,call back\nAAAA-0002,bob@example.com,Bob,05/06/2031,5,\n"

// TestBrowserMapsForeignFile: from the file to what it means in three clicks: the file, the check, the import.
func TestBrowserMapsForeignFile(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.choose(write(t, "old-shop.csv", foreign))
	b.sees("What your columns become", "Serial", "This column is ignored: Internal remark", "The first 2 rows as they will be", "2030-12-31", "2031-03-04")
	b.click("Check first")
	b.sees("2 new", "Nothing was imported yet", "1 column ignored", "Internal remark")
	b.click("Import the file")
	b.sees("Import 2", "2 imported")
	b.click("View the imported licenses")
	b.click("MAP-2")
	b.sees("bob@example.com", "2031-03-04", "Maximum activations license__max_activations 5")
}

// TestBrowserSaysThatItGuessesTheEncoding: a file that is not UTF-8 is read as windows-1252, also where its columns
// have our names and there is nothing to map.
func TestBrowserSaysThatItGuessesTheEncoding(t *testing.T) {
	t.Parallel()
	b := open(t, serve(t))
	b.signIn(adminKey)
	b.choose(write(t, "polish.csv", "license__license_key,product__short_code,customer__first_name\nPL-1,psc,\xa3ukasz\n"))
	b.sees("Import the file", "For western European languages only. If names look wrong, save the file as CSV UTF-8 instead.")
}

// TestBrowserAsksWhatFileDoesNotSay: a column that is missing gets one value for all rows, and dates that may be
// read in two ways are asked for; before that nothing can be sent.
func TestBrowserAsksWhatFileDoesNotSay(t *testing.T) {
	t.Parallel()
	b := open(t, serve(t))
	b.set(look{"dark", 360})
	b.signIn(adminKey)
	b.choose(write(t, "ask.csv", "Serial,Expires,Remark\nASK-1,03/04/2030,one\nASK-2,05/06/2030,\n"))
	b.sees("Your file has no “Product code”", "may be read with the day or with the month first", "Before you go on")
	b.until(`[...document.querySelectorAll(".send")].every((button) => button.disabled)`)
	b.checkAxe("mapping")
	b.run(chromedp.SendKeys(".gap input", "photo-pro"))
	b.pick("DD/MM/YYYY")
	b.sees("2030-04-03", "2030-06-05")

	// the remark becomes the note, by keyboard
	b.do(`[...document.querySelectorAll("[role=combobox]")].at(-1).focus()`)
	for _, key := range []string{kb.ArrowDown, "note"} {
		b.run(chromedp.KeyEvent(key))
	}
	b.until(`document.activeElement.getAttribute("aria-expanded") === "true" && Boolean(document.querySelector("#" + document.activeElement.getAttribute("aria-activedescendant")))`)
	b.checkAxe("open list")
	b.run(chromedp.KeyEvent(kb.Enter))
	b.sees("Every column of the file is read.")
	if over := ask[int64](b, "document.documentElement.scrollWidth"); over > 360 {
		t.Errorf("the mapping is %d px wide", over)
	}
	b.click("Import")
	b.sees("2 imported")
	b.click("View the imported licenses")
	b.click("ASK-1")
	b.sees("photo-pro", "2030-04-03", "Note license__note one")
}

// TestBrowserFixesRowsOfForeignFile: rejected rows come back under the file's own headers, and the corrected file
// goes in again without a question.
func TestBrowserFixesRowsOfForeignFile(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.choose(write(t, "seats.csv", "Serial;Product;Seats\nFIX-1;psc;3\nFIX-2;psc;many\n"))
	b.sees("What your columns become")
	b.become("Seats", "license__max_activations") // "many" speaks against guessing it
	b.click("Import")
	b.sees("1 imported, 1 to fix", "Maximum activations license__max_activations in your file: Seats")
	b.click("Download the rejected rows")
	rejected := b.downloaded("import-1-invalid-rows.csv")
	if !strings.Contains(rejected, "Serial;Product;Seats;") || !strings.Contains(rejected, "error__mapping") {
		t.Errorf("the rejected rows do not have the file's headers:\n%s", rejected)
	}
	b.choose(write(t, "seats-fixed.csv", strings.Replace(rejected, ";many;", ";5;", 1)))
	b.click("Import the file")
	b.sees("Import 2", "1 imported")
}

// TestBrowserProposesSavedMapping: a mapping that was saved is filled in for the next file with the same columns.
func TestBrowserProposesSavedMapping(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	for i, rest := range []string{"", "call back again"} {
		b.choose(write(t, fmt.Sprintf("shop-%d.csv", i), "Zeichenkette,Ware,Notiz\nSAVE-1,photo-pro,"+rest+"\n"))
		b.sees("What your columns become")
		if i > 0 {
			b.sees("Filled in from the saved mapping shop-0")
			break
		}
		for header, column := range map[string]string{"Zeichenkette": "license__license_key", "Ware": "product__short_code", "Notiz": "license__note"} {
			b.become(header, column)
		}
		b.click("Save this for the next file")
		b.click("Save")
		b.sees("Saved. The next file with these columns is filled in by itself.")
		b.click("Choose another file")
	}
	b.click("Import")
	b.sees("1 imported")
}

// TestBrowserPreviewsDates: the preview has dates as they will be stored, and shows those that do not exist as
// they are in the file.
func TestBrowserPreviewsDates(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.sees("Recent imports")
	b.do(`location.hash = "#/imports"`) // the address of an import without its number
	b.choose(write(t, "dates.csv", "Serial,Product,Expires\nD-1,psc,31.12.2030\nD-2,psc,31.02.2031\nD-3,psc,2032-04-05T00:00:00.000Z\nD-4,psc,29.02.2028\n"))
	b.sees("What your columns become")
	want := `["2030-12-31","31.02.2031","2032-04-05","2028-02-29"]`
	b.until(`JSON.stringify([...document.querySelectorAll("table tbody tr")].map((r) => r.cells[2]?.querySelector("bdi")?.innerText).slice(-4)) === ` + quote(want))
	b.sees("31.02.2031 will be rejected")
}

// become chooses what a column of the file becomes.
func (b *tab) become(header, column string) {
	b.Helper()
	b.do(`document.querySelector("[role=combobox][aria-label=" + CSS.escape(` + quote(header+" becomes") + `) + "]").focus()`)
	b.run(chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(column), chromedp.KeyEvent(kb.Enter))
}

// TestBrowserImportsWorkbook: the template for Excel can be imported as it is.
func TestBrowserImportsWorkbook(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.click("Template for Excel")
	b.downloaded("license-import-template.xlsx")
	b.choose(filepath.Join(b.downloads, "license-import-template.xlsx"))
	b.click("Import the file")
	b.sees("1 imported", "license-import-template.xlsx")
}

// TestBrowserAsksNothingOfPlainFile: a file with the columns' own names shows no mapping.
func TestBrowserAsksNothingOfPlainFile(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.choose(example)
	b.sees("Import the file", "Check only")
	if shown := ask[bool](b, `Boolean(document.querySelector(".mapper, [role=combobox]"))`); shown {
		t.Error("a mapping is shown")
	}
}
