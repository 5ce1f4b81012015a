package ingest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/httpx"
	"licenseimport/internal/mapping"
)

// options are the parameters of an upload.
type options struct {
	kind          *events.Kind
	mode          events.Mode
	existing      events.Existing
	dryRun        bool
	ignoreUnknown bool
	delimiter     byte // 0: detect it
	encoding      csvfile.Encoding
	sheet         string       // of a workbook; empty: the first one
	retryOf       events.JobID // the import whose rejected rows the file has, corrected; 0: none

	mapping string          // the saved mapping, or empty
	given   mapping.Given   // over the saved one
	headers map[string]bool // that both name, in normal form: they help to detect the delimiter

	key   string // the Idempotency-Key, or empty
	query string // the parameters in canonical form: sorted, without defaults
}

// choice is one value of a query parameter.
type choice struct {
	value string
	set   func(*options)
}

// parameters is the table of query parameters. The first choice of each is its default.
var parameters = []struct {
	name    string
	choices []choice
	// of is the value that an import was started with: the default of its retry. nil: a retry does not
	// take the parameter.
	of func(*events.ImportStarted) string
}{
	{name: "dry_run", of: func(s *events.ImportStarted) string { return strconv.FormatBool(s.DryRun) }, choices: []choice{
		{"false", func(o *options) { o.dryRun = false }},
		{"true", func(o *options) { o.dryRun = true }},
	}},
	{name: "mode", of: func(s *events.ImportStarted) string { return string(s.Mode) }, choices: []choice{
		{string(events.Partial), func(o *options) { o.mode = events.Partial }},
		{string(events.AllOrNothing), func(o *options) { o.mode = events.AllOrNothing }},
	}},
	{name: "existing", of: func(s *events.ImportStarted) string { return string(s.Existing) }, choices: []choice{
		{string(events.KeepExisting), func(o *options) { o.existing = events.KeepExisting }},
		{string(events.UpdateExisting), func(o *options) { o.existing = events.UpdateExisting }},
	}},
	{name: "unknown_columns", choices: []choice{
		{"reject", func(o *options) { o.ignoreUnknown = false }},
		{"ignore", func(o *options) { o.ignoreUnknown = true }},
	}},
	{name: "delimiter", choices: []choice{
		{"", func(o *options) { o.delimiter = 0 }},
		{csvfile.DelimiterName(','), func(o *options) { o.delimiter = ',' }},
		{csvfile.DelimiterName(';'), func(o *options) { o.delimiter = ';' }},
		{csvfile.DelimiterName('\t'), func(o *options) { o.delimiter = '\t' }},
		{csvfile.DelimiterName('|'), func(o *options) { o.delimiter = '|' }},
	}},
	{name: "encoding", choices: []choice{
		{"utf-8", func(o *options) { o.encoding = csvfile.UTF8 }},
		{"windows-1252", func(o *options) { o.encoding = csvfile.Windows1252 }},
	}},
}

// parseOptions reads the query and the Idempotency-Key. The router has refused parameters that are
// not in the table, empty or repeated.
func parseOptions(r *http.Request, kind *events.Kind) (options, error) {
	return parseOptionsAfter(r, kind, nil)
}

// parseRetryOptions is parseOptions for a retry of an import: what the query does not say is as it was.
func parseRetryOptions(r *http.Request, kind *events.Kind, first *events.ImportStarted) (options, error) {
	o, err := parseOptionsAfter(r, kind, first)
	o.query = strings.TrimPrefix(o.query+"&retry_of="+first.JobID.String(), "&")
	return o, err
}

// parseOptionsAfter takes the defaults from an earlier import, or from the table where that is nil.
func parseOptionsAfter(r *http.Request, kind *events.Kind, first *events.ImportStarted) (options, error) {
	o := options{kind: kind}
	query, canonical := r.URL.Query(), url.Values{}
	for _, p := range parameters {
		value := query.Get(p.name)
		if value == "" && first != nil && p.of != nil {
			value = p.of(first)
		}
		chosen, err := choose(p.name, value, p.choices)
		if err != nil {
			return o, err
		}
		p.choices[chosen].set(&o)
		if chosen > 0 {
			canonical.Set(p.name, p.choices[chosen].value)
		}
	}
	if o.sheet = query.Get("sheet"); o.sheet != "" {
		canonical.Set("sheet", o.sheet)
	}
	if value := query.Get("retry_of"); value != "" {
		var err error
		if o.retryOf, err = events.ParseJobID(value); err != nil {
			return o, httpx.BadParameter("retry_of", value, "the id of an import")
		}
		canonical.Set("retry_of", o.retryOf.String())
	}
	o.readMapping(query, canonical)
	o.query = canonical.Encode()
	var err error
	o.key, err = idempotencyKey(r.Header)
	return o, err
}

// choose returns the index of the choice that a parameter's value names. Without a value it is the
// default.
func choose(name, value string, choices []choice) (int, error) {
	if value == "" {
		return 0, nil
	}
	if i := slices.IndexFunc(choices, func(c choice) bool { return strings.EqualFold(c.value, value) }); i >= 0 {
		return i, nil
	}
	var names []string
	for _, c := range choices {
		if c.value != "" {
			names = append(names, c.value)
		}
	}
	return 0, httpx.BadParameter(name, value, "one of "+strings.Join(names, ", "))
}

// csvOptions are how a CSV is read.
func csvOptions(o options, c Config) csvfile.Options {
	return csvfile.Options{
		Delimiter: o.delimiter, Encoding: o.encoding, MaxRow: c.MaxRow, MaxColumns: c.MaxColumns,
		Known: func(name string) bool {
			_, known := o.kind.ColumnIndex(name)
			return known || o.headers[csvfile.NormalName(name)]
		},
	}
}

// parameterNames lists the query parameters of an upload.
func parameterNames() (names []string) {
	for _, p := range parameters {
		names = append(names, p.name)
	}
	return append(append(names, "sheet", "retry_of"), mappingParameters()...)
}

// retryParameterNames lists the query parameters of a retry.
func retryParameterNames() (names []string) {
	for _, p := range parameters {
		if p.of != nil {
			names = append(names, p.name)
		}
	}
	return append(names, mappingParameters()...)
}

// idempotencyKey reads the header: 1 to 255 printable characters. Empty: there is no header.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if len(values) > 1 || !isPrintable(key, 255) {
		return "", httpx.BadRequest("invalid_idempotency_key",
			"The header Idempotency-Key must be 1 to 255 printable characters, given once.")
	}
	return key, nil
}

// isPrintable reports whether s is 1 to maxLen printable characters.
func isPrintable(s string, maxLen int) bool {
	n := utf8.RuneCountInString(s)
	return 1 <= n && n <= maxLen && utf8.ValidString(s) &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
