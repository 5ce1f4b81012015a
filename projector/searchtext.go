package projector

import (
	"cmp"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"

	"licenseimport/events"
)

// The views search and search_customers hold what a search looks at, in lower case and by column, so that it
// reads a tenth of what the licenses' events have. It looks at all of both (search.go).
//
//	search            license → the columns below
//	search_customers  customer → "+" if a customers' import left it as it is, else ""
//	                             name, company: by the license's row that made it; empty: none did
//	                             name, company: by the customers' import that left it so
//
// The customer's name and company are those of the license's row. A customer is shown as the row says
// that made it, or as a customers' import has left it. It is as the row of the license with the customer's id
// says, unless search_customers has it: a change of a license or a customers' import made it or changed it, or
// the license that made it has changed.

// The columns of the view search.
const (
	textCustomer = iota // "": none; else a varint of how far the customer's id is behind the license's
	textKey
	textProduct
	textProductName
	textEmail
	textStoreID
	textName // the customer's, by the license's row
	textCompany
	numTexts
)

// The columns of the view search_customers.
const (
	customerChanged = iota
	customerMadeName
	customerMadeCompany
	customerNowName
	customerNowCompany
	numCustomerTexts
)

// appendCustomerID appends the column of the license's customer. A column's text has no NUL, as the varint of 0
// would be: so distances from 0 on are written as one more.
func appendCustomerID(b []byte, license, customer events.Seq) []byte {
	distance := int64(license) - int64(customer)
	if distance >= 0 {
		distance++
	}
	return binary.AppendVarint(b, distance)
}

// customerID reads the column of a license's customer; 0: it has none.
func customerID(text []byte, license events.Seq) events.Seq {
	distance, n := binary.Varint(text)
	if n <= 0 {
		return 0
	}
	if distance > 0 {
		distance--
	}
	return events.Seq(int64(license) - distance)
}

// putSearchText makes a license found by what it is now.
func (m *memtable) putSearchText(id, customer events.Seq, s events.LicenseState) {
	b := m.value[:0]
	said := new(events.Customer)
	if customer != 0 {
		b, said = appendCustomerID(b, id, customer), s.Customer
	}
	b = append(b, 0)
	for _, text := range [...]string{s.License.Key, s.Product.ShortCode, s.Product.Name, said.Email, s.Order.StoreID} {
		b = append(appendFold(b, text), 0)
	}
	m.value = appendCustomerTexts(b, said)
	m.Put(allSearchTexts, uint64(id), m.value)
}

// putCustomerText makes a customer found by what the license's event says that made it, where the license of its id
// does not say that, or not any more, and by what a customers' import has made of it. Either may be nil.
func (m *memtable) putCustomerText(id events.Seq, made, now *events.Customer) {
	b := m.value[:0]
	if now != nil {
		b = append(b, '+')
	}
	b = appendCustomerTexts(append(b, 0), cmp.Or(made, new(events.Customer)))
	m.value = appendCustomerTexts(b, cmp.Or(now, new(events.Customer)))
	m.Put(allCustomerTexts, uint64(id), m.value)
}

// appendCustomerTexts appends the columns of a customer's name and company.
func appendCustomerTexts(b []byte, c *events.Customer) []byte {
	b = appendFold(b, c.FirstName)
	if c.FirstName != "" && c.LastName != "" {
		b = append(b, ' ')
	}
	b = append(appendFold(b, c.LastName), 0)
	return append(appendFold(b, c.CompanyName), 0)
}

// appendFold appends a text in lower case, character by character. A NUL, which ends a text, becomes a blank.
func appendFold[T string | []byte](b []byte, text T) []byte {
	for i := range len(text) {
		c := text[i]
		if c >= utf8.RuneSelf {
			return appendFoldRunes(b, string(text[i:]))
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c == 0 {
			c = ' '
		}
		b = append(b, c)
	}
	return b
}

func appendFoldRunes(b []byte, text string) []byte {
	for _, r := range text {
		if r == 0 {
			r = ' '
		}
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
