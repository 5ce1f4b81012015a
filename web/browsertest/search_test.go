//go:build tools

package browsertest

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// found waits until the list has these license keys, in this order.
func (b *tab) found(keys ...string) {
	b.Helper()
	b.until(`Array.from(document.querySelectorAll("tbody th a"), (a) => a.textContent).join() === ` + quote(strings.Join(keys, ",")))
}

// typed writes into the search field.
func (b *tab) typed(text string) {
	b.Helper()
	b.do(`(() => { const i = document.querySelector('input[name="search"]'); i.focus(); i.value = ` + quote(text) +
		`; i.dispatchEvent(new Event("input", { bubbles: true })); })()`)
}

// TestBrowserSearchesAsOneTypes: one field finds by parts of words of any text, without Enter, and keeps the
// focus; the address holds the search, and “back” leaves it.
func TestBrowserSearchesAsOneTypes(t *testing.T) {
	t.Parallel()
	site := serve(t)
	imported(t, site, "", "people.csv", strings.NewReader(
		"license__license_key,product__short_code,customer__email,customer__first_name,customer__last_name,customer__company_name,order__store_id\n"+
			"AAA-1,photo-pro,zoe@example.com,Zoë,Lovelace,Acme GmbH,order-9\nBBB-2,sync,bert@example.org,Bert,Ångström,Zeta Ltd,order-10\nccc-3,photo-lite,,,,,\n"))
	b := openSignedIn(t, site)
	b.sees("people.csv")
	b.click("Licenses")
	b.found("ccc-3", "BBB-2", "AAA-1")
	for search, keys := range map[string][]string{"aa-": {"AAA-1"}, "ZO": {"AAA-1"}, "ångstr": {"BBB-2"}, "cme gm": {"AAA-1"}, "ORDER-1": {"BBB-2"},
		"photo": {"ccc-3", "AAA-1"}, "example": {"BBB-2", "AAA-1"}, "photo lovelace": {"AAA-1"}} {
		b.typed(search)
		b.found(keys...)
	}
	b.typed("nobody")
	b.sees("No licenses match", "Try fewer words")
	b.until(`document.activeElement.name === "search" && location.hash === "#/licenses?search=nobody"`)
	b.run(chromedp.Reload())
	b.sees("No licenses match")
	b.run(chromedp.NavigateBack())
	b.sees("people.csv")
}

// TestBrowserDropsOldAnswers: the answer to an older search that comes late is not shown.
func TestBrowserDropsOldAnswers(t *testing.T) {
	t.Parallel()
	site := serve(t)
	imported(t, site, "", "bulk.csv", strings.NewReader(rows(3)))
	b := openSignedIn(t, site)
	b.sees("bulk.csv")
	b.click("Licenses")
	b.sees("3 licenses")
	b.do(`{ const real = fetch; window.late = 0; window.fetch = (to, options) => String(to).includes("search=slow")
		? new Promise((answer) => { window.release = () => real(String(to).replace("search=slow", "search=bulk"), { ...options, signal: undefined })
			.then((r) => { answer(r); setTimeout(() => { window.late += 1; }, 200); }); }) : real(to, options); }`)
	b.typed("slow")
	b.until(`Boolean(window.release)`)
	b.typed("000002")
	b.found("BULK-000002")
	b.do(`window.release()`)
	b.until(`window.late === 1`)
	b.found("BULK-000002")
}

// TestBrowserSortsLicenses: a heading sorts, and again the other way; a select does on a narrow screen; a scope
// from a link can be taken away.
func TestBrowserSortsLicenses(t *testing.T) {
	t.Parallel()
	site := serve(t)
	imported(t, site, "", "sort.csv", strings.NewReader("license__license_key,product__short_code,customer__email\nb,p,z@example.com\nC,p,\na,q,y@example.com\n"))
	b := openSignedIn(t, site)
	b.sees("sort.csv")
	b.click("Licenses")
	b.found("a", "C", "b")
	b.until(`document.querySelector("th[aria-sort=descending]").innerText.includes("Imported")`)
	b.click("License key")
	b.found("a", "b", "C")
	b.until(`document.querySelector("th[aria-sort=ascending]").innerText.includes("License key") && location.hash === "#/licenses?sort=license_key"`)
	b.click("License key▲")
	b.found("C", "b", "a")
	b.click("Customer")
	b.found("a", "b", "C")
	b.click("Imported")
	b.found("b", "C", "a")
	b.set(look{"light", 360})
	b.do(`{ const s = document.querySelector(".sort-by select"); s.value = "-product__short_code"; s.dispatchEvent(new Event("change")); }`)
	b.found("a", "C", "b")
	b.typed("b")
	b.found("b")
	b.run(chromedp.Navigate(site + "/#/licenses?import_id=1&product=q"))
	b.sees("Only import 1", "Only product q")
	b.found("a")
	b.click("Remove filter: product q")
	b.found("a", "C", "b")
	b.until(`!document.body.innerText.includes("Only product q")`)
}

