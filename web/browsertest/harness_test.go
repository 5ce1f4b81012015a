//go:build tools

package browsertest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"licenseimport/internal/buildtest"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const (
	adminKey = "browser-test-key"
	root     = "../.." // of the project
	patience = 30 * time.Second
)

// removeProgram deletes the built program, if a test has needed it.
var removeProgram = func() {}

func TestMain(m *testing.M) {
	status := m.Run()
	removeProgram()
	os.Exit(status)
}

// built builds the program once, when the first test needs it.
var built = sync.OnceValues(func() (string, error) {
	program, remove, err := buildtest.Build()
	if err == nil {
		removeProgram = remove
	}
	return program, err
})

// serve starts the program on an empty directory and gives its address. It is
// stopped when the test ends, and has to end well.
func serve(t *testing.T) string {
	t.Helper()
	site, _ := serveOn(t)
	return site
}

// serveOn also gives the directory.
func serveOn(t *testing.T) (site, data string) {
	t.Helper()
	data = t.TempDir()
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", "--http", "127.0.0.1:0", "--nats-port", "-1", "--data", data)
	cmd.Env = append(os.Environ(), "LICENSEIMPORT_ADMIN_KEY="+adminKey)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program ended with: %v", err)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) == 2 && fields[0] == "HTTP" {
			go io.Copy(io.Discard, out)
			return fields[1], data
		}
	}
	t.Fatal("the program told no address")
	return "", ""
}

// command runs the program on the data directory of a server and gives what it printed.
func command(t *testing.T, data string, words ...string) []byte {
	t.Helper()
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, append(words, "--data", data)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return out
}

// newKey makes a key with a role, for all products or for some, by the command line.
func newKey(t *testing.T, data, name, role string, products ...string) string {
	t.Helper()
	words := []string{"keys", "create", name, "--role", role}
	for _, product := range products {
		words = append(words, "--products", product)
	}
	out := command(t, data, words...)
	key := regexp.MustCompile(`lik_\S+`).Find(out)
	if key == nil {
		t.Fatalf("no key in: %s", out)
	}
	return string(key)
}

// chromium returns the browser's path.
func chromium(t *testing.T) string {
	names := []string{"chromium", "chromium-browser", "google-chrome", "chrome"}
	if own := os.Getenv("CHROMIUM"); own != "" {
		names = []string{own}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("These tests need Chromium, and none of %s is in PATH: install it (Debian: apt-get install chromium), or name it in the variable CHROMIUM.",
		strings.Join(names, ", "))
	return ""
}

// tab is one tab of a separate browser.
type tab struct {
	*testing.T
	ctx       context.Context
	site      string
	downloads string

	mu       sync.Mutex
	expected []string // texts of console errors that are to be
	errors   []string
}

// open starts a browser on the site's start page. The test fails if the console has
// errors at its end.
func open(t *testing.T, site string) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.Flag("disable-quic", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Env("TZ=Asia/Tokyo"), chromedp.WindowSize(1440, 900))
	allocated, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as this context
		t.Fatalf("starting the browser: %v", err)
	}
	limited, cancel := context.WithTimeout(ctx, 12*patience)
	t.Cleanup(cancel)
	b := &tab{T: t, ctx: limited, site: site, downloads: t.TempDir()}
	go b.hear(chromedp.Console(ctx))
	_, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: b.downloads,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: "en-GB"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.checkConsole)
	b.run(chromedp.Navigate(site))
	return b
}

// hear collects console messages until the browser ends.
func (b *tab) hear(console iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range console {
		if err != nil {
			return
		}
		if m.Type != chromedp.ConsoleError && m.Type != chromedp.ConsoleWarning && m.Type != chromedp.ConsoleException {
			continue
		}
		b.mu.Lock()
		b.errors = append(b.errors, m.Text+" "+m.URL)
		b.mu.Unlock()
	}
}

// expectConsole allows a console error that contains the text: a browser logs each
// answer of 400 and above.
func (b *tab) expectConsole(text string) { b.expected = append(b.expected, text) }

func (b *tab) checkConsole() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.errors {
		known := false
		for _, expected := range b.expected {
			known = known || strings.Contains(text, expected)
		}
		if !known {
			b.Errorf("console: %s", text)
		}
	}
}

// run runs an action in the browser.
func (b *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.fail("%v", err)
	}
}

// do runs a script.
func (b *tab) do(script string) {
	b.Helper()
	b.run(chromedp.Evaluate[chromedp.Void](script))
}

// ask returns the value of an expression.
func ask[T any](b *tab, expression string) T {
	b.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.fail("%s: %v", expression, err)
	}
	return value
}

