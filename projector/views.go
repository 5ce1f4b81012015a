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
const format = 7

// The views. Package viewstore gives the bytes of each layout. Numbers (sequences, imports, rows)
// are 8 bytes, big-endian, so that keys sort as their numbers do. A text before a number ends with
// a NUL, which no value can hold.
//
// A license is stored once, under its sequence in the stream, which is its id:
//
//	licenses   sequence → 8 bytes  time in the stream, nanoseconds since 1970
//	                      8 bytes  its customer: the sequence of the license that created it; 0: none
//	                      8 bytes  its order, in the same way
//	                      rest     the event LicenseImported, as the stream has it
//
// A license key leads to the sequences of the licenses that have it, one for each product. The slot
// depends on the key alone:
//
//	license_by_key   key NUL product → sequence
//
// So a license is found by its key in two steps: one read of the key's slot in each partition of
// license_by_key, and one read of the chunk with its sequence in licenses.
const (
	licenses         viewstore.View = iota // Chunks: sequence → record, see above
	licenseByKey                           // HashIndex by key: key NUL product
	productLicenses                        // PostingLists: product's short code → sequences
	jobLicenses                            // PostingLists: import in decimal → sequences
	customerLicenses                       // HashIndex: customer → the licenses after the one that created it
	orderLicenses                          // HashIndex: order → the licenses after the one that created it
	disabled                               // PostingLists: "" → licenses that are not enabled
	customers                              // PostingLists: "" → licenses that created a customer
	customerByEmail                        // HashIndex, filtered: events.EmailKey → customer
	orders                                 // PostingLists: "" → licenses that created an order
	orderByStore                           // HashIndex, filtered: store id → order
	rejected                               // Chunks by import: row → event RowRejected
	rejectedByCode                         // Entries: import, code, NUL, row → nothing
	existed                                // Chunks by import: row → event LicenseExisted
	jobs                                   // Entries: import → Job, JSON
	jobIndex                               // Entries: "manager" or "status", NUL, value, NUL, import → nothing
	counters                               // Counters, by the names below
	numViews
)

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
	customerByEmail:  {Name: "customer_by_email", Layout: viewstore.HashIndex, Filtered: true},
	orders:           {Name: "orders", Layout: viewstore.PostingLists},
	orderByStore:     {Name: "order_by_store", Layout: viewstore.HashIndex, Filtered: true},
	rejected:         {Name: "rejected", Layout: viewstore.Chunks},
	rejectedByCode:   {Name: "rejected_by_code", Layout: viewstore.Entries},
	existed:          {Name: "existed", Layout: viewstore.Chunks},
	jobs:             {Name: "jobs", Layout: viewstore.Entries},
	jobIndex:         {Name: "job_index", Layout: viewstore.Entries},
	counters:         {Name: "counters", Layout: viewstore.Counters},
}}

// The counters; that of one product's licenses is countProduct and its short code.
const (
	countLicenses  = "licenses"
	countDisabled  = "disabled"
	countCustomers = "customers"
	countOrders    = "orders"
	countProduct   = "product\x00"
)

// allLicenses is the chunk set of the licenses' records.
var allLicenses = viewstore.ChunkSet{View: licenses}

// rowsOf is the chunk set of one import's rows in the view rejected or existed.
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

// record is the value of a license.
type record struct {
	nanos    int64      // time in the stream, since 1970
	customer events.Seq // 0: none
	order    events.Seq
	body     []byte // the event as the stream has it
}

const recordHead = 24 // bytes before the body

func (r record) appendTo(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(r.nanos))
	b = binary.BigEndian.AppendUint64(b, uint64(r.customer))
	b = binary.BigEndian.AppendUint64(b, uint64(r.order))
	return append(b, r.body...)
}

func parseRecord(b []byte) (record, bool) {
	if len(b) < recordHead {
		return record{}, false
	}
	return record{
		nanos:    int64(binary.BigEndian.Uint64(b)),
		customer: events.Seq(binary.BigEndian.Uint64(b[8:])),
		order:    events.Seq(binary.BigEndian.Uint64(b[16:])),
		body:     b[recordHead:],
	}, true
}

// Verify reads the whole views' file of a directory that no projector has open, and returns what is
// wrong with it; nil if it is sound or does not exist. It changes nothing.
func Verify(dir string) (viewstore.Usage, error) {
	return viewstore.Check(filepath.Join(dir, FileName), schema)
}
