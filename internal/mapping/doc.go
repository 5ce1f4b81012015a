// Package mapping says which column of an import each column of a file fills, and what its cells mean
// there. It is pure.
//
//	check.go      is a mapping valid by itself
//	resolve.go    a saved mapping and what a request adds to it → one mapping
//	header.go     header and mapping → columns, or the reasons to refuse the header
//	cells.go      a row's cells → the values that the rules read
//	dates.go      the formats of dates, and how a file's format is detected
//	inspect.go    a file's header and sample cells, with what is suggested for each column
//	suggest.go    header and sample cells → what each column seems to be
//	forms.go      what a column's cells look like: keys, e-mails, dates
//	translate.go  what cells mean that a column's rule rejects: ja, Lifetime, SUSPENDED
//	vocabulary.go what the headers of one kind's files mean
//	synonyms.go   the table of headers in several languages
//	vendors.go    the table of other vendors' exports, each with its source; vendors_kinds.go: of other kinds
//
// A mapping is for files of one kind of import, and so is each suggestion.
//
// # Promises
//
// A mapping changes no row that is stored: rows hold the cells as sent, by column, and every reader
// gets the same values from a row and the mapping in its ImportStarted.
//
// The order within a cell is: translation ([events.Mapping].Values), then date format, then the
// column's own rules in package events. A column that [events.Mapping].Set names has that value in
// every row.
//
// Headers are compared without regard to case and surrounding white space.
//
// A suggestion of a required column is made only where nothing else in the file competes and the cells
// do not speak against it: a wrong one imports licenses under wrong keys.
//
// # Caveats
//
// A suggestion sees the header and some cells only. A cell is translated only where its word has one
// meaning in the column, or where the vendor documents it: a wrong translation is worse than a row that is
// rejected.
//
// Dates as YYYY-MM-DD, alone or with a time of day, are read under every date format.
package mapping
