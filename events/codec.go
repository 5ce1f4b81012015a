package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// MaxBody is the maximum size of an event's body, in bytes: the 1 MiB that a NATS server accepts by
// default, less 124 KiB for headers and for the errors that a rejected row adds to its values.
const MaxBody = 900 << 10

// Envelope is a decoded event with the id and the type that its CloudEvent names.
type Envelope struct {
	ID    string
	Type  string
	Event Event
}

// UnknownTypeError reports an event type that this program does not know, because a newer program wrote
// it. The reader must stop.
type UnknownTypeError struct{ Type string }

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("event type %q is unknown to this version of licenseimport: "+
		"use the version that wrote it, or a newer one", e.Type)
}

// UnknownKindError reports an import of a kind that this program does not know, because a newer program started
// it. The reader must stop.
type UnknownKindError struct{ Kind string }

func (e *UnknownKindError) Error() string {
	return fmt.Sprintf("the kind of import %q is unknown to this version of licenseimport: "+
		"use the version that wrote it, or a newer one", e.Kind)
}

// Encode writes the event as a CloudEvent in structured mode. The time says when the event was observed;
// no decision depends on it.
func Encode(e Event, at time.Time) ([]byte, error) {
	var buf [2 << 10]byte // long enough for nearly all events
	body, err := Append(buf[:0], e, at)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(body), nil
}

// Append appends what Encode returns, for callers that write many events into one buffer. On an error it
// returns b unchanged.
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

// appendJSON appends what encoding/json writes for v, with <, > and & unescaped.
func appendJSON(b []byte, v any) ([]byte, error) {
	var buffer bytes.Buffer // not b itself: Encode's buffer stays on the stack
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return append(b, bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))...), err
}

// Decode reads a CloudEvent that Encode wrote, or one that differs in white space, in the order of its
// members or by members that it does not know. An unknown type is an *UnknownTypeError, an import
// of an unknown kind an *UnknownKindError. The event does
// not refer to the body, so the caller may reuse it. All texts of an event share one allocation: clone a
// text that outlives the event.
func Decode(body []byte) (Envelope, error) {
	if !utf8.Valid(body) {
		return Envelope{}, errors.New("not a CloudEvent: the text is not UTF-8")
	}
	if envelope, ok := decodeFast(body); ok {
		return envelope, nil
	}
	return decodeAny(body)
}

// decodeAny reads a CloudEvent with its members in any order and with any white space.
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
	if !hasKnownKind(event) {
		return Envelope{}, &UnknownKindError{Kind: event.(*ImportStarted).Kind}
	}
	if !namesItsJob(event) {
		return Envelope{}, fmt.Errorf("%s %s names no job", raw.Type, raw.ID)
	}
	if event.ID() != raw.ID {
		return Envelope{}, fmt.Errorf("%s %s holds the data of %s", raw.Type, raw.ID, event.ID())
	}
	return Envelope{ID: raw.ID, Type: raw.Type, Event: event}, nil
}

// hasKnownKind reports whether the event is no import of an unknown kind.
func hasKnownKind(e Event) bool {
	started, ok := e.(*ImportStarted)
	return !ok || KindNamed(started.Kind) != nil
}

// namesItsJob reports whether the event names the import that it belongs to, if its type belongs to one.
func namesItsJob(e Event) bool {
	return OfNoImport(e) || e.Job() != 0
}

// appendEnvelope appends everything before the data.
func appendEnvelope(b []byte, e Event, at time.Time) []byte {
	b = append(b, `{"specversion":"1.0","id":"`...)
	b = appendID(b, e)
	b = append(b, `","source":"`+Source+`","type":"`...)
	b = append(b, e.Type()...)
	b = append(b, `","time":"`...)
	b = at.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, `","datacontenttype":"application/json","data":`...)
}
