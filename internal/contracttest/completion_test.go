//go:build tools

package contracttest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// completions are what a person types before the tab key, and what the line is
// after it. They are typed in a directory with the file "old shop.csv" and the
// directory "vault".
var completions = map[string]string{
	"licenseimport imp":                         "licenseimport import",
	"licenseimport keys cr":                     "licenseimport keys create",
	"licenseimport import --dry":                "licenseimport import --dry-run",
	"licenseimport import --mode a":             "licenseimport import --mode all_or_nothing",
	"licenseimport import --mode=a":             "licenseimport import --mode=all_or_nothing",
	"licenseimport import ol":                   "licenseimport import old shop.csv",
	"licenseimport serve --data va":             "licenseimport serve --data vault",
	"licenseimport completion f":                "licenseimport completion fish",
	"licenseimport --log-level=d":               "licenseimport --log-level=debug",
	"./licenseimport sta":                       "./licenseimport status",
	"licenseimport keys create --role importer": "licenseimport keys create --role importer",
}

// playground is a directory with the program and something to complete.
func playground(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, err := range []error{
		os.Symlink(program, filepath.Join(dir, "licenseimport")),
		os.Mkdir(filepath.Join(dir, "vault"), 0o700),
		os.WriteFile(filepath.Join(dir, "old shop.csv"), nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shell runs a shell in the playground with the program in PATH.
func shell(t *testing.T, dir, stdin string, words ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Dir, c.Stdin = dir, strings.NewReader(stdin)
	c.Env = append(environment(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "TERM=dumb")
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v (Debian: apt-get install bash zsh fish)", words[0], err)
	}
	return string(out)
}

const (
	tab = "\t"
	// echoed puts "echo" in front of the line, runs it and shows the line.
	echoed = "\x01echo \x05\n"
)

// typedLines are all lines, completed, echoed and ended.
func typedLines() (lines []string) {
	for typed := range completions {
		lines = append(lines, typed+tab+echoed)
	}
	return lines
}

func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	typed := "source <(licenseimport completion bash)\n" + strings.Join(typedLines(), "")
	checkLines(t, shell(t, playground(t), typed, "bash", "--norc", "-i"))
}

// inZsh types the lines into an interactive zsh in a new terminal. 42 is
// only in answers, never in what was typed.
const inZsh = `
zmodload zsh/zpty
zpty z 'PS1=$((6*7))"> " zsh -fi'
zpty -w z 'autoload -Uz compinit; compinit -u -D; source <(licenseimport completion zsh)'
zpty -w z 'echo $((6*7))READY'
zpty -r z out '*42READY*42> *'
zpty -wn z "${(j::)@}"
zpty -w z 'echo $((6*7))DONE'
zpty -r z out '*42DONE*'
print -r -- "$out"
zpty -d z
`

func TestCompletionInZsh(t *testing.T) {
	t.Parallel()
	checkLines(t, shell(t, playground(t), "", append([]string{"zsh", "-fc", inZsh, "zsh"}, typedLines()...)...))
}

func checkLines(t *testing.T, out string) {
	t.Helper()
	for typed, want := range completions {
		if !hasLine(out, want) {
			t.Errorf("%q does not become %q in\n%s", typed, want, out)
		}
	}
}

// hasLine looks for a line that a terminal has shown.
func hasLine(out, want string) bool {
	for line := range strings.Lines(out) {
		if strings.TrimRight(line, "/ \r\n") == want {
			return true
		}
	}
	return false
}

// TestCompletionInFish asks fish, which names what would take the place of the last word.
func TestCompletionInFish(t *testing.T) {
	t.Parallel()
	dir := playground(t)
	for typed, want := range completions {
		out := shell(t, dir, "", "fish", "--no-config", "-c", "licenseimport completion fish | source; complete -C "+"'"+typed+"'")
		answer, _, _ := strings.Cut(strings.TrimSpace(out), tab)
		line := typed[:strings.LastIndex(typed, " ")+1] + strings.TrimRight(answer, "/")
		if line != want || strings.Count(out, "\n") != 1 {
			t.Errorf("%q becomes %q by %q, want %q", typed, line, out, want)
		}
	}
}
