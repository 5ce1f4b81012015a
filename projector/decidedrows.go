package projector

import (
	"iter"
	"math"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// DecidedRows yields an import's valid rows from a number on, in the order of the uploaded file,
// whatever became of what they made since. A dry run has none. It ends with the first error.
func (r *Reader) DecidedRows(j *Job, from events.Row) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		reader := rowReaderOf(j)
		sources := []*rowSource{
			reader.imported(r, j.ID, from),
			r.decided(updated, j.ID, from,
				func(id events.JobID, row events.Row) (*Row, error) { return reader.updated(r, id, row) }),
			r.decided(existed, j.ID, from, func(id events.JobID, row events.Row) (*Row, error) {
				shown, err := reader.existed(r, id, row)
				if err == nil && shown.ID == 0 {
					shown.ID, err = reader.idOf(r, shown)
				}
				return shown, err
			}),
		}
		for r.bound.Step() {
			var first *rowSource
			for _, s := range sources {
				if s.ok && (first == nil || s.row < first.row) {
					first = s
				}
			}
			if first == nil {
				return
			}
			row, err := first.read()
			if !yield(row, err) || err != nil {
				return
			}
			first.advance()
		}
	}
}

// rowSource yields the rows of one outcome, in order.
type rowSource struct {
	row     events.Row // the next one
	ok      bool       // there is one
	read    func() (*Row, error)
	advance func()
}

// decided yields the rows of an import in a view.
func (r *Reader) decided(v viewstore.View, id events.JobID, from events.Row,
	read func(events.JobID, events.Row) (*Row, error)) *rowSource {
	all := r.views.All(rowsOf(v, id))
	s := &rowSource{row: from}
	seek := func(at events.Row) {
		n, ok := all.Next(uint64(at), false)
		s.row, s.ok = events.Row(n), ok
	}
	s.read = func() (*Row, error) { return read(id, s.row) }
	s.advance = func() { seek(s.row + 1) }
	seek(from)
	return s
}

// licenseRows are the rows of licenses' imports.
type licenseRows struct{}

func (licenseRows) updated(r *Reader, id events.JobID, row events.Row) (*Row, error) {
	seq, err := r.sequenceIn(updated, id, row)
	if err != nil {
		return nil, err
	}
	c, err := r.change(seq)
	if err != nil {
		return nil, err
	}
	e, err := decodeAs[events.Outcome](c.body)
	if err != nil {
		return nil, err
	}
	shown := rowOf(e, RowUpdated)
	shown.ID = c.license
	return shown, nil
}

func (licenseRows) proposed(r *Reader, id events.JobID, row events.Row) (*Row, error) {
	e, err := viewstore.GetAs(r.views, rowsOf(proposed, id), uint64(row), decodeAs[*events.LicenseUpdateProposed])
	if err != nil {
		return nil, err
	}
	shown := rowOf(e, RowUpdated)
	shown.ID, err = r.licenseBy(e.By, e.License.Key, e.Product.ShortCode)
	return shown, err
}

func (licenseRows) existed(r *Reader, id events.JobID, row events.Row) (*Row, error) {
	return r.rowIn(existed, id, row, RowExisted)
}

func (licenseRows) idOf(r *Reader, row *Row) (events.Seq, error) {
	return r.licenseBy(row.By, row.Identity[0], row.Product)
}

// imported: the events that made licenses stand in the stream in the order of the rows.
func (licenseRows) imported(r *Reader, id events.JobID, from events.Row) *rowSource {
	all := r.madeBy(id)
	s := new(rowSource)
	at := new(Row)
	var err error
	seek := func(seq uint64, ok bool) {
		if s.ok = ok; !ok {
			return
		}
		var e *events.LicenseImported
		if e, err = r.madeLicense(events.Seq(seq)); err == nil {
			at = rowOf(e, RowImported)
			at.ID = events.Seq(seq)
		}
		s.row = at.Row
	}
	s.read = func() (*Row, error) { return at, err }
	s.advance = func() { seek(all.Next(uint64(at.ID)+1, false)) }
	first, searchErr := r.firstFrom(all, from)
	seek(all.Next(first, false))
	if searchErr != nil {
		s.ok, err = true, searchErr
	}
	return s
}

// madeBy are the licenses that an import made: also those that are gone.
func (r *Reader) madeBy(id events.JobID) viewstore.Postings {
	list := id.String()
	return viewstore.Merge(r.views.Postings(jobLicenses, list), r.views.Postings(jobLicenses, list+revokedList))
}

func (r *Reader) madeLicense(id events.Seq) (*events.LicenseImported, error) {
	made, err := r.record(id)
	if made == nil {
		return nil, errOr(err, ErrDamaged)
	}
	return decodeAs[*events.LicenseImported](made.body)
}

// firstFrom finds where the licenses of an import begin whose rows are at or after one. It reads as many
// of them as a binary search does.
func (r *Reader) firstFrom(all viewstore.Postings, from events.Row) (uint64, error) {
	low, ok := all.Next(0, false)
	high, _ := all.Next(math.MaxUint64, true)
	if !ok || from <= 1 {
		return low, nil
	}
	for high++; low < high; {
		middle := low + (high-low)/2
		n, ok := all.Next(middle, false)
		if !ok || n >= high {
			high = middle
			continue
		}
		e, err := r.madeLicense(events.Seq(n))
		if err != nil {
			return 0, err
		}
		if e.Row >= from {
			high = middle
		} else {
			low = n + 1
		}
	}
	return low, nil
}

// licenseBy is the license that a row made, also one that is gone; 0: it is not known.
func (r *Reader) licenseBy(by events.Origin, key, product string) (events.Seq, error) {
	var id events.Seq
	name := appendLicenseKey(nil, key, product)
	err := r.views.InSlot(licenseByKey, name[:len(key)], 0, func(other []byte, seq uint64) bool {
		if string(other) == string(name) {
			id = events.Seq(seq)
		}
		return id == 0
	})
	if err != nil {
		return 0, err
	}
	if id != 0 {
		e, err := r.madeLicense(id)
		if err != nil || e.JobID == by.JobID && e.Row == by.Row {
			return id, err
		}
	}
	all := r.madeBy(by.JobID)
	first, err := r.firstFrom(all, by.Row)
	if err != nil {
		return 0, err
	}
	n, ok := all.Next(first, false)
	if !ok {
		return 0, nil
	}
	e, err := r.madeLicense(events.Seq(n))
	if err != nil || e.Row != by.Row {
		return 0, err
	}
	return events.Seq(n), nil
}
