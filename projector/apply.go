package projector

import (
	"errors"
	"fmt"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"
	"licenseimport/projector/viewstore"
)

// fact is one event as the stream has it.
type fact struct {
	events.Envelope
	seq  events.Seq
	time time.Time // the stream's
	body []byte

	memory *[]byte // that body is in; nil: it is not used again
}

// unhandledEventError reports an event type that apply has no case for.
type unhandledEventError struct{ name string }

func (e *unhandledEventError) Error() string {
	return fmt.Sprintf("the views have no case for events of type %s", e.name)
}

// apply folds one event into the views.
func (m *memtable) apply(f fact) error {
	if uint64(f.seq) <= m.position.Seq {
		return fmt.Errorf("comes after sequence %d", m.position.Seq)
	}
	if err := m.applyEvent(f); err != nil {
		_, impossible := errors.AsType[*importjob.TransitionError](err)
		_, unknown := errors.AsType[*unknownError](err)
		if impossible || unknown {
			return &eventlog.UnreadableEventError{Subject: f.Event.Subject(), Seq: f.seq, Cause: err}
		}
		return err
	}
	m.position.Seq, m.position.Time, m.position.ID = uint64(f.seq), f.time, f.ID
	m.events++
	m.bytes += len(f.body)
	return nil
}

func (m *memtable) applyEvent(f fact) error {
	if row, ok := f.Event.(*events.RowReceived); ok {
		return fmt.Errorf("%s belongs to the stream %s", row.Type(), events.RowsStream)
	}
	if events.OfNoImport(f.Event) {
		return nil // followers leave out the message that an EventSetAside names
	}
	j, err := m.job(f.Event.Job())
	if err != nil {
		return err
	}
	if j != nil && j.Ended() {
		return m.applyAfterEnd(j, f)
	}
	if _, err := j.phase().After(f.Event); err != nil {
		return err
	}
	if j == nil {
		return m.applyFirst(f)
	}
	m.markDirty(j)
	return m.applyJobEvent(j, f)
}

// applyFirst folds the first event of an import. An upload that was aborted before its start left
// nothing but rows that nobody reads: the views do not know it.
func (m *memtable) applyFirst(f fact) error {
	switch e := f.Event.(type) {
	case *events.ImportStarted:
		j := newJob(e, f.time)
		j.Begins, j.Moved = f.seq, f.seq
		m.jobs[j.ID] = j
		m.markDirty(j)
		m.progressed = append(m.progressed, j.ID)
		return m.retried(j, f)
	case *events.ImportAborted:
	default:
		return &unhandledEventError{name: f.Type}
	}
	return nil
}

// retried notes at an import that another one repeats its rejected rows.
func (m *memtable) retried(by *Job, f fact) error {
	if by.RetryOf == 0 {
		return nil
	}
	j, err := m.job(by.RetryOf)
	if j == nil || err != nil {
		return err
	}
	j.RetriedBy, j.Moved = append(j.RetriedBy, by.ID), f.seq
	m.markDirty(j)
	return nil
}

// applyAfterEnd folds what comes after the end of an import: its undo. Late facts of the import itself
// change nothing, such as the ImportFinished after an ImportCancelled. An outcome is folded all the
// same: its license exists.
func (m *memtable) applyAfterEnd(j *Job, f fact) error {
	m.markDirty(j) // written again as it is, the job leaves the memory
	if events.IsRowOutcome(f.Event) {
		return m.applyJobEvent(j, f)
	}
	switch f.Event.(type) {
	case *events.ImportSealed, *events.ImportProgressed, *events.ImportCancelled, *events.ImportAborted:
		return nil
	case *events.ImportFinished:
		j.Ends = f.seq
		return nil
	}
	if _, err := j.phase().After(f.Event); err != nil {
		return err
	}
	return m.undo(j, f)
}

// applyJobEvent folds what happens to an import that has started.
func (m *memtable) applyJobEvent(j *Job, f fact) error {
	switch e := f.Event.(type) {
	case *events.LicenseImported:
		return m.licenseImported(j, e, f)
	case *events.LicenseUpdated:
		return m.licenseUpdated(j, e, f)
	case *events.LicenseUpdateProposed:
		return m.updateProposed(j, e, f)
	case *events.LicenseExisted:
		return m.licenseExisted(j, e, f)
	case *events.RowRejected:
		m.rowRejected(j, e, f)
	case *events.CustomerImported:
		return m.customerImported(j, e, f)
	case *events.CustomerImportProposed:
		return m.customerProposed(j, e, f)
	case events.Outcome:
		return m.outcome(j, e, f)
	case *events.ImportSealed:
		return m.importSealed(j, e, f)
	case *events.ImportProgressed:
		j.progressed(e, f.time)
		j.Moved = f.seq
		m.progressed = append(m.progressed, j.ID)
	case *events.ImportFinished:
		if e.Row > 0 {
			j.decide(e.Row, e.Counts, f.time)
		}
		m.endImport(j, f)
	case *events.ImportCancelled, *events.ImportAborted:
		m.endImport(j, f)
	default:
		return &unhandledEventError{name: f.Type}
	}
	return nil
}

