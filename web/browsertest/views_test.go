//go:build tools

package browsertest

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "write a screenshot of each view to this directory, relative to the project's root")

var every = flag.Bool("every", false, "look at both themes in both widths, not only at the light one wide and the dark one narrow")

// A theme and a width.
type look struct {
	theme string
	width int64
}

// looks are all that the views are looked at in.
func looks() []look {
	all := []look{{"light", 1440}, {"dark", 360}}
	if *every {
		all = append(all, look{"dark", 1440}, look{"light", 360})
	}
	return all
}

// tallest is the largest height of a screenshot, in pixels.
const tallest = 1600

// scene is a view in one state.
type scene struct {
	name  string
	hash  string
	shows string       // once this is there, the view is
	act   func(b *tab) // what is done before looking, if anything
}

// scenes are all views, in the order of the screenshots.
var scenes = []scene{
	{"imports", "#/", "licenses.csv", nil},
	{"file-chosen", "#/", "licenses.csv", func(b *tab) {
		b.choose(example)
		b.click("About the file")
	}},
	{"upload-refused", "#/", "licenses.csv", func(b *tab) {
		b.choose(write(b.T, "only-a-header.csv", "license__license_key,product__short_code\n"))
		b.click("Import the file")
		b.sees("only-a-header.csv was not imported")
	}},
	{"mapping", "#/", "licenses.csv", func(b *tab) {
		b.choose(write(b.T, "old-shop.csv", ambiguous))
		b.sees("Before you go on")
	}},
	{"mapping-values", "#/", "licenses.csv", func(b *tab) {
		b.choose(write(b.T, "keygen.csv", keygen+"3,Cy,C1B6DE-39A6E5,never,ACTIVE,unlimited,cy@example.com\n"))
		b.sees("Rows with this value are rejected")
	}},
	{"mapping-sheets", "#/", "licenses.csv", func(b *tab) {
		b.choose(write(b.T, "keys.xlsx", string(book(b.T, "", "2025", [][]string{{"Serial", "Product"}, {"OLD-9", "photo-pro"}},
			"2026", [][]string{{"Seriennummer", "Produkt", "Gültig bis"}, {"NEW-1", "photo-pro", "31.12.2030"}}))))
		b.answer("Sheet of the workbook", "2026")
		b.sees("NEW-1", "2030-12-31")
	}},
	{"mapping-features", "#/", "licenses.csv", func(b *tab) {
		b.rowsAre("features")
		b.choose(write(b.T, "entitlements.csv", "Entitlement,Limit,Until\nreports,100,2030-12-31\n"))
		b.sees("Every feature needs the key of its license.")
	}},
	{"import", "#/imports/2", "Not a whole number", nil},
	{"import-one-code", "#/imports/2?show=rejected&code=field_count", "Too few or too many", func(b *tab) {
		b.click("The row as sent, line 37")
	}},
	{"import-existed", "#/imports/3?show=existed", "Import 1, row 1 (left unchanged)", nil},
	{"import-refused", "#/imports/4", "Nothing imported", nil},
	{"import-checked", "#/imports/5", "Checked", nil},
	{"import-changes", "#/imports/6?show=updated", "Maximum activations", nil},
	{"import-undone", "#/imports/7?show=kept", "Stayed after the undo", nil},
	{"import-undo-asked", "#/imports/8", "1 updated", func(b *tab) {
		b.click("Undo this import")
		b.sees("Undo import 8?")
	}},
	{"import-features", "#/imports/9", "2 imported, 1 to fix", nil},
	{"import-customers", "#/imports/10", "1 imported, 1 updated, 1 to fix", nil},
	{"import-warned", "#/imports/11?show=warned", "2 imported", nil},
	{"licenses", "#/licenses?search=photo&sort=customer_email", "licenses", nil},
	{"nothing-found", "#/licenses?order=4711", "No licenses match", func(b *tab) { b.click("Filter by an exact value") }},
	{"license", "#/licenses?search=17kq-0011", "1 license", func(b *tab) {
		b.click("PPRO-R2EE-17KQ-0011")
		b.sees("Where it came from")
		b.click("Show the event as JSON")
		b.sees(`"LicenseImported"`)
	}},
	{"license-history", "#/licenses?search=old-2", "1 license", func(b *tab) {
		b.click("OLD-2")
		b.sees("Feature added", "became")
	}},
	{"license-gone", "#/licenses/{gone}", "An undo removed this license", func(b *tab) { b.sees("Imported,") }},
	{"customers", "#/customers?email=jana", "1 customer", nil},
	{"orders", "#/orders", "orders", nil},
	{"columns", "#/columns", "license__note", nil},
	{"guide", "#/guide", "Fix the rejected rows", nil},
}

