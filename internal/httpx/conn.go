package httpx

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// problemListener gives the answers that net/http writes itself, before any handler, the body of
// every other error. There is no hook for them. Connections with TLS encrypt before this point:
// theirs stay plain text. For headers that are too long, [refuseHeaders] answers there.
type problemListener struct{ net.Listener }

func (l problemListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return problemConn{tcp}, err
	}
	return c, err
}

// problemConn rewrites net/http's own answers. net/http writes each of them by one Write.
type problemConn struct{ *net.TCPConn }

// ownAnswer matches these answers as a whole. Any answer of a handler has other headers: the
// security headers at least.
var ownAnswer = regexp.MustCompile(`^HTTP/1\.[01] (4\d\d|5\d\d) [^\r\n]*\r\n` +
	`(?:(?:Content-Type: text/plain; charset=utf-8|Connection: close|Date: [^\r\n]*|Content-Length: 0)\r\n)*\r\n([^\r\n]*)\n?$`)

// maxOwnAnswer bounds the length of such an answer in bytes.
const maxOwnAnswer = 512

func (c problemConn) Write(p []byte) (int, error) {
	if len(p) > maxOwnAnswer {
		return c.TCPConn.Write(p)
	}
	match := ownAnswer.FindSubmatch(p)
	if match == nil {
		return c.TCPConn.Write(p)
	}
	answer, err := ownProblem(string(match[1]), string(match[2]))
	if err != nil {
		return c.TCPConn.Write(p)
	}
	if _, err := c.TCPConn.Write(answer); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ownProblem returns the whole answer, which ends the connection, as net/http's own one does.
func ownProblem(code, text string) ([]byte, error) {
	status, err := strconv.Atoi(code)
	if err != nil {
		return nil, err
	}
	e := ownError(status, text)
	body, err := marshal(e.problem())
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nX-Content-Type-Options: nosniff\r\n"+
		"X-Request-Id: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, http.StatusText(status), rand.Text()[:12], len(body), body), nil
}

// ownError describes a request that net/http refused. Text is its explanation, such as "400 Bad
// Request: missing required Host header".
func ownError(status int, text string) *Error {
	switch status {
	case http.StatusRequestHeaderFieldsTooLarge:
		return headersTooLarge()
	case http.StatusExpectationFailed:
		return New(status, "expectation_failed", "The only expectation that can be met is Expect: 100-continue.")
	case http.StatusNotImplemented:
		return New(status, "unsupported_transfer_encoding", "The only Transfer-Encoding that is understood is chunked.")
	case http.StatusHTTPVersionNotSupported:
		return New(status, "unsupported_http_version", "This version of HTTP is not understood.")
	}
	if strings.Contains(text, "HTTPS server") {
		return New(status, "https_needed", "This server speaks HTTPS: ask it at an address that begins with https.")
	}
	if _, reason, found := strings.Cut(text, ": "); found {
		return New(status, "malformed_request", "The request cannot be read: %s.", shorten(reason))
	}
	return New(status, "malformed_request", "The request cannot be read as HTTP.")
}

func headersTooLarge() *Error {
	return New(http.StatusRequestHeaderFieldsTooLarge, "headers_too_large",
		"The headers of the request are longer than %d KiB.", maxHeaderBytes>>10)
}

// refuseHeaders answers a request whose headers are too long.
func refuseHeaders(http.ResponseWriter, *http.Request, Params) error { return headersTooLarge() }

// headerBytes is about the length of a request's headers, as HTTP/1.1 has them.
func headerBytes(r *http.Request) int {
	n := len(r.Host) + len(r.RequestURI)
	for name, values := range r.Header {
		for _, value := range values {
			n += len(name) + len(value) + len(": \r\n")
		}
	}
	return n
}
