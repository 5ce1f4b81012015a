package projector

import (
	"encoding/binary"

	"licenseimport/events"
)

// view names one bucket of the views' file.
type view int

// The views. Numbers (sequences, jobs, rows) are 8 bytes, big-endian, so that
// they sort; a text before a number ends with a NUL, which no value can hold.
const (
	licenses        view = iota // number of a segment → records: time, customer, order, the event's body
	licenseByKey                // era, slot of the key → names: key NUL product
	productLicenses             // product: blocks
	jobLicenses                 // job, in decimal: blocks
	customerMore                // era, slot → names: customer, for each of its licenses after the one that made it
	orderMore                   // era, slot → names: order, likewise
	disabled                    // "": blocks
	customers                   // "": blocks of the licenses that made them
	customerByEmail             // era, slot → names: e-mail in lower case
	orders                      // "": blocks of the licenses that made them
	orderByStore                // era, slot → names: store id
	rejected                    // job, number of a segment → bodies, by row
	rejectedByCode              // job, code NUL row
	existed                     // likewise
	jobs                        // job → what is known of it, JSON
	jobIndex                    // "manager" or "status" NUL value NUL job
	counters                    // name → number
	numViews
)

// growth is how entries come to a view.
type growth int

const (
	inSlots    growth = iota // names in no order, which are kept in slots
	appended                 // mostly in key order: pages are filled up
	inSegments               // likewise, and kept in segments
	inBlocks                 // at the end of sets of sequences, which are kept in blocks
)

// viewTable says how each view is called in the file and how it grows.
var viewTable = [numViews]struct {
	name  string
	grows growth
}{
	licenses:        {"licenses", inSegments},
	licenseByKey:    {"license_by_key", inSlots},
	productLicenses: {"product_licenses", inBlocks},
	jobLicenses:     {"job_licenses", inBlocks},
	customerMore:    {"customer_more", inSlots},
	orderMore:       {"order_more", inSlots},
	disabled:        {"disabled", inBlocks},
	customers:       {"customers", inBlocks},
	customerByEmail: {"customer_by_email", inSlots},
	orders:          {"orders", inBlocks},
	orderByStore:    {"order_by_store", inSlots},
	rejected:        {"rejected", inSegments},
	rejectedByCode:  {"rejected_by_code", appended},
	existed:         {"existed", inSegments},
	jobs:            {"jobs", appended},
	jobIndex:        {"job_index", appended},
	counters:        {"counters", appended},
}

// The counters; that of one product's licenses is countProduct with its short code.
const (
	countLicenses  = "licenses"
	countDisabled  = "disabled"
	countCustomers = "customers"
	countOrders    = "orders"
	countProduct   = "product\x00"
)

func number[N ~uint64](n N) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(n))
}

// numbers is a key of two numbers, such as job and row.
func numbers[A, B ~uint64](a A, b B) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(a)), uint64(b))
}

// textNumber is a key of a text and a number.
func textNumber[N ~uint64](text string, n N) []byte {
	return binary.BigEndian.AppendUint64(textPrefix(text, 8), uint64(n))
}

// textPrefix is what all keys of a text begin with, with room for more.
func textPrefix(text string, room int) []byte {
	return append(append(make([]byte, 0, len(text)+1+room), text...), 0)
}

// codeKey is a key of rejectedByCode.
func codeKey(job events.JobID, code events.Code, row events.Row) []byte {
	return binary.BigEndian.AppendUint64(codePrefix(job, code), uint64(row))
}

func codePrefix(job events.JobID, code events.Code) []byte {
	return append(append(number(job), code...), 0)
}

// appendLicenseKey writes a name of licenseByKey: a license key may stand for a license of each product.
func appendLicenseKey(b []byte, key, product string) []byte {
	return append(append(append(b, key...), 0), product...)
}

// record is what is stored of a license.
type record struct {
	nanos    int64      // when the stream stored it, since 1970
	customer events.Seq // 0: none
	order    events.Seq
	body     []byte // of the event, as it stands in the stream
}

const recordHead = 24

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
