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

// ExistedRows yields the numbers of an import's rows whose license existed, in the order of the
// uploaded file.
func (r *Reader) ExistedRows(id events.JobID) iter.Seq[events.Row] { return r.rows(existed, id, 0) }

// UpdatedRows yields the numbers of an import's rows that changed a license, or in a dry run would have,
// from one number on, in the order of the uploaded file.
func (r *Reader) UpdatedRows(j *Job, from events.Row) iter.Seq[events.Row] {
	if j.DryRun {
		return r.rows(proposed, j.ID, from)
	}
	return r.rows(updated, j.ID, from)
}

// KeptRows yields the numbers of an import's rows whose license its undo left as it is, from one number
// on, in the order of the uploaded file.
func (r *Reader) KeptRows(id events.JobID, from events.Row) iter.Seq[events.Row] {
	return r.rows(kept, id, from)
}

// WarnedRows yields the numbers of an import's valid rows that have warnings, from one number on, in the
// order of the uploaded file. Those of a dry run are only the rows that would have changed a license: no
// event tells of the others.
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

// ExistedRow returns the event of one of [Reader.ExistedRows].
func (r *Reader) ExistedRow(id events.JobID, row events.Row) (*events.LicenseExisted, error) {
	return viewstore.GetAs(r.views, rowsOf(existed, id), uint64(row), decodeAs[*events.LicenseExisted])
}

// KeptRow returns the event of one of [Reader.KeptRows].
func (r *Reader) KeptRow(id events.JobID, row events.Row) (*events.LicenseKept, error) {
	return viewstore.GetAs(r.views, rowsOf(kept, id), uint64(row), decodeAs[*events.LicenseKept])
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

// UpdatedRow is a row that changed a license, or in a dry run would have.
type UpdatedRow struct {
	Row     events.Row
	Line    uint64
	License events.Seq // 0: a dry run's earlier row would have made it
	Key     string
	Product string // short code
	Changed []events.Change
}

// UpdatedRow returns one of [Reader.UpdatedRows].
func (r *Reader) UpdatedRow(j *Job, row events.Row) (*UpdatedRow, error) {
	if j.DryRun {
		return r.proposedRow(j.ID, row)
	}
	value, err := r.views.Get(rowsOf(updated, j.ID), uint64(row))
	if err == nil && len(value) != 8 {
		err = ErrDamaged
	}
	if err != nil {
		return nil, err
	}
	c, err := r.change(seqAt(value))
	if err != nil {
		return nil, err
	}
	e, err := decodeAs[*events.LicenseUpdated](c.body)
	if err != nil {
		return nil, err
	}
	return &UpdatedRow{
		Row: e.Row, Line: e.Line, License: c.license, Key: e.License.Key, Product: e.Product.ShortCode, Changed: e.Changed,
	}, nil
}

func (r *Reader) proposedRow(id events.JobID, row events.Row) (*UpdatedRow, error) {
	e, err := viewstore.GetAs(r.views, rowsOf(proposed, id), uint64(row), decodeAs[*events.LicenseUpdateProposed])
	if err != nil {
		return nil, err
	}
	license := e.Previous
	if value, err := r.views.Get(allChanges, uint64(e.Previous)); err != nil {
		return nil, err
	} else if c, changed := parseChange(value); changed {
		license = c.license
	}
	return &UpdatedRow{
		Row: e.Row, Line: e.Line, License: license, Key: e.License.Key, Product: e.Product.ShortCode, Changed: e.Changed,
	}, nil
}
