package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
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

// Encode writes the event as a CloudEvent in structured mode. The time says when
// it was observed; nothing is decided by it.
func Encode(e Event, at time.Time) ([]byte, error) {
	var room [2 << 10]byte // for nearly all events
	body, err := Append(room[:0], e, at)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(body), nil
}

// Append appends to b what Encode gives, for those who write one event after the
// other into the same buffer. With an error it gives b as it was.
func Append(b []byte, e Event, at time.Time) ([]byte, error) {
	if row, ok := e.(*RowReceived); ok {
		return AppendRow(b, row, at), nil
	}
	before := appendEnvelope(b, e, at)
	if body, ok := appendOutcome(before, e); ok {
		return append(body, '}'), nil
	}
	body, err := appendJSON(before, e)
	if err != nil {
		return b, fmt.Errorf("encoding %s %s: %w", e.Type(), e.ID(), err)
	}
	return append(body, '}'), nil
}

// appendJSON appends what encoding/json makes of v, with <, > and & as they are.
func appendJSON(b []byte, v any) ([]byte, error) {
	buffer := bytes.NewBuffer(b)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), err
}

// Decode reads a CloudEvent of ours. It fails on everything that is not one,
// and with an *UnknownTypeError on a type that it does not know. The event keeps
// nothing of the body, which may be used again. Its texts lie in one piece of
// memory: to keep one of them for long, clone it.
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
	b = appendID(b, e)
	b = append(b, `","source":"`+Source+`","type":"`...)
	b = append(b, e.Type()...)
	b = append(b, `","time":"`...)
	b = at.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, `","datacontenttype":"application/json","data":`...)
}
