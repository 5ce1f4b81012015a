package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// aroundReadme completes the README's excerpt to a program.
const aroundReadme = `package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func sendOnce(id string, email any) bool {
	fmt.Println(id, email)
	return true
}

func main() {
	ctx := context.Background()
	%s
	select {}
}
`

// TestReadme runs the subscriber in the README.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "```go\n")
	text, _, _ = strings.Cut(text, "```")
	nats, data := serve(t)
	text = strings.Replace(text, "nats://127.0.0.1:4222", nats, 1)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(strings.Replace(aroundReadme, "%s", text, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(folder, "service")
	output(t, os.Environ(), "go", "build", "-o", program, filepath.Join(folder, "main.go"))
	importRows(t, data, "readme", 3)

	c := exec.Command(program)
	out, err := os.Create(filepath.Join(folder, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c.Env, c.Stdout, c.Stderr = withToken(t, data), out, os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer kill(c)
	const want = "1/1 readme0@example.com\n1/2 readme1@example.com\n1/3 readme2@example.com\n"
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got, err := os.ReadFile(out.Name())
		if err == nil && string(got) == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%q, %v", got, err)
		}
	}
}
