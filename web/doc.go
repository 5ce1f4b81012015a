// Package web is the page: static files, embedded in the program. Its users have a
// spreadsheet and a key.
//
// There is no build step and no framework: the browser gets the files of static/ as
// they are, plain modules and style sheets.
//
//	js/app.js      the frame: session, navigation, the view of an address
//	js/router.js   addresses: the hash is a path and a query
//	js/api.js      requests to the API, errors, downloads
//	js/follow.js   the progress of an import, by its event stream or by polling
//	js/session.js  who is signed in, and what their key may do
//	js/kinds.js    the kinds of import, from kindtable.js
//	js/labels.js   labels of the columns; js/words.js: texts for codes and states
//	js/upload.js   the tab's upload
//	js/inspect.js  what the server says of a chosen file
//	js/mapping.js  what its columns become; js/cells.js: what its cells become
//	js/views/      one module for each view
//	js/views/admin the parts of the administration
//	js/parts/      parts that views share
//	css/tokens.css colours, type and space, by meaning
//
// # Promises
//
// The key is stored in the tab's sessionStorage, is sent in a header, and is never part of an
// address. Of a person who stays signed in it is not stored: the cookie of POST /api/v1/session/
// takes its place, which no script reads. The page sends no request to another server. Text of
// users and of files becomes text nodes only; the Content-Security-Policy forbids inline script and
// style, and with Trusted Types the browser refuses markup from text. All navigation state is in
// the address: a reload loses a running upload only, and the browser warns of that.
//
// Each file has its content's hash as ETag and no-cache: the browser asks every
// time, so a new program never runs with an old page.
//
// # Caveats
//
// Downloads are held in the tab's memory, since a link cannot send the key. A browser
// of 2024 or later is needed (AbortSignal.any). With the role ingest alone, without
// --projector-url, the page can upload but shows no results.
//
// `make generate` writes static/columns.json from events.Columns and js/kindtable.js from events.Kinds;
// static/guide.md is docs/importing.md.
package web
