// Package browsertest holds the tests of the page in a real browser, against the
// real program: nothing is replaced by a stand-in.
//
// They need Chromium (Debian: apt-get install chromium), found by its name in
// PATH or by the variable CHROMIUM, and axe-core from npm, which checks what
// assistive technology needs: npm ci --ignore-scripts in this folder. Where
// either is missing they fail and say so.
//
// TestBrowserViews also writes the pictures of the documentation:
//
//	go test ./web/browsertest -run TestBrowserViews -screenshots docs/screenshots
package browsertest
