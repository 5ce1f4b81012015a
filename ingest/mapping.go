package ingest

import (
	"bytes"
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/httpx"
	"licenseimport/internal/mapping"
)

// The query parameters that say what a file's columns are. map, set, ignore and value may be repeated.
const (
	mappingParameter    = "mapping"
	mapParameter        = "map"
	setParameter        = "set"
	ignoreParameter     = "ignore"
	valueParameter      = "value"
	dateFormatParameter = "date_format"
)

// ofMapping are the parameters of the mapping.
var ofMapping = []struct {
	name       string
	repeatable bool
}{
	{mappingParameter, false}, {mapParameter, true}, {setParameter, true}, {ignoreParameter, true}, {valueParameter, true},
	{dateFormatParameter, false},
}

// mappingParameters are the names for the router.
func mappingParameters() (names []string) {
	for _, p := range ofMapping {
		name := p.name
		if p.repeatable {
			name = httpx.Repeatable(name)
		}
		names = append(names, name)
	}
	return names
}

// readMapping reads the parameters of the mapping, and adds them to the canonical query. The order of a repeated one
// means nothing.
func (o *options) readMapping(query, canonical url.Values) {
	for _, p := range ofMapping {
		if values := query[p.name]; len(values) > 0 {
			canonical[p.name] = slices.Sorted(slices.Values(values))
		}
	}
	o.mapping = query.Get(mappingParameter)
	o.given = mapping.Given{
		Map: query[mapParameter], Set: query[setParameter], Ignore: query[ignoreParameter], Value: query[valueParameter],
		DateFormat: query.Get(dateFormatParameter),
	}
}

// nameHeaders collects the headers that the mapping names, from the saved one and from the request.
func (o *options) nameHeaders(saved *events.Mapping) {
	o.headers = map[string]bool{}
	if saved != nil {
		for header := range saved.Columns {
			o.headers[csvfile.NormalName(header)] = true
		}
	}
	for _, header := range o.given.Headers() {
		o.headers[csvfile.NormalName(header)] = true
	}
}

// baseMapping finds the mapping that an upload begins with. named is what the file itself names in its
// column [csvfile.MappingColumn]; the query comes first. nil: there is none.
type baseMapping func(named string) (*events.Mapping, error)

// baseMapping returns what finds the mapping of an upload of a manager, and reads the saved one.
func (in *Ingest) baseMapping(ctx context.Context, m access.Manager, o *options) (baseMapping, error) {
	var saved *events.Mapping
	if o.mapping != "" {
		var err error
		if saved, err = in.mappingNamed(ctx, o.mapping); err != nil {
			return nil, err
		}
	}
	o.nameHeaders(saved)
	return func(named string) (*events.Mapping, error) {
		if saved != nil || named == "" {
			return saved, nil
		}
		found, from, err := in.mappingOfFile(ctx, o.kind, m, named)
		if o.retryOf == 0 {
			o.retryOf = from
		}
		return found, err
	}, nil
}

// namedImport is how a file of rejected rows names the import whose mapping it has: alone, or behind the
// name of a saved mapping.
var namedImport = regexp.MustCompile(`^(?:(.*) \()?import ([0-9]{1,20})\)?$`)

// mappingOfFile finds the mapping that a file of rejected rows names, and the import that rejected them if that
// may be corrected by a file of a kind. Where the import is not here, a saved mapping of the name will do.
func (in *Ingest) mappingOfFile(
	ctx context.Context, kind *events.Kind, m access.Manager, named string,
) (found *events.Mapping, of events.JobID, err error) {
	parts := namedImport.FindStringSubmatch(strings.TrimSpace(named))
	if parts == nil {
		found, err = in.mappingNamed(ctx, strings.TrimSpace(named))
		return found, 0, err
	}
	if id, err := events.ParseJobID(parts[2]); err == nil {
		s, err := in.load(ctx, id)
		if err != nil {
			return nil, 0, storeError(err)
		}
		if s.Started != nil && m.Sees(s.Started.Manager, events.KindNamed(s.Started.Kind)) {
			if canCorrect(s, kind, m) {
				of = id
			}
			return s.Started.Mapping, of, nil
		}
	}
	if parts[1] != "" {
		found, err = in.mappingNamed(ctx, parts[1])
		return found, 0, err
	}
	return nil, 0, httpx.BadRequest("unknown_mapping",
		"The file names the mapping of import %s, which is not known here: say which mapping it needs (mapping=NAME), or take its column %s out.",
		parts[2], csvfile.MappingColumn)
}

// useMapping reads the mapping of the file and matches the header under it.
func (p *rowParser) useMapping(header csvfile.Header, o options, base baseMapping) error {
	p.mappingField = -1
	for i, field := range header.Fields {
		if csvfile.IsMappingColumn(field) && o.mapping == "" {
			p.mappingField = i
		}
		p.unguard = p.unguard || csvfile.IsGuardedColumn(field)
	}
	header = header.Unguarded() // the mapping has the headers of the file that was rejected
	first := p.peek()
	from, err := base(string(first))
	if err != nil {
		return err
	}
	resolved, problems := mapping.Resolve(o.kind, from, o.given)
	if len(problems) > 0 {
		return mappingProblems(problems)
	}
	p.mapping, p.mappingName = resolved, bytes.Clone(first)
	return p.match(header, o)
}

// peek reads the first row of a file that names its mapping, and returns that name; empty where it names none.
func (p *rowParser) peek() []byte {
	if p.mappingField < 0 {
		return nil
	}
	row, err := p.table.Read()
	p.peeked = &peekedRow{row, err} // next returns the row, and the error
	if err != nil || p.mappingField >= len(row.Fields) {
		return nil
	}
	return p.named(row)
}

// named is the mapping that a row names.
func (p *rowParser) named(row csvfile.Row) []byte {
	name := bytes.TrimSpace(row.Fields[p.mappingField])
	if p.unguard {
		return []byte(csvfile.Unguard(string(name)))
	}
	return name
}

// checkMapping refuses a row that names another mapping than the first one. A row that names none was
// added by hand.
func (p *rowParser) checkMapping(row csvfile.Row) error {
	if p.mappingField < 0 || p.mappingField >= len(row.Fields) || row.Err != nil {
		return nil
	}
	if name := p.named(row); len(name) > 0 && !bytes.Equal(name, p.mappingName) {
		return httpx.BadRequest("mixed_mappings",
			"Row %d, line %d, was of the mapping %q, and the first row of %q: send the rows of each import in a separate file, or say which mapping all have (mapping=NAME).",
			row.Number, row.Line, events.Excerpt(string(name), 80), events.Excerpt(string(p.mappingName), 80))
	}
	return nil
}

// mappingProblems is the answer to a mapping that is not valid.
func mappingProblems(problems []mapping.Problem) error {
	var texts []string
	var list []httpx.Problem
	for _, p := range problems {
		texts = append(texts, p.Message)
		list = append(list, httpx.Problem{Column: p.Column, Code: string(p.Code), Message: p.Message})
	}
	return httpx.BadRequest("invalid_mapping", "%s", findings(texts)).With(list...)
}
