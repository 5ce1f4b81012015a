package projector

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// tape is a stream in memory: unlike a real one it has the times that a test
// wants, and can be made to end early or to say nothing. stream_test.go has the
// real one.
type tape struct {
	mu       sync.Mutex
	created  time.Time
	messages []eventlog.Message
	more     chan struct{}
	held     events.Seq // Follow gives nothing from here on; 0: all
}

var tapeBegins = time.Date(2021, 4, 22, 11, 14, 21, 345069999, time.UTC)

func newTape(all ...events.Event) *tape {
	t := &tape{created: tapeBegins, more: make(chan struct{})}
	t.add(all...)
	return t
}

// add appends events, one a second.
func (t *tape) add(all ...events.Event) {
	for _, e := range all {
		body, err := events.Encode(e, tapeBegins)
		if err != nil {
			panic(err)
		}
		t.addBody(e.Subject(), body)
	}
}

func (t *tape) addBody(subject string, body []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seq := events.Seq(len(t.messages) + 1)
	t.messages = append(t.messages, eventlog.Message{
		Subject: subject, Seq: seq, Time: tapeBegins.Add(time.Duration(seq) * time.Second), Data: body,
	})
	t.wake()
}

// hold stops followers before a sequence; 0 lets them go on.
func (t *tape) hold(from events.Seq) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = from
	t.wake()
}

func (t *tape) wake() {
	close(t.more)
	t.more = make(chan struct{})
}

func (t *tape) State(context.Context) (eventlog.State, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return eventlog.State{Created: t.created, First: 1, Last: events.Seq(len(t.messages))}, nil
}

func (*tape) RedeliverJobs(context.Context) error { return nil }

func (t *tape) MessageAt(_ context.Context, seq events.Seq) (eventlog.Message, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq == 0 || int(seq) > len(t.messages) {
		return eventlog.Message{}, false, nil
	}
	return t.messages[seq-1], true, nil
}

func (t *tape) LastFact(_ context.Context, job events.JobID) (eventlog.Message, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.messages) - 1; i >= 0; i-- {
		if strings.HasPrefix(t.messages[i].Subject, "imports."+job.String()+".") {
			return t.messages[i], true, nil
		}
	}
	return eventlog.Message{}, false, nil
}

func (t *tape) Fact(_ context.Context, subject string) (eventlog.Message, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range slices.Backward(t.messages) {
		if ok, _ := path.Match(strings.ReplaceAll(subject, ".", "/"), strings.ReplaceAll(m.Subject, ".", "/")); ok {
			return m, true, nil
		}
	}
	return eventlog.Message{}, false, nil
}

func (t *tape) Follow(ctx context.Context, after events.Seq, _ []string, fn func(eventlog.Message) error) error {
	for at := int(after); ; at++ {
		m, err := t.at(ctx, at)
		if err == nil {
			err = fn(m)
		}
		if err != nil {
			return err
		}
	}
}

// at waits for the message of an index.
func (t *tape) at(ctx context.Context, i int) (eventlog.Message, error) {
	for {
		t.mu.Lock()
		more, there := t.more, i < len(t.messages) && (t.held == 0 || i+1 < int(t.held))
		if there {
			m := t.messages[i]
			m.Pending = uint64(len(t.messages) - i - 1)
			t.mu.Unlock()
			return m, nil
		}
		t.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return eventlog.Message{}, ctx.Err()
		}
	}
}

// Short ways to write events down.

func yes[T any](v T) *T { return &v }

func started(id events.JobID, manager string) *events.ImportStarted {
	return &events.ImportStarted{JobID: id, FileName: "file.csv", Manager: manager, Mode: events.Partial, Delimiter: ",",
		Columns: []string{"license__license_key", "product__short_code", "customer__email", "order__store_id"}}
}

func imported(id events.JobID, row events.Row, product, key, email, store string) *events.LicenseImported {
	e := &events.LicenseImported{JobID: id, Row: row, License: events.License{Key: key, Enabled: yes(true), MaxActivations: yes(1)},
		Product: events.Product{ShortCode: product}, Order: events.Order{StoreID: store}}
	if email != "" {
		e.Customer = &events.Customer{Email: email, FirstName: "First " + key}
	}
	return e
}

