//go:build tools

package browsertest

import "testing"

// TestBrowserShowsTheReference: the API reference lists the operations, also at its address without a slash,
// and breaks no rule of its policy.
func TestBrowserShowsTheReference(t *testing.T) {
	t.Parallel()
	site := serve(t)
	for _, address := range []string{"/reference", "/reference/"} {
		b := open(t, site+address)
		b.sees("Import licenses from a CSV file", "/api/v1/licenses-import-results/{id}/", "Api-Key")
		b.do(`document.querySelector("[id$=getMe] button").click()`)
		b.sees("The manager, the role and the products of the key")
	}
}
