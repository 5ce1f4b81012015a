package eventlog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"licenseimport/events"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Limits of one batched get.
const (
	maxLookup       = 1024      // subjects: the server's limit
	maxLookupBytes  = 512 << 10 // of the request: half of max_payload
	maxLookupAnswer = 16 << 20  // bytes of the response
)

// lookupTries bounds a look-up, in times of one request: a response may be large.
const lookupTries = 4

// A TooManySubjectsError names the filters that each match more subjects than a look-up can answer.
type TooManySubjectsError struct{ Filters []string }

func (e *TooManySubjectsError) Error() string {
	return fmt.Sprintf("%d filters match more than %d subjects each", len(e.Filters), maxLookup)
}

// Lookup calls fn with the last message at each of the subjects of LICENSES, in no order, some perhaps twice, until fn
// returns an error. It omits subjects without a message, and messages that are set aside. A damaged message is an
// [*UnreadableEventError] with its subject. On a cluster it may miss a message that was stored a moment ago. Subjects
// may have wildcards. If one matches too many subjects Lookup looks the others up, and returns a
// [*TooManySubjectsError].
func (l *Log) Lookup(ctx context.Context, subjects []string, fn func(Message) error) error {
	return l.LookupSince(ctx, Witness{}, subjects, fn)
}

// A Witness is a message of LICENSES that its reader knows. A replica that has it, or a later one at its subject, has
// every message before it. The zero Witness is before all messages.
type Witness struct {
	Subject string
	Seq     events.Seq
}

// LookupSince is Lookup that asks until a replica answers that has the witness. One that lags, or a former leader that
// was cut off, would lack messages that were stored long before. What LookupSince omits was not there when the witness
// was stored. fn may get messages of a replica that turns out to lag, too.
func (l *Log) LookupSince(ctx context.Context, since Witness, subjects []string, fn func(Message) error) error {
	var many *TooManySubjectsError
	for rest := subjects; len(rest) > 0; {
		n := lookupSize(rest)
		err := l.lookup(ctx, since, rest[:n], &many, func(m Message) error { return l.foundLast(ctx, m, fn) })
		if err != nil {
			return fmt.Errorf("look up %d subjects: %w", len(subjects), err)
		}
		rest = rest[n:]
	}
	if many != nil {
		return many
	}
	return nil
}

// foundLast calls fn with a message of a look-up, or, if that is set aside, with the last one at its
// subject that is not.
func (l *Log) foundLast(ctx context.Context, m Message, fn func(Message) error) error {
	if !l.setAside.has(m.Seq) {
		if err := fn(m); err == nil || !l.skips(ctx, &m, err) {
			return err
		}
	}
	m, found, err := l.lastBefore(ctx, m.Subject, m.Seq, l.setAside.messages().bySeq)
	if err != nil || !found {
		return err
	}
	return fn(m)
}

// lookupSize is how many of the subjects fit into one request beside a witness, at least one.
func lookupSize(subjects []string) int {
	size := 0
	for i, subject := range subjects {
		size += len(subject) + len(`"",`)
		if i == maxLookup-1 || i > 0 && size > maxLookupBytes {
			return i
		}
	}
	return len(subjects)
}

// lookup retries until it has a complete response. When the response exceeds a limit, the server
// truncates or refuses it, and lookup requests each half of the subjects. It notes a subject that alone exceeds the
// limit.
func (l *Log) lookup(
	ctx context.Context, since Witness, subjects []string, many **TooManySubjectsError, fn func(Message) error,
) error {
	bounded, cancel := context.WithTimeout(ctx, lookupTries*l.timeout)
	defer cancel()
	if stream := l.directStream(events.LicensesStream); stream != nil {
		done, err := l.lookupDirectly(stream, subjects, fn)
		if done || err != nil {
			return err
		}
	}
	err := l.retryUntilDone(bounded, l.timeout, func(ctx context.Context) error {
		return l.lookupOnce(ctx, since, subjects, fn)
	})
	tooMany := errors.Is(err, errTooManyResults)
	if tooMany && len(subjects) == 1 {
		if *many == nil {
			*many = new(TooManySubjectsError)
		}
		(*many).Filters = append((*many).Filters, subjects[0])
		return nil
	}
	missing := errors.Is(err, errMissingLast)
	if missing && len(subjects) == 1 {
		if since.Seq > 0 { // it may be the witness that is missing
			return cmp.Or(l.lookup(ctx, Witness{}, subjects, many, func(Message) error { return nil }), errReplicaBehind)
		}
		_, found, getErr := l.get(ctx, events.LicensesStream, getRequest{LastSubject: subjects[0]})
		if found || getErr != nil {
			return errors.Join(err, getErr) // the server was about to end
		}
		return &UnreadableEventError{Subject: subjects[0], Cause: errDamaged}
	}
	if _, short := errors.AsType[*shortAnswerError](err); !short && !tooMany && !missing || len(subjects) == 1 {
		return err
	}
	half := len(subjects) / 2
	return errors.Join(l.lookup(ctx, since, subjects[:half], many, fn), l.lookup(ctx, since, subjects[half:], many, fn))
}

