package eventlog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"licenseimport/events"
)

// An UnreadableEventError says that a stream holds a message that this program cannot read: it is
// no event, of a type that this version does not know, cannot follow the events before it, or is damaged.
// Nothing may be decided about a job that has one, and no reader may skip it.
type UnreadableEventError struct {
	Subject string     // "": not known
	Seq     events.Seq // 0: that of the last message at the subject, not known
	Cause   error
}

// Error names no license, feature or customer: logs and /readyz show it.
func (e *UnreadableEventError) Error() string { return withoutNames(e.text()) }

func (e *UnreadableEventError) text() string {
	text := fmt.Sprintf("the event at %s (stream %s, sequence %d) cannot be read: %v", e.Subject, e.Stream(), e.Seq, e.Cause)
	switch {
	case e.Seq == 0:
		text = fmt.Sprintf("the last event at %s (stream %s) cannot be read: %v", e.Subject, e.Stream(), e.Cause)
	case e.Subject == "":
		text = fmt.Sprintf("the event with sequence %d in stream %s cannot be read: %v", e.Seq, e.Stream(), e.Cause)
	}
	if e.Stream() != events.LicensesStream {
		return text
	}
	setAside := fmt.Sprintf("licenseimport set-aside %d --reason TEXT", e.Seq)
	switch damaged := errors.Is(e.Cause, errDamaged); {
	case !damaged:
		return text + " (where it is not licenseimport's own: " + setAside + ")"
	case e.Seq == 0, errors.Is(e.Cause, errFileDamaged):
		return text + " (licenseimport restore, from a backup that has it)"
	default:
		return text + " (licenseimport restore, from a backup that has it; where there is none: " + setAside + ")"
	}
}

// Stream is the name of the stream that holds the message.
func (e *UnreadableEventError) Stream() string {
	if strings.HasPrefix(e.Subject, rowsPrefix) {
		return events.RowsStream
	}
	return events.LicensesStream
}

func (e *UnreadableEventError) Unwrap() error { return e.Cause }

// withoutNames leaves of each subject of what rows are about its first token: the others name a license by its key, or
// a customer.
func withoutNames(text string) string { return names.ReplaceAllString(text, "$1…") }

// names matches such a subject, up to a quotation mark that ends it.
var names = func() *regexp.Regexp {
	var prefixes []string
	for _, k := range events.Kinds {
		prefix, _, _ := strings.Cut(k.Subjects, "*")
		prefixes = append(prefixes, regexp.QuoteMeta(prefix))
	}
	return regexp.MustCompile(`(` + strings.Join(prefixes, "|") + `)\S*[^\s"]`)
}()

// rowsPrefix begins the subjects of ROWS.
var rowsPrefix = strings.TrimSuffix(events.RowsSubjects[0], "*")

// Decode reads the event in a message of ROWS or LICENSES; an error is an *[UnreadableEventError].
// It is the one decoder for messages of a stream. A message at another subject than its event's was
// not published by this program.
func (m *Message) Decode() (events.Envelope, error) {
	envelope, err := events.Decode(m.Data)
	if err != nil {
		return events.Envelope{}, m.unreadable(err)
	}
	if !events.IsAt(envelope.Event, m.Subject) {
		return events.Envelope{}, m.unreadable(fmt.Errorf("%s %s belongs at %s", envelope.Type, envelope.ID, envelope.Event.Subject()))
	}
	return envelope, nil
}

// DecodeAs reads a message that can only be of one type; an error is an *[UnreadableEventError].
func DecodeAs[E events.Event](m *Message) (E, error) {
	var none E
	envelope, err := m.Decode()
	if err != nil {
		return none, err
	}
	event, ok := envelope.Event.(E)
	if !ok {
		return none, m.unreadable(fmt.Errorf("a %s does not belong here", envelope.Event.Type()))
	}
	return event, nil
}

func (m *Message) unreadable(cause error) error {
	return &UnreadableEventError{Subject: m.Subject, Seq: m.Seq, Cause: cause}
}
