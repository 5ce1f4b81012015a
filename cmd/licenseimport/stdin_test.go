package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// beginning is an input that gives one line and then waits, as a terminal does.
type beginning struct {
	io.Reader
	waits func() // is called when it waits
}

func (b *beginning) Read(p []byte) (int, error) {
	if n, err := b.Reader.Read(p); err == nil {
		return n, nil
	}
	b.waits()
	select {}
}

// TestCtrlCWhileInputWaits: one Ctrl-C ends a command that waits for its standard input.
func TestCtrlCWhileInputWaits(t *testing.T) {
	arrived := make(chan struct{}, 9)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			arrived <- struct{}{}
			_, _ = io.Copy(io.Discard, r.Body)
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		text, args, says string
	}{
		{"", "import - --key k --server " + server.URL, "stopped by Ctrl-C"},
		{"license__license_key,product__short_code\n", "import - --key k --server " + server.URL, "stopped while uploading: nothing is imported"},
		{"", "inspect -", "stopped by Ctrl-C"},
		{"Serial,Product\n", "inspect -", "stopped by Ctrl-C"},
		{"{", "mappings save ours - --key k --server " + server.URL, "stopped by Ctrl-C"},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		in := &beginning{strings.NewReader(c.text), func() {
			if strings.Contains(c.says, "uploading") {
				<-arrived
			}
			cancel(errInterrupted)
		}}
		var out, said bytes.Buffer
		status := run(ctx, strings.Fields(c.args), in, &out, &said)
		if status != statusInterrupted || said.String() != "licenseimport: "+c.says+"\n" || out.Len() > 0 {
			t.Errorf("%s after %q: status %d, %s%s", c.args, c.text, status, &said, &out)
		}
	}
}

// TestRefusalWhileInputWaits: an upload that the server refuses ends, although its file does not.
func TestRefusalWhileInputWaits(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex() // answers before the body has ended
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"code":"forbidden","detail":"Not with this key."}`)
		_ = http.NewResponseController(w).Flush()
	}))
	defer server.Close()
	file, err := openSource(t.Context(), "-", &beginning{strings.NewReader("license__license_key\n"), func() {}})
	if err != nil {
		t.Fatal(err)
	}
	api := &client{base: server.URL, http: server.Client()}
	c := &importCommand{}
	if _, err := api.upload(t.Context(), file, uploadOptions{kind: c.kind()}); err == nil || err.Error() != "Not with this key." {
		t.Error(err)
	}
}
