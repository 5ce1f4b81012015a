package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// manCommand prints the manual page. It is made from the table that --help is made from.
type manCommand struct{}

// Help is what --help tells beside the flags.
func (manCommand) Help() string {
	return `Examples:
  licenseimport man | man -l -
  licenseimport man > /usr/local/share/man/man1/licenseimport.1`
}

// Run prints it.
func (manCommand) Run(parsed *kong.Context, t *terminal) error {
	page := &manPage{}
	page.program(parsed.Model.Node)
	_, err := io.WriteString(t.out, page.text.String())
	return err
}

// manPage writes the macros of man(7).
type manPage struct{ text strings.Builder }

func (p *manPage) program(root *kong.Node) {
	p.macro(".TH LICENSEIMPORT 1 \"\" \"licenseimport " + strings.TrimSpace(release) + "\"")
	p.macro(".SH NAME")
	p.line("licenseimport - import licenses from CSV files and Excel workbooks, each row exactly once")
	p.macro(".SH SYNOPSIS")
	p.line("licenseimport COMMAND [FLAGS]")
	p.macro(".SH DESCRIPTION")
	p.prose(description)
	p.macro(".SH FLAGS OF EVERY COMMAND")
	p.flags(root.Flags)
	p.macro(".SH COMMANDS")
	p.commands(root)
	p.macro(".SH EXIT STATUS")
	p.line("0 when the command did what it says, 130 when Ctrl-C ended it, else 1. Import: 2 with --strict when rows were rejected.")
}

// commands describes the leaves below a node, each with its own flags.
func (p *manPage) commands(node *kong.Node) {
	for _, child := range node.Children {
		switch {
		case child.Hidden:
		case len(child.Children) > 0:
			p.commands(child)
		default:
			p.macro(".SS " + escapeMan(child.FullPath()+operands(child)))
			p.line(child.Help)
			p.prose(child.Detail)
			p.flags(child.Flags)
		}
	}
}

// operands are the arguments of a command, as a synopsis shows them.
func operands(node *kong.Node) string {
	text := ""
	for _, operand := range node.Positional {
		text += " " + operand.Summary()
	}
	return text
}

func (p *manPage) flags(flags []*kong.Flag) {
	for _, flag := range flags {
		if flag.Hidden || flag.Name == "help" {
			continue
		}
		name := "--" + flag.Name
		if flag.Short != 0 {
			name = fmt.Sprintf("-%c, %s", flag.Short, name)
		}
		if !flag.IsBool() {
			name += "=" + flag.FormatPlaceHolder()
		}
		p.macro(".TP")
		p.macro(".B " + escapeMan(name))
		p.line(flag.Help)
	}
}

// prose writes paragraphs. Lines that are indented, such as commands, stay as they are.
func (p *manPage) prose(text string) {
	verbatim := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if indented := strings.HasPrefix(line, "  "); indented != verbatim {
			verbatim = indented
			p.macro(map[bool]string{true: ".nf", false: ".fi"}[verbatim])
		}
		if line == "" {
			p.macro(".PP")
			continue
		}
		p.line(line)
	}
	if verbatim {
		p.macro(".fi")
	}
}

func (p *manPage) line(text string) {
	if text != "" {
		p.macro(escapeMan(text))
	}
}

func (p *manPage) macro(text string) { p.text.WriteString(text + "\n") }

// escapeMan protects what troff would take for its own: backslashes, hyphens that are to be copied, and
// a dot or quote at the beginning of a line.
func escapeMan(text string) string {
	text = strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
