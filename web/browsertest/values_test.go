//go:build tools

package browsertest

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// keygen is an export with a status, and without products.
const keygen = "id,name,key,expiry,status,maxMachines,user\n" +
	"1,Ada,C1B6DE-39A6E3,2030-01-31T00:00:00.000Z,ACTIVE,3,ada@example.com\n" +
	"2,Bob,C1B6DE-39A6E4,2031-01-31T00:00:00.000Z,SUSPENDED,1,bob@example.com\n"

// TestBrowserTranslatesValues: what the vendor's words mean is filled in, can be changed, and is what the import does.
func TestBrowserTranslatesValues(t *testing.T) {
	t.Parallel()
	site, data := serveOn(t)
	command(t, data, "products", "set", "photo-pro", "--name", "Photo Pro")
	command(t, data, "products", "set", "sync", "--name", "Sync")
	b := openSignedIn(t, site)
	b.choose(write(t, "keygen.csv", keygen))
	b.sees("status becomes Enabled", "Your file has no “Product code”", "Photo Pro (photo-pro)")
	b.answer("Product code for all rows", "photo-pro")
	b.until(value("SUSPENDED becomes") + ` === "=false" && ` + value("ACTIVE becomes") + ` === "=true"`)
	b.checkAxe("values")
	b.answer("ACTIVE becomes", "as-is")
	b.sees("Rows with this value are rejected", "ACTIVE will be rejected")
	b.answer("ACTIVE becomes", "=true")
	b.click("Check first")
	b.sees("2 new", "Nothing was imported yet")
	b.click("Import the file")
	b.sees("Import 2", "2 imported")
	b.click("View the imported licenses")
	b.click("C1B6DE-39A6E4")
	b.sees("Enabled license__enabled no", "bob@example.com", "2031-01-31")
}

// TestBrowserAsksWhatAStatusMeans: the status of an unknown vendor says what is enabled, as a guess. A word that
// depends on the vendor is asked for.
func TestBrowserAsksWhatAStatusMeans(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.choose(write(t, "shop.csv", "License key,Product,Status\nST-1,psc,Active\nST-2,psc,Suspended\nST-3,psc,Expired\n"))
	b.sees("A guess, please check: its cells say whether a license is enabled.", "Status becomes Enabled", "Rows with this value are rejected")
	b.until(value("Active becomes") + ` === "=true" && ` + value("Suspended becomes") + ` === "=false" && ` + value("Expired becomes") + ` === "as-is"`)
	b.answer("Expired becomes", "=false")
	b.click("Import")
	b.sees("3 imported")
	b.click("View the imported licenses")
	b.sees("ST-2 disabled", "ST-3 disabled")
	b.found("ST-3", "ST-2", "ST-1")
}

// TestBrowserTranslatesProductsByName: a product's name becomes its code, of the products that the manager may use only,
// and a mapping that was saved knows it. The manager is limited to one of two products of that name.
func TestBrowserTranslatesProductsByName(t *testing.T) {
	t.Parallel()
	site, data := serveOn(t)
	command(t, data, "products", "set", "photo-pro", "--name", "Photo Pro")
	command(t, data, "products", "set", "photo-old", "--name", "Photo Pro")
	limited := newKey(t, data, "leo", "importer", "photo-pro")
	b := openSignedIn(t, site)
	file := write(t, "names.csv", "License key,Product,Aktiv\nN-1,photo pro,ja\n")
	b.choose(file)
	b.sees("Product becomes Product code", "Rows with this value are rejected") // two have the name
	b.click("Sign out")
	b.signIn(limited)
	b.choose(file)
	b.until(value("photo pro becomes") + ` === "=photo-pro" && ` + value("ja becomes") + ` === "=true"`)
	b.click("Save this for the next file")
	b.click("Save")
	b.sees("Saved. The next file with these columns is filled in by itself.")
	b.click("Choose another file")
	b.choose(write(t, "more.csv", "License key,Product,Aktiv\nN-2,Photo PRO,nein\n"))
	b.sees("Filled in from the saved mapping names")
	b.until(value("Photo PRO becomes") + ` === "=photo-pro" && ` + value("nein becomes") + ` === "=false"`)
	b.click("Import")
	b.sees("1 imported")
	b.click("View the imported licenses")
	b.click("N-2")
	b.sees("photo-pro", "Enabled license__enabled no")
}

