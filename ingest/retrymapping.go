package ingest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/httpx"
	"licenseimport/internal/mapping"
)

// remapping is the header of the first import's file under another mapping.
type remapping struct {
	mapping *events.Mapping
	header  []string // the columns' names, as in [events.ImportStarted]
	headers []string // the file's own
	ignored []string
	from    []int // by column of the new import: the column of the first one that has its values; -1: none
}

// remap lays what a retry's query says of the mapping over that of the first import, or, if the query names
// a saved mapping, over that one. nil: the query says nothing, and the mapping stays. Its errors are
// answers.
func (in *Ingest) remap(ctx context.Context, first *events.ImportStarted, o options) (*remapping, error) {
	if o.mapping == "" && o.given.Empty() {
		return nil, nil
	}
	base := first.Mapping
	if o.mapping != "" {
		saved, err := in.mappingNamed(ctx, o.mapping)
		if err != nil {
			return nil, err
		}
		base = saved
	}
	resolved, problems := mapping.Resolve(o.kind, base, o.given)
	if len(problems) > 0 {
		return nil, mappingProblems(problems)
	}
	return matchAgain(o.kind, first, withoutIgnored(resolved, first.Ignored), o.given)
}

// withoutIgnored is a mapping that leaves out what the first import left out, unless it says otherwise.
func withoutIgnored(m *events.Mapping, ignored []string) *events.Mapping {
	c := *m
	c.Columns = maps.Clone(m.Columns)
	if c.Columns == nil {
		c.Columns = map[string]*string{}
	}
	for _, header := range ignored {
		same := func(other string) bool { return csvfile.NormalName(other) == csvfile.NormalName(header) }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(c.Columns)), same) {
			c.Columns[header] = nil
		}
	}
	return &c
}

// matchAgain matches the first file's header under another mapping. The values of a header that the first
// import did not read are not stored, so it cannot be read now.
func matchAgain(kind *events.Kind, first *events.ImportStarted, m *events.Mapping,
	given mapping.Given) (*remapping, error) {
	headers := first.Headers
	if len(headers) == 0 {
		headers = first.Columns
	}
	matched, problems := mapping.Match(kind, append(slices.Clone(headers), first.Ignored...), m, given, false)
	if len(problems) > 0 {
		return nil, headerProblems(problems)
	}
	r := &remapping{mapping: m, ignored: matched.Ignored, from: slices.Repeat([]int{-1}, events.NumColumns)}
	for i, column := range matched.Columns {
		switch {
		case column >= 0 && i >= len(headers):
			return nil, httpx.BadRequest("column_not_stored",
				"Import %d did not read the column %q, so its values are not stored: upload the file again with this mapping.",
				first.JobID, first.Ignored[i-len(headers)])
		case column >= 0:
			if old, known := events.ColumnIndex(first.Columns[i]); known {
				r.from[column] = old
			}
			r.header = append(r.header, events.Columns[column].Name)
			r.headers = append(r.headers, headers[i])
		case i < len(headers) && strings.HasPrefix(first.Columns[i], events.ErrorPrefix):
			r.header = append(r.header, first.Columns[i])
			r.headers = append(r.headers, headers[i])
		}
	}
	return r, nil
}

// apply moves a row's values to their columns.
func (r *remapping) apply(row *events.RowReceived) {
	var moved events.Values
	for column, old := range r.from {
		if old >= 0 {
			moved[column] = row.Values[old]
		}
	}
	row.Values = moved
	if m := row.Malformed; m != nil && m.Column != "" {
		var columns []string
		for _, old := range append([]string{m.Column}, m.MoreColumns...) {
			if column := r.renamed(old); column != "" {
				columns = append(columns, column)
			}
		}
		m.Column, m.MoreColumns = "", nil
		if len(columns) > 0 {
			m.Column, m.MoreColumns = columns[0], columns[1:]
		}
	}
}

// renamed is the column that has the values of a column of the first import; "": none.
func (r *remapping) renamed(name string) string {
	old, known := events.ColumnIndex(name)
	if column := slices.Index(r.from, old); known && column >= 0 {
		return events.Columns[column].Name
	}
	return ""
}

// describe says of the new import what differs from the first one.
func (r *remapping) describe(started *events.ImportStarted) {
	started.Mapping, started.Columns, started.Ignored, started.Headers = r.mapping, r.header, r.ignored, nil
	if !slices.Equal(r.header, r.headers) {
		started.Headers = r.headers
	}
}
