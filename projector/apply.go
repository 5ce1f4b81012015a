package projector

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"licenseimport/events"
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
func (b *memtable) apply(f fact) error {
	if uint64(f.seq) <= b.position.Seq {
		return fmt.Errorf("comes after sequence %d", b.position.Seq)
	}
	if err := b.applyEvent(f); err != nil {
		return err
	}
	b.position.Seq, b.position.Time, b.position.ID = uint64(f.seq), f.time, f.ID
	b.events++
	b.bytes += len(f.body)
	return nil
}

func (b *memtable) applyEvent(f fact) error {
	if row, ok := f.Event.(*events.RowReceived); ok {
		return fmt.Errorf("%s belongs to the stream %s", row.Type(), events.RowsStream)
	}
	j, err := b.job(f.Event.Job())
	if err != nil {
		return err
	}
	if j != nil && j.Ended() {
		return b.applyAfterEnd(j, f)
	}
	if _, err := j.phase().After(f.Event); err != nil {
		return err
	}
	if j == nil {
		return b.applyFirst(f)
	}
	b.markDirty(j)
	return b.applyJobEvent(j, f)
}

// applyFirst folds the first event of an import. An upload that was aborted before its start left
// nothing but rows that nobody reads: the views do not know it.
func (b *memtable) applyFirst(f fact) error {
	switch e := f.Event.(type) {
	case *events.ImportStarted:
		j := newJob(e, f.time)
		b.jobs[j.ID] = j
		b.markDirty(j)
		b.progressed = append(b.progressed, j.ID)
	case *events.ImportAborted:
	default:
		return &unhandledEventError{name: f.Type}
	}
	return nil
}

// applyAfterEnd folds what comes after the end of an import. Its facts change nothing, such as the
// ImportFinished after an ImportCancelled. An outcome is folded all the same: its license exists.
func (b *memtable) applyAfterEnd(j *Job, f fact) error {
	b.markDirty(j) // written again as it is, the job leaves the memory
	switch f.Event.(type) {
	case *events.LicenseImported, *events.LicenseExisted, *events.RowRejected:
		return b.applyJobEvent(j, f)
	case *events.ImportSealed, *events.ImportProgressed, *events.ImportCancelled, *events.ImportAborted,
		*events.ImportFinished:
		return nil
	}
	if _, err := importjob.Finished.After(f.Event); err != nil {
		return err
	}
	return &unhandledEventError{name: f.Type}
}

// applyJobEvent folds what happens to an import that has started.
func (b *memtable) applyJobEvent(j *Job, f fact) error {
	switch e := f.Event.(type) {
	case *events.LicenseImported:
		return b.licenseImported(j, e, f)
	case *events.LicenseExisted:
		return b.licenseExisted(j, e, f)
	case *events.RowRejected:
		b.rowRejected(j, e, f)
	case *events.ImportSealed:
		j.Sealed = e.Rows
	case *events.ImportProgressed:
		j.progressed(e, f.time)
		b.progressed = append(b.progressed, j.ID)
	case *events.ImportFinished:
		if e.Row > 0 {
			j.decide(e.Row, e.Counts, f.time)
		}
		b.endImport(j, f)
	case *events.ImportCancelled, *events.ImportAborted:
		b.endImport(j, f)
	default:
		return &unhandledEventError{name: f.Type}
	}
	return nil
}

func (b *memtable) endImport(j *Job, f fact) {
	j.end(importjob.FailureOf(f.Event), f.time)
	b.ended = append(b.ended, j.ID)
}

// licenseImported adds a license, and its customer and order where they are new.
func (b *memtable) licenseImported(j *Job, e *events.LicenseImported, f fact) error {
	r := record{nanos: f.time.UnixNano(), body: f.body}
	var err error
	if r.customer, err = b.customerOf(j, e, f.seq); err != nil {
		return err
	}
	if r.order, err = b.orderOf(j, e, f.seq); err != nil {
		return err
	}
	j.Next.CreatedLicenses++
	key, product := e.License.Key, e.Product.ShortCode
	b.value = r.appendTo(b.value[:0])
	b.Put(allLicenses, uint64(f.seq), b.value)
	b.name = appendLicenseKey(b.name[:0], key, product)
	b.Insert(licenseByKey, b.name[:len(key)], b.name, uint64(f.seq))
	b.Append(productLicenses, product, uint64(f.seq))
	b.Append(jobLicenses, j.ID.String(), uint64(f.seq))
	b.Count(counters, countLicenses, 1)
	b.Count(counters, countProduct+product, 1)
	if e.License.Enabled != nil && !*e.License.Enabled {
		b.Append(disabled, "", uint64(f.seq))
		b.Count(counters, countDisabled, 1)
	}
	return nil
}

// customerOf finds or creates the customer of a row: by e-mail, without regard to case. A row
// without an e-mail has no customer (0).
func (b *memtable) customerOf(j *Job, e *events.LicenseImported, seq events.Seq) (events.Seq, error) {
	if e.Customer == nil || e.Customer.Email == "" {
		return 0, nil
	}
	id, created, err := b.lookupOrInsert(customerByEmail, emailKey(e.Customer.Email), seq)
	if err != nil {
		return 0, err
	}
	if !created {
		j.Next.ExistedCustomers++
		b.insertMore(customerLicenses, id, seq)
		return id, nil
	}
	j.Next.CreatedCustomers++
	b.Append(customers, "", uint64(id))
	b.Count(counters, countCustomers, 1)
	return id, nil
}

// orderOf finds or creates the order of a row: by store id. Each row without a store id creates an
// order.
func (b *memtable) orderOf(j *Job, e *events.LicenseImported, seq events.Seq) (events.Seq, error) {
	id, created, err := seq, true, error(nil)
	if e.Order.StoreID != "" {
		if id, created, err = b.lookupOrInsert(orderByStore, e.Order.StoreID, seq); err != nil {
			return 0, err
		}
	}
	if !created {
		j.Next.ExistedOrders++
		b.insertMore(orderLicenses, id, seq)
		return id, nil
	}
	j.Next.CreatedOrders++
	b.Append(orders, "", uint64(id))
	b.Count(counters, countOrders, 1)
	return id, nil
}

// insertMore adds a license to those of a customer or an order.
func (b *memtable) insertMore(v viewstore.View, id, seq events.Seq) {
	b.name = binary.BigEndian.AppendUint64(b.name[:0], uint64(id))
	b.Insert(v, b.name, b.name, uint64(seq))
}

// licenseExisted creates nothing: its customer and order count where they exist.
func (b *memtable) licenseExisted(j *Job, e *events.LicenseExisted, f fact) error {
	j.Next.ExistedLicenses++
	b.Put(rowsOf(existed, j.ID), uint64(e.Row), f.body)
	if e.Customer != nil && e.Customer.Email != "" {
		id, err := b.lookup(customerByEmail, emailKey(e.Customer.Email))
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
	id, err := b.lookup(orderByStore, e.Order.StoreID)
	if id != 0 {
		j.Next.ExistedOrders++
	}
	return err
}

func (b *memtable) rowRejected(j *Job, e *events.RowRejected, f fact) {
	b.Put(rowsOf(rejected, j.ID), uint64(e.Row), f.body)
	for _, code := range j.Next.reject(e) {
		b.PutNew(rejectedByCode, codeKey(j.ID, code, e.Row), nil)
	}
}

// emailKey is the form in which e-mail addresses are compared.
func emailKey(email string) string { return strings.ToLower(email) }
