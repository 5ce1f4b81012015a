package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"licenseimport/internal/retry"
)

const mePath = "/api/v1/me/"

// client speaks the HTTP API, over the network or within this process.
type client struct {
	base string // scheme and host, without a last slash
	key  string
	http *http.Client
	// remote is false where the server is in this process: compressing an upload
	// would only cost time.
	remote bool
	// again are the flags by which another command finds the same server or data directory.
	again []string
}

// command is a command line that asks the same server.
func (c *client) command(words ...string) string {
	return command(slices.Concat(words, c.again))
}

// apiError is an error answer of the server.
type apiError struct {
	Status     int
	RetryAfter time.Duration
	Code       string `json:"code"`
	Detail     string `json:"detail"`
	JobID      uint64 `json:"job_id"`
}

func (e *apiError) Error() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "the server does not accept this key: it is misspelt or was revoked (keys are made by: licenseimport keys create)"
	case e.Detail == "":
		return fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return inFlags(e.Detail)
}

// unreachableError: no server answered.
type unreachableError struct {
	base  string
	cause error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("no answer from a server at %s: is it running there? (%v)", e.base, e.cause)
}

func (e *unreachableError) Unwrap() error { return e.cause }

// do sends a request and returns a successful answer. Any other status is an *apiError. A GET that comes too fast for
// the server's rate is sent again, for transientTimeout: a command makes several.
func (c *client) do(r *http.Request) (*http.Response, error) {
	began := time.Now()
	for attempts := resending.Start(); ; {
		resp, err := c.doOnce(r)
		problem, answered := errors.AsType[*apiError](err)
		if r.Method != http.MethodGet || !answered || problem.Status != http.StatusTooManyRequests ||
			time.Since(began) > transientTimeout {
			return resp, err
		}
		if err := attempts.WaitAtLeast(r.Context(), err, problem.RetryAfter); err != nil {
			return nil, err
		}
	}
}

func (c *client) doOnce(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Api-Key "+c.key)
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(r.Context(), err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, readProblem(resp)
}

// unreachable unwraps the reason from an error that also holds the URL, since a URL
// may hold a license key.
func (c *client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("the server at %s shows a certificate that is not trusted here: name its issuer by --server-ca (%w)", c.base, err)
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("the server at %s speaks HTTP, not HTTPS: begin its address with http", c.base)
	}
	return &unreachableError{base: c.base, cause: err}
}

func readProblem(resp *http.Response) error {
	problem := &apiError{Status: resp.StatusCode}
	// A body in another format leaves the fields empty; the status says enough.
	_ = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(problem)
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		problem.RetryAfter = time.Duration(seconds) * time.Second
	}
	return problem
}

// get reads a whole answer into memory.
func (c *client) get(ctx context.Context, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return body, nil
}

// post sends a request without a body and returns the job id of the answer.
func (c *client) post(ctx context.Context, path, idempotencyKey string) (uint64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, nil)
	if err != nil {
		return 0, err
	}
	if idempotencyKey != "" {
		r.Header.Set("Idempotency-Key", idempotencyKey)
	}
	resp, err := c.do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return readJobID(resp.Body)
}

// whileBusy calls f again while the server answers that it is busy, for transientTimeout. Such an
// answer means that nothing was done.
func whileBusy(ctx context.Context, t *terminal, f func() error) error {
	began, told := time.Now(), false
	for attempts := resending.Start(); ; {
		err := f()
		if _, answered := errors.AsType[*apiError](err); !answered || !isTransient(err) || time.Since(began) > transientTimeout {
			return err
		}
		if !told {
			fmt.Fprintf(t.err, "%v This goes on for a minute.\n", err)
			told = true
		}
		if err := attempts.WaitAtLeast(ctx, err, retryAfter(err)); err != nil {
			return err
		}
	}
}

// firstPage reads the first elements of a list.
func (c *client) firstPage(ctx context.Context, path string, limit int, page any) error {
	body, err := c.get(ctx, path+"?limit="+strconv.Itoa(limit))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, page); err != nil {
		return fmt.Errorf("the server's answer is no list: %w", err)
	}
	return nil
}

// save streams an answer to w.
func (c *client) save(ctx context.Context, path string, w io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	resp, err := c.do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(w, resp.Body)
	return err
}

// polling paces requests for something that is about to happen; resending paces
// uploads that the server could not take.
var (
	polling   = &retry.Policy{First: 20 * time.Millisecond, Max: time.Second / 2, Jitter: 0.2}
	resending = &retry.Policy{First: time.Second / 2, Max: time.Second, Jitter: 0.2}
)

// transientTimeout is how long a server may be unreachable or busy.
const transientTimeout = time.Minute

// waitForResult is waitFor the import's end.
func (c *client) waitForResult(ctx context.Context, of importRef, show func(*result)) (*result, error) {
	return c.waitFor(ctx, of, (*result).ended, show)
}

// waitFor polls a result and shows each answer, until done. It retries transient errors for
// transientTimeout after the last answer.
func (c *client) waitFor(ctx context.Context, of importRef, done func(*result) bool,
	show func(*result)) (*result, error) {
	answered := time.Now()
	for polls := polling.Start(); ; {
		now, err := of.result(ctx, c)
		switch {
		case err == nil:
			answered = time.Now()
			show(now)
			if done(now) {
				return now, nil
			}
		case !isTransient(err) || time.Since(answered) > transientTimeout:
			return nil, err
		}
		if err := polls.WaitAtLeast(ctx, err, retryAfter(err)); err != nil {
			return nil, err
		}
	}
}

// waitForServer waits while the server answers that it is starting or busy. It
// fails where the server refuses the key: better before a large file is sent.
func (c *client) waitForServer(ctx context.Context) error {
	began := time.Now()
	for polls := polling.Start(); ; {
		_, err := c.get(ctx, mePath)
		if _, answered := errors.AsType[*apiError](err); !answered || !isTransient(err) || time.Since(began) > transientTimeout {
			return err
		}
		if err := polls.WaitAtLeast(ctx, err, retryAfter(err)); err != nil {
			return err
		}
	}
}

// isTransient reports whether the same request may succeed later.
func isTransient(err error) bool {
	if problem, ok := errors.AsType[*apiError](err); ok {
		return problem.Status == http.StatusServiceUnavailable || problem.Status == http.StatusTooManyRequests ||
			problem.Status == http.StatusBadGateway
	}
	_, ok := errors.AsType[*unreachableError](err)
	return ok
}

func retryAfter(err error) time.Duration {
	if problem, ok := errors.AsType[*apiError](err); ok {
		return problem.RetryAfter
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