// TestBrowserSearchesCustomersAndOrders: their lists have the one field and the headings of the licenses' list.
func TestBrowserSearchesCustomersAndOrders(t *testing.T) {
	t.Parallel()
	site := serve(t)
	imported(t, site, "", "shop.csv", strings.NewReader("license__license_key,product__short_code,customer__email,customer__company_name,order__store_id\n"+
		"k-1,photo,zoe@example.com,Acme,S-2\nk-2,sync,bert@example.org,Zeta,S-1\nk-3,sync,eve@example.org,,S-3\n"))
	b := openSignedIn(t, site)
	b.sees("shop.csv")
	b.click("Customers")
	b.found("eve@example.org", "bert@example.org", "zoe@example.com")
	b.typed("ACM")
	b.found("zoe@example.com")
	b.typed("example.o")
	b.found("eve@example.org", "bert@example.org")
	b.click("E-mail")
	b.found("bert@example.org", "eve@example.org")
	b.until(`location.hash === "#/customers?search=example.o&sort=email"`)
	b.typed("nobody")
	b.sees("No customers match")
	b.click("Orders")
	b.found("S-3", "S-1", "S-2")
	b.click("Store order number")
	b.found("S-1", "S-2", "S-3")
	b.typed("sync")
	b.found("S-1", "S-3")
	b.run(chromedp.Navigate(site + "/#/orders?product=photo"))
	b.sees("Only product photo")
	b.found("S-2")
	b.click("Remove filter: product photo")
	b.found("S-3", "S-1", "S-2")
}

// exactly filters a list by the exact value of a field: of the one that it has, or of the one with this name in the address.
func (b *tab) exactly(field, value string) {
	b.Helper()
	b.until(`Boolean(document.querySelector('input[name="exact"]'))`)
	b.do(`{ const form = document.querySelector("form.exact"); form.closest("details").open = true;
		if (` + quote(field) + `) form.querySelector("select").value = ` + quote(field) + `;
		form.elements.exact.value = ` + quote(value) + `; form.requestSubmit(); }`)
}

// TestBrowserFiltersByExactValues: where parts of words find too much, a list is filtered by one exact value, such
// as a customer number, which the search does not look at.
func TestBrowserFiltersByExactValues(t *testing.T) {
	t.Parallel()
	site := serve(t)
	imported(t, site, "", "crm.csv", strings.NewReader("license__license_key,product__short_code,customer__email,customer__reference,order__store_id\n"+
		"k-1,photo,zoe@example.com,42,S-2\nk-10,photo-pro,bert@example.com,0042,S-20\n"))
	b := openSignedIn(t, site)
	b.sees("crm.csv")
	b.click("Customers")
	b.found("bert@example.com", "zoe@example.com")
	b.sees("Filter by exact customer number")
	b.exactly("", "42")
	b.sees("Only customer number 42")
	b.found("zoe@example.com")
	b.checkAxe("customers by number")
	b.exactly("", "7")
	b.sees("No customers match", "Remove a filter")
	b.click("Remove filter: customer number 7")
	b.found("bert@example.com", "zoe@example.com")
	b.click("Licenses")
	b.found("k-10", "k-1")
	b.exactly("product", "photo")
	b.sees("Only product photo")
	b.found("k-1")
	b.click("Remove filter: product photo")
	b.exactly("key", "k-1")
	b.sees("Only key k-1")
	b.found("k-1")
	b.until(`location.hash === "#/licenses?match=exact&key=k-1"`)
	b.click("Orders")
	b.exactly("order", "S-2")
	b.found("S-2")
}
