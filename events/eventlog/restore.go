package eventlog

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Attach connects as [Open] does, but creates nothing and waits for no server; streams may be
// missing. It is for commands that examine a log.
func Attach(ctx context.Context, config Config) (*Log, error) {
	if config.usesTokenFile() {
		if _, err := ReadToken(config.TokenFile); err != nil {
			return nil, err
		}
	}
	return attach(ctx, config, cmp.Or(config.Timeout, defaultTimeout))
}

// attach waits that long for a server whose JetStream responds.
func attach(ctx context.Context, config Config, wait time.Duration) (*Log, error) {
	log, err := connect(config)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err = log.retryUntilDone(within, log.timeout/readTries, func(ctx context.Context) error {
		_, err := log.js.AccountInfo(ctx)
		return err
	})
	if err != nil {
		err = fmt.Errorf("connect to NATS: %w", log.unavailableReason(err))
		log.Close()
		return nil, err
	}
	return log, nil
}

// A NotEmptyError says that a stream has or had messages where snapshots are to be restored.
type NotEmptyError struct{ Stream string }

func (e *NotEmptyError) Error() string {
	return fmt.Sprintf("the stream %s exists and has been used", e.Stream)
}

// A Restorer creates streams from snapshots on a server that has none of them.
type Restorer struct {
	log     *Log
	created []string
}

// electionWait is how long a restore waits for a cluster that was started a moment ago: its servers
// have to find each other and to elect a leader.
const electionWait = 30 * time.Second

// OpenRestorer connects to a server and deletes the log's streams there, if none of them ever had a
// message; otherwise the error is a *[NotEmptyError]. No other process may use the log at that
// time.
func OpenRestorer(ctx context.Context, config Config) (*Restorer, error) {
	log, err := attach(ctx, config, electionWait)
	if err != nil {
		return nil, err
	}
	if err := log.clear(ctx); err != nil {
		log.Close()
		return nil, err
	}
	return &Restorer{log: log}, nil
}

// clear deletes the streams if all of them are unused.
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

// Stream creates one stream from its snapshot: the same sequences, times and settings, and the
// positions of durable consumers. The number of replicas is [Config].Replicas, or the snapshot's if
// that is 0. The consumer that the processors share is omitted, because its position may be ahead
// of the snapshot. Without it the stream delivers every sealed job again.
func (r *Restorer) Stream(ctx context.Context, s Snapshot, from io.Reader) error {
	if err := r.restore(ctx, s, from); err != nil {
		return fmt.Errorf("restore stream %s: %w", s.Stream, err)
	}
	return nil
}

func (r *Restorer) restore(ctx context.Context, s Snapshot, from io.Reader) error {
	fastRows, err := r.log.canSyncRows(ctx)
	if err != nil {
		return err
	}
	config, err := restoredConfig(s.Config, s.Stream == events.RowsStream, fastRows, r.log.replicas)
	if err != nil {
		return err
	}
	var response struct {
		Error   *jetstream.APIError `json:"error"`
		Deliver string              `json:"deliver_subject"`
	}
	request := map[string]any{"config": config, "state": map[string]any{"messages": s.Messages, "first_seq": s.First, "last_seq": s.Last}}
	// During an election the cluster does not respond.
	bounded, cancel := context.WithTimeout(ctx, chunkTimeout)
	defer cancel()
	if err := r.log.retryUntilDone(bounded, r.log.timeout, func(ctx context.Context) error {
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
	if s.Stream == events.RowsStream && fastRows {
		if err := r.log.requestRowSync(ctx, rowSyncRequest{}); err != nil {
			return err
		}
	}
	return r.compare(ctx, s)
}

// restoredConfig changes the number of replicas (0: as it is), and whether ROWS takes fast batches, and no
// other setting, known here or not.
func restoredConfig(config json.RawMessage, isRows, fastRows bool, replicas int) (json.RawMessage, error) {
	var settings map[string]any
	decoder := json.NewDecoder(bytes.NewReader(config))
	decoder.UseNumber() // a duration in nanoseconds has more digits than a float64
	if err := decoder.Decode(&settings); err != nil {
		return nil, fmt.Errorf("its settings: %w", err)
	}
	if replicas != 0 {
		settings["num_replicas"] = replicas
	}
	if isRows {
		useFastRows(settings, fastRows)
	}
	return json.Marshal(settings)
}

// send sends the snapshot block by block, and an empty chunk at the end.
func (r *Restorer) send(ctx context.Context, subject string, from io.Reader) error {
	err := rewriteSnapshot(from, writerFunc(func(chunk []byte) error { return r.sendChunk(ctx, subject, chunk) }))
	endErr := r.sendChunk(ctx, subject, nil) // also after an error: the server then stops waiting
	if err != nil {
		return err
	}
	return endErr
}

type writerFunc func([]byte) error

func (f writerFunc) Write(p []byte) (int, error) { return len(p), f(p) }

// sendChunk sends a chunk and waits for the response, after the last chunk without a limit: the
// server then creates the stream. A response with a body has an error or the result.
func (r *Restorer) sendChunk(ctx context.Context, subject string, chunk []byte) error {
	bounded, cancel := context.WithTimeout(ctx, chunkTimeout)
	defer cancel()
	if len(chunk) == 0 {
		bounded = ctx
	}
	answer, err := r.request(bounded, subject, chunk)
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

// request retries while there is no responder: in a cluster it takes a moment until all servers
// know which of them receives the chunks.
func (r *Restorer) request(ctx context.Context, subject string, chunk []byte) (*nats.Msg, error) {
	backoff := serverRetry.Start()
	for {
		answer, err := r.log.conn.RequestWithContext(ctx, subject, chunk)
		if !errors.Is(err, nats.ErrNoResponders) {
			return answer, err
		}
		if err := backoff.Wait(ctx, err); err != nil {
			return nil, err
		}
	}
}

// compare checks the restored stream against its snapshot. Entries of the bucket of jobs may have
// expired since.
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

// Rollback deletes the streams that this restorer has created.
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
