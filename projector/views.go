package projector

import (
	"encoding/binary"
	"path/filepath"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// FileName is the name of the views' file in the data directory.
const FileName = "views.bolt"

// format is the version of the views' file. Raise it with every change of the views or of what
// folding does: a file of another version is folded from the beginning.
const format = 17

// The views. Package viewstore gives the bytes of each layout. Numbers (sequences, imports, rows)
// are 8 bytes, big-endian, so that keys sort as their numbers do. A text before a number ends with
// a NUL, which no value can hold.
//
// A license is stored under its id, the sequence of the LicenseImported that made it. That record never
// changes:
//
//	licenses   sequence → 8 bytes  time in the stream, nanoseconds since 1970
//	                      8 bytes  its customer, 0: none
//	                      8 bytes  its order
//	                      1 byte   flags, see below
//	                      rest     the event, as the stream has it
//
// The id of a customer or an order is the sequence of the event that made it. The license of that event
// belongs to it without an entry in customer_more or order_more, if the event is a LicenseImported.
//
// Of the few licenses that changed, license_now has the last event, and changes each event after the
// first:
//
//	license_now  license → 8 bytes  sequence of its last event
//	changes      sequence → 25 bytes as of a license, after the event; of a LicenseRevoked 0
//	                        8 bytes  the license
//	                        8 bytes  the license's event before this one
//	                        8 bytes  the first event of the chain that the license stands at
//	                        8 bytes  the import of that chain
//	                        rest     the event, as the stream has it
//
// A chain is what one import did to a license in a row: events that follow each other directly. An undo
// takes the license back to the chain before. The license stands at the chain that made it what it is.
//
// All other views hold licenses as they are now. A revoked license is in licenses, changes, license_now,
// gone, and in the list of its import's revoked licenses.
//
// All other things that rows make are stored by the subject of their events: the features of licenses, and
// what further kinds of imports make. facts has each event that made, changed or revoked one, and each
// customer's row:
//
//	aggregates   subject → 8 bytes  sequence of its last event
//	facts        sequence → 8 bytes  time in the stream, nanoseconds since 1970
//	                        8 bytes  the license, or the customer, that it is about; 0: none
//	                        8 bytes  the event before this one at its subject; 0: none
//	                        8 bytes  the event that made it
//	                        8 bytes  the first event of the chain that it stands at
//	                        8 bytes  the import of that chain
//	                        1 byte   what became of the row: events.Result
//	                        uvarint  length of the next
//	                        n bytes  of a customer's row: what it did, JSON
//	                        rest     the event, as the stream has it
//
// The features of a license are those of its key and product whose last event is no LicenseFeatureRevoked and
// names the license's id: a revoked license takes its features along.
//
// A customer is as the event says that made it, unless a customers' import made or named it:
//
//	customer_now  customer → 8 bytes  the fact that left it as it is; 0: it is as the event made it
//
// Such a customer stays when its last license leaves it.
//
// A license key leads to the sequences of the licenses that have it, one for each product. Their slots
// have the hash of the key alone:
//
//	license_by_key   key NUL product → sequence
//
// So a license is found by its key in two steps: eight slots of the key in each partition of
// license_by_key, and one read of the chunk with its sequence in licenses.
const (
	licenses         viewstore.View = iota // Chunks: sequence → record, see above
	licenseByKey                           // HashIndex by key: key NUL product → sequence
	productLicenses                        // PostingLists: product's short code → sequences
	jobLicenses                            // PostingLists: import → sequences; with revokedList: those revoked
	customerLicenses                       // HashIndex: customer → the licenses after the one that created it
	orderLicenses                          // HashIndex: order → the licenses after the one that created it
	disabled                               // PostingLists: "" → licenses that are not enabled
	customers                              // PostingLists: "" → customers
	customerByEmail                        // HashIndex, filtered: events.EmailKey → customer
	orders                                 // PostingLists: "" → orders
	orderByStore                           // HashIndex, filtered: store id → order
	rejected                               // Chunks by import: row → event RowRejected
	rejectedByCode                         // Entries: import, code, NUL, row → nothing
	existed                                // Chunks by import: row → event; of a customer 8 bytes, the fact's sequence
	jobs                                   // Entries: import → Job, JSON
	jobIndex                               // Entries: "manager", "status" or "kind", NUL, value, NUL, import → nothing
	counters                               // Counters, by the names below
	licenseNow                             // Entries: license → its last event, see above
	changes                                // Chunks: sequence → change, see above
	gone                                   // PostingLists: "" → revoked licenses
	updated                                // Chunks by import: row → 8 bytes, the sequence of its event
	proposed                               // Chunks by import: row → event; of a customer a fact
	kept                                   // Chunks by import: row → event
	warned                                 // Chunks by import: row → WarnedRow, JSON
	warnedByCode                           // PostingLists: import in decimal, ":", code → rows
	jobByFile                              // Entries: kind, NUL, SHA-256 of a file → 8 bytes, the import sealed last
	searchTexts                            // Chunks: license → what a search looks at, see searchtext.go
	customerTexts                          // Chunks: customer → what a search looks at, see searchtext.go
	made                                   // Chunks by import, of other kinds than licenses: row → 8 bytes, the sequence of its event
	aggregates                             // Entries: subject → its last event, see above
	facts                                  // Chunks: sequence → fact, see above
	customerNow                            // Entries: customer → the fact that left it as it is, see above
	numViews
)

// revokedList follows an import in the name of a list of jobLicenses.
const revokedList = ":revoked"

// schema is the table of views. The order is that of the constants: digest and checksums depend on it.
var schema = viewstore.Schema{Version: format, Views: []viewstore.ViewSpec{
	licenses:         {Name: "licenses", Layout: viewstore.Chunks},
	licenseByKey:     {Name: "license_by_key", Layout: viewstore.HashIndex},
	productLicenses:  {Name: "product_licenses", Layout: viewstore.PostingLists},
	jobLicenses:      {Name: "job_licenses", Layout: viewstore.PostingLists},
	customerLicenses: {Name: "customer_more", Layout: viewstore.HashIndex},
	orderLicenses:    {Name: "order_more", Layout: viewstore.HashIndex},
	disabled:         {Name: "disabled", Layout: viewstore.PostingLists},
	customers:        {Name: "customers", Layout: viewstore.PostingLists},
	customerByEmail:  {Name: "customer_by_email", Layout: viewstore.HashIndex, Filtered: true, Resident: true},
	orders:           {Name: "orders", Layout: viewstore.PostingLists},
	orderByStore:     {Name: "order_by_store", Layout: viewstore.HashIndex, Filtered: true},
	rejected:         {Name: "rejected", Layout: viewstore.Chunks},
	rejectedByCode:   {Name: "rejected_by_code", Layout: viewstore.Entries},
	existed:          {Name: "existed", Layout: viewstore.Chunks},
	jobs:             {Name: "jobs", Layout: viewstore.Entries},
	jobIndex:         {Name: "job_index", Layout: viewstore.Entries},
	counters:         {Name: "counters", Layout: viewstore.Counters},
	licenseNow:       {Name: "license_now", Layout: viewstore.Entries},
	changes:          {Name: "changes", Layout: viewstore.Chunks},
	gone:             {Name: "gone", Layout: viewstore.PostingLists},
	updated:          {Name: "updated", Layout: viewstore.Chunks},
	proposed:         {Name: "proposed", Layout: viewstore.Chunks},
	kept:             {Name: "kept", Layout: viewstore.Chunks},
	warned:           {Name: "warned", Layout: viewstore.Chunks},
	warnedByCode:     {Name: "warned_by_code", Layout: viewstore.PostingLists},
	jobByFile:        {Name: "job_by_file", Layout: viewstore.Entries},
	searchTexts:      {Name: "search", Layout: viewstore.Chunks, Columns: numTexts},
	customerTexts:    {Name: "search_customers", Layout: viewstore.Chunks, Columns: numCustomerTexts},
	made:             {Name: "made", Layout: viewstore.Chunks},
	aggregates:       {Name: "aggregates", Layout: viewstore.Entries},
	facts:            {Name: "facts", Layout: viewstore.Chunks},
	customerNow:      {Name: "customer_now", Layout: viewstore.Entries},
}}

// The counters; that of one product's licenses is countProduct and its short code.
const (
	countLicenses  = "licenses"
	countDisabled  = "disabled"
	countCustomers = "customers"
	countOrders    = "orders"
	countProduct   = "product\x00"
	countGone      = "gone"

	// Of one import, by its id in decimal: chains of events (see changes and facts).
	countOvertaken  = "overtaken\x00"  // that made something, and were followed by another import's
	countRestorable = "restorable\x00" // that changed something, which stands at them
	countSuperseded = "superseded\x00" // that changed something, and were followed by another import's
)

// allLicenses is the chunk set of the licenses' records, allChanges that of the events after the first, allFacts
// that of the events of all else; allSearchTexts and allCustomerTexts are those of a search.
var (
	allLicenses      = viewstore.ChunkSet{View: licenses}
	allChanges       = viewstore.ChunkSet{View: changes}
	allFacts         = viewstore.ChunkSet{View: facts}
	allSearchTexts   = viewstore.ChunkSet{View: searchTexts}
	allCustomerTexts = viewstore.ChunkSet{View: customerTexts}
)

// rowsOf is the chunk set of one import's rows in one of the views by import.
func rowsOf(v viewstore.View, job events.JobID) viewstore.ChunkSet {
	return viewstore.ChunkSet{View: v, Group: uint64(job)}
}

// codeKey is a key of rejectedByCode.
func codeKey(job events.JobID, code events.Code, row events.Row) []byte {
	return binary.BigEndian.AppendUint64(codePrefix(job, code), uint64(row))
}

func codePrefix(job events.JobID, code events.Code) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(code)+1+8), uint64(job))
	return append(append(b, code...), 0)
}

// appendLicenseKey appends a name of licenseByKey: each product may have a license of the key.
func appendLicenseKey(b []byte, key, product string) []byte {
	return append(append(append(b, key...), 0), product...)
}

// The values of jobIndex, before the NUL and the import.
func managerIndex(name string) string { return "manager\x00" + name }
func statusIndex(s Status) string     { return "status\x00" + string(s) }
func kindIndex(k *events.Kind) string { return "kind\x00" + k.Name }

// Verify reads the whole views' file of a directory that no projector has open, and returns what is
// wrong with it; nil if it is sound or does not exist. It changes nothing.
func Verify(dir string) (viewstore.Usage, error) {
	return viewstore.Check(filepath.Join(dir, FileName), schema)
}
