package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestConnectionAfterAHaltedUpload: an upload is halted after its body was read, and answered later
// than haltGrace. The connection serves the next request.
func TestConnectionAfterAHaltedUpload(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			haltBehindBody(t, w, r)
		}
		fmt.Fprint(w, r.RemoteAddr, " ", r.Context().Err())
	}))
	defer server.Close()
	var answers [2]string
	for i, method := range []string{http.MethodPost, http.MethodGet} {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL, strings.NewReader("a file"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answers[i] = string(text); err != nil || !strings.HasSuffix(answers[i], " <nil>") {
			t.Errorf("%s: %q, %v", method, text, err)
		}
	}
	if answers[0] != answers[1] {
		t.Errorf("the requests came over two connections, so this shows nothing: %q", answers)
	}
}

func haltBehindBody(t *testing.T, w http.ResponseWriter, r *http.Request) {
	ctx, halt := context.WithCancelCause(r.Context())
	in, stop := newPacedReader(ctx, w, r, Config{Observer: nopObserver{}, SlowBytes: 1, SlowWindow: time.Minute})
	defer stop()
	if _, err := io.Copy(io.Discard, in); err != nil {
		t.Error(err)
	}
	halt(errors.New("halted"))
	select {
	case <-r.Context().Done():
		t.Error("the request ended")
	case <-time.After(haltGrace + haltGrace/4): // until the deadline would have come
	}
}
