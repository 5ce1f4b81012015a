//go:build tools

package browsertest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const example = root + "/examples/licenses.csv"

func TestBrowserSignsIn(t *testing.T) {
	t.Parallel()
	b := open(t, serve(t)+"/#/licenses")
	b.expectConsole("401")
	b.sees("Sign in with your API key")
	b.signIn("no-such-key")
	b.sees("This key is not valid here")
	if focused := ask[string](b, "document.activeElement.id"); focused != "key" {
		t.Errorf("after a bad key the focus is on %q", focused)
	}
	b.signIn(adminKey)
	b.sees("admin admin", "No licenses yet") // the address that was asked for
	if stored := ask[string](b, "JSON.stringify([Object.keys(localStorage), document.cookie, location.href.includes(sessionStorage.getItem('licenseimport.key'))])"); stored != `[[],"",false]` {
		t.Errorf("the key was left in %s", stored)
	}
	b.run(chromedp.Reload())
	b.sees("No licenses yet")
	b.click("Sign out")
	b.until("Boolean(document.querySelector('#key')) && sessionStorage.length === 0")
}

// TestBrowserFixesRejectedRows follows a user with a spreadsheet: upload, download the
// rejected rows, fix them, upload them.
func TestBrowserFixesRejectedRows(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.sees("No imports yet")
	b.click("Download the template")
	if template := b.downloaded("license-import-template.csv"); !strings.HasPrefix(template, "license__license_key,product__short_code,") {
		t.Errorf("template: %s", template)
	}

	b.choose(example)
	b.sees("licenses.csv", "Check only")
	b.click("Import the file")
	b.sees("34 imported, 1 existed (unchanged), 5 to fix", "Imported, 5 rejected", "Import 1 ", "Total rows 40", "took")
	b.sees("13 Maximum activations license__max_activations many Not a whole number")
	if hash := ask[string](b, "location.hash"); hash != "#/imports/1" {
		t.Errorf("the import is at %s", hash)
	}
	b.run(chromedp.Reload())
	b.sees("Not an e-mail address")

	b.click("Value missing 1")
	b.until(`document.querySelectorAll("tbody tr").length === 1`)
	b.sees("Must not be empty")
	b.click("The row as sent, line 32")
	b.sees("sub-5004", "عمر")
	b.click("Existed already 1")
	b.sees("PPRO-B81C-WZ5N-0003", "Row 3 of this file (left unchanged)")
	b.click("Rejected rows 5")

	b.click("Rejected rows for Excel")
	if book := b.downloaded("import-1-invalid-rows.xlsx"); !strings.HasPrefix(book, "PK") {
		t.Error("the rejected rows for Excel are no workbook")
	}
	b.click("Download each row’s outcome")
	if all := b.downloaded("import-1-imported-rows.csv"); strings.Count(all, "\n") != 36 {
		t.Errorf("the outcomes are not a header and 35 rows:\n%s", all)
	}
	b.click("Download the rejected rows")
	fixed := fixRows(t, b.downloaded("import-1-invalid-rows.csv"))
	b.choose(fixed)
	b.sees(filepath.Base(fixed))
	b.click("Import the file")
	b.sees("Import 2", "5 imported", "Rejected 0")
	b.sees("Another try", "These are rejected rows of import 1, sent again.")
	b.click("import 1")
	b.sees("Tried again", "The rejected rows were sent again as import 2. No rejected row is left to fix.")
	searchForFixed(b)
}

// fixRows corrects the rejected rows of the example.
func fixRows(t *testing.T, rejected string) string {
	t.Helper()
	for _, c := range []struct{ wrong, right string }{
		{",many,", ",3,"},
		{"zofia.wisniewska-at-poczta.example,Zofia", "zofia.wisniewska@poczta.example,Zofia"},
		{",2028-12-31,2y,", ",2028-12-31,,"},
		{"\n,sync,omar", "\nSYNC-8K1R-0031,sync,omar"},
	} {
		if !strings.Contains(rejected, c.wrong) {
			t.Errorf("%q is not in the rejected rows:\n%s", c.wrong, rejected)
		}
		rejected = strings.Replace(rejected, c.wrong, c.right, 1)
	}
	path := filepath.Join(t.TempDir(), "fixed.csv")
	if err := os.WriteFile(path, []byte(rejected), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func searchForFixed(b *tab) {
	b.Helper()
	b.click("Licenses")
	b.sees("39 licenses")
	b.run(chromedp.SendKeys(`input[name="search"]`, "8k1r-0031"))
	b.sees("1 license")
	b.click("SYNC-8K1R-0031")
	b.sees("Where it came from", "Import 2", "omar.haddad@adasa.example", "sub-5004", "GMT+9")
	b.click("Show the event as JSON")
	b.sees(`"type": "LicenseImported"`, `"license_key": "SYNC-8K1R-0031"`)
	b.click("All licenses of this order")
	b.sees("2 licenses", "SYNC-2VYB-0032")
	b.run(chromedp.NavigateBack())
	b.sees("Where it came from")
}

// TestBrowserShowsImportOfFile: the upload leads to its import, whichever address of the start view was opened
// and whichever filter was chosen after the file.
func TestBrowserShowsImportOfFile(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t)) // without a hash
	for i, way := range []string{"Imports", "Features", "Any"} {
		b.sees("Recent imports")
		b.choose(write(t, fmt.Sprintf("way-%d.csv", i), rows(1+i)))
		b.sees("Import the file")
		b.click(way)
		b.until(`location.hash.startsWith("#/")`)
		b.click("Import the file")
		b.until(fmt.Sprintf(`location.hash === "#/imports/%d"`, i+1))
		b.sees(fmt.Sprintf("Import %d", i+1))
		b.run(chromedp.Navigate(b.site), chromedp.Reload())
	}
}

