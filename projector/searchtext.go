package projector

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"

	"licenseimport/events"
)

// The views search and search_customers hold what a search looks at, in lower case, so that it reads a
// tenth of what the licenses' events have. It looks at all of both (search.go).
//
//	search            license → 1 byte   its customer: none, made by it, or another one's
//	                            varint   of another one's: license - customer
//	                            uvarint  length of the first five texts
//	                            key NUL product NUL product's name NUL e-mail NUL store id NUL
//	                            customer's name NUL company
//	search_customers  customer → uvarint  length of the next
//	                             name NUL company: by the license's row that made it; empty: none did
//	                             name NUL company: by the customers' import that left it so; empty: none did
//
// The customer's name and company are those of the license's row. A customer is shown as the row says
// that made it, or as a customers' import has left it. It is as the row of the license with the customer's id
// says, unless search_customers has it: a change of a license or a customers' import made it or changed it, or
// the license that made it has changed.

// partyOf says whose words describe the customer of a license.
type partyOf byte

const (
	noCustomer   partyOf = iota
	madeCustomer         // the customer's id is the license's
	joinsCustomer
)

// searchText is an entry of the view search.
type searchText struct {
	kind     partyOf
	customer events.Seq // of joinsCustomer
	own      []byte     // the first five texts, each with a NUL behind it
	shown    []byte     // the customer's name and company, by the license's row
}

// The texts of searchText.own.
const (
	textKey = iota
	textProduct
	textProductName
	textEmail
	textStoreID
)

// text is one of the first five.
func (t searchText) text(i int) []byte {
	rest := t.own
	for ; i > 0; i-- {
		_, rest = cutText(rest)
	}
	one, _ := cutText(rest)
	return one
}

func cutText(b []byte) (one, rest []byte) {
	for i, c := range b {
		if c == 0 {
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// parseSearchText parses the entry of a license.
func parseSearchText(b []byte, license events.Seq) (t searchText, ok bool) {
	if len(b) == 0 || b[0] > byte(joinsCustomer) {
		return t, false
	}
	t.kind = partyOf(b[0])
	rest := b[1:]
	if t.kind == joinsCustomer {
		distance, n := binary.Varint(rest)
		if n <= 0 {
			return t, false
		}
		t.customer, rest = events.Seq(int64(license)-distance), rest[n:]
	}
	size, n := binary.Uvarint(rest)
	if n <= 0 || uint64(len(rest)-n) < size {
		return t, false
	}
	rest = rest[n:]
	t.own, t.shown = rest[:size], rest[size:]
	return t, true
}

// putSearchText makes a license found by what it is now.
func (m *memtable) putSearchText(id, customer events.Seq, s events.LicenseState) {
	b := m.value[:0]
	switch customer {
	case 0:
		b = append(b, byte(noCustomer))
	case id:
		b = append(b, byte(madeCustomer))
	default:
		b = binary.AppendVarint(append(b, byte(joinsCustomer)), int64(id)-int64(customer))
	}
	texts := m.folded[:0]
	email := ""
	if customer != 0 {
		email = s.Customer.Email
	}
	for _, text := range [...]string{
		textKey: s.License.Key, textProduct: s.Product.ShortCode, textProductName: s.Product.Name,
		textEmail: email, textStoreID: s.Order.StoreID,
	} {
		texts = append(appendFold(texts, text), 0)
	}
	b = append(binary.AppendUvarint(b, uint64(len(texts))), texts...)
	if customer != 0 {
		b = appendCustomerText(b, s.Customer)
	}
	m.Put(allSearchTexts, uint64(id), b)
	m.value, m.folded = b, texts
}

// putCustomerText makes a customer found by what the license's event says that made it, where the license of its id
// does not say that, or not any more, and by what a customers' import has made of it. Either may be nil.
func (m *memtable) putCustomerText(id events.Seq, made, now *events.Customer) {
	text := m.folded[:0]
	if made != nil {
		text = appendCustomerText(text, made)
	}
	m.value = append(binary.AppendUvarint(m.value[:0], uint64(len(text))), text...)
	if m.folded = text; now != nil {
		m.value = appendCustomerText(m.value, now)
	}
	m.Put(allCustomerTexts, uint64(id), m.value)
}

// customerText is what is searched of an entry of search_customers: all that is shown of the customer, or to one
// who sees some products only. See [Customer.ShownTo].
func customerText(b []byte, limited bool) (text []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || uint64(len(b)-n) < size {
		return nil, false
	}
	made, now := b[n:n+int(size)], b[n+int(size):]
	if limited || len(now) == 0 {
		return made, true
	}
	return now, true
}

// appendCustomerText appends the name and the company of a customer.
func appendCustomerText(b []byte, c *events.Customer) []byte {
	b = appendFold(b, c.FirstName)
	if c.FirstName != "" && c.LastName != "" {
		b = append(b, ' ')
	}
	b = append(appendFold(b, c.LastName), 0)
	return appendFold(b, c.CompanyName)
}

// appendFold appends a text in lower case, character by character.
func appendFold[T string | []byte](b []byte, text T) []byte {
	for i := range len(text) {
		c := text[i]
		if c >= utf8.RuneSelf {
			return appendFoldRunes(b, string(text[i:]))
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

func appendFoldRunes(b []byte, text string) []byte {
	for _, r := range text {
		b = utf8.AppendRune(b, unicode.ToLower(r))
	}
	return b
}

// SearchWords returns the words of a search, for [LicenseQuery], [CustomerQuery] and [OrderQuery].
func SearchWords(text string) [][]byte {
	var words [][]byte
	for _, word := range strings.Fields(text) {
		words = append(words, appendFold(nil, word))
	}
	return words
}
