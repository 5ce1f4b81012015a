package eventlog

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrWrongSequence says that somebody else appended to the job meanwhile. Nothing of
	// this append is stored. Read the job's last fact and decide what that means.
	ErrWrongSequence = errors.New("the job moved on meanwhile")

	// ErrConflict says that a batch was refused although its job did not move: one
	// of its licenses exists by now, or the batch did not reach the server whole.
	// Nothing of it is stored. Look up what exists and decide again.
	ErrConflict = errors.New("the batch was refused")

	// ErrUnprotected says that a server would let in whoever reaches it.
	ErrUnprotected = errors.New("it needs a token, or a user and a password")

	// ErrNotFound says that a bucket does not hold the key.
	ErrNotFound = errors.New("no such key")

	// ErrExists says that a bucket's key exists, or is at another revision than
	// the one given.
	ErrExists = errors.New("the key exists at another revision")

	// ErrLeaseLost, where a claim's work returns it, says that another process has the
	// job: it is neither done nor handed out anew by this one.
	ErrLeaseLost = errors.New("another process works on the job")

	// ErrStop, where a claim's work returns it, ends [Log.LeaseJobs] with that error.
	ErrStop = errors.New("stopped")
)

// The server's error codes that are told apart; the others end a call.
const (
	codeWrongLast     jetstream.ErrorCode = 10071 // somebody wrote at the subject
	codeWrongLastRace jetstream.ErrorCode = 10164 // somebody is writing there just now
	codeIncomplete    jetstream.ErrorCode = 10176 // the batch did not arrive whole, or too late
	codeNotAvailable  jetstream.ErrorCode = 10008 // no leader
	codeNoPeers       jetstream.ErrorCode = 10005 // a cluster that is just starting has fewer servers than replicas
	codeNoMessage     jetstream.ErrorCode = 10037
	codeTooMany       jetstream.ErrorCode = 10210 // atomic batches in flight
	codeTooManyFast   jetstream.ErrorCode = 10211
)

func code(err error) jetstream.ErrorCode {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.ErrorCode
	}
	return 0
}

// refused reports whether the expectation of an append did not hold.
func refused(err error) bool {
	c := code(err)
	return c == codeWrongLast || c == codeWrongLastRace
}

// transient reports whether the same request may succeed later: a server that is
// away, a leader that is missing, too much in flight.
func transient(err error) bool {
	switch code(err) {
	case codeIncomplete, codeNotAvailable, codeNoPeers, codeTooMany, codeTooManyFast:
		return true
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.Code == 503
	}
	for _, passing := range transientErrors {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

var transientErrors = []error{
	context.DeadlineExceeded, // of one request; the caller's own is looked at first
	nats.ErrTimeout,
	nats.ErrNoResponders,
	nats.ErrDisconnected,
	nats.ErrNoServers,
	nats.ErrConnectionReconnecting,
	nats.ErrReconnectBufExceeded,
	nats.ErrStaleConnection,
	jetstream.ErrNoStreamResponse,
	jetstream.ErrJetStreamNotEnabled, // seen while a server starts
	errIncomplete,
}
