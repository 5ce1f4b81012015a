package crashtest

import (
	"fmt"
	"slices"

	"licenseimport/events"
)

// exists reports whether a license exists that an event at a sequence made.
func (s *changedItem) exists(made events.Seq) bool {
	return len(s.lives) > 0 && s.lives[len(s.lives)-1] == life{made: made}
}

// existedSince reports whether a license that an event at a sequence made has existed at some time since.
func (s *changedItem) existedSince(made, since events.Seq) bool {
	return slices.ContainsFunc(s.lives, func(l life) bool {
		return l.made == made && (l.revoked == 0 || l.revoked > since)
	})
}

// lackedSince reports whether there was no such license at some time since.
func (s *changedItem) lackedSince(since events.Seq) bool {
	if len(s.lives) == 0 {
		return true
	}
	last := s.lives[len(s.lives)-1]
	return last.revoked != 0 || last.made > since
}

func cellsOfFeature(f events.Feature) (c Cells) {
	if f.MaxConsumption != nil {
		c.Most = fmt.Sprint(*f.MaxConsumption)
	}
	return c
}

func featureItem(product events.Product, key, code string) Item {
	return Item{License{product.ShortCode, key}, code}
}

// feature follows the events of features; false for others.
func (c *changeChecker) feature(r *changeRun, e events.Event, seq events.Seq) bool {
	switch e := e.(type) {
	case *events.LicenseFeatureImported:
		c.featureImported(r, e, seq)
	case *events.LicenseFeatureUpdated:
		item := featureItem(e.Product, e.LicenseKey, e.Feature.Code)
		c.belongs(r, e, item, e.LicenseID)
		if s := c.story(item); s.of != e.LicenseID {
			c.Unexpected.add("%s updates a feature of the license %d, which is of %d", e.ID(), e.LicenseID, s.of)
		}
		c.update(r, change{e, item, cellsOfFeature(e.Feature), e.Changed, e.Previous, e.By, seq})
	case *events.LicenseFeatureExisted:
		item := featureItem(e.Product, e.LicenseKey, e.Code)
		c.belongs(r, e, item, e.LicenseID)
		c.exists(r, e, item, e.By)
	case *events.LicenseFeatureRevoked:
		c.revoke(r, e, featureItem(e.Product, e.LicenseKey, e.Code), e.Previous, seq)
	case *events.LicenseFeatureRestored:
		item := featureItem(e.Product, e.LicenseKey, e.Feature.Code)
		c.restore(r, change{e, item, cellsOfFeature(e.Feature), e.Changed, e.Previous, e.By, seq})
	case *events.LicenseFeatureKept:
		c.keep(r, e, featureItem(e.Product, e.LicenseKey, e.Code))
	default:
		return false
	}
	return true
}

// featureImported checks a row that makes a feature. The features of a license end with it.
func (c *changeChecker) featureImported(r *changeRun, e *events.LicenseFeatureImported, seq events.Seq) {
	c.Imported++
	r.counts.Imported++
	item := featureItem(e.Product, e.LicenseKey, e.Feature.Code)
	s := c.story(item)
	c.belongs(r, e, item, e.LicenseID)
	if row := c.outcome(r, e, e.Row); row != nil {
		c.compare(e, row, item, row.first(), cellsOfFeature(e.Feature))
	}
	switch {
	case s.of > e.LicenseID:
		c.Unexpected.add("%s makes a feature of the license %d, after one of %d", e.ID(), e.LicenseID, s.of)
	case s.of == e.LicenseID && len(s.stack) > 0:
		c.Duplicated.add("%s imports a feature that %v made", e.ID(), s.maker)
	}
	for _, old := range s.stack {
		s.buried[old.by.JobID] = true
	}
	s.of, s.stack = e.LicenseID, nil
	s.push(events.Origin{JobID: e.JobID, Row: e.Row}, cellsOfFeature(e.Feature), seq)
}

// belongs checks that the license of a row's feature existed at some time since the import was sealed: it is looked
// up before the append.
func (c *changeChecker) belongs(r *changeRun, e events.Event, item Item, license events.Seq) {
	c.Features++
	if s := c.license(item.License); !s.existedSince(license, r.sealedAt) {
		c.Unexpected.add("%s %s is about the license %d; since the seal at %d there were %+v",
			e.Type(), e.ID(), license, r.sealedAt, s.lives)
	}
}

// withoutLicense checks a valid row that is rejected: its license was missing at some time since the seal.
func (c *changeChecker) withoutLicense(r *changeRun, e *events.RowRejected, row *ChangeRow) {
	c.Features++
	s := c.license(row.License)
	unknown := slices.ContainsFunc(e.Errors, func(e events.FieldError) bool { return e.Code == events.UnknownLicense })
	if !unknown || len(e.Errors) != 1 || !s.lackedSince(r.sealedAt) {
		c.Unexpected.add("%s is rejected: %v; since the seal at %d there were %+v", e.ID(), e.Errors, r.sealedAt, s.lives)
	}
}