// prepare makes the imports that the views show. It returns the id of a license that an undo took back.
func prepare(t *testing.T, site string) (gone string) {
	t.Helper()
	file, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	first := string(file[:strings.Index(string(file), "PLITE-TRIAL-0024")])
	imported(t, site, "", "old-shop.csv", strings.NewReader(first[:strings.Index(first, "PPRO-R2EE")]))
	imported(t, site, "", "licenses.csv", strings.NewReader(string(file)))
	imported(t, site, "", "old-shop-again.csv", strings.NewReader(first))
	imported(t, site, "mode=all_or_nothing", "licenses-2027.csv", strings.NewReader(string(file)))
	imported(t, site, "dry_run=true", "renewals.csv", strings.NewReader(rows(2000)))
	const header = "license__license_key,product__short_code,license__max_activations,license__note\n"
	imported(t, site, "dry_run=true&existing=update", "prices-2027.csv", strings.NewReader(header+
		"PPRO-R2EE-17KQ-0011,photo-pro,5,#N/A\nPPRO-7Q2M-K4XD-0001,photo-pro,9,Upgrade 2027\nPPRO-2027-0001,photo-pro,1,\n"))
	wrong := imported(t, site, "", "wrong-list.csv", strings.NewReader(header+"OLD-1,photo-pro,1,\nOLD-2,photo-pro,1,\nOLD-3,photo-pro,1,\n"))
	imported(t, site, "existing=update", "support.csv", strings.NewReader(header+"OLD-2,photo-pro,4,\n"))
	var found struct{ Results []struct{ ID int } }
	request(t, "GET", site+"/api/v1/licenses/?license_key=OLD-1", "", nil, &found)
	undo(t, site, wrong)
	importedAs(t, site, "features", "", "features.csv", strings.NewReader("license_key,code,max_consumption,expiry_date,allow_overages\n"+
		"OLD-2,reports,100,2030-12-31,true\nOLD-2,export,,,\nNOBODY-1,reports,many,,\n"))
	importedAs(t, site, "customers", "existing=update", "contacts.csv", strings.NewReader("email,first_name,company_name\n"+
		"jana.novakova@fotoatelier.example,Jana,Foto Nováková\ngrace@example.com,Grace,Compilers\nnobody,No,\n"))
	imported(t, site, "", "maintenance.csv", strings.NewReader("license__license_key,product__short_code,license__maintenance_period\nM-1,photo-pro,2030-01-01\nM-2,photo-pro,\n"))
	return strconv.Itoa(found.Results[0].ID)
}

// undo undoes an import by the API and waits for its end.
func undo(t *testing.T, site string, id int) {
	t.Helper()
	address := fmt.Sprintf("%s/api/v1/licenses-import-results/%d/", site, id)
	var accepted struct{}
	request(t, "POST", address+"undo/", "", nil, &accepted)
	for {
		var result struct{ Undo struct{ Status string } }
		request(t, "GET", address, "", nil, &result)
		if result.Undo.Status == "finished" {
			return
		}
	}
}

// TestBrowserViews checks each view in both widths and both themes: no overflow, no
// finding of axe. With -screenshots it writes the screenshots.
func TestBrowserViews(t *testing.T) {
	t.Parallel()
	site := serve(t)
	gone := prepare(t, site)
	for _, l := range looks() {
		t.Run(fmt.Sprintf("%s-%d", l.theme, l.width), func(t *testing.T) {
			t.Parallel()
			b := open(t, site)
			b.expectConsole("400") // the upload that is refused
			b.expectConsole("410") // the license that is gone
			b.expectConsole("404") // an import is asked for as one of each kind
			b.set(l)
			b.sees("Sign in with your API key")
			b.inspect("sign-in", l)
			b.signIn(adminKey)
			b.sees("Sign out")
			for _, s := range scenes {
				b.run(chromedp.Navigate(site+"/"+strings.ReplaceAll(s.hash, "{gone}", gone)), chromedp.Reload())
				b.sees(s.shows)
				if s.act != nil {
					s.act(b)
				}
				b.inspect(s.name, l)
			}
		})
	}
}

// set sets theme and width of the screen.
func (b *tab) set(l look) {
	b.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: l.theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		b.fail("%v", err)
	}
	if l.width < 500 {
		b.run(chromedp.EmulateViewport(l.width, 740, chromedp.EmulateMobile))
	} else {
		b.run(chromedp.EmulateViewport(l.width, 800))
	}
}

// inspect checks the page and writes a screenshot if asked.
func (b *tab) inspect(name string, l look) {
	b.Helper()
	if over := ask[int64](b, "document.documentElement.scrollWidth"); over > l.width {
		b.Errorf("%s: %d px wide on a screen of %d", name, over, l.width)
	}
	b.checkAxe(name)
	if *screenshots == "" {
		return
	}
	b.do("document.activeElement?.blur(); scrollTo(0, 0)")
	height := min(ask[float64](b, `document.querySelector("dialog[open]") ? innerHeight : document.documentElement.scrollHeight`), tallest)
	picture, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatWebp, Quality: new(int64(80)), CaptureBeyondViewport: new(true),
		Clip: &page.Viewport{Width: float64(l.width), Height: height, Scale: 1},
	})
	if err != nil {
		b.fail("%v", err)
	}
	dir := *screenshots
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	file := fmt.Sprintf("%s-%s-%d.webp", name, l.theme, l.width)
	if err := os.WriteFile(filepath.Join(dir, file), picture.Data, 0o644); err != nil {
		b.Fatal(err)
	}
}

// checkAxe runs axe-core in the page: WCAG 2.2 A and AA, and its best practices.
func (b *tab) checkAxe(name string) {
	b.Helper()
	script, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		b.Fatalf("These tests need axe-core: run npm ci --ignore-scripts in web/browsertest (%v)", err)
	}
	b.do(string(script) + "; undefined")
	report, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]byte](`axe.run({ resultTypes: ["violations"] }).then((r) =>
		JSON.parse(JSON.stringify(r.violations.map((v) => ({ id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map((n) => n.html + " " + n.failureSummary) })))))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		b.fail("axe: %v", err)
	}
	var found []struct {
		ID, Impact, Help string
		Nodes            []string
	}
	if err := json.Unmarshal(report, &found); err != nil {
		b.Fatal(err)
	}
	for _, f := range found {
		b.Errorf("%s: %s: %s, %s\n%s", name, f.Impact, f.ID, f.Help, strings.Join(f.Nodes, "\n"))
	}
}