// importSealed notes the file, and the import before that was sealed with the same one.
func (m *memtable) importSealed(j *Job, e *events.ImportSealed, f fact) error {
	j.Sealed, j.Moved = e.Rows, f.seq
	m.progressed = append(m.progressed, j.ID)
	if e.SHA256 == "" {
		return nil
	}
	file := []byte(j.ImportKind().Name + "\x00" + e.SHA256)
	before, err := m.Get(jobByFile, file)
	if err != nil {
		return err
	}
	if len(before) == 8 {
		j.SameFileAs = events.JobID(seqAt(before))
	}
	m.Set(jobByFile, file, viewstore.NumberKey(j.ID))
	return nil
}

func (m *memtable) endImport(j *Job, f fact) {
	j.end(importjob.FailureOf(f.Event, j.Next.Created+j.Next.Updated > 0), f.time)
	j.Ends, j.Moved = f.seq, f.seq
	m.ended = append(m.ended, j.ID)
}

// licenseImported adds a license, and its customer and order where they are new.
func (m *memtable) licenseImported(j *Job, e *events.LicenseImported, f fact) error {
	r := record{nanos: f.time.UnixNano(), body: f.body}
	if err := m.customerOf(j, e, f.seq, &r); err != nil {
		return err
	}
	if err := m.orderOf(j, e, f.seq, &r); err != nil {
		return err
	}
	j.Next.Created++
	if e.License.Enabled != nil && !*e.License.Enabled {
		r.flags |= isDisabled
		m.Append(disabled, "", uint64(f.seq))
		m.Count(counters, countDisabled, 1)
	}
	key, product := e.License.Key, e.Product.ShortCode
	m.value = r.appendTo(m.value[:0])
	m.Put(allLicenses, uint64(f.seq), m.value)
	m.putSearchText(f.seq, r.customer, events.LicenseState{
		License: &e.License, Product: &e.Product, Customer: e.Customer, Order: &e.Order,
	})
	m.name = appendLicenseKey(m.name[:0], key, product)
	m.Insert(licenseByKey, m.name[:len(key)], m.name, uint64(f.seq))
	m.Append(productLicenses, product, uint64(f.seq))
	m.Append(jobLicenses, j.ID.String(), uint64(f.seq))
	m.Count(counters, countLicenses, 1)
	m.Count(counters, countProduct+product, 1)
	if len(e.Warnings) == 0 {
		return nil
	}
	return m.warn(j, e, RowImported)
}

// customerOf finds or creates the customer of a row: by e-mail, as [events.EmailKey] compares them.
// A row without an e-mail has no customer (0).
func (m *memtable) customerOf(j *Job, e *events.LicenseImported, seq events.Seq, r *record) error {
	if e.Customer == nil || e.Customer.Email == "" {
		return nil
	}
	id, found, err := m.join(customerKind, events.EmailKey(e.Customer.Email), seq)
	if err != nil {
		return err
	}
	r.customer = id
	if !found {
		j.Next.CreatedCustomers++
		return nil
	}
	j.Next.ExistedCustomers++
	r.flags |= customerListed
	m.list(customerKind, id, seq)
	return nil
}

// orderOf finds or creates the order of a row: by store id. Each row without a store id creates an
// order.
func (m *memtable) orderOf(j *Job, e *events.LicenseImported, seq events.Seq, r *record) error {
	r.order = seq
	if e.Order.StoreID == "" {
		m.makeParty(orderKind, seq, false)
		j.Next.CreatedOrders++
		return nil
	}
	id, found, err := m.join(orderKind, e.Order.StoreID, seq)
	if err != nil {
		return err
	}
	r.order = id
	if !found {
		j.Next.CreatedOrders++
		return nil
	}
	j.Next.ExistedOrders++
	r.flags |= orderListed
	m.list(orderKind, id, seq)
	return nil
}

// updateProposed notes what a dry run's row would change.
func (m *memtable) updateProposed(j *Job, e *events.LicenseUpdateProposed, f fact) error {
	m.Put(rowsOf(proposed, j.ID), uint64(e.Row), f.body)
	return m.warn(j, e, RowUpdated)
}

// licenseExisted creates nothing: its customer and order count where they exist.
func (m *memtable) licenseExisted(j *Job, e *events.LicenseExisted, f fact) error {
	j.Next.Existed++
	if len(e.Differs) > 0 {
		j.Next.Differing++
	}
	m.Put(rowsOf(existed, j.ID), uint64(e.Row), f.body)
	if err := m.warn(j, e, RowExisted); err != nil {
		return err
	}
	if e.Customer != nil && e.Customer.Email != "" {
		id, err := m.lookup(customerByEmail, events.EmailKey(e.Customer.Email))
		if err != nil {
			return err
		}
		if id != 0 {
			j.Next.ExistedCustomers++
		}
	}
	if e.Order.StoreID == "" {
		return nil
	}
	id, err := m.lookup(orderByStore, e.Order.StoreID)
	if id != 0 {
		j.Next.ExistedOrders++
	}
	return err
}

func (m *memtable) rowRejected(j *Job, e *events.RowRejected, f fact) {
	m.Put(rowsOf(rejected, j.ID), uint64(e.Row), f.body)
	for _, code := range j.Next.reject(e) {
		m.PutNew(rejectedByCode, codeKey(j.ID, code, e.Row), nil)
	}
}
