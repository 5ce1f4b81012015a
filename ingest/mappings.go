package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/internal/mapping"
)

// maxMappingName bounds the name of a saved mapping, in characters. Its token is a key of a bucket, which
// has at most 255 bytes.
const (
	maxMappingName  = 64
	maxMappingToken = 255
)

// savedMapping is a mapping as the API shows it: with every member, also those that are empty.
type savedMapping struct {
	Name       string                       `json:"name"`
	Builtin    bool                         `json:"builtin"`
	Title      string                       `json:"title"`  // of a built-in one: the program whose exports it is for
	Source     string                       `json:"source"` // of a built-in one: what documents these exports
	Kind       string                       `json:"kind"`
	Columns    map[string]*string           `json:"columns"`
	Set        map[string]string            `json:"set"`
	DateFormat string                       `json:"date_format"`
	Values     map[string]map[string]string `json:"values"`
}

// shown is a mapping of a name as the API shows it. vendor is nil for one that was saved.
func shown(name string, m *events.Mapping, vendor *mapping.Vendor) savedMapping {
	s := savedMapping{
		Name: name, Kind: cmp.Or(m.Kind, events.DefaultKind.Name), DateFormat: mapping.DateFormatName(m.DateFormat),
		Columns: m.Columns, Set: m.Set, Values: m.Values,
	}
	if s.Columns == nil {
		s.Columns = map[string]*string{}
	}
	if s.Set == nil {
		s.Set = map[string]string{}
	}
	if s.Values == nil {
		s.Values = map[string]map[string]string{}
	}
	if vendor != nil {
		s.Builtin, s.Title, s.Source = true, vendor.Title, vendor.Source
	}
	return s
}

// mapping is what the API shows, under a name, as an upload uses it.
func (s *savedMapping) mapping(name string) *events.Mapping {
	return &events.Mapping{
		Name: name, Kind: s.Kind, Columns: s.Columns, Set: s.Set, DateFormat: s.DateFormat, Values: s.Values,
	}
}

func noMapping(name string) *httpx.Error {
	return httpx.NotFound("There is no mapping %q.", events.Excerpt(name, maxMappingName))
}

// mappingNamed finds the mapping that an upload names: one that comes with the program, or a saved one.
func (in *Ingest) mappingNamed(ctx context.Context, name string) (*events.Mapping, error) {
	s, err := in.findMapping(ctx, name)
	if answer, ok := errors.AsType[*httpx.Error](err); ok && answer.Status == http.StatusNotFound {
		return nil, httpx.BadRequest("unknown_mapping", "There is no mapping %q: %s lists those that there are.",
			events.Excerpt(name, maxMappingName), mappingsPath)
	}
	if err != nil {
		return nil, err
	}
	return s.mapping(s.Name), nil
}

// findMapping finds a mapping by its name. Its errors are answers.
func (in *Ingest) findMapping(ctx context.Context, name string) (savedMapping, error) {
	if vendor := mapping.VendorNamed(name); vendor != nil {
		return shown(vendor.Name, mapping.Builtin(name), vendor), nil
	}
	if checkMappingName(name) != nil {
		return savedMapping{}, noMapping(name)
	}
	ctx, cancel := context.WithTimeout(ctx, idTimeout)
	defer cancel()
	entry, err := in.mappings.Get(ctx, events.Token(name))
	if errors.Is(err, eventlog.ErrNotFound) {
		return savedMapping{}, noMapping(name)
	}
	if err != nil {
		return savedMapping{}, storeError(err)
	}
	return readMapping(entry)
}

// readMapping reads an entry of the bucket. Its error is an answer.
func readMapping(entry eventlog.Entry) (savedMapping, error) {
	name := mappingNameOf(entry.Key)
	var m events.Mapping
	if err := json.Unmarshal(entry.Value, &m); err != nil {
		return savedMapping{}, httpx.New(http.StatusInternalServerError, "internal",
			"The saved mapping %q cannot be read: save it again.", events.Excerpt(name, maxMappingName)).Because(err)
	}
	return shown(name, &m, nil), nil
}

// mappingNameOf is the name of a key of the bucket.
func mappingNameOf(key string) string {
	if name, err := events.ParseToken(key); err == nil {
		return name
	}
	return key // another program wrote it
}

// mappingEntry is a value in the bucket.
type mappingEntry struct {
	events.Mapping
	mappingNote
}

// mappingNote says who wrote an entry. It is all that the entry of a removed mapping holds.
type mappingNote struct {
	By string `json:"by,omitempty"`
}

// RecordedMappings is the bucket of saved mappings with each change as an event of the log.
func RecordedMappings(log *eventlog.Log) *eventlog.RecordedBucket {
	return log.Recorded(eventlog.Mappings, mappingOperation)
}

// mappingOperation is what an entry of the bucket says that happened; nil for one that cannot be read.
func mappingOperation(e eventlog.Entry) events.Operation {
	var entry mappingEntry
	err := json.Unmarshal(e.Value, &entry)
	change := events.OperationChange{Manager: entry.By}
	switch {
	case e.Deleted:
		return &events.MappingRemoved{OperationChange: change, Name: mappingNameOf(e.Key)}
	case err != nil:
		return nil
	}
	entry.Name = mappingNameOf(e.Key)
	return &events.MappingSaved{OperationChange: change, Mapping: entry.Mapping}
}