// TestBrowserSaysWhatShopifyLacks: an export without keys cannot be imported, and the page says how to go on.
func TestBrowserSaysWhatShopifyLacks(t *testing.T) {
	t.Parallel()
	b := open(t, serve(t))
	b.set(look{"light", 360})
	b.signIn(adminKey)
	const header, row = "Name,Email,Financial Status,Lineitem name,Lineitem sku", "#1001,ada@example.com,paid,Photo Pro,PHOTO-1"
	b.choose(write(t, "orders.csv", header+"\n"+row+"\n"))
	b.sees("This looks like an export from Shopify, which holds no license keys.", "add a column named “License key” to the file")
	b.until(`[...document.querySelectorAll(".send")].every((button) => button.disabled) && !document.querySelector(".gap input")`)
	b.click("Choose another file")
	b.choose(write(t, "orders-with-keys.csv", header+",License key\n"+row+",AAAA-BBBB-CCCC\n"))
	b.sees("The first row as it will be")
	b.click("Import")
	b.sees("1 imported")

	// Of a file with the columns' own names, only words that a license does not know are asked for.
	b.click("Imports")
	b.choose(write(t, "own.csv", "license__license_key,product__short_code,license__enabled\nOWN-1,psc,ja\n,psc,nein\n"))
	b.sees("license__enabled becomes Enabled", "empty will be rejected")
	b.click("Import")
	b.sees("1 imported, 1 to fix")
}

// TestBrowserPreviewsPackedFile: the first rows of a CSV that is packed are shown, too.
func TestBrowserPreviewsPackedFile(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, "Serial;Product;Expires\nGZ-1;psc;31.12.2030\n")
	for i := range 100_000 { // more than the page unpacks
		fmt.Fprintf(w, "GZ-%07d;psc;31.12.2030\n", i)
	}
	_ = w.Close()
	b := openSignedIn(t, serve(t))
	b.choose(write(t, "old.csv.gz", packed.String()))
	b.sees("The first 5 rows as they will be", "GZ-1", "2030-12-31")
	b.click("Check first")
	b.sees("100,001 new")
}

// TestBrowserChoosesSheet: a workbook's sheets can be chosen, also where the first is empty; each is mapped and shown by itself, and
// imported.
func TestBrowserChoosesSheet(t *testing.T) {
	t.Parallel()
	b := open(t, serve(t))
	b.expectConsole("400") // the sheet that is empty
	b.signIn(adminKey)
	b.choose(write(t, "keys.xlsx", string(book(t, "", "Cover", nil, "2025", [][]string{{"Serial", "Product"}, {"OLD-1", "psc"}},
		"2026", [][]string{{"Seriennummer", "Produkt", "Gültig bis"}, {"NEW-1", "psc", "31.12.2030"}}))))
	b.sees("The sheet \"Cover\" is empty", "Choose one below")
	b.answer("Sheet of the workbook", "2025")
	b.sees("The first row as it will be", "OLD-1")
	b.answer("Sheet of the workbook", "2026")
	b.sees("NEW-1", "2030-12-31")
	b.click("Save this for the next file")
	b.click("Save")
	b.sees("Saved. The next file with these columns is filled in by itself.")
	b.answer("Sheet of the workbook", "2025")
	b.sees("OLD-1")
	b.answer("Sheet of the workbook", "2026")
	b.sees("Filled in from the saved mapping keys", "NEW-1", "2030-12-31")
	b.until(`document.activeElement.closest(".sheet-choice") && document.activeElement.value === "2026"`)
	b.click("Import")
	b.sees("1 imported")
	b.click("View the imported licenses")
	b.sees("NEW-1", "1 license")
}

// TestBrowserAsksBeforeItSendsLargeWorkbookTwice: a large workbook can be imported as it is, or looked at first.
func TestBrowserAsksBeforeItSendsLargeWorkbookTwice(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	path := filepath.Join(t.TempDir(), "large.xlsx")
	if err := os.WriteFile(path, book(t, "large", "Keys", [][]string{{"Serial", "Product"}, {"BIG-1", "psc"}}), 0o600); err != nil {
		t.Fatal(err)
	}
	b.choose(path)
	b.sees("This is a large workbook", "Import the file")
	b.click("Look at its columns")
	b.sees("The first row as it will be", "BIG-1")
	b.click("Import")
	b.sees("1 imported")
}

