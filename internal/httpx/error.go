package httpx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is an answer other than success: a code for programs, a sentence for the user
// and a cause for the log.
type Error struct {
	Status int
	Code   string // stable, lower case with underscores
	Detail string // a sentence for the user; never a key or a license key

	RetryAfter time.Duration // more than 0: sent as Retry-After, in whole seconds, rounded up
	Header     http.Header   // further headers of the answer
	JobID      uint64        // not 0: the import that this is about, sent as "job_id"
	History    string        // not "": the address of what happened to what is gone, sent as "history"
	LicenseKey string        // not "": the license that is gone, sent as "license_key" and never logged
	Product    string        // not "": the short code of its product, sent as "product"
	Problems   []Problem     // every mistake found, where there may be several, sent as "errors"
	Cause      error         // for the log only
	Unlogged   bool          // the Router does not log it
}

// Problem is one of several mistakes in a request, such as an unknown column
// of an upload's header line.
type Problem struct {
	Column  string `json:"column,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
	// Parameter is a query parameter to copy that would solve it, not escaped; or empty.
	Parameter string `json:"parameter,omitempty"`
}

// Error is the text for logs; unlike the answer it includes the cause.
func (e *Error) Error() string {
	text := fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Detail)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Because adds the cause. It is logged if the status is 500 or more, and is never part
// of the answer.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

// ForJob adds the import that the error is about.
func (e *Error) ForJob(id uint64) *Error {
	e.JobID = id
	return e
}

// With adds the list of all mistakes found.
func (e *Error) With(problems ...Problem) *Error {
	e.Problems = append(e.Problems, problems...)
	return e
}

// New returns an Error of any status. The functions below return the usual ones.
func New(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Detail: fmt.Sprintf(format, args...)}
}

// BadRequest is a 400: the request is not understood.
func BadRequest(code, format string, args ...any) *Error {
	return New(http.StatusBadRequest, code, format, args...)
}

// BadParameter is a 400 about one query parameter; want completes the sentence
// "limit=abc: must be …".
func BadParameter(name, value, want string) *Error {
	return BadRequest("invalid_parameter", "Query parameter %s=%s: must be %s.", name, shorten(value), want)
}

// Unauthorized is a 401 that asks for a key.
func Unauthorized(code, format string, args ...any) *Error {
	e := New(http.StatusUnauthorized, code, format, args...)
	e.Header = http.Header{"Www-Authenticate": {"Api-Key"}}
	return e
}

// Gone is a 410: what was there is gone. history is the address of what happened to it.
func Gone(history, format string, args ...any) *Error {
	e := New(http.StatusGone, "gone", format, args...)
	e.History = history
	return e
}

// OfLicense adds the license that the error is about. Its key is in the answer and in no log.
func (e *Error) OfLicense(key, product string) *Error {
	e.LicenseKey, e.Product = key, product
	return e
}

// Forbidden is a 403: the key is known and does not have the right.
func Forbidden(format string, args ...any) *Error {
	return New(http.StatusForbidden, "permission_denied", format, args...)
}

// NotFound is a 404.
func NotFound(format string, args ...any) *Error {
	return New(http.StatusNotFound, "not_found", format, args...)
}

// MethodNotAllowed is a 405 whose Allow header lists the path's methods.
func MethodNotAllowed(method string, allow []string) *Error {
	e := New(http.StatusMethodNotAllowed, "method_not_allowed",
		"%s is not possible here; possible: %s.", shorten(method), strings.Join(allow, ", "))
	e.Header = http.Header{"Allow": {strings.Join(allow, ", ")}}
	return e
}

// Timeout is a 408: the client was too slow.
func Timeout(code, format string, args ...any) *Error {
	return New(http.StatusRequestTimeout, code, format, args...)
}

// Conflict is a 409: the resource's state does not allow it.
func Conflict(code, format string, args ...any) *Error {
	return New(http.StatusConflict, code, format, args...)
}

// TooLarge is a 413.
func TooLarge(code, format string, args ...any) *Error {
	return New(http.StatusRequestEntityTooLarge, code, format, args...)
}

// Unsupported is a 415: the content's type is not supported.
func Unsupported(code, format string, args ...any) *Error {
	return New(http.StatusUnsupportedMediaType, code, format, args...)
}

// Unprocessable is a 422.
func Unprocessable(code, format string, args ...any) *Error {
	return New(http.StatusUnprocessableEntity, code, format, args...)
}

// TooMany is a 429 with Retry-After.
func TooMany(retryAfter time.Duration, format string, args ...any) *Error {
	e := New(http.StatusTooManyRequests, "too_many_requests", format, args...)
	e.RetryAfter = retryAfter
	return e
}

// Unavailable is a 503 with Retry-After: the same request may succeed later.
func Unavailable(retryAfter time.Duration, code, format string, args ...any) *Error {
	e := New(http.StatusServiceUnavailable, code, format, args...)
	e.RetryAfter = retryAfter
	return e
}

// problem is the body of an error (RFC 9457), with the members code and message for
// clients that expect them.
type problem struct {
	Type       string    `json:"type"`
	Title      string    `json:"title"`
	Status     int       `json:"status"`
	Detail     string    `json:"detail"`
	Code       string    `json:"code"`
	Message    string    `json:"message"`
	JobID      uint64    `json:"job_id,omitempty"`
	History    string    `json:"history,omitempty"`
	LicenseKey string    `json:"license_key,omitempty"`
	Product    string    `json:"product,omitempty"`
	Errors     []Problem `json:"errors,omitempty"`
}

// writeError answers with err as application/problem+json. No other function turns an error into HTTP.
func writeError(log *slog.Logger, w http.ResponseWriter, r *http.Request, err error) {
	e := asError(log, r, err)
	for name, values := range e.Header {
		w.Header()[name] = values
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	// Writing fails only where the client is gone.
	_ = writeBody(w, e.Status, "application/problem+json", e.problem())
}

// problem returns the body of the answer.
func (e *Error) problem() problem {
	return problem{
		Type: "about:blank", Title: http.StatusText(e.Status), Status: e.Status,
		Detail: e.Detail, Code: e.Code, Message: e.Detail, JobID: e.JobID, History: e.History,
		LicenseKey: e.LicenseKey, Product: e.Product, Errors: e.Problems,
	}
}

// asError finds the Error in err. A request that its client ended is not an error of
// the server. Any other error is, and is logged: its text may not reach the client.
func asError(log *slog.Logger, r *http.Request, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		if known.Status >= 500 && !known.Unlogged {
			log.Warn("request refused", "request_id", requestID(r), "method", r.Method, "status", known.Status, "code", known.Code, "cause", known.Cause)
		}
		return known
	}
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return Unavailable(time.Second, "interrupted", "The request was interrupted.")
	}
	log.Error("request failed", "request_id", requestID(r), "method", r.Method, "error", err)
	return New(http.StatusInternalServerError, "internal",
		"Something went wrong on the server; its log tells what, under request id %s.", requestID(r))
}

// shorten quotes a client's value for a sentence, and bounds its length.
func shorten(value string) string {
	const most = 64
	runes := []rune(strings.ToValidUTF8(value, "\uFFFD"))
	if len(runes) > most {
		runes = append(runes[:most], '…')
	}
	quoted := strconv.Quote(string(runes))
	return quoted[1 : len(quoted)-1]
}

// marshal returns JSON without escapes of < > &.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return []byte(b.String()), nil
}