func rejection(id events.JobID, row events.Row, codes ...events.Code) *events.RowRejected {
	e := &events.RowRejected{JobID: id, Row: row, Line: uint64(row) + 1}
	e.Values[events.ColumnKey] = fmt.Sprintf("BAD-%d", row)
	for _, code := range codes {
		e.Errors = append(e.Errors, events.Columns[events.ColumnEmail].Error(code, "x"))
	}
	return e
}

func progressed(id events.JobID, row events.Row, imported, existed, rejected events.Row) *events.ImportProgressed {
	return &events.ImportProgressed{JobID: id, Phase: events.Import, Row: row,
		Counts: events.Counts{Imported: imported, Existed: existed, Rejected: rejected}}
}

func sealed(id events.JobID, rows events.Row) *events.ImportSealed {
	return &events.ImportSealed{JobID: id, Rows: rows}
}

func finished(id events.JobID, row events.Row, imported, existed, rejected events.Row) *events.ImportFinished {
	return &events.ImportFinished{JobID: id, Status: events.Success, Row: row,
		Counts: events.Counts{Imported: imported, Existed: existed, Rejected: rejected}}
}

// manyImports are several imports whose batches alternate: some customers,
// orders and keys come again, some rows are rejected, one import is cancelled.
func manyImports(seed uint64, importsN, rows int) []events.Event {
	random := rand.New(rand.NewPCG(seed, 1))
	var all []events.Event
	origins := map[string]events.Origin{}
	at := make([]events.Row, importsN)
	counts := make([]events.Counts, importsN)
	for i := range importsN {
		id := events.JobID(i + 1)
		all = append(all, started(id, []string{"anna", "bert"}[i%2]), &events.ImportSealed{JobID: id, Rows: events.Row(rows)},
			progressed(id, 0, 0, 0, 0))
	}
	for open := importsN; open > 0; {
		i := random.IntN(importsN)
		if int(at[i]) >= rows {
			continue
		}
		id := events.JobID(i + 1)
		for range min(1+random.IntN(20), rows-int(at[i])) {
			at[i]++
			all = append(all, manyRow(random, id, at[i], &counts[i], origins))
		}
		c := counts[i]
		switch {
		case int(at[i]) == rows:
			all = append(all, finished(id, at[i], c.Imported, c.Existed, c.Rejected))
			open--
		case i == 0 && int(at[i]) > rows/2:
			all = append(all, progressed(id, at[i], c.Imported, c.Existed, c.Rejected), &events.ImportCancelled{JobID: id, Manager: "anna"},
				&events.ImportFinished{JobID: id, Status: events.Failed, Error: &events.Failure{Code: "cancelled", Message: "by anna"}, Row: at[i], Counts: c})
			at[i] = events.Row(rows)
			open--
		default:
			all = append(all, progressed(id, at[i], c.Imported, c.Existed, c.Rejected))
		}
	}
	return all
}

func manyRow(random *rand.Rand, id events.JobID, row events.Row, c *events.Counts, origins map[string]events.Origin) events.Event {
	if random.IntN(10) == 0 {
		c.Rejected++
		return rejection(id, row, events.Codes[random.IntN(3)], events.Codes[random.IntN(3)])
	}
	product := []string{"a", "b", "ü"}[random.IntN(3)]
	key := fmt.Sprintf("Key-%05d", random.IntN(4000))
	e := imported(id, row, product, key, "", "")
	if n := random.IntN(200); n > 20 {
		e.Customer = &events.Customer{Email: fmt.Sprintf("%s%d@example.com", []string{"Ada", "ada"}[random.IntN(2)], n)}
	}
	if n := random.IntN(100); n > 30 {
		e.Order.StoreID = fmt.Sprintf("order-%d", n)
	}
	if random.IntN(5) == 0 {
		e.License.Enabled = yes(false)
	}
	if by, known := origins[product+"/"+key]; known {
		c.Existed++
		return &events.LicenseExisted{JobID: id, Row: row, LicenseKey: key, Product: e.Product, By: by, Customer: e.Customer, Order: e.Order}
	}
	origins[product+"/"+key] = events.Origin{JobID: id, Row: row}
	c.Imported++
	return e
}

// check ends the test on an error.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
