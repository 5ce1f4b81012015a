// Package web is the page: static files that are part of the program, for the
// person who has a spreadsheet and a key.
//
// There is no build step and no framework: what stands in static/ is what a
// browser gets, plain modules and style sheets.
//
//	js/app.js      the frame: who is signed in, which view the address asks for
//	js/router.js   addresses: everything behind the # is a path and a query
//	js/api.js      requests to the API, errors, downloads
//	js/follow.js   an import as it goes on, by its event stream
//	js/upload.js   the one upload that a tab has under way
//	js/views/      what an address shows
//	js/parts/      what views are made of
//	css/tokens.css colours, type and space, by meaning
//
// # Promises
//
// The key lives in the tab's sessionStorage, is sent in a header, and never
// stands in an address. Nothing is asked of any other server. Text of users and
// of files becomes text nodes only; the Content-Security-Policy forbids inline
// script and style, and Trusted Types have the browser itself refuse any other
// way. Where a person is stands in the address, so that a reload loses nothing
// but an upload under way, of which the browser warns.
//
// Every answer carries its content's hash as ETag and has to be asked for again,
// so that a new program never meets an old page.
//
// # Caveats
//
// Downloads pass through the tab's memory, since a plain link could not send the
// key. A browser of 2024 or later is needed (AbortSignal.any). Where only the role
// ingest answers, without --projector-url, the page can upload but shows nothing.
//
// static/columns.json is written from events.Columns by `make generate`.
package web
