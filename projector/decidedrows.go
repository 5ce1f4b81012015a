package projector

import (
	"iter"
	"math"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// DecidedRow is a row that was imported, updated a license, or whose license existed.
type DecidedRow struct {
	Row     events.Row
	Line    uint64 // 0: not known
	Key     string
	Product string     // short code
	License events.Seq // also one that is gone; 0: not known
	Outcome RowOutcome
}

// DecidedRows yields an import's valid rows from a number on, in the order of the uploaded file,
// whatever became of their licenses since. A dry run has none. It ends with the first error.
func (r *Reader) DecidedRows(id events.JobID, from events.Row) iter.Seq2[DecidedRow, error] {
	return func(yield func(DecidedRow, error) bool) {
		sources := []*rowSource{
			r.importedRows(id, from),
			r.decided(updated, id, from, r.decidedUpdate),
			r.decided(existed, id, from, r.decidedExisted),
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
	read    func() (DecidedRow, error)
	advance func()
}

// decided yields the rows of an import in a view.
func (r *Reader) decided(v viewstore.View, id events.JobID, from events.Row,
	read func(events.JobID, events.Row) (DecidedRow, error)) *rowSource {
	all := r.views.All(rowsOf(v, id))
	s := &rowSource{row: from}
	seek := func(at events.Row) {
		n, ok := all.Next(uint64(at), false)
		s.row, s.ok = events.Row(n), ok
	}
	s.read = func() (DecidedRow, error) { return read(id, s.row) }
	s.advance = func() { seek(s.row + 1) }
	seek(from)
	return s
}

func (r *Reader) decidedUpdate(id events.JobID, row events.Row) (DecidedRow, error) {
	u, err := r.UpdatedRow(&Job{ID: id}, row)
	if err != nil {
		return DecidedRow{}, err
	}
	return DecidedRow{u.Row, u.Line, u.Key, u.Product, u.License, RowUpdated}, nil
}

func (r *Reader) decidedExisted(id events.JobID, row events.Row) (DecidedRow, error) {
	e, err := r.ExistedRow(id, row)
	if err != nil {
		return DecidedRow{}, err
	}
	license, err := r.licenseBy(e.By, e.LicenseKey, e.Product.ShortCode)
	return DecidedRow{e.Row, e.Line, e.LicenseKey, e.Product.ShortCode, license, RowExisted}, err
}

// importedRows yields the rows of an import that made a license. Their events stand in the stream in the
// order of the rows.
func (r *Reader) importedRows(id events.JobID, from events.Row) *rowSource {
	all := r.madeBy(id)
	s := new(rowSource)
	var at DecidedRow
	var err error
	seek := func(seq uint64, ok bool) {
		if s.ok = ok; !ok {
			return
		}
		var e *events.LicenseImported
		if e, err = r.madeLicense(events.Seq(seq)); err == nil {
			at = DecidedRow{e.Row, e.Line, e.License.Key, e.Product.ShortCode, events.Seq(seq), RowImported}
		}
		s.row = at.Row
	}
	s.read = func() (DecidedRow, error) { return at, err }
	s.advance = func() { seek(all.Next(uint64(at.License)+1, false)) }
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