// checkMappingName returns the answer to a name that a mapping cannot have.
func checkMappingName(name string) error {
	if !isPrintable(name, maxMappingName) || strings.TrimSpace(name) != name || strings.ContainsAny(name, "/\\()") ||
		len(events.Token(name)) > maxMappingToken {
		return httpx.BadRequest("invalid_name", "The name of a mapping must be 1 to %d printable characters, without / \\ ( ) and without space at its ends; letters outside of A to Z count three to nine times.", maxMappingName)
	}
	return nil
}

func (in *Ingest) listMappings(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	page, err := httpx.ParsePage(r)
	if err != nil {
		return err
	}
	all := make([]savedMapping, 0, len(mapping.Vendors))
	for i := range mapping.Vendors {
		v := &mapping.Vendors[i]
		all = append(all, shown(v.Name, mapping.Builtin(v.Name), v))
	}
	ctx, cancel := context.WithTimeout(r.Context(), idTimeout)
	defer cancel()
	entries, err := in.mappings.List(ctx)
	if err != nil {
		return storeError(err)
	}
	for _, entry := range entries {
		s, err := readMapping(entry)
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b savedMapping) int { return strings.Compare(a.Name, b.Name) })
	from := min(page.Offset, len(all))
	return httpx.WritePage(w, r, page, len(all), all[from:min(from+page.Limit, len(all))])
}

func (in *Ingest) showMapping(w http.ResponseWriter, r *http.Request, p httpx.Params, _ access.Manager) error {
	s, err := in.findMapping(r.Context(), p.ByName("name"))
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, s)
}

// changeable returns the answer to a name under which nothing can be saved.
func changeable(name string) error {
	if mapping.VendorNamed(name) != nil {
		return httpx.Conflict("builtin_mapping", "The mapping %q comes with the program and cannot be changed: save yours under another name.", name)
	}
	if name == "." || name == ".." { // one that was saved before can still be read and removed
		return httpx.BadRequest("invalid_name", "A mapping cannot be named %q: many clients take that for a part of the path.", name)
	}
	return checkMappingName(name)
}

func (in *Ingest) saveMapping(w http.ResponseWriter, r *http.Request, p httpx.Params, m access.Manager) error {
	name := p.ByName("name")
	if err := changeable(name); err != nil {
		return err
	}
	saved, err := decodeMapping(w, r, name)
	if err != nil {
		return err
	}
	value, err := json.Marshal(mappingEntry{Mapping: *saved, mappingNote: mappingNote{By: m.Name}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), idTimeout)
	defer cancel()
	if _, err := in.mappings.Put(ctx, events.Token(name), value); err != nil {
		return storeError(err)
	}
	in.config.Log.Info("mapping saved", "name", name, "manager", m.Name)
	return httpx.WriteJSON(w, http.StatusOK, shown(name, saved, nil))
}

// decodeMapping reads and checks the body of a request that saves a mapping.
func decodeMapping(w http.ResponseWriter, r *http.Request, name string) (*events.Mapping, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2*mapping.MaxBytes))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, httpx.TooLarge("mapping_too_large", "The body is longer than %d KiB.", 2*mapping.MaxBytes>>10)
	}
	if err != nil {
		return nil, httpx.BadRequest("invalid_mapping", "The body ended early: send it again.").Because(err)
	}
	var s *savedMapping // nil for null
	err = httpx.DecodeJSON(body, &s)
	if err == nil && s == nil {
		err = errors.New("it is null")
	}
	if err != nil {
		return nil, httpx.BadRequest("invalid_mapping", "The body is no mapping: %v. Send one JSON object with the members "+
			`kind, columns, set, date_format and values, such as {"columns":{"Serial No.":"license__license_key"}}.`, err)
	}
	if s.Name != "" && s.Name != name {
		return nil, httpx.BadRequest("invalid_mapping", "The body names the mapping %q, and the address %q: leave the name out.",
			events.Excerpt(s.Name, maxMappingName), name)
	}
	saved := s.mapping(name)
	if problems := mapping.Check(saved); len(problems) > 0 {
		return nil, mappingProblems(problems)
	}
	return saved, nil
}

func (in *Ingest) removeMapping(w http.ResponseWriter, r *http.Request, p httpx.Params, m access.Manager) error {
	name := p.ByName("name")
	if mapping.VendorNamed(name) != nil {
		return changeable(name)
	}
	if _, err := in.findMapping(r.Context(), name); err != nil {
		return err
	}
	note, err := json.Marshal(mappingNote{By: m.Name})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), idTimeout)
	defer cancel()
	if err := in.mappings.Delete(ctx, events.Token(name), note); err != nil && !errors.Is(err, eventlog.ErrNotFound) {
		return storeError(err)
	}
	in.config.Log.Info("mapping removed", "name", name, "manager", m.Name)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
