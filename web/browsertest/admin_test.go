//go:build tools

package browsertest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// enter types into the field with a label.
func (b *tab) enter(label, text string) {
	b.Helper()
	find := `Array.from(document.querySelectorAll("label")).find((e) => e.textContent.trim() === ` + quote(label) + ` && e.checkVisibility())`
	b.until("Boolean(" + find + ")")
	b.do(`{ const input = document.getElementById(` + find + `.htmlFor); input.value = ` + quote(text) + `; input.dispatchEvent(new Event("input", { bubbles: true })) }`)
}

// inspectAll checks the page in both widths and themes.
func (b *tab) inspectAll(name string) {
	b.Helper()
	for _, l := range slices.Backward(looks()) { // the page stays as the first has it
		b.set(l)
		b.inspect(name, l)
	}
}

// TestBrowserAdministers makes and revokes a key, sets and removes a product, deletes a mapping, and reads who did it.
func TestBrowserAdministers(t *testing.T) {
	t.Parallel()
	site, data := serveOn(t)
	root := newKey(t, data, "Ada", "admin")
	request(t, "PUT", site+"/api/v1/import-mappings/old%20shop/", "application/json",
		strings.NewReader(`{"columns":{"Serial":"license__license_key"},"set":{"product__short_code":"photo-pro"}}`), &struct{}{})
	b := open(t, site)
	b.signIn(root)
	b.click("Administration")
	b.sees("Make a key", "Key begins with", "Ada", "yours")

	b.enter("Whose key is it?", "Web shop – 商店")
	b.enter("Limited to products", "photo-pro, photo-lite")
	b.click("Make a key")
	b.sees("The key of Web shop – 商店", "It cannot be shown again", "2 keys")
	made := ask[string](b, `document.querySelector("#new-key").value`)
	b.inspectAll("admin-keys")
	if answer := me(t, site, made); answer != 200 {
		t.Errorf("the new key is answered %d", answer)
	}
	b.click("Revoke " + made[:12] + " of Web shop – 商店")
	b.sees("It stops working within a second")
	b.inspectAll("admin-revoke-asked")
	b.click("Revoke the key")
	b.sees("1 key")
	for me(t, site, made) != 401 { // within a second
		b.breathe()
	}

	b.click("Products")
	b.sees("The catalogue is empty")
	b.enter("Short code", "photo-pro")
	b.enter("Name", "Photo Pro")
	b.enter("Maximum activations", "3")
	b.click("Save the product")
	b.sees("1 product", "Photo Pro")
	b.click("Change photo-pro")
	b.enter("Name", "Photo Pro 5")
	b.click("Save the product")
	b.sees("Photo Pro 5")
	b.inspectAll("admin-products")
	b.click("Remove photo-pro")
	b.click("Remove the product")
	b.sees("The catalogue is empty")

	b.click("Saved mappings")
	b.sees("old shop", "exports of", "built in")
	b.inspectAll("admin-mappings")
	b.click("Delete old shop")
	b.click("Delete the mapping")
	b.until(`!document.querySelector("main").textContent.includes("old shop")`)

	b.click("Audit log")
	b.sees("Made the key "+made[:12]+" for Web shop – 商店, role importer, limited to photo-pro, photo-lite", "Revoked the key "+made[:12],
		"Set the product photo-pro (Photo Pro 5)", "Removed the product photo-pro", "Deleted the mapping old shop", "Ada")
	b.inspectAll("admin-audit")
}

// TestBrowserAdministrationIsForAdmins: others neither see it nor get there by its address.
func TestBrowserAdministrationIsForAdmins(t *testing.T) {
	t.Parallel()
	site, data := serveOn(t)
	b := open(t, site)
	b.signIn(newKey(t, data, "eve", "importer"))
	b.sees("Sign out")
	if ask[bool](b, `document.querySelector("nav").textContent.includes("Administration")`) {
		t.Error("an importer is offered the administration")
	}
	b.run(chromedp.Navigate(site + "/#/admin"))
	b.sees("The administration is for admins")
}

// me is the status of a request for the manager of a key.
func me(t *testing.T, site, key string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", site+"/api/v1/me/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Api-Key "+key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// TestBrowserStaysSignedIn: with the box ticked, the key is in no storage that scripts read, other tabs and a reload are signed in,
// uploads and changes work, and signing out or revoking the key ends it.
func TestBrowserStaysSignedIn(t *testing.T) {
	t.Parallel()
	site, data := serveOn(t)
	key := newKey(t, data, "Ada", "admin")
	b := open(t, site)
	b.sees("Keep me signed in")
	if fields := ask[string](b, `Array.from(document.querySelectorAll("form input"), (i) => i.autocomplete).filter(Boolean).sort().join()`); fields != "current-password,username" {
		t.Errorf("password managers see %s", fields)
	}
	b.inspectAll("sign-in-kept")
	b.click("Sign in")
	b.sees("Paste your API key here")
	b.expectConsole("401")
	b.until(`Boolean(document.querySelector("#stay"))`)
	b.do(`document.querySelector("#stay").checked = true`)
	b.signIn(key)
	b.sees("Sign out", "Ada")
	if stored := ask[string](b, `JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie`); strings.Contains(stored, key) || !strings.Contains(stored, key[:12]) {
		t.Errorf("scripts read %s", stored)
	}
	b.run(chromedp.Reload())
	b.sees("Sign out")
	b.choose(example)
	b.click("Import the file")
	b.sees("Import 1")
	b.click("Administration")
	b.sees("yours")
	b.click("Sign out")
	b.sees("Sign in with your API key")
	b.run(chromedp.Reload())
	b.sees("Sign in with your API key")

	b.do(`document.querySelector("#stay").checked = true`)
	b.signIn(key)
	b.sees("Sign out")
	command(t, data, "keys", "revoke", key[:12])
	for me(t, site, key) != 401 {
		b.breathe()
	}
	b.click("Licenses")
	b.sees("Signed out", "Sign in with your API key")
}

// TestBrowserHelpsWithUnknownProducts: it says which product was probably meant, and an admin adds the other one and tries again.
func TestBrowserHelpsWithUnknownProducts(t *testing.T) {
	t.Parallel()
	site, data := serveOn(t)
	command(t, data, "products", "set", "photo-pro")
	imported(t, site, "", "shop.csv", strings.NewReader("license__license_key,product__short_code\nUP-1,photo-pro\nUP-2,Photo-Por\nUP-3,brand-new\nUP-4,brand-new\n"))
	viewer := newKey(t, data, "eve", "viewer")
	b := open(t, site)
	b.signIn(viewer)
	b.click("shop.csv")
	b.sees("Did you mean photo-pro?")
	if ask[bool](b, `document.body.innerText.includes("Add this product")`) {
		t.Error("a viewer is offered to add a product")
	}
	b.click("Sign out")
	b.signIn(adminKey)
	b.sees("Did you mean photo-pro?")
	b.inspectAll("unknown-product")
	b.click("Add this product: brand-new")
	b.sees("brand-new is in the catalogue now.")
	b.until(`document.body.innerText.split("brand-new is in the catalogue now.").length === 3`) // both rows
	b.click("Try the rejected rows again")
	b.sees("Import 2", "2 imported", "1 to fix")
}
