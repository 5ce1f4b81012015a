// Package browsertest holds the tests of the page in a real browser, against the
// real program: nothing is replaced by a stand-in.
//
// They need Chromium (Debian: apt-get install chromium), found by its name in
// PATH or by the variable CHROMIUM, and axe-core from npm, which checks what
// assistive technology needs: npm ci --ignore-scripts in this folder. Where
// either is missing they fail and say so.
//
// They also write the pictures of the documentation, where fonts for all scripts
// are installed (Debian: fonts-noto-core, fonts-noto-cjk):
//
//	go test ./web/browsertest -run 'Views|Cancels' -screenshots docs/screenshots
package browsertest
