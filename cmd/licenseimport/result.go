package main

import (
	"encoding/json"
	"fmt"
	"time"

	"licenseimport/events"
)

// result is the API's representation of one import.
type result struct {
	ID         uint64     `json:"id"`
	FileName   string     `json:"file_name"`
	Status     string     `json:"status"`
	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  *time.Time `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
	Result     *counts    `json:"result"`
	Error      *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Manager       string     `json:"manager"`
	Mode          string     `json:"mode"`
	Existing      string     `json:"existing"`
	DryRun        bool       `json:"dry_run"`
	RetryOf       *uint64    `json:"retry_of"`
	RetriedBy     *uint64    `json:"retried_by"`
	SameFileAs    *uint64    `json:"same_file_as"`
	Ignored       []string   `json:"ignored_columns"`
	Undo          *undoState `json:"undo"` // nil: no undo was asked for
	Progress      float64    `json:"progress"`
	RowsPerSecond float64    `json:"rows_per_second"`

	kind *events.Kind
	raw  json.RawMessage // the answer's body
}

// counts are the counts of an import's result.
// The counts of customers and orders are nil for a manager limited to products.
type counts struct {
	Rows             uint64       `json:"total_row_count"`
	Valid            uint64       `json:"valid_row_count"`
	Invalid          uint64       `json:"invalid_row_count"`
	Warnings         uint64       `json:"warning_count"`
	CreatedCustomers *uint64      `json:"created_customers_count"`
	ExistedCustomers *uint64      `json:"existed_customers_count"`
	CreatedOrders    *uint64      `json:"created_orders_count"`
	ExistedOrders    *uint64      `json:"existed_orders_count"`
	Differing        uint64       `json:"differing_rows_count"`
	Preview          *preview     `json:"preview"`
	InvalidRows      []invalidRow `json:"invalid_rows"`

	made // rows by what they did, under the names that the kind has for it
}

// made is how many rows made, changed and found something.
type made struct{ Created, Updated, Existed uint64 }

// preview is what the valid rows of a dry run would do.
type preview struct{ made }

// invalidRow is a rejected row with all its errors.
type invalidRow struct {
	Row    uint64 `json:"row"`
	Line   uint64 `json:"line"`
	Errors []struct {
		Column  string `json:"column"`
		Header  string `json:"header"` // the file's own name of the column; "": it is no column of the file
		Code    string `json:"code"`
		Message string `json:"message"`
		Value   string `json:"value"`
	} `json:"errors"`
}

// decodeResult reads a result at the address of a kind.
func decodeResult(kind *events.Kind, body []byte) (*result, error) {
	r := &result{kind: kind, raw: body}
	err := json.Unmarshal(body, r)
	if err == nil && r.Result != nil {
		err = r.readMade(body)
	}
	if err != nil {
		return nil, fmt.Errorf("the server's answer is no import's result: %w", err)
	}
	return r, nil
}

// readMade reads the counts whose names are the kind's.
func (r *result) readMade(body []byte) error {
	var all struct {
		Result map[string]json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return err
	}
	r.Result.made = madeOf(all.Result, r.kind, "_count")
	if !r.kind.NamesParties { // where these names occur they count the rows
		r.Result.CreatedCustomers, r.Result.ExistedCustomers = nil, nil
	}
	if r.Result.Preview == nil {
		return nil
	}
	var would map[string]json.RawMessage
	err := json.Unmarshal(all.Result["preview"], &would)
	r.Result.Preview.made = madeOf(would, r.kind, "")
	return err
}

// madeOf reads three counts. One that is missing or null is 0.
func madeOf(counts map[string]json.RawMessage, kind *events.Kind, suffix string) (m made) {
	for name, n := range map[string]*uint64{"created_": &m.Created, "updated_": &m.Updated, "existed_": &m.Existed} {
		_ = json.Unmarshal(counts[name+kind.Counted+suffix], n)
	}
	return m
}

// ref is the import's address.
func (r *result) ref() importRef { return importRef{r.kind, r.ID} }

func (r *result) ended() bool { return r.Status == "success" || r.Status == "error" }

// undone reports whether the import was taken back.
func (r *result) undone() bool { return r.Undo != nil && r.Undo.finished() }

// settled reports whether nothing more happens by itself: the import has ended, and so has its undo.
func (r *result) settled() bool { return r.ended() && (r.Undo == nil || r.Undo.finished()) }

// rejected returns the number of rejected rows.
func (r *result) rejected() uint64 {
	if r.Result == nil {
		return 0
	}
	return r.Result.Invalid
}

// duration returns the time from the first decision to the end; 0 until known.
func (r *result) duration() time.Duration {
	if r.StartedAt == nil || r.FinishedAt == nil {
		return 0
	}
	return r.FinishedAt.Sub(*r.StartedAt)
}
