package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// TestReadWaitsForTheRate: where the server has a rate, a read waits as long as the answer says. What writes does not:
// its callers do.
func TestReadWaitsForTheRate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		call func(ctx context.Context, c *client) error
		ok   bool
	}{
		"get":        {func(ctx context.Context, c *client) error { _, err := c.get(ctx, "/"); return err }, true},
		"first page": {func(ctx context.Context, c *client) error { return c.firstPage(ctx, "/", 1, &struct{}{}) }, true},
		"save":       {func(ctx context.Context, c *client) error { return c.save(ctx, "/", io.Discard) }, true},
		"post":       {func(ctx context.Context, c *client) error { _, err := c.post(ctx, "/", ""); return err }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var first sync.Once
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				first.Do(func() {
					w.Header().Set("Retry-After", "1")
					w.WriteHeader(http.StatusTooManyRequests)
				})
				_, _ = io.WriteString(w, `{"job_id":1}`)
			}))
			defer server.Close()
			err := test.call(t.Context(), &client{base: server.URL, http: server.Client()})
			if (err == nil) != test.ok {
				t.Error(err)
			}
		})
	}
}
