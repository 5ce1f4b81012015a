package eventlog

import (
	"errors"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
)

// TestHalfABatchOfRowsIsNotStored: a message of an append is proof of the whole append only if it is
// the batch's last one. A server that lost its power may hold the beginning of a batch.
func TestHalfABatchOfRowsIsNotStored(t *testing.T) {
	t.Parallel()
	log := openHere(t)
	log.timeout = time.Second
	config := streams[0]
	config.DenyDelete = false // the test takes the end of a batch away
	if err := log.js.DeleteStream(t.Context(), config.Name); err != nil {
		t.Fatal(err)
	}
	stream, err := log.js.CreateStream(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	last, err := log.AppendRows(t.Context(), 7, 0, [][]byte{{1}, {2}, {3}})
	if err != nil {
		t.Fatal(err)
	}
	row, _, err := log.LastRow(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(row.BatchID, ".")
	request := unresolved{events.RowsStream, events.RowsSubject(7), events.RowsSubject(7), 0, id + "."}
	if result, seq, err := log.resolve(t.Context(), request); result != stored || seq != last || err != nil {
		t.Errorf("the whole batch: %v, %d, %v", result, seq, err)
	}
	if err := stream.DeleteMsg(t.Context(), uint64(last)); err != nil {
		t.Fatal(err)
	}
	if result, seq, err := log.resolve(t.Context(), request); !errors.Is(err, errTorn) {
		t.Errorf("half of the batch: %v, %d, %v", result, seq, err)
	}
}
