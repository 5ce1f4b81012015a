// Package httpx is what every role that speaks HTTP shares: errors, routes,
// pages, the server itself.
//
// # Errors
//
// A [Handler] returns an error instead of writing one. An [*Error] is a code
// for the machine, a sentence for the user and, for the log only, a cause;
// [WriteError] alone turns it into application/problem+json. Any other error
// is a 500 with the code "internal": its text goes to the log under a request
// id, and the client is told that id and nothing else. An error returned after
// the answer has begun cuts the connection, so that half an answer never looks
// like a whole one.
//
// Before an error is written the rest of the request's body is read (16 MiB or
// 5 seconds at most), because a client that is still sending would otherwise
// see a broken pipe and not the reason.
//
// # Routes
//
// [Router] matches a path with and without its last slash alike and never
// redirects. A path without parameters is a resource of its own: where
// POST /licenses/import_from_csv/ exists, GET on it is 405 and is never taken
// for /licenses/:id/. HEAD is answered wherever GET is, OPTIONS everywhere.
// Mistakes made while registering do not panic: [Router.Handler], the only way
// to serve a router, returns them.
//
// # Caveats
//
// The server sets no deadline for whole bodies and answers, since uploads and event
// streams last for hours. A client that takes nothing of an answer for 30 s is cut off;
// handlers that want another time, or one for the body, set it by
// [http.ResponseController]. An event stream must end by itself when
// [Stopping] says so, and must answer HEAD without streaming. A proxy in front
// has to keep the Host header and to set X-Forwarded-Proto, or the links of
// [WritePage] name the wrong place.
package httpx
