package eventlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Attach connects as [Open] does, but creates nothing and waits for nobody: streams
// may be missing. It is for looking at a log that may not be in order.
func Attach(ctx context.Context, config Config) (*Log, error) {
	log, err := connect(config)
	if err != nil {
		return nil, err
	}
	err = log.retryWithTimeout(ctx, func(ctx context.Context) error {
		_, err := log.js.AccountInfo(ctx)
		return err
	})
	if err != nil {
		err = fmt.Errorf("connect to NATS: %w", log.whyNot(err))
		log.Close()
		return nil, err
	}
	return log, nil
}

// A NotEmptyError says that a stream holds something, or did, where snapshots were
// to be restored.
type NotEmptyError struct{ Stream string }

func (e *NotEmptyError) Error() string {
	return fmt.Sprintf("the stream %s exists and has been used", e.Stream)
}

// A Restorer makes streams from snapshots, on a server that has none of them.
type Restorer struct {
	log     *Log
	created []string
}

// OpenRestorer connects to a server and makes sure that none of the log's streams
// has ever held a message there, else *[NotEmptyError]. Streams that were only
// created are deleted. Nobody else may use the log meanwhile.
func OpenRestorer(ctx context.Context, config Config) (*Restorer, error) {
	log, err := Attach(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := log.clear(ctx); err != nil {
		log.Close()
		return nil, err
	}
	return &Restorer{log: log}, nil
}

func streamNames() (names []string) {
	for _, s := range streams {
		names = append(names, s.Name)
	}
	for _, b := range buckets {
		names = append(names, BucketStream(b.Bucket))
	}
	return names
}

// clear deletes the streams, after it has seen that all are unused.
func (l *Log) clear(ctx context.Context) error {
	var unused []string
	for _, name := range streamNames() {
		state, err := l.state(ctx, name)
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
		case err != nil:
			return err
		case state.Last > 0:
			return &NotEmptyError{Stream: name}
		default:
			unused = append(unused, name)
		}
	}
	for _, name := range unused {
		if err := l.js.DeleteStream(ctx, name); err != nil {
			return fmt.Errorf("delete the unused stream %s: %w", name, err)
		}
	}
	return nil
}

// Stream makes one stream as its snapshot holds it: the same sequences, times and
// settings, and the positions of durable consumers. The number of replicas is the
// configured one, where there is one, else the snapshot's. The consumer that the
// processors share is left out: its position may be ahead of the snapshot, and
// without it every sealed job is looked at again.
func (r *Restorer) Stream(ctx context.Context, s Snapshot, from io.Reader) error {
	if err := r.restore(ctx, s, from); err != nil {
		return fmt.Errorf("restore stream %s: %w", s.Stream, err)
	}
	return nil
}

func (r *Restorer) restore(ctx context.Context, s Snapshot, from io.Reader) error {
	config, err := withReplicas(s.Config, r.log.replicas)
	if err != nil {
		return err
	}
	var response struct {
		Error   *jetstream.APIError `json:"error"`
		Deliver string              `json:"deliver_subject"`
	}
	request := map[string]any{"config": config, "state": map[string]any{"messages": s.Messages, "first_seq": s.First, "last_seq": s.Last}}
	// A cluster that elects a leader just now does not answer.
	patient, cancel := context.WithTimeout(ctx, pieceTimeout)
	defer cancel()
	if err := r.log.retryUntilDone(patient, r.log.timeout, func(ctx context.Context) error {
		return r.log.call(ctx, "STREAM.RESTORE."+s.Stream, request, &response)
	}); err != nil {
		return err
	}
	if response.Error != nil {
		return response.Error
	}
	r.created = append(r.created, s.Stream)
	if err := r.send(ctx, response.Deliver, from); err != nil {
		return err
	}
	return r.compare(ctx, s)
}

// withReplicas leaves all other settings as they are, known here or not.
func withReplicas(config json.RawMessage, replicas int) (json.RawMessage, error) {
	if replicas == 0 {
		return config, nil
	}
	var settings map[string]any
	decoder := json.NewDecoder(bytes.NewReader(config))
	decoder.UseNumber() // a duration in nanoseconds has more digits than a float64
	if err := decoder.Decode(&settings); err != nil {
		return nil, fmt.Errorf("its settings: %w", err)
	}
	settings["num_replicas"] = replicas
	return json.Marshal(settings)
}

// send gives the server the snapshot, block by block, and an empty piece at the end.
func (r *Restorer) send(ctx context.Context, subject string, from io.Reader) error {
	err := rewriteSnapshot(from, writerFunc(func(piece []byte) error { return r.sendPiece(ctx, subject, piece) }))
	endErr := r.sendPiece(ctx, subject, nil) // after an error, too, so that the server does not wait for more
	if err != nil {
		return err
	}
	return endErr
}

type writerFunc func([]byte) error

func (f writerFunc) Write(p []byte) (int, error) { return len(p), f(p) }

// sendPiece waits for the answer, after the last piece for as long as the server
// needs to make the stream. An answer that is not empty has an error in it, or what came of it all.
func (r *Restorer) sendPiece(ctx context.Context, subject string, piece []byte) error {
	patient, cancel := context.WithTimeout(ctx, pieceTimeout)
	defer cancel()
	if len(piece) == 0 {
		patient = ctx
	}
	answer, err := r.request(patient, subject, piece)
	if err != nil || len(answer.Data) == 0 {
		return err
	}
	var response struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return response.Error
	}
	return nil
}

// request asks again while nobody hears it: in a cluster it takes a moment until all servers know
// which of them waits for the pieces.
func (r *Restorer) request(ctx context.Context, subject string, piece []byte) (*nats.Msg, error) {
	backoff := serverRetry.Start()
	for {
		answer, err := r.log.conn.RequestWithContext(ctx, subject, piece)
		if !errors.Is(err, nats.ErrNoResponders) {
			return answer, err
		}
		if err := backoff.Wait(ctx, err); err != nil {
			return nil, err
		}
	}
}

// compare looks whether the stream is what the snapshot was taken of. Entries of
// the bucket of jobs may have expired since.
func (r *Restorer) compare(ctx context.Context, s Snapshot) error {
	state, err := r.log.state(ctx, s.Stream)
	if err != nil {
		return err
	}
	if state.Last != s.Last || state.Messages != s.Messages && s.Stream != BucketStream(Jobs) {
		return fmt.Errorf("it has %d messages up to %d, not %d up to %d", state.Messages, state.Last, s.Messages, s.Last)
	}
	return nil
}

// Rollback deletes the streams that were made.
func (r *Restorer) Rollback(ctx context.Context) error {
	var errs []error
	for _, name := range r.created {
		if err := r.log.js.DeleteStream(ctx, name); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			errs = append(errs, fmt.Errorf("delete stream %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Close ends the connection.
func (r *Restorer) Close() { r.log.Close() }
