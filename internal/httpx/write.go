package httpx

import (
	"net/http"
	"strconv"
	"time"
)

// WriteJSON answers with v. The handler should return its error: before the first byte
// it becomes a 500.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	return writeBody(w, status, "application/json", v)
}

// Encode returns v as [WriteJSON] writes it, for [WriteEncoded].
func Encode(v any) ([]byte, error) { return marshal(v) }

// WriteEncoded answers with JSON from [Encode].
func WriteEncoded(w http.ResponseWriter, status int, body []byte) error {
	return writeBytes(w, status, "application/json", body)
}

func writeBody(w http.ResponseWriter, status int, contentType string, v any) error {
	body, err := marshal(v)
	if err != nil {
		return err
	}
	return writeBytes(w, status, contentType, body)
}

func writeBytes(w http.ResponseWriter, status int, contentType string, body []byte) error {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// writer records the status, for the log, the metrics and late errors. It drops the
// body of an answer to HEAD, which net/http would do after a copy.
//
// It cuts off a client that does not take a piece of the answer within a time. Such a
// client would hold a goroutine and buffers for ever.
type writer struct {
	http.ResponseWriter
	status int // 0: nothing written yet
	head   bool
	within time.Duration // for each piece
	own    bool          // the handler sets the deadlines
}

// extend sets the deadline of the next piece. It replaces one that an earlier answer
// left on the connection.
func (w *writer) extend() {
	if !w.own {
		// A writer without deadlines, as in a test, has no slow client.
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(w.within))
	}
}

// SetWriteDeadline is for [http.ResponseController]: from then on the handler sets the
// deadlines.
func (w *writer) SetWriteDeadline(t time.Time) error {
	w.own = true
	return http.NewResponseController(w.ResponseWriter).SetWriteDeadline(t)
}

func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 { // 1xx come before the answer
		w.status = status
		w.extend()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.head {
		return len(p), nil
	}
	w.extend()
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach Flush and the deadlines.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
