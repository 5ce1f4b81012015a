// Package browsertest tests the page in a real browser against the real program,
// without mocks.
//
// They need Chromium (Debian: apt-get install chromium), found by its name in
// PATH or by the variable CHROMIUM, and axe-core from npm, which checks
// accessibility: npm ci --ignore-scripts in this directory. If either is missing,
// the tests fail and say so.
//
// They also write the screenshots of the documentation; these need fonts for all
// scripts (Debian: fonts-noto-core, fonts-noto-cjk):
//
//	make screenshots
package browsertest
