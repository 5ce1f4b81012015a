package projector

import (
	"cmp"
	"slices"
	"time"

	"licenseimport/events"
)

// LicenseFeature is a feature of a license as it is now.
type LicenseFeature struct {
	ID      events.Seq    // the sequence of the event that made it
	Created time.Time     // when the stream stored that event
	By      events.Origin // the row that made it
	Feature events.Feature
}

// Features returns the features of a license, in the order in which they were imported. A license that is gone
// has none.
func (r *Reader) Features(l *License) ([]LicenseFeature, error) {
	var all []LicenseFeature
	for seq := range r.featuresOf(l.Event.Product.ShortCode, l.Event.License.Key) {
		last, err := r.fact(seq)
		if err != nil {
			return nil, err
		}
		if last.result == events.Revoked || last.about != l.Seq {
			continue
		}
		event, err := decodeAs[events.Event](last.body)
		if err != nil {
			return nil, err
		}
		now, exists := events.FeatureAfter(event)
		made, err := r.fact(last.made)
		if !exists || err != nil {
			return nil, errOr(err, ErrDamaged)
		}
		all = append(all, LicenseFeature{ID: last.made, Created: time.Unix(0, made.nanos), By: now.By, Feature: *now.Feature})
	}
	slices.SortFunc(all, func(a, b LicenseFeature) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// featuresOf yields the last events of the features that licenses of a key and product have or had.
func (r *Reader) featuresOf(product, key string) func(yield func(events.Seq) bool) {
	return func(yield func(events.Seq) bool) {
		for _, value := range r.views.Entries(aggregates, []byte(events.FeatureSubject(product, key, ""))) {
			if len(value) != 8 || !yield(seqAt(value)) {
				return
			}
		}
	}
}

// featureFacts returns the sequences of all events of a license's features, in no order.
func (r *Reader) featureFacts(license events.Seq, product, key string) ([]events.Seq, error) {
	var all []events.Seq
	for seq := range r.featuresOf(product, key) {
		for seq != 0 {
			at, err := r.fact(seq)
			if err != nil {
				return nil, err
			}
			if at.about == license {
				all = append(all, seq)
			}
			if seq = at.previous; !r.bound.Step() {
				return nil, r.bound.Err()
			}
		}
	}
	return all, nil
}

// fact is the fact at a sequence, where there must be one.
func (r *Reader) fact(seq events.Seq) (storedFact, error) {
	value, err := r.views.Get(allFacts, uint64(seq))
	if err != nil {
		return storedFact{}, err
	}
	found, ok := parseFact(value)
	if !ok {
		return storedFact{}, ErrDamaged
	}
	return found, nil
}
