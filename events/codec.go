package events

import (
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-json"
)

// MaxBody is the most bytes that the body of an event may have: what a NATS
// server takes by default (1 MiB) less room for headers and for the errors that
// a rejected row adds to its values.
const MaxBody = 900 << 10

// Envelope is a decoded event with what its CloudEvent says of it.
type Envelope struct {
	ID    string
	Type  string
	Event Event
}

// UnknownTypeError tells of an event that this program does not know: a newer
// one wrote it. Whoever reads it must stop.
type UnknownTypeError struct{ Type string }

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("event type %q is unknown to this version of licenseimport: use the version that wrote it, or a newer one", e.Type)
}

// roomForEnvelope is more than what the members around the data take.
const roomForEnvelope = 256

// Encode writes the event as a CloudEvent in structured mode. The time says when
// it was observed; nothing is decided by it.
func Encode(e Event, at time.Time) ([]byte, error) {
	if row, ok := e.(*RowReceived); ok {
		return AppendRow(make([]byte, 0, roomForEnvelope+row.sizeHint()), row, at), nil
	}
	data, err := json.MarshalWithOption(e, json.DisableHTMLEscape())
	if err != nil {
		return nil, fmt.Errorf("encoding %s %s: %w", e.Type(), e.ID(), err)
	}
	body := appendEnvelope(make([]byte, 0, roomForEnvelope+len(data)), e, at)
	return append(append(body, data...), '}'), nil
}

// Decode reads a CloudEvent of ours. It fails on everything that is not one,
// and with an *UnknownTypeError on a type that it does not know. The event keeps
// nothing of the body, which may be used again.
func Decode(body []byte) (Envelope, error) {
	if !utf8.Valid(body) {
		return Envelope{}, errors.New("not a CloudEvent: the text is not UTF-8")
	}
	if envelope, ok := decodeOurs(body); ok {
		return envelope, nil
	}
	return decodeAny(body)
}

// decodeAny reads a CloudEvent with its members in any order and with any
// white space.
func decodeAny(body []byte) (Envelope, error) {
	var raw struct {
		SpecVersion string          `json:"specversion"`
		ID          string          `json:"id"`
		Source      string          `json:"source"`
		Type        string          `json:"type"`
		Data        json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return Envelope{}, fmt.Errorf("not a CloudEvent: %w", err)
	}
	if raw.SpecVersion != "1.0" || raw.Source != Source || raw.ID == "" {
		return Envelope{}, errors.New("not a CloudEvent 1.0 of " + Source)
	}
	event, err := New(raw.Type)
	if err != nil {
		return Envelope{}, err
	}
	if err := json.Unmarshal(raw.Data, event); err != nil {
		return Envelope{}, fmt.Errorf("data of %s %s: %w", raw.Type, raw.ID, err)
	}
	if event.Job() == 0 {
		return Envelope{}, fmt.Errorf("%s %s names no job", raw.Type, raw.ID)
	}
	if event.ID() != raw.ID {
		return Envelope{}, fmt.Errorf("%s %s holds the data of %s", raw.Type, raw.ID, event.ID())
	}
	return Envelope{ID: raw.ID, Type: raw.Type, Event: event}, nil
}

// appendEnvelope writes everything up to the data.
func appendEnvelope(b []byte, e Event, at time.Time) []byte {
	b = append(b, `{"specversion":"1.0","id":"`...)
	b = append(b, e.ID()...) // digits, letters and slashes
	b = append(b, `","source":"`+Source+`","type":"`...)
	b = append(b, e.Type()...)
	b = append(b, `","time":"`...)
	b = at.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, `","datacontenttype":"application/json","data":`...)
}

// sizeHint is about how long the data becomes; escapes come on top.
func (e *RowReceived) sizeHint() int {
	size := 64 // numbers and punctuation
	for i := range e.Values {
		if e.Values[i] != "" {
			size += len(Columns[i].Name) + len(e.Values[i]) + len(`"":"",`)
		}
	}
	return size
}

// appendData writes the event that every row of every file becomes, by hand
// since it is the most frequent one by far.
func (e *RowReceived) appendData(b []byte) []byte {
	b = append(b, `{"job_id":`...)
	b = strconv.AppendUint(b, uint64(e.JobID), 10)
	b = append(b, `,"row":`...)
	b = strconv.AppendUint(b, uint64(e.Row), 10)
	b = append(b, `,"line":`...)
	b = strconv.AppendUint(b, e.Line, 10)
	b = append(b, `,"values":`...)
	b = e.Values.appendTo(b)
	if m := e.Malformed; m != nil {
		b = append(b, `,"malformed":{"code":`...)
		b = appendString(b, string(m.Code))
		b = append(b, `,"message":`...)
		b = appendString(b, m.Message)
		if m.Column != "" {
			b = append(b, `,"column":`...)
			b = appendString(b, m.Column)
		}
		b = append(b, `,"raw":`...)
		b = appendString(b, m.Raw)
		b = append(b, '}')
	}
	return append(b, '}')
}

const lowerHex = "0123456789abcdef"

// appendString writes a JSON string. Bytes that are not UTF-8 become U+FFFD:
// what a row's values hold was checked where the file was read.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			b = append(b, s[start:i]...)
			b = appendEscape(b, c)
			start = i + 1
		}
		i++
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', lowerHex[c>>4], lowerHex[c&15])
	}
}
