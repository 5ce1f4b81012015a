package main

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand prints a shell's completion script. The scripts hold no names of
// commands or flags: they run completeCommand, so an old script completes new flags.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is what --help tells beside the flags.
func (completionCommand) Help() string {
	return `The program has to be in PATH, or be called by its path.

Examples:
  source <(licenseimport completion bash)      # for this shell; in ~/.bashrc for all
  source <(licenseimport completion zsh)       # in ~/.zshrc, after compinit
  licenseimport completion fish | source       # in ~/.config/fish/config.fish`
}

//go:embed completion/licenseimport.bash
var bashScript string

//go:embed completion/licenseimport.zsh
var zshScript string

//go:embed completion/licenseimport.fish
var fishScript string

// Run prints the script.
func (c *completionCommand) Run(t *terminal) error {
	scripts := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}
	_, err := io.WriteString(t.out, scripts[c.Shell])
	return err
}

// completeCommand prints candidates for the scripts, one a line, with a tab and a
// description; or wantsFile or wantsDir.
type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:"" help:"The words typed; the last word is the one to complete."`
}

// Answers to the scripts instead of candidates. Users have scripts with these words.
const (
	wantsFile = ":files"
	wantsDir  = ":folders"
)

// Run prints the candidates.
func (c *completeCommand) Run(parsed *kong.Context, t *terminal) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, candidate := range candidates(parsed.Model.Node, words) {
		fmt.Fprintln(t.out, candidate)
	}
	return nil
}

// commandLine is the state after some words of a command line.
type commandLine struct {
	node     *kong.Node
	operands int        // complete arguments of node
	flag     *kong.Flag // the flag whose value comes next; nil: none
	ended    bool       // by --: no flag follows
}

// candidates returns the completions of the last word.
func candidates(root *kong.Node, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	state, last := commandLine{node: root}, words[len(words)-1]
	for _, word := range words[:len(words)-1] {
		state.take(word)
	}
	if last == "=" && state.flag != nil { // bash splits words at =
		last = ""
	}
	name, value, assigned := strings.Cut(last, "=")
	switch flag := state.findFlag(name); {
	case state.flag != nil:
		return values(state.flag.Value, state.flag.PlaceHolder, "", last)
	case assigned && flag != nil:
		return values(flag.Value, flag.PlaceHolder, name+"=", value)
	case strings.HasPrefix(last, "-") && !state.ended:
		return state.flags(last)
	default:
		return state.names(last)
	}
}

// take advances the state by one complete word.
func (s *commandLine) take(word string) {
	name, _, assigned := strings.Cut(word, "=")
	switch {
	case s.flag != nil && word == "=":
	case s.flag != nil:
		s.flag = nil
	case word == "--":
		s.ended = true
	case strings.HasPrefix(word, "-") && word != "-" && !s.ended:
		if f := s.findFlag(name); f != nil && !assigned && !f.IsBool() {
			s.flag = f
		}
	default:
		s.operand(word)
	}
}

// operand enters a command, or counts an argument.
func (s *commandLine) operand(word string) {
	for _, child := range s.node.Children {
		if child.Name == word && !child.Hidden {
			s.node = child
			return
		}
	}
	s.operands++
}

// findFlag returns the flag with a name, or nil.
func (s *commandLine) findFlag(name string) *kong.Flag {
	for _, group := range s.node.AllFlags(true) {
		for _, f := range group {
			if "--"+f.Name == name {
				return f
			}
		}
	}
	return nil
}

// flags returns the command's flags, those of its parents last.
func (s *commandLine) flags(start string) []string {
	var found []string
	for _, group := range slices.Backward(s.node.AllFlags(true)) {
		for _, f := range group {
			found = appendCandidate(found, start, "--"+f.Name, f.Help)
		}
	}
	return found
}

// names returns commands, the next argument's values, or else flags.
func (s *commandLine) names(start string) []string {
	var found []string
	for _, child := range s.node.Children {
		if !child.Hidden && s.operands == 0 {
			found = appendCandidate(found, start, child.Name, child.Help)
		}
	}
	if s.operands < len(s.node.Positional) {
		argument := s.node.Positional[s.operands]
		return values(argument, strings.ToUpper(argument.Name), "", start)
	}
	if start == "" && s.node.Leaf() && !s.ended {
		return s.flags("")
	}
	return found
}

// values returns the values of a flag or an argument. For the placeholders FILE and DIR
// the shell completes names.
func values(v *kong.Value, placeholder, before, start string) []string {
	var found []string
	switch {
	case v.Enum != "":
		for _, value := range v.EnumSlice() {
			if value != "" {
				found = appendCandidate(found, before+start, before+value, "")
			}
		}
	case placeholder == "FILE":
		return []string{wantsFile}
	case placeholder == "DIR":
		return []string{wantsDir}
	}
	return found
}

// appendCandidate appends a candidate that begins with start, with the first sentence of
// its help.
func appendCandidate(found []string, start, name, help string) []string {
	if !strings.HasPrefix(name, start) {
		return found
	}
	sentence, _, _ := strings.Cut(strings.TrimSuffix(help, "."), ". ")
	if sentence != "" {
		name += "\t" + sentence
	}
	return append(found, name)
}