// TestBrowserLeadsBackToUpload: the link to an upload that goes on does not load the page anew: that would end it.
func TestBrowserLeadsBackToUpload(t *testing.T) {
	t.Parallel()
	site := serve(t)
	imported(t, site, "", "bad.csv", strings.NewReader("license__license_key,product__short_code\n,psc\n"))
	b := openSignedIn(t, site)
	b.sees("Recent imports")
	b.choose(write(t, "long.csv", rows(20_000)))
	b.sees("Import the file")
	b.do(`XMLHttpRequest.prototype.send = () => {}`) // it goes on
	b.click("Import the file")
	b.sees("Uploading long.csv")
	b.click("bad.csv")
	b.sees("Fix the rejected rows")
	b.click("Go to the upload")
	b.sees("Recent imports", "Uploading long.csv")
}

// TestBrowserAsksBeforeUploadEnds: signing out ends an upload, so it asks first.
func TestBrowserAsksBeforeUploadEnds(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.sees("Recent imports")
	b.choose(write(t, "long.csv", rows(3)))
	b.sees("Import the file")
	b.do(`XMLHttpRequest.prototype.send = () => {}`) // it goes on
	b.click("Import the file")
	b.sees("Uploading long.csv")
	b.click("Sign out")
	b.sees("Stop the upload?", "None of its rows will be imported.")
	b.click("Keep it")
	b.sees("Uploading long.csv")
	b.click("Sign out")
	b.click("Stop it and sign out")
	b.sees("Sign in with your API key")
	b.until(`!document.querySelector("dialog")`)
}

// TestBrowserForgetsOtherFile: the columns and dates of a file that was refused are not taken for those of the next.
func TestBrowserForgetsOtherFile(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.sees("Recent imports")
	b.do(`{ const open = XMLHttpRequest.prototype.open;
		XMLHttpRequest.prototype.open = function (method, url) { open.call(this, method, url + "&nonsense=1") } }`)
	b.expectConsole("400")
	b.choose(write(t, "first.csv", foreign))
	b.sees("What your columns become")
	b.pick("MM/DD/YYYY")
	b.click("Import")
	b.sees("first.csv was not imported")
	b.click("Choose a file")
	b.choose(write(t, "second.csv", strings.ReplaceAll(ambiguous, "Serial,", "Serial No.,")))
	b.sees("may be read with the day or with the month first", "Choose how the dates are written.")
}

// TestBrowserKeepsFocusWithoutServer: while the list of imports cannot be fetched, the message and the focus on its
// button stay.
func TestBrowserKeepsFocusWithoutServer(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.sees("No imports yet")
	b.do(`window.asked = 0; window.fetch = () => { window.asked++; return Promise.reject(new TypeError("cut")) }`)
	b.sees("No connection")
	b.do(`[...document.querySelectorAll("button")].find((e) => e.textContent === "Try again").focus(); window.asked = 0`)
	b.until(`window.asked > 5`)
	if focused := ask[string](b, "document.activeElement.textContent"); focused != "Try again" {
		t.Errorf("the focus is on %q", focused)
	}
}

// TestBrowserFitsNarrowestScreen: at 320 px (400 % zoom of 1280) nothing scrolls sideways.
func TestBrowserFitsNarrowestScreen(t *testing.T) {
	t.Parallel()
	site := serve(t)
	for range 2 {
		file, err := os.Open(example)
		if err != nil {
			t.Fatal(err)
		}
		imported(t, site, "", "licenses.csv", file)
		file.Close()
	}
	b := open(t, site)
	b.set(look{"light", 320})
	b.signIn(adminKey)
	b.sees("Sign out")
	for hash, shows := range map[string]string{
		"": "Nothing new, 5 rejected", "imports/2": "Not a whole number", "licenses": "34 licenses", "customers": "Export",
	} {
		b.run(chromedp.Navigate(site+"/#/"+hash), chromedp.Reload())
		b.sees(shows)
		if over := ask[int64](b, "document.documentElement.scrollWidth"); over > 320 {
			t.Errorf("#/%s is %d px wide", hash, over)
		}
	}
}

