package processor

import (
	"fmt"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// undecodableError is about a message that this version cannot read. It stops the job until a
// version that can read it takes the job on: nothing is skipped.
type undecodableError struct {
	stream string
	seq    events.Seq
	cause  error
}

func (e *undecodableError) Error() string {
	return fmt.Sprintf("stream %s, sequence %d cannot be read: %v", e.stream, e.seq, e.cause)
}

func (e *undecodableError) Unwrap() error { return e.cause }

func decode(stream string, m eventlog.Message) (events.Event, error) {
	envelope, err := events.Decode(m.Data)
	if err != nil {
		return nil, &undecodableError{stream: stream, seq: m.Seq, cause: err}
	}
	return envelope.Event, nil
}

// decodeAs reads a message at a subject that has one type of event only.
func decodeAs[E events.Event](stream string, m eventlog.Message) (E, error) {
	event, err := decode(stream, m)
	if err != nil {
		var none E
		return none, err
	}
	typed, ok := event.(E)
	if !ok {
		cause := fmt.Errorf("a %s does not belong here", event.Type())
		return typed, &undecodableError{stream: stream, seq: m.Seq, cause: cause}
	}
	return typed, nil
}
