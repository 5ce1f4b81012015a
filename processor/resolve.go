package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/events/eventlog"

	"golang.org/x/sync/errgroup"
)

// maxReads is how many requests to the leader are in flight while licenses are looked up.
const maxReads = 16

// resolveLicenses finds the licenses that rows of features belong to. It sets each row's LicenseID and Product, or
// rejects the row.
func resolveLicenses(ctx context.Context, p *Processor, policy *Policy, rows []*Verdict) error {
	search := &licenseSearch{p: p, policy: policy, keys: make(map[string]*licensesOfKey, len(rows))}
	for _, v := range rows {
		search.add(v)
	}
	if err := search.run(ctx); err != nil {
		return err
	}
	for _, v := range rows {
		search.settle(v)
	}
	return nil
}

// A licenseSearch looks for licenses by their keys, in one product, in those of the manager, or in all.
type licenseSearch struct {
	p      *Processor
	policy *Policy
	keys   map[string]*licensesOfKey // by the key's token
	names  []string                  // subjects or filters
}

// licensesOfKey are the licenses with one key.
type licensesOfKey struct {
	asked     map[string]bool // the filters
	found     []foundLicense
	uncounted bool // there are more than a look-up can answer
}

type foundLicense struct {
	subject string
	Aggregate
	exists bool
	id     events.Seq // of its LicenseImported
}

func (s *licenseSearch) add(v *Verdict) {
	token := events.Token(v.Record.LicenseKey)
	licenses := s.keys[token]
	if licenses == nil {
		licenses = &licensesOfKey{asked: map[string]bool{}}
		s.keys[token] = licenses
	}
	for _, product := range s.products(v) {
		if filter := events.LicenseFilter(product, v.Record.LicenseKey); !licenses.asked[filter] {
			licenses.asked[filter] = true
			s.names = append(s.names, filter)
		}
	}
}

// products are the short codes of those that the row's license may be of. An empty one stands for all.
func (s *licenseSearch) products(v *Verdict) []string {
	switch {
	case v.Record.Product != "":
		return []string{v.Record.Product}
	case len(s.policy.Products) > 0:
		return s.policy.Products
	default:
		return []string{""}
	}
}

func (s *licenseSearch) run(ctx context.Context) error {
	err := s.p.log.LookupSince(ctx, s.policy.witness(), s.names, s.take)
	if many, ok := errors.AsType[*eventlog.TooManySubjectsError](err); ok {
		for _, filter := range many.Filters {
			s.keys[keyToken(filter)].uncounted = true
		}
		err = nil
	}
	if err != nil {
		return err
	}
	return s.findIDs(ctx)
}

// keyToken is the last token of a license's subject or filter.
func keyToken(subject string) string { return subject[strings.LastIndexByte(subject, '.')+1:] }

// take adds the last message at a license's subject. A newer one replaces an older one.
func (s *licenseSearch) take(m eventlog.Message) error {
	last, err := decodeAggregate(&m)
	if err != nil {
		return err
	}
	licenses := s.keys[keyToken(m.Subject)]
	license := foundLicense{subject: m.Subject, Aggregate: last}
	_, license.exists = events.StateAfter(last.Last)
	i := slices.IndexFunc(licenses.found, func(f foundLicense) bool { return f.subject == m.Subject })
	switch {
	case i < 0:
		licenses.found = append(licenses.found, license)
	case licenses.found[i].Seq < license.Seq:
		licenses.found[i] = license
	}
	return nil
}

// findIDs finds the events that made the licenses.
func (s *licenseSearch) findIDs(ctx context.Context) error {
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(maxReads)
	for _, licenses := range s.keys {
		for i := range licenses.found {
			f := &licenses.found[i]
			if _, first := f.Last.(*events.LicenseImported); first {
				f.id = f.Seq
			} else if f.exists || s.policy.Validated {
				reads.Go(func() (err error) {
					f.id, err = s.p.licenseID(ctx, f)
					return err
				})
			}
		}
	}
	return reads.Wait()
}

var errFound = errors.New("the event that made the license")

// licenseID reads a license's story from the seal of the import that made it, up to the event that did.
func (p *Processor) licenseID(ctx context.Context, f *foundLicense) (id events.Seq, err error) {
	by := events.RowOf(f.Last) // of a LicenseRevoked: the row that made the license
	if state, exists := events.StateAfter(f.Last); exists {
		by = state.By
	}
	sealed, _, err := p.log.Fact(ctx, events.SealedSubject(by.JobID)) // the event is behind it
	if err != nil {
		return 0, err
	}
	last := events.Seq(0)
	err = p.log.FactsAfter(ctx, f.subject, sealed.Seq, func(m eventlog.Message) error {
		last = m.Seq
		e, err := m.Decode()
		if err != nil {
			return err
		}
		if made, ok := e.Event.(*events.LicenseImported); ok && made.Origin() == by {
			id = m.Seq
			return errFound
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return id, nil
	}
	if err == nil && last < f.Seq {
		err = fmt.Errorf("the leader that was asked has a license's events up to %d, not %d: it is behind", last, f.Seq)
	}
	return 0, err
}

// settle gives the row its license, or rejects it.
func (s *licenseSearch) settle(v *Verdict) {
	licenses := s.keys[events.Token(v.Record.LicenseKey)]
	found := make([]foundLicense, 0, 1)
	for _, f := range licenses.found {
		if f.id > 0 && (f.exists || s.policy.Validated) && s.concerns(v, f.subject) {
			found = append(found, f)
		}
	}
	switch {
	case licenses.uncounted && v.Record.Product == "", len(found) > 1 && !s.policy.Validated:
		v.reject(columnLicenseKey, events.AmbiguousLicense)
	case len(found) == 0:
		v.reject(columnLicenseKey, events.UnknownLicense)
	default:
		license := slices.MinFunc(found, asValidated)
		v.LicenseID, v.Product = license.id, productOf(license.Last)
		v.subject = ""
		if v.Record.Product == "" {
			s.policy.checkFeatureCode(v)
		}
	}
}

// concerns reports whether the row may mean the license at a subject.
func (s *licenseSearch) concerns(v *Verdict, subject string) bool {
	return slices.ContainsFunc(s.products(v), func(product string) bool {
		return product == "" || subject == events.LicenseSubject(product, v.Record.LicenseKey)
	})
}

// asValidated orders licenses by which of them an earlier validation can have found: one that exists, and of those
// the oldest; else the one that was revoked last.
func asValidated(a, b foundLicense) int {
	switch {
	case a.exists != b.exists && a.exists:
		return -1
	case a.exists != b.exists:
		return 1
	case a.exists:
		return cmp.Compare(a.id, b.id)
	default:
		return cmp.Compare(b.Seq, a.Seq)
	}
}

// productOf is the product of a license, as its last event has it.
func productOf(last events.Event) events.Product {
	if state, exists := events.StateAfter(last); exists {
		return *state.Product
	}
	if revoked, ok := last.(*events.LicenseRevoked); ok {
		return revoked.Product
	}
	return events.Product{}
}