func TestBrowserTellsWhatToDo(t *testing.T) {
	t.Parallel()
	b := open(t, serve(t))
	b.expectConsole("400")
	b.expectConsole("404")
	b.expectConsole("415")
	b.signIn(adminKey)
	for name, c := range map[string]struct{ content, sees, back string }{
		"header.csv":      {"license__license_key,product__short_code,product__short_code\n1,2,3\n", "both named product__short_code", "Choose a file"},
		"book.xlsx":       {"PK\x03\x04 and so on", "CSV UTF-8", "Choose another file"},
		"header-only.csv": {"license__license_key,product__short_code\n", "at least one row", "Choose a file"},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		b.choose(path)
		if c.back == "Choose a file" { // it is refused when it is sent
			b.click("Import the file")
			b.sees(name + " was not imported")
		}
		b.sees(c.sees)
		b.click(c.back)
	}
	b.do(`const files = new DataTransfer();
		for (const name of ["a.csv", "b.csv"]) files.items.add(new File(["a"], name));
		document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: files }))`)
	b.sees("One file at a time")
	b.run(chromedp.Navigate(b.site + "/#/imports/4711"))
	b.sees("There is no import 4711")
	b.run(chromedp.Navigate(b.site + "/#/nowhere"))
	b.sees("Page not found")
}

// TestBrowserImportsDroppedFile drops a file, makes a dry run, then imports it.
func TestBrowserImportsDroppedFile(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.sees("Drop a CSV or Excel file here")
	b.do(`const files = new DataTransfer();
		files.items.add(new File(["license__license_key,product__short_code\nDROP-1,psc\n"], "dropped.csv"));
		document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer: files }))`)
	b.sees("dropped.csv", "Check only")
	b.do(`document.querySelector(".choice input").click()`)
	b.click("Check the file")
	b.sees("Import 1", "Checked", "1 new", "Nothing was imported yet")
	b.click("Import the file")
	b.sees("Import 2", "1 imported", "Total rows 1")
}

// TestBrowserViewerMayOnlyLook: the page offers a viewer no upload and no cancel.
func TestBrowserViewerMayOnlyLook(t *testing.T) {
	t.Parallel()
	site, data := serveOn(t)
	imported(t, site, "", "three.csv", strings.NewReader(rows(3)))
	b := open(t, site)
	b.signIn(newKey(t, data, "vera", "viewer"))
	b.sees("vera viewer", "three.csv")
	b.click("three.csv")
	b.sees("Imported 3")
	if found := ask[bool](b, `Boolean(document.querySelector("input[type=file], .danger"))`); found {
		t.Error("a viewer is offered to import or to cancel")
	}
}

