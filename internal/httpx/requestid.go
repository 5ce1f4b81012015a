package httpx

import (
	"crypto/rand"
	"net/http"
	"regexp"
)

// requestIDHeader names one request in answers, in the log, and between processes.
const requestIDHeader = "X-Request-Id"

// validRequestID is the form of an id that a client, a proxy or another role may give. It cannot
// break a line of the log.
var validRequestID = regexp.MustCompile(`^[A-Za-z0-9._:/+=@-]{1,128}$`)

// identify gives the request and its answer an id: the one that came with the request, or a new one.
// A request that is forwarded keeps its id.
func identify(h http.Header, r *http.Request) {
	id := r.Header.Get(requestIDHeader)
	if !validRequestID.MatchString(id) {
		id = rand.Text()[:12]
		r.Header.Set(requestIDHeader, id)
	}
	h.Set(requestIDHeader, id)
}

// requestID is the id that identify gave the request.
func requestID(r *http.Request) string { return r.Header.Get(requestIDHeader) }
