// Package httpx holds what all roles with HTTP share: errors, routes, pages and the
// server.
//
// # Errors
//
// A [Handler] returns an error instead of writing one. An [*Error] is a code for
// programs, a sentence for the user and, for the log only, a cause. The [Router]
// alone turns it into application/problem+json. Any other error is a 500 with the
// code "internal": its text goes to the log under a request id, and the answer holds
// that id only. An error returned after the answer has begun cuts the connection, so
// half an answer never looks like a whole one.
//
// Each answer has an X-Request-Id: the one of the request, where it has a valid one, or a new one. Each line
// of the log about a request names it, in every role that the request passed.
//
// Before an error is written, the rest of the request's body is read, for at most 5 s. A client that is still sending
// would see a broken pipe otherwise, and not the reason.
//
// # Routes
//
// [Router] matches a path with and without its last slash, and never redirects. A
// path without parameters never matches one with: where POST
// /licenses/import_from_csv/ exists, GET on it is 405, and not /licenses/:id/. HEAD is
// answered wherever GET is, OPTIONS everywhere. Mistakes of the registration do not
// panic: [Router.Handler], the only way to serve a router, returns them.
//
// A route declares its query parameters. The router refuses every other one, an empty one
// and a repeated one with 400, after the guards have asked for a key: no filter and no
// option is ever ignored.
//
// # Caveats
//
// The server sets no deadline for answers: event streams last for hours. A body has to come
// within a minute unless the handler sets deadlines itself, as uploads do. The body of a
// GET, HEAD, OPTIONS or DELETE is skipped. It cuts off a client that takes nothing of an answer for 30 s.
// Handlers set other deadlines by [http.ResponseController]. An event stream must end
// when [Stopping] is closed, and must answer HEAD without streaming. Behind a proxy the
// links of [WritePage] are right only if [External] says where clients reach the server.
package httpx