// TestBrowserFollowsWithoutStream: if a proxy breaks the event stream, the page
// polls.
func TestBrowserFollowsWithoutStream(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.sees("No imports yet")
	b.do(`const real = fetch;
		window.fetch = (url, options) => String(url).includes("/events/") ? Promise.reject(new TypeError("cut")) : real(url, options)`)
	path := filepath.Join(t.TempDir(), "some.csv")
	if err := os.WriteFile(path, []byte(rows(30_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.choose(path)
	b.click("Import the file")
	b.sees("30,000 imported")
}

// TestBrowserSaysWhyLargeFileIsRefused: the page shows the reason although the server
// did not read most of the file.
func TestBrowserSaysWhyLargeFileIsRefused(t *testing.T) {
	t.Parallel()
	b := open(t, serve(t))
	b.expectConsole("400")
	b.signIn(adminKey)
	path := filepath.Join(t.TempDir(), "large.csv")
	if err := os.WriteFile(path, []byte("license__license_key,product__short_code,product__short_code\n"+strings.Repeat("0123456789,psc,psc\n", 4<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.choose(path)
	b.click("Import the file")
	b.sees("large.csv was not imported", "both named product__short_code")
}

// TestBrowserFollowsAndCancels: the page shows the progress of a large import and cancels it.
func TestBrowserFollowsAndCancels(t *testing.T) {
	t.Parallel()
	site := serve(t)
	path := filepath.Join(t.TempDir(), "many.csv")
	file := strings.Replace(rows(120_000), "c0@example.com", "nobody", 1)
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	b := openSignedIn(t, site)
	b.choose(path)
	b.click("Import the file")
	b.sees("rows/s", "You may close this page")
	if *screenshots != "" {
		b.inspect("import-running", look{"light", 1440})
	}
	b.click("Cancel the import")
	b.sees("Cancel this import?")
	b.do(`document.querySelector("dialog .danger").click()`)
	b.sees("Cancelled by admin; what was imported before stays")
	b.until(`!document.querySelector("dialog") && !document.querySelector("[role=progressbar]")`)
	b.sees("Fix the rejected rows", "Upload the complete file here: not all of its rows were reached")
}

// TestBrowserReadsStreamCutAnywhere: chunks of an event stream may end at any byte.
func TestBrowserReadsStreamCutAnywhere(t *testing.T) {
	t.Parallel()
	b := open(t, serve(t))
	b.do(`window.cut = import("./static/js/follow.js").then(({ splitter }) => {
		const stream = "event: progress\ndata: {\"a\":\"x: y\"}\n\n: still here\n\nevent: done\ndata: {}\n\n";
		const read = (size) => {
			const split = splitter();
			const all = [];
			for (let i = 0; i < stream.length; i += size) all.push(...split(stream.slice(i, i + size)));
			return JSON.stringify(all);
		};
		window.read = [1, 2, 7, 1000].map(read);
	})`)
	b.until("Boolean(window.read)")
	const want = `[{"event":"progress","data":"{\"a\":\"x: y\"}"},{"event":"done","data":"{}"}]`
	for _, got := range ask[[]string](b, "window.read") {
		if got != want {
			t.Errorf("%s", got)
		}
	}
}

// TestBrowserHoldsLongValues: long values of a file do not make the page wider than a
// phone, and no value becomes markup.
func TestBrowserHoldsLongValues(t *testing.T) {
	t.Parallel()
	site := serve(t)
	long, markup := strings.Repeat("W", 200), "<img src=x onerror=alert(1)>"
	file := "license__license_key,product__short_code,customer__email,order__store_id,license__max_activations\n" +
		long + "," + long[:60] + "," + long[:60] + "@example.com," + markup + ",1\n" +
		markup + ",p,c@example.com,o," + long + "\n"
	imported(t, site, "", long+".csv", strings.NewReader(file))
	imported(t, site, "", "note.csv", strings.NewReader("license__license_key,product__short_code,license__note\nN,p,"+strings.Repeat("note ", 3000)+"end\n"))
	b := open(t, site)
	b.set(look{"light", 360})
	b.signIn(adminKey)
	b.sees("Sign out")
	for hash, shows := range map[string]string{"": "Import 1", "imports/1": "Not a whole number", "licenses": "1 license", "licenses?order=" + url.QueryEscape(markup): "1 license"} {
		b.run(chromedp.Navigate(site+"/#/"+hash), chromedp.Reload())
		b.sees(shows)
		if over := ask[int64](b, "document.documentElement.scrollWidth"); over > 360 {
			t.Errorf("#/%s is %d px wide", hash, over)
		}
	}
	b.run(chromedp.Navigate(site + "/#/imports/2"))
	b.sees("note note …", "Too long")
	b.click("The row as sent, line 2")
	b.sees("note note end")
	b.run(chromedp.Navigate(site + "/#/licenses"))
	b.click(long)
	b.sees("Where it came from", markup)
	if images := ask[int](b, `document.querySelectorAll("main img").length`); images != 0 {
		t.Error("a value has become markup")
	}
	if over := ask[int64](b, "document.documentElement.scrollWidth"); over > 360 {
		t.Errorf("the license is %d px wide", over)
	}
}

func TestBrowserIsUsedByKeyboard(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.sees("No imports yet")
	var path []string
	b.do("document.activeElement.blur()")
	for range 18 {
		b.run(chromedp.KeyEvent(kb.Tab))
		path = append(path, ask[string](b, `(document.activeElement.innerText || document.activeElement.getAttribute("aria-label") || "").trim()`))
	}
	way := strings.Join(path, " > ")
	for _, stop := range []string{"Skip to the content", "Imports", "Licenses", "Customers", "Orders", "Guide", "Sign out", "choose a file", "Download the template", "Done"} {
		if !strings.Contains(way, stop) {
			t.Errorf("Tab does not reach %q: %s", stop, way)
		}
	}
	b.click("Licenses")
	b.until(`document.activeElement === document.querySelector("h1") && document.title.startsWith("Licenses")`)
}

// rows is a CSV file of n valid rows.
func rows(n int) string {
	var b strings.Builder
	b.WriteString("license__license_key,product__short_code,customer__email,order__store_id\n")
	for i := range n {
		fmt.Fprintf(&b, "BULK-%06d,psc,c%d@example.com,order-%d\n", i, i/3, i/2)
	}
	return b.String()
}
