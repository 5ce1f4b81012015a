package projector

import (
	"encoding/binary"
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
		if _, ok := errors.AsType[*importjob.TransitionError](err); ok {
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
	if _, ok := f.Event.(*events.EventSetAside); ok {
		return nil // followers leave out the message that it names
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
		m.jobs[j.ID] = j
		m.markDirty(j)
		m.progressed = append(m.progressed, j.ID)
	case *events.ImportAborted:
	default:
		return &unhandledEventError{name: f.Type}
	}
	return nil
}

// applyAfterEnd folds what comes after the end of an import. Its facts change nothing, such as the
// ImportFinished after an ImportCancelled. An outcome is folded all the same: its license exists.
func (m *memtable) applyAfterEnd(j *Job, f fact) error {
	m.markDirty(j) // written again as it is, the job leaves the memory
	switch f.Event.(type) {
	case *events.LicenseImported, *events.LicenseExisted, *events.RowRejected:
		return m.applyJobEvent(j, f)
	case *events.ImportSealed, *events.ImportProgressed, *events.ImportCancelled, *events.ImportAborted,
		*events.ImportFinished:
		return nil
	case *events.LicenseUpdated, *events.LicenseUpdateProposed, *events.LicenseRevoked, *events.LicenseRestored,
		*events.LicenseKept, *events.UndoStarted, *events.UndoProgressed, *events.UndoFinished: // nothing appends them yet
		return nil
	}
	if _, err := importjob.Finished.After(f.Event); err != nil {
		return err
	}
	return &unhandledEventError{name: f.Type}
}

// applyJobEvent folds what happens to an import that has started.
func (m *memtable) applyJobEvent(j *Job, f fact) error {
	switch e := f.Event.(type) {
	case *events.LicenseImported:
		return m.licenseImported(j, e, f)
	case *events.LicenseExisted:
		return m.licenseExisted(j, e, f)
	case *events.RowRejected:
		m.rowRejected(j, e, f)
	case *events.ImportSealed:
		j.Sealed = e.Rows
	case *events.ImportProgressed:
		j.progressed(e, f.time)
		m.progressed = append(m.progressed, j.ID)
	case *events.ImportFinished:
		if e.Row > 0 {
			j.decide(e.Row, e.Counts, f.time)
		}
		m.endImport(j, f)
	case *events.ImportCancelled, *events.ImportAborted:
		m.endImport(j, f)
	case *events.LicenseUpdated, *events.LicenseUpdateProposed: // nothing appends them yet
	default:
		return &unhandledEventError{name: f.Type}
	}
	return nil
}

func (m *memtable) endImport(j *Job, f fact) {
	j.end(importjob.FailureOf(f.Event), f.time)
	m.ended = append(m.ended, j.ID)
}

// licenseImported adds a license, and its customer and order where they are new.
func (m *memtable) licenseImported(j *Job, e *events.LicenseImported, f fact) error {
	r := record{nanos: f.time.UnixNano(), body: f.body}
	var err error
	if r.customer, err = m.customerOf(j, e, f.seq); err != nil {
		return err
	}
	if r.order, err = m.orderOf(j, e, f.seq); err != nil {
		return err
	}
	j.Next.CreatedLicenses++
	key, product := e.License.Key, e.Product.ShortCode
	m.value = r.appendTo(m.value[:0])
	m.Put(allLicenses, uint64(f.seq), m.value)
	m.name = appendLicenseKey(m.name[:0], key, product)
	m.Insert(licenseByKey, m.name[:len(key)], m.name, uint64(f.seq))
	m.Append(productLicenses, product, uint64(f.seq))
	m.Append(jobLicenses, j.ID.String(), uint64(f.seq))
	m.Count(counters, countLicenses, 1)
	m.Count(counters, countProduct+product, 1)
	if e.License.Enabled != nil && !*e.License.Enabled {
		m.Append(disabled, "", uint64(f.seq))
		m.Count(counters, countDisabled, 1)
	}
	return nil
}

// customerOf finds or creates the customer of a row: by e-mail, as [events.EmailKey] compares them.
// A row without an e-mail has no customer (0).
func (m *memtable) customerOf(j *Job, e *events.LicenseImported, seq events.Seq) (events.Seq, error) {
	if e.Customer == nil || e.Customer.Email == "" {
		return 0, nil
	}
	id, created, err := m.lookupOrInsert(customerByEmail, events.EmailKey(e.Customer.Email), seq)
	if err != nil {
		return 0, err
	}
	if !created {
		j.Next.ExistedCustomers++
		m.insertMore(customerLicenses, id, seq)
		return id, nil
	}
	j.Next.CreatedCustomers++
	m.Append(customers, "", uint64(id))
	m.Count(counters, countCustomers, 1)
	return id, nil
}

// orderOf finds or creates the order of a row: by store id. Each row without a store id creates an
// order.
func (m *memtable) orderOf(j *Job, e *events.LicenseImported, seq events.Seq) (events.Seq, error) {
	id, created, err := seq, true, error(nil)
	if e.Order.StoreID != "" {
		if id, created, err = m.lookupOrInsert(orderByStore, e.Order.StoreID, seq); err != nil {
			return 0, err
		}
	}
	if !created {
		j.Next.ExistedOrders++
		m.insertMore(orderLicenses, id, seq)
		return id, nil
	}
	j.Next.CreatedOrders++
	m.Append(orders, "", uint64(id))
	m.Count(counters, countOrders, 1)
	return id, nil
}

// insertMore adds a license to those of a customer or an order.
func (m *memtable) insertMore(v viewstore.View, id, seq events.Seq) {
	m.name = binary.BigEndian.AppendUint64(m.name[:0], uint64(id))
	m.Insert(v, m.name, m.name, uint64(seq))
}

// licenseExisted creates nothing: its customer and order count where they exist.
func (m *memtable) licenseExisted(j *Job, e *events.LicenseExisted, f fact) error {
	j.Next.ExistedLicenses++
	if len(e.Differs) > 0 {
		j.Next.Differing++
	}
	m.Put(rowsOf(existed, j.ID), uint64(e.Row), f.body)
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