// fail ends the test and reports the text of the page.
func (b *tab) fail(format string, args ...any) {
	b.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	if err != nil {
		text = err.Error()
	}
	b.mu.Lock()
	console := strings.Join(b.errors, "\n")
	b.mu.Unlock()
	b.Fatalf(format+"\nthe page shows:\n%s\nconsole: %s", append(args, text, console)...)
}

// until waits until an expression is true in the page. The deadline is long: other
// tests may load the machine.
func (b *tab) until(expression string) {
	b.Helper()
	for deadline := time.Now().Add(patience); !ask[bool](b, expression); {
		if time.Now().After(deadline) {
			b.fail("waited in vain for %s", expression)
		}
		b.breathe()
	}
}

// breathe gives the browser time between two polls.
func (b *tab) breathe() {
	select {
	case <-b.ctx.Done():
		b.fail("%v", b.ctx.Err())
	case <-time.After(20 * time.Millisecond):
	}
}

// sees waits until the page shows a text.
func (b *tab) sees(texts ...string) {
	b.Helper()
	for _, text := range texts {
		b.until(fmt.Sprintf("document.body.innerText.replaceAll(/\\s+/g, ' ').includes(%s)", quote(text)))
	}
}

// click clicks the link, button or summary of that name.
func (b *tab) click(name string) {
	b.Helper()
	find := fmt.Sprintf(`Array.from(document.querySelectorAll("dialog[open] button, a, button, summary")).find((e) =>
		(e.textContent.replaceAll(/\s+/g, " ").trim() === %[1]s || e.getAttribute("aria-label") === %[1]s) && e.checkVisibility() && !e.disabled)`, quote(name))
	b.until("Boolean(" + find + ")")
	b.do(find + ".click()")
}

// openSignedIn is open, and signs in with the admin key.
func openSignedIn(t *testing.T, site string) *tab {
	t.Helper()
	b := open(t, site)
	b.signIn(adminKey)
	return b
}

// signIn enters a key and submits it.
func (b *tab) signIn(key string) {
	b.Helper()
	b.until(`Boolean(document.querySelector("#key"))`)
	b.do(`document.querySelector("#key").value = ""`)
	b.run(chromedp.SendKeys("#key", key+"\r"))
}

// choose selects a file in the file field.
func (b *tab) choose(path string) {
	b.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		b.Fatal(err)
	}
	b.run(chromedp.WaitReady(`input[type="file"]`), chromedp.SetUploadFiles(`input[type="file"]`, []string{absolute}))
}

// downloaded waits for a download and reads it.
func (b *tab) downloaded(name string) string {
	b.Helper()
	path := filepath.Join(b.downloads, name)
	for deadline := time.Now().Add(patience); ; {
		if content, err := os.ReadFile(path); err == nil && len(content) > 0 {
			return string(content)
		}
		if time.Now().After(deadline) {
			b.fail("%s was not downloaded", name)
		}
		b.breathe()
	}
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(quoted)
}

// imported imports a file of licenses by the API, waits for its end and returns its id.
func imported(t *testing.T, site, query, name string, content io.Reader) int {
	t.Helper()
	return importedAs(t, site, "licenses", query, name, content)
}

// endpoints are the addresses of uploads and results, by kind.
var endpoints = map[string][2]string{
	"licenses":  {"licenses/import_from_csv", "licenses-import-results"},
	"features":  {"licenses/import_features_from_csv", "license-features-import-results"},
	"customers": {"customers/import_from_csv", "customers-import-results"},
}

// importedAs does the same with rows of any kind.
func importedAs(t *testing.T, site, kind, query, name string, content io.Reader) int {
	t.Helper()
	body, form := io.Pipe()
	parts := multipart.NewWriter(form)
	go func() {
		part, err := parts.CreateFormFile("file", name)
		if err == nil {
			_, err = io.Copy(part, content)
		}
		if err == nil {
			err = parts.Close()
		}
		form.CloseWithError(err)
	}()
	var answer struct {
		ID int `json:"job_id"`
	}
	request(t, "POST", site+"/api/v1/"+endpoints[kind][0]+"/?"+query, parts.FormDataContentType(), body, &answer)
	for {
		var result struct{ Status string }
		request(t, "GET", fmt.Sprintf("%s/api/v1/%s/%d/", site, endpoints[kind][1], answer.ID), "", nil, &result)
		if result.Status == "success" || result.Status == "error" {
			return answer.ID
		}
	}
}

func request(t *testing.T, method, url, contentType string, body io.Reader, answer any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Api-Key "+adminKey)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %d %s %v", method, url, response.StatusCode, content, err)
	}
	if err := json.Unmarshal(content, answer); err != nil {
		t.Fatal(err)
	}
}
