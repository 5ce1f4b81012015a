package projector

import (
	"encoding/json"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// customerChange is what a row of a customers' import did, or in a dry run would have done. Its JSON is part of the
// format of the views' file.
type customerChange struct {
	After   *events.Customer `json:"after,omitempty"` // the customer then; nil: unchanged, or as the row says
	Changed []events.Change  `json:"changed,omitempty"`
	Differs []string         `json:"differs,omitempty"` // columns of a customer that the row leaves as it is
}

// outcome is what became of a row whose customer existed.
func (c *customerChange) outcome() events.Result {
	if c.After != nil {
		return events.Updated
	}
	return events.Existed
}

// changeCustomer is what a row of a customers' import does to a customer that exists.
func changeCustomer(before, said events.Customer, cleared []string, existing events.Existing) (c customerChange) {
	if existing != events.UpdateExisting {
		c.Differs = before.Differs(said)
		return c
	}
	after, changed := before.Update(said, cleared)
	if len(changed) > 0 {
		c.After, c.Changed = &after, changed
	}
	return c
}

// customerImported finds or makes the customer of a row, and changes it where the row says so. From then on the
// customer needs no license to stay.
func (m *memtable) customerImported(j *Job, e *events.CustomerImported, f fact) error {
	id, found, err := m.join(customerKind, events.EmailKey(e.Customer.Email), f.seq)
	if err != nil {
		return err
	}
	next := storedFact{nanos: f.time.UnixNano(), about: id, made: id, result: events.Imported, body: f.body}
	now := id
	if !found {
		m.putCustomerText(id, nil, &e.Customer)
	} else {
		at, err := m.customer(id)
		if err != nil {
			return err
		}
		c := changeCustomer(at.now, e.Customer, e.Cleared, e.Existing)
		if next.did, err = json.Marshal(c); err != nil {
			return err
		}
		if next.result, now = c.outcome(), at.left; c.After != nil {
			now = f.seq
			made, err := m.customerMade(id)
			if err != nil {
				return err
			}
			m.putCustomerText(id, made, c.After)
		}
		if len(c.Differs) > 0 {
			j.Next.Differing++
		}
	}
	m.putFact(f.seq, &next)
	m.Set(customerNow, viewstore.NumberKey(id), viewstore.NumberKey(now))
	return m.decided(j, e, next.result, viewstore.NumberKey(f.seq))
}

// decided counts and lists a row of a customers' import. value is what the list has of it.
func (m *memtable) decided(j *Job, e *events.CustomerImported, result events.Result, value []byte) error {
	count, list, outcome := &j.Next.Created, made, RowImported
	switch result {
	case events.Updated:
		count, list, outcome = &j.Next.Updated, updated, RowUpdated
	case events.Existed:
		count, list, outcome = &j.Next.Existed, existed, RowExisted
	}
	*count++
	m.Put(rowsOf(list, j.ID), uint64(e.Row), value)
	return m.warn(j, e, outcome)
}

// customerProposed counts what a row of a dry run would have done, after the earlier rows of its file.
func (m *memtable) customerProposed(j *Job, e *events.CustomerImportProposed, f fact) error {
	id, err := m.lookup(customerByEmail, events.EmailKey(e.Customer.Email))
	if err != nil {
		return err
	}
	before, err := m.customerBefore(id, e)
	if err != nil {
		return err
	}
	if before == nil {
		j.Next.WouldImport++
		return m.warn(j, e, RowImported)
	}
	c := changeCustomer(*before, e.Customer, e.Cleared, e.Existing)
	if c.After == nil {
		j.Next.WouldExist++
		return m.warn(j, e, RowExisted)
	}
	j.Next.WouldUpdate++
	next := storedFact{nanos: f.time.UnixNano(), about: id, made: id, result: events.Proposed, body: f.body}
	if next.did, err = json.Marshal(c); err != nil {
		return err
	}
	m.value = next.appendTo(m.value[:0])
	m.Put(rowsOf(proposed, j.ID), uint64(e.Row), m.value)
	return m.warn(j, e, RowUpdated)
}

// customerBefore is the customer with an id as it would be after the earlier rows of a dry run's file; nil: there
// would be none.
func (m *memtable) customerBefore(id events.Seq, e *events.CustomerImportProposed) (*events.Customer, error) {
	if id == 0 {
		if e.Earlier == nil {
			return nil, nil
		}
		return &e.Earlier.Customer, nil
	}
	at, err := m.customer(id)
	if err != nil {
		return nil, err
	}
	if e.Earlier != nil && e.Existing == events.UpdateExisting {
		at.now, _ = at.now.Update(e.Earlier.Customer, e.Earlier.Cleared)
	}
	return &at.now, nil
}

// customerState is a customer as it is.
type customerState struct {
	now  events.Customer
	left events.Seq // the fact that left it so; 0: it is as the event says that made it
}

// customer is the state of a customer that exists.
func (m *memtable) customer(id events.Seq) (*customerState, error) {
	value, err := m.Get(customerNow, viewstore.NumberKey(id))
	if err != nil {
		return nil, err
	}
	if len(value) == 8 && seqAt(value) != 0 {
		at := &customerState{left: seqAt(value)}
		last, err := m.factAt(at.left)
		if err == nil {
			at.now, err = last.customer()
		}
		return at, err
	}
	made, err := m.customerMade(id)
	if err == nil && made == nil {
		err = ErrDamaged
	}
	if err != nil {
		return nil, err
	}
	return &customerState{now: *made}, nil
}

// customerMade is a customer as the license's event says that made it; nil: a customers' import made it.
func (m *memtable) customerMade(id events.Seq) (*events.Customer, error) {
	body, err := m.creatorBody(id)
	if body == nil || err != nil {
		return nil, err
	}
	s, _, err := decodeState(body)
	if err == nil && s.Customer == nil {
		err = ErrDamaged
	}
	return s.Customer, err
}

// importedCustomer is the customer with an id as a customers' import left it; nil: none did.
func (m *memtable) importedCustomer(id events.Seq) (*events.Customer, error) {
	value, err := m.Get(customerNow, viewstore.NumberKey(id))
	if len(value) != 8 || seqAt(value) == 0 || err != nil {
		return nil, err
	}
	last, err := m.factAt(seqAt(value))
	if err != nil {
		return nil, err
	}
	now, err := last.customer()
	return &now, err
}

// creatorBody is the license's event that made a customer; nil: a customers' import made it.
func (m *memtable) creatorBody(id events.Seq) ([]byte, error) {
	value, err := m.Value(allLicenses, uint64(id))
	if err != nil {
		return nil, err
	}
	if made, ok := parseRecord(value); ok {
		return made.body, nil
	}
	if value, err = m.Value(allFacts, uint64(id)); value != nil || err != nil {
		return nil, err
	}
	c, err := m.changeAt(id)
	if err != nil {
		return nil, err
	}
	return c.body, nil
}

// customer is the customer as this fact left it.
func (s *storedFact) customer() (events.Customer, error) {
	var c customerChange
	if len(s.did) > 0 {
		if err := json.Unmarshal(s.did, &c); err != nil {
			return events.Customer{}, ErrDamaged
		}
	}
	if c.After != nil {
		return *c.After, nil
	}
	e, err := decodeAs[*events.CustomerImported](s.body)
	if err != nil {
		return events.Customer{}, err
	}
	return e.Customer, nil
}
