package eventlog

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	// ErrWrongSequence says that another writer has appended to the job: its last sequence is not
	// the expected one. Nothing of this append is stored. Read the job's last fact and decide
	// again.
	ErrWrongSequence = errors.New("another writer has appended to the job")

	// ErrConflict says that the stream refused a batch although the job's last sequence is the
	// expected one: one of its licenses has another last event, or the server did not get the whole batch.
	// Nothing of it is stored. Look up the licenses and decide again.
	ErrConflict = errors.New("the batch was refused")

	// ErrStreamMissing is the problem of a stream that does not exist.
	ErrStreamMissing = errors.New("it does not exist")

	// ErrUnprotected says that other machines can reach a server that has neither TLS nor a secret
	// that its operator chose.
	ErrUnprotected = errors.New("it needs a token, or a user and a password, and TLS so that they cannot be read on the network")

	// ErrUnauthorized says that the NATS server does not take this token, password or certificate.
	ErrUnauthorized = nats.ErrAuthorization

	// ErrUntrusted says that the certificate of the NATS server is not that of an authority known here, or is of another
	// address.
	ErrUntrusted = errors.New("the NATS server shows a certificate that is not trusted here")

	// ErrNotFound says that a bucket has no such key.
	ErrNotFound = errors.New("no such key")

	// ErrExists says that a bucket's key exists, or has another revision than the expected one.
	ErrExists = errors.New("the key exists at another revision")

	// ErrLeaseLost, returned by the work of a lease, says that another process works on the job.
	// The lease is neither acknowledged nor given back.
	ErrLeaseLost = errors.New("another process works on the job")

	// ErrStop, returned by the work of a lease, ends [Log.LeaseJobs] with that error.
	ErrStop = errors.New("stopped")
)

// The server's error codes that this package distinguishes; any other ends a call.
const (
	codeWrongLast     jetstream.ErrorCode = 10071 // the subject has another last sequence
	codeWrongLastRace jetstream.ErrorCode = 10164 // an append to the subject is in flight
	codeIncomplete    jetstream.ErrorCode = 10176 // the batch is incomplete, or too old
	codeNotAvailable  jetstream.ErrorCode = 10008 // no leader
	codeNoPeers       jetstream.ErrorCode = 10005 // a cluster that starts has fewer servers than replicas
	codeNoMessage     jetstream.ErrorCode = 10037
	codeQueueFull     jetstream.ErrorCode = 10167 // more messages wait for the stream than the server holds
	codeTooMany       jetstream.ErrorCode = 10210 // atomic batches in flight
	codeTooManyFast   jetstream.ErrorCode = 10211
	codeNoAtomic      jetstream.ErrorCode = 10174 // the stream takes no atomic batches
	codeNoFast        jetstream.ErrorCode = 10205 // the stream takes no fast batches
	codeUnknownFast   jetstream.ErrorCode = 10208 // the fast batch's first message was refused
)

func code(err error) jetstream.ErrorCode {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.ErrorCode
	}
	return 0
}

// refused reports whether the sequence check of an append failed.
func refused(err error) bool {
	c := code(err)
	return c == codeWrongLast || c == codeWrongLastRace
}

// transient reports whether the same request may succeed later: the server is unreachable, a leader
// is missing, or too many batches are in flight.
func transient(err error) bool {
	switch code(err) {
	case codeIncomplete, codeNotAvailable, codeNoPeers, codeQueueFull, codeTooMany, codeTooManyFast:
		return true
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.Code == 503
	}
	for _, known := range transientErrors {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

var transientErrors = []error{
	context.DeadlineExceeded, // of one attempt; the caller's context is checked first
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
	errNoLeader,
	errNoTurn,
	errReplicaBehind,
}
