package processor

import (
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/events/importjob"
)

// job is an import with what its processor needs beside the state. Its methods are pure.
type job struct {
	importjob.State
	torn tornOutcomes // outcomes after the last fact
}

// small reports whether an import of so many rows is one batch.
func small(rows events.Row) bool { return rows <= maxRows }

// policy is what the rows are judged by.
func (j *job) policy(catalogue map[string]events.Product) *Policy {
	return &Policy{
		Catalogue: catalogue,
		Products:  j.Started.Products,
		Returned: slices.ContainsFunc(j.Started.Columns, func(name string) bool {
			return strings.HasPrefix(name, events.ErrorPrefix)
		}),
		Validated: j.Started.Mode == events.AllOrNothing && j.Progress.Phase == events.Import,
	}
}

// advance adds a fact that this processor has appended.
func (j *job) advance(fact events.Event, seq events.Seq) error {
	return j.Apply(importjob.Fact{Event: fact, Seq: seq})
}

// count adds one outcome to the counts.
func count(c *events.Counts, outcome events.Event, v *Verdict) {
	switch outcome.(type) {
	case *events.LicenseImported:
		c.Imported++
	case *events.LicenseExisted:
		c.Existed++
	case *events.RowRejected:
		c.Rejected++
	}
	if len(v.Warnings) > 0 {
		c.Warnings++
	}
}