// errMissingLast says that the server did not find the last message at a subject, although it has one.
var errMissingLast = errors.New("the stream's response is 404 Message Not Found")

// errTooManyResults says that subjects with wildcards match more than the server looks up at once.
var errTooManyResults = errors.New("too many results")

// A shortAnswerError says that a response is truncated.
type shortAnswerError struct{ got, want int }

func (e *shortAnswerError) Error() string {
	return fmt.Sprintf("the stream sent %d of %d messages", e.got, e.want)
}

// lookupDirectly is lookupOnce in the process of the embedded server. Without an error it may have done nothing:
// where there is more than one answer holds, or the stream is being closed.
func (l *Log) lookupDirectly(
	stream *natstuning.Stream, subjects []string, fn func(Message) error,
) (done bool, err error) {
	last, err := stream.Last(subjects, maxLookup, maxLookupAnswer)
	if err != nil {
		if !errors.Is(err, natstuning.ErrTooMany) {
			l.server.direct.forget(events.LicensesStream)
		}
		return false, nil
	}
	for _, m := range last {
		if err := fn(directMessage(m)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// A lookupRequest asks for the last message at each of many subjects. (GetLastMsgsFor of orbit
// cannot bound the response. One that exceeds a connection's pending limit makes the server close
// the connection.)
type lookupRequest struct {
	Subjects []string `json:"multi_last"`
	MaxBytes int      `json:"max_bytes"`
}

// lookupOnce counts the messages of the response, because its end can be lost. Usually the response
// is one status message: no license exists.
func (l *Log) lookupOnce(ctx context.Context, since Witness, subjects []string, fn func(Message) error) (err error) {
	if since.Seq > 0 {
		subjects = append(slices.Clip(subjects), since.Subject)
		has, others := false, fn
		fn = func(m Message) error {
			if m.Subject == since.Subject {
				has = m.Seq >= since.Seq
				return nil
			}
			return others(m)
		}
		defer func() {
			if err == nil && !has {
				err = errReplicaBehind
			}
		}()
	}
	request, err := json.Marshal(lookupRequest{Subjects: subjects, MaxBytes: maxLookupAnswer})
	if err != nil {
		return err
	}
	inbox, answer := l.conn.NewInbox(), make(chan *nats.Msg, maxLookup+1)
	sub, err := l.conn.ChanSubscribe(inbox, answer)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // without a connection there is no subscription
	const api = jetstream.DefaultAPIPrefix + "DIRECT.GET." + events.LicensesStream
	if err := l.conn.PublishRequest(api, inbox, request); err != nil {
		return err
	}
	silence := time.NewTimer(l.timeout / readTries)
	defer silence.Stop()
	for got, want := 0, -1; ; {
		select {
		case raw := <-answer:
			silence.Reset(l.timeout / readTries)
			switch status := raw.Header.Get("Status"); {
			case status == "204" && got != want:
				return &shortAnswerError{got: got, want: want}
			case status == "204":
				return nil
			case status != "":
				return lookupStatus(status, raw.Header.Get("Description"))
			}
			m, err := fromDirect(raw)
			if err != nil {
				return fmt.Errorf("read the stream's response: %w", err)
			}
			if got++; got == 1 {
				want = int(m.Pending) + 1
			}
			m.Pending = 0
			if err := fn(m); err != nil {
				return err
			}
		case <-silence.C:
			return nats.ErrTimeout
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func lookupStatus(status, description string) error {
	switch {
	case status == "404" && description == "No Results": // no subject has a message
		return nil
	case status == "404" && description == "Message Not Found":
		return errMissingLast
	case status == "413":
		return errTooManyResults
	case status == "503":
		return nats.ErrNoResponders
	}
	return fmt.Errorf("the stream's response is %s %s", status, description)
}

// fromDirect reads a message of a batched direct get, whose headers have the stream's data about it.
func fromDirect(raw *nats.Msg) (Message, error) {
	m, err := fromDirectGet(raw)
	pending, pendingErr := strconv.ParseUint(raw.Header.Get("Nats-Num-Pending"), 10, 64)
	m.Pending = pending
	return m, errors.Join(err, pendingErr)
}

// fromDirectGet reads the message of a direct get of one message.
func fromDirectGet(raw *nats.Msg) (Message, error) {
	seq, seqErr := strconv.ParseUint(raw.Header.Get(jetstream.SequenceHeader), 10, 64)
	stamp, timeErr := time.Parse(time.RFC3339Nano, raw.Header.Get(jetstream.TimeStampHeaer))
	return Message{
		Subject: raw.Header.Get(jetstream.SubjectHeader),
		Seq:     events.Seq(seq),
		Time:    stamp.UTC(),
		Data:    raw.Data,
	}, errors.Join(seqErr, timeErr)
}