// TestBrowserMapsByKeyboard: from the chosen file to the import without a mouse, on a small screen.
func TestBrowserMapsByKeyboard(t *testing.T) {
	t.Parallel()
	b := open(t, serve(t))
	b.set(look{"dark", 360})
	b.signIn(adminKey)
	b.choose(write(t, "keys.csv", "Serial,Product,Aktiv,Plan\nKB-1,psc,ja,Gold\nKB-2,psc,nein,Gold\n"))
	b.sees("Aktiv becomes Enabled")
	b.tabTo(`e.getAttribute("role") === "combobox" && e.getAttribute("aria-label") === "Plan becomes"`)
	b.run(chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent("license type"))
	b.until(`document.querySelectorAll("[role=option]").length === 1`)
	b.run(chromedp.KeyEvent(kb.Enter))
	b.sees("Plan becomes License type", "Gold will be rejected")
	b.tabTo(`e.getAttribute("aria-label") === "Gold becomes"`)
	b.run(chromedp.KeyEvent("sub")) // a select goes to the option that begins so
	b.until(value("Gold becomes") + ` === "=subscription"`)
	b.checkAxe("mapping by keyboard")
	if over := ask[int64](b, "document.documentElement.scrollWidth"); over > 360 {
		t.Errorf("the mapping is %d px wide", over)
	}
	b.tabTo(`e.textContent === "Import"`)
	b.run(chromedp.KeyEvent(kb.Enter))
	b.sees("2 imported")
}

// tabTo presses Tab until an element e has the focus.
func (b *tab) tabTo(condition string) {
	b.Helper()
	for range 80 {
		b.run(chromedp.KeyEvent(kb.Tab))
		if ask[bool](b, `((e) => `+condition+`)(document.activeElement)`) {
			return
		}
	}
	b.fail("Tab does not reach %s", condition)
}

// value is the expression of what the select of that label has chosen.
func value(label string) string { return labelled(label) + "?.value" }

// labelled is the expression of the field with a label.
func labelled(label string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("select, input")].find((e) => e.checkVisibility() &&
		(e.getAttribute("aria-label") === %[1]s || e.labels[0]?.textContent === %[1]s))`, quote(label))
}

// answer chooses in a select.
func (b *tab) answer(label, choice string) {
	b.Helper()
	b.until(`Boolean(` + labelled(label) + `)`)
	b.do(fmt.Sprintf(`((select) => {
		select.focus();
		select.value = %s;
		select.dispatchEvent(new Event("input", { bubbles: true }));
		select.dispatchEvent(new Event("change", { bubbles: true }));
	})(%s)`, quote(choice), labelled(label)))
}

// book is a workbook with sheets of text, as pairs of name and rows. With "large" it is larger than what a page looks at unasked.
func book(t *testing.T, size string, pairs ...any) []byte {
	t.Helper()
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	var all bytes.Buffer
	w := zip.NewWriter(&all)
	add := func(name, text string) {
		part, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var sheets, relations string
	for i := 0; i < len(pairs); i += 2 {
		sheets += fmt.Sprintf(`<sheet name="%s" sheetId="%d" id="%d"/>`, pairs[i], i+1, i+1)
		relations += fmt.Sprintf(`<Relationship Id="%d" Type="%sworksheet" Target="sheet%d.xml"/>`, i+1, office, i)
		rows, _ := pairs[i+1].([][]string)
		text := "<worksheet><sheetData>"
		for _, row := range rows {
			text += "<row>"
			for _, cell := range row {
				text += `<c t="inlineStr"><is><t>` + cell + `</t></is></c>`
			}
			text += "</row>"
		}
		add(fmt.Sprintf("xl/sheet%d.xml", i), text+"</sheetData></worksheet>")
	}
	add("_rels/.rels", `<R><Relationship Id="1" Type="`+office+`officeDocument" Target="xl/workbook.xml"/></R>`)
	add("xl/workbook.xml", `<workbook><sheets>`+sheets+`</sheets></workbook>`)
	add("xl/_rels/workbook.xml.rels", `<R>`+relations+`</R>`)
	if size != "" {
		add("xl/media/image1.png", string(make([]byte, 64<<20)))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

// TestBrowserImportsExports: each vendor's export, and sheets in several languages, in three clicks: the file, the check, the import.
func TestBrowserImportsExports(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	for i, name := range []string{"keygen", "cryptlex", "licensespring", "shopify-with-keys", "fastspring-with-keys", "german", "japanese"} {
		b.sees("Recent imports")
		b.choose(filepath.Join(root, "internal/mapping/testdata/exports", name+".csv"))
		b.sees("The first 2 rows as they will be")
		if refused := ask[int](b, `document.querySelectorAll(".refused").length`); refused > 0 {
			b.fail("%s: %d cells will be rejected", name, refused)
		}
		b.click("Check first")
		b.sees("2 new", "Nothing was imported yet")
		b.click("Import the file")
		b.sees(fmt.Sprintf("Import %d", 2*i+2), "2 imported")
		b.click("Imports")
	}
}
