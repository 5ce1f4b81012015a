package projector

import (
	"encoding/json"
	"fmt"
	"iter"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// RejectedRows yields the numbers of an import's rejected rows from one number on, in the order of
// the uploaded file.
func (r *Reader) RejectedRows(id events.JobID, from events.Row) iter.Seq[events.Row] {
	return r.rows(rejected, id, from)
}

// RowsRejectedWith yields the numbers of an import's rows that were rejected with an error code, in
// the order of the uploaded file.
func (r *Reader) RowsRejectedWith(id events.JobID, code events.Code) iter.Seq[events.Row] {
	return ascending[events.Row](r.bound, r.views.Keys(rejectedByCode, codePrefix(id, code)), 0)
}

// ExistedRows yields the numbers of an import's rows that changed nothing, since what they name existed, in the
// order of the uploaded file.
func (r *Reader) ExistedRows(id events.JobID) iter.Seq[events.Row] { return r.rows(existed, id, 0) }

// UpdatedRows yields the numbers of an import's rows that changed something, or in a dry run would have,
// from one number on, in the order of the uploaded file.
func (r *Reader) UpdatedRows(j *Job, from events.Row) iter.Seq[events.Row] {
	if j.DryRun && j.refused() {
		return func(func(events.Row) bool) {} // as its preview, which has no updates
	}
	if j.DryRun {
		return r.rows(proposed, j.ID, from)
	}
	return r.rows(updated, j.ID, from)
}

// KeptRows yields the numbers of an import's rows whose effect its undo left as it is, from one number
// on, in the order of the uploaded file.
func (r *Reader) KeptRows(id events.JobID, from events.Row) iter.Seq[events.Row] {
	return r.rows(kept, id, from)
}

// WarnedRows yields the numbers of an import's valid rows that have warnings, from one number on, in the
// order of the uploaded file. Those of a dry run of licenses or features are only the rows that would have changed
// one: no event tells of the others.
func (r *Reader) WarnedRows(id events.JobID, from events.Row) iter.Seq[events.Row] {
	return r.rows(warned, id, from)
}

// RowsWarnedWith yields those of [Reader.WarnedRows] that have a warning's code.
func (r *Reader) RowsWarnedWith(id events.JobID, code events.WarningCode, from events.Row) iter.Seq[events.Row] {
	return ascending[events.Row](r.bound, r.views.Postings(warnedByCode, warnedList(id, code)), uint64(from))
}

func (r *Reader) rows(v viewstore.View, id events.JobID, from events.Row) iter.Seq[events.Row] {
	return ascending[events.Row](r.bound, r.views.All(rowsOf(v, id)), uint64(from))
}

// RejectedRow returns the event of one of [Reader.RejectedRows].
func (r *Reader) RejectedRow(id events.JobID, row events.Row) (*events.RowRejected, error) {
	return viewstore.GetAs(r.views, rowsOf(rejected, id), uint64(row), decodeAs[*events.RowRejected])
}

// Row is a valid row of an import, of any kind.
type Row struct {
	Row      events.Row
	Line     uint64   // 0: not known
	Identity []string // the values of the kind's Identity
	Product  string   // short code; "": the row belongs to none
	// ID is the license or the customer that the row is about, also one that is gone; 0: not known, or what the row
	// is about has no id.
	ID      events.Seq
	Outcome RowOutcome
	Event   events.Outcome // that says so

	By      events.Origin // the row that made what existed, or that changed since what was kept
	Differs []string      // columns in which the row says something else than what existed
	Changed []events.Change
}

// rowOf is a row as its event tells of it.
func rowOf(e events.Outcome, outcome RowOutcome) *Row {
	d := events.DetailsOf(e)
	return &Row{
		Row: e.Origin().Row, Line: d.Line, Identity: d.Identity, Product: d.Product, ID: d.License, Outcome: outcome,
		Event: e,
		By:    d.By, Differs: d.Differs, Changed: d.Changed,
	}
}

// rowReaders read the rows of those kinds that are not stored as aggregates are.
var rowReaders = map[*events.Kind]rowReader{events.Licenses: licenseRows{}, events.Customers: customerRows{}}

// rowReader reads the rows of a kind of import. What it reads must be there.
type rowReader interface {
	existed(r *Reader, id events.JobID, row events.Row) (*Row, error)
	updated(r *Reader, id events.JobID, row events.Row) (*Row, error)
	proposed(r *Reader, id events.JobID, row events.Row) (*Row, error)
	// idOf finds the id of a row of existed that does not tell it, which may take a search.
	idOf(r *Reader, row *Row) (events.Seq, error)
	// imported yields the rows that made something, in the order of the uploaded file.
	imported(r *Reader, id events.JobID, from events.Row) *rowSource
}

func rowReaderOf(j *Job) rowReader {
	if special, ok := rowReaders[j.ImportKind()]; ok {
		return special
	}
	return aggregateRows{}
}

// ExistedRow returns one of [Reader.ExistedRows].
func (r *Reader) ExistedRow(j *Job, row events.Row) (*Row, error) {
	return rowReaderOf(j).existed(r, j.ID, row)
}

// UpdatedRow returns one of [Reader.UpdatedRows].
func (r *Reader) UpdatedRow(j *Job, row events.Row) (*Row, error) {
	if j.DryRun {
		return rowReaderOf(j).proposed(r, j.ID, row)
	}
	return rowReaderOf(j).updated(r, j.ID, row)
}

// KeptRow returns one of [Reader.KeptRows].
func (r *Reader) KeptRow(id events.JobID, row events.Row) (*Row, error) {
	return r.rowIn(kept, id, row, "")
}

// WarnedRow returns one of [Reader.WarnedRows].
func (r *Reader) WarnedRow(id events.JobID, row events.Row) (*WarnedRow, error) {
	return viewstore.GetAs(r.views, rowsOf(warned, id), uint64(row), func(value []byte) (*WarnedRow, error) {
		found := new(WarnedRow)
		if err := json.Unmarshal(value, found); err != nil {
			return nil, fmt.Errorf("%w: warnings: %w", ErrDamaged, err)
		}
		return found, nil
	})
}

// rowIn reads a row of a view that holds its event.
func (r *Reader) rowIn(v viewstore.View, id events.JobID, row events.Row, outcome RowOutcome) (*Row, error) {
	e, err := viewstore.GetAs(r.views, rowsOf(v, id), uint64(row), decodeAs[events.Outcome])
	if err != nil {
		return nil, err
	}
	return rowOf(e, outcome), nil
}

// sequenceIn reads a row of a view that holds the sequence of its event.
func (r *Reader) sequenceIn(v viewstore.View, id events.JobID, row events.Row) (events.Seq, error) {
	value, err := r.views.Get(rowsOf(v, id), uint64(row))
	if err == nil && len(value) != 8 {
		err = ErrDamaged
	}
	if err != nil {
		return 0, err
	}
	return seqAt(value), nil
}

// aggregateRows are the rows of features, and of the kinds without a rowReader.
type aggregateRows struct{}

func (aggregateRows) existed(r *Reader, id events.JobID, row events.Row) (*Row, error) {
	return r.rowIn(existed, id, row, RowExisted)
}

func (aggregateRows) updated(r *Reader, id events.JobID, row events.Row) (*Row, error) {
	return r.factOfRow(updated, id, row, RowUpdated)
}

func (aggregateRows) proposed(r *Reader, id events.JobID, row events.Row) (*Row, error) {
	return r.rowIn(proposed, id, row, RowUpdated)
}

func (aggregateRows) imported(r *Reader, id events.JobID, from events.Row) *rowSource {
	return r.decided(made, id, from, func(id events.JobID, row events.Row) (*Row, error) {
		return r.factOfRow(made, id, row, RowImported)
	})
}

func (aggregateRows) idOf(_ *Reader, row *Row) (events.Seq, error) { return row.ID, nil }

// factOfRow reads a row of a view that holds the sequence of a fact.
func (r *Reader) factOfRow(v viewstore.View, id events.JobID, row events.Row, outcome RowOutcome) (*Row, error) {
	seq, err := r.sequenceIn(v, id, row)
	if err != nil {
		return nil, err
	}
	at, err := r.fact(seq)
	if err != nil {
		return nil, err
	}
	e, err := decodeAs[events.Outcome](at.body)
	if err != nil {
		return nil, err
	}
	return rowOf(e, outcome), nil
}

// customerRows are the rows of customers' imports.
type customerRows struct{}

func (customerRows) existed(r *Reader, id events.JobID, row events.Row) (*Row, error) {
	shown, err := r.customerRow(existed, id, row, RowExisted)
	if err != nil {
		return nil, err
	}
	made, err := r.madeCustomer(shown.ID)
	if err != nil {
		return nil, err
	}
	shown.By = made.By
	return shown, nil
}

func (customerRows) updated(r *Reader, id events.JobID, row events.Row) (*Row, error) {
	return r.customerRow(updated, id, row, RowUpdated)
}

func (customerRows) proposed(r *Reader, id events.JobID, row events.Row) (*Row, error) {
	value, err := r.views.Get(rowsOf(proposed, id), uint64(row))
	if err != nil {
		return nil, err
	}
	return customerRowOf(value, RowUpdated)
}

func (customerRows) imported(r *Reader, id events.JobID, from events.Row) *rowSource {
	return r.decided(made, id, from, func(id events.JobID, row events.Row) (*Row, error) {
		return r.customerRow(made, id, row, RowImported)
	})
}

func (r *Reader) customerRow(v viewstore.View, id events.JobID, row events.Row, outcome RowOutcome) (*Row, error) {
	seq, err := r.sequenceIn(v, id, row)
	if err != nil {
		return nil, err
	}
	value, err := r.views.Get(allFacts, uint64(seq))
	if err != nil {
		return nil, err
	}
	return customerRowOf(value, outcome)
}

func (customerRows) idOf(_ *Reader, row *Row) (events.Seq, error) { return row.ID, nil }

// customerRowOf is a row by its fact, which tells what the event does not.
func customerRowOf(value []byte, outcome RowOutcome) (*Row, error) {
	at, ok := parseFact(value)
	if !ok {
		return nil, ErrDamaged
	}
	e, err := decodeAs[events.Outcome](at.body)
	if err != nil {
		return nil, err
	}
	shown := rowOf(e, outcome)
	shown.ID = at.about
	if len(at.did) > 0 {
		var did customerChange
		if err := json.Unmarshal(at.did, &did); err != nil {
			return nil, fmt.Errorf("%w: customer: %w", ErrDamaged, err)
		}
		shown.Changed, shown.Differs = did.Changed, did.Differs
	}
	return shown, nil
}
