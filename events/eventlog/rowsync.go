package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"licenseimport/events"
	"licenseimport/internal/failpoint"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// rowSyncSubject is where the embedded server's process responds to those who ask it to make rows
// durable. It is core NATS: no stream stores it.
const rowSyncSubject = "rows_sync"

// A RowMark is a row of a job and its sequence in ROWS; the zero RowMark is before the first row.
type RowMark struct {
	Row events.Row `json:"row"`
	Seq events.Seq `json:"seq"`
}

// A rowSyncRequest asks to make a job's rows between two marks durable. One without a job asks only whether
// the server's process can do that, and to prepare for it the stream ROWS, if there is one.
type rowSyncRequest struct {
	Job   events.JobID `json:"job_id"`
	After RowMark      `json:"after"`
	UpTo  RowMark      `json:"up_to"`
	First events.Seq   `json:"first"` // no row of these is at a lower sequence
}

type rowSyncResponse struct {
	Error string `json:"error,omitempty"`
}

// rowSyncTries is how many times the time of one request an attempt may take: an fsync is slower than an append.
const rowSyncTries = 2

// SyncRows returns nil when a job's rows up to a mark are on the disk, or, on a cluster, at its quorum.
// Those up to the mark after are so already. Where ROWS takes atomic batches AppendRows has done that.
// Else the embedded server's process reads its files, finds each of the rows there, and syncs them. It
// retries until ctx ends while there is no response.
func (l *Log) SyncRows(ctx context.Context, job events.JobID, after, upTo RowMark) error {
	if !l.fastRows.Load() || failpoint.Barrier || failpoint.Acknowledgement {
		return nil
	}
	request := rowSyncRequest{Job: job, After: after, UpTo: upTo, First: after.Seq + 1}
	if after.Seq == 0 {
		first, found, err := l.get(ctx, events.RowsStream, getRequest{Seq: 1, NextSubject: events.RowsSubject(job)})
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("make the rows of job %d durable: there are none", job)
		}
		request.First = first.Seq
	}
	err := serverRetry.Do(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, rowSyncTries*l.timeout)
		defer cancel()
		return l.requestRowSync(ctx, request)
	})
	if err != nil {
		return fmt.Errorf("make the rows of job %d durable: %w", job, err)
	}
	return nil
}

func (l *Log) requestRowSync(ctx context.Context, request rowSyncRequest) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	answer, err := l.conn.RequestWithContext(ctx, rowSyncSubject, body)
	if err != nil {
		return err
	}
	var response rowSyncResponse
	if err := json.Unmarshal(answer.Data, &response); err != nil {
		return err
	}
	if response.Error != "" {
		return errors.New(response.Error)
	}
	return nil
}

// canSyncRows reports whether the server's process makes rows durable, as an embedded server's does. (On a
// cluster there is no other process: a stream with replicas has no persist mode.)
func (l *Log) canSyncRows(ctx context.Context) (bool, error) {
	if l.replicas > 1 {
		return false, nil
	}
	if l.server != nil {
		return true, serverRetry.Do(ctx, func(ctx context.Context) error { return l.requestRowSync(ctx, rowSyncRequest{}) })
	}
	within, cancel := context.WithTimeout(ctx, l.timeout/readTries)
	defer cancel()
	err := l.requestRowSync(within, rowSyncRequest{})
	return err == nil, ctx.Err() // else nobody responds, or this user may not ask
}

// createRows creates ROWS: one that takes fast batches where the server can make rows durable. Another
// process may have created one a moment ago.
func (l *Log) createRows(ctx context.Context, metadata map[string]string) error {
	config := streams[0]
	able, err := l.canSyncRows(ctx)
	if err != nil {
		return err
	}
	if able {
		config = fastRowsConfig()
	}
	config.Metadata, config.Replicas = metadata, max(l.replicas, 1)
	_, err = l.js.CreateStream(ctx, config)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil
	}
	if err == nil && fast(config) {
		err = l.requestRowSync(ctx, rowSyncRequest{})
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", config.Name, err)
	}
	return nil
}

// respondToRowSyncs responds to [Log.SyncRows] of all processes until the server is shut down.
func (s *Server) respondToRowSyncs() error {
	conn, err := s.dial(Config{Name: "row sync", Timeout: defaultTimeout})
	if err != nil {
		return err
	}
	s.rowSyncs = conn
	_, err = conn.Subscribe(rowSyncSubject, func(m *nats.Msg) {
		go func() {
			var response rowSyncResponse
			if err := s.syncRows(m.Data); err != nil {
				slog.Error("rows cannot be made durable", "error", err)
				response.Error = err.Error()
			}
			body, err := json.Marshal(response)
			if err == nil {
				_ = m.Respond(body) // who asks will ask again
			}
		}()
	})
	return errors.Join(err, conn.Flush())
}

// restoreRowsEnd has the sequences of a ROWS that lost all of its rows go on behind the recorded end. The server
// does so itself where the stream has no persist mode async.
func (s *Server) restoreRowsEnd(before record) error {
	now, err := s.held()
	if err != nil {
		return err
	}
	rows, recorded := now.Streams[events.RowsStream], before.Streams[events.RowsStream]
	if !now.Async || !rows.Created.Equal(recorded.Created) || rows.Messages > 0 || rows.Last >= recorded.Last {
		return nil
	}
	js, err := jetstream.New(s.rowSyncs)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), defaultTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, events.RowsStream)
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSequence(uint64(recorded.Last)+1))
	}
	return err
}

func (s *Server) syncRows(data []byte) error {
	var request rowSyncRequest
	if err := json.Unmarshal(data, &request); err != nil {
		return err
	}
	err := s.rows.release(s.running())
	if request.Job == 0 && errors.Is(err, natstuning.ErrNoStream) {
		return nil // another process creates it at this moment, and will ask
	}
	if err != nil || request.Job == 0 {
		return err
	}
	return s.rows.sync(request)
}
