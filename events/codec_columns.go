package events

import (
	"reflect"
	"strconv"
	"strings"
)

// A license, a customer and an order are objects on the wire whose members are columns. This file writes
// and reads them by the table of columns, with the bytes that encoding/json writes for the structs.

// member is one column as a member of its object.
type member struct {
	label  string // its name, quoted, and the colon
	always bool   // written even if it is empty: no omitempty
	field  func(target) any
}

// The members of each object, in the wire's order.
var (
	licenseMembers  = membersOf("license__", reflect.TypeFor[License]())
	customerMembers = membersOf("customer__", reflect.TypeFor[Customer]())
	orderMembers    = membersOf("order__", reflect.TypeFor[Order]())
)

// membersOf finds the column of each field. The wire's order is the struct's, which differs from the
// table's.
func membersOf(prefix string, object reflect.Type) []member {
	members := make([]member, object.NumField())
	for i := range members {
		name, option, _ := strings.Cut(object.Field(i).Tag.Get("json"), ",")
		members[i] = member{
			label:  `"` + name + `":`,
			always: option != "omitempty",
			field:  Columns[mustColumn(prefix+name)].field,
		}
	}
	return members
}

// appendMembers appends the object with these members.
func appendMembers(b []byte, members []member, in target) []byte {
	start := len(b)
	for i := range members {
		m := &members[i]
		switch field := m.field(in).(type) {
		case *string:
			if *field != "" || m.always {
				b = appendString(m.appendLabel(b), *field)
			}
		case **bool:
			if *field != nil {
				b = strconv.AppendBool(m.appendLabel(b), **field)
			}
		case **int:
			if *field != nil {
				b = strconv.AppendInt(m.appendLabel(b), int64(**field), 10)
			}
		}
	}
	if len(b) == start {
		return append(b, '{', '}')
	}
	b[start] = '{' // in place of the first comma
	return append(b, '}')
}

func (m *member) appendLabel(b []byte) []byte { return append(append(b, ','), m.label...) }

// object reads an object in the form that appendMembers writes.
func (s *scanner) object(members []member, in target) {
	if s.consumeIf(`{}`) {
		return
	}
	s.expect(`{`)
	for i := range members {
		if !s.consumeIf(members[i].label) {
			continue
		}
		s.column(members[i].field(in))
		if !s.consumeByte(',') {
			s.expect(`}`)
			return
		}
	}
	s.failed = true // a member is unknown, or out of order
}

// column reads a value into what a column's field points to.
func (s *scanner) column(field any) {
	switch field := field.(type) {
	case *string:
		*field = s.text()
	case **bool:
		*field = s.bool()
	case **int:
		*field = intern(s.int())
	}
}
