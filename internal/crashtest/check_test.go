package crashtest

import (
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
)

// sound is a history without fault: import 1 of three rows is acknowledged (its
// second row repeats the first, its third is invalid), import 2 was cut off,
// import 3 is whole although its client got no answer.
func sound() ([]Upload, []Received, []Stored) {
	a, b := License{"p", "a"}, License{"p", "b"}
	uploads := []Upload{
		{Name: "first.csv", Whole: true, Acknowledged: true, Job: 1, Rows: []Row{
			{License: a, Email: "ada@example.com", Store: "s1"},
			{License: a, Email: "ada@example.com", Store: "s1"},
			{License: License{"p", "bad"}, Invalid: true},
		}},
		{Name: "cut.csv", Rows: []Row{{License: License{"p", "c"}}}},
		{Name: "silent.csv", Whole: true, Rows: []Row{{License: b, Email: "ADA@example.com"}}},
	}
	ada, order := &events.Customer{Email: "ada@example.com"}, events.Order{StoreID: "s1"}
	product := events.Product{ShortCode: "p"}
	counts := events.Counts{Imported: 1, Existed: 1, Rejected: 1, Warnings: 7}
	rows := []Received{{1, 1, a}, {2, 1, License{"p", "c"}}, {1, 2, a}, {9, 1, b},
		{1, 3, License{"p", "bad"}}, {3, 1, b}}
	return uploads, rows, numbered(
		&events.ImportStarted{JobID: 1, FileName: "first.csv"},
		&events.ImportSealed{JobID: 1, Rows: 3},
		&events.ImportStarted{JobID: 2, FileName: "cut.csv"},
		&events.ImportProgressed{JobID: 1, Phase: events.Import},
		&events.LicenseImported{JobID: 1, Row: 1, License: events.License{Key: "a"}, Product: product, Customer: ada, Order: order},
		&events.ImportProgressed{JobID: 1, Phase: events.Import, Row: 1, Counts: events.Counts{Imported: 1}},
		&events.LicenseExisted{JobID: 1, Row: 2, LicenseKey: "a", Product: product, Customer: ada, Order: order, By: events.Origin{JobID: 1, Row: 1}},
		&events.RowRejected{JobID: 1, Row: 3},
		&events.ImportFinished{JobID: 1, Status: events.Success, Row: 3, Counts: counts},
		&events.ImportAborted{JobID: 2},
		&events.ImportAborted{JobID: 9}, // of which only rows had been stored
		&events.ImportStarted{JobID: 3, FileName: "silent.csv"},
		&events.ImportSealed{JobID: 3, Rows: 1},
		&events.LicenseImported{JobID: 3, Row: 1, License: events.License{Key: "b"}, Product: product, Customer: &events.Customer{Email: "ADA@example.com"}},
		&events.ImportFinished{JobID: 3, Status: events.Success, Row: 1, Counts: events.Counts{Imported: 1}},
	)
}

func numbered(all ...events.Event) []Stored {
	stream := make([]Stored, len(all))
	for i, e := range all {
		stream[i] = Stored{Seq: events.Seq(i + 1), Event: e}
	}
	return stream
}

func TestCheckOfASoundHistory(t *testing.T) {
	uploads, rows, stream := sound()
	report := Check(uploads, slices.Values(rows), slices.Values(stream))
	if !report.OK() {
		t.Fatal(report)
	}
	if report.Acknowledged != 3 || report.CutOff != 1 || report.Recovered != 1 {
		t.Error(report)
	}
	want := Result{
		Total: 3, Valid: 2, Invalid: 1, CreatedCustomers: 1, ExistedCustomers: 1,
		CreatedOrders: 1, ExistedOrders: 1, CreatedLicenses: 1, ExistedLicenses: 1,
	}
	if got := report.Results[1]; got != want {
		t.Errorf("result of import 1\n got %+v\nwant %+v", got, want)
	}
	want = Result{Total: 1, Valid: 1, ExistedCustomers: 1, CreatedOrders: 1, CreatedLicenses: 1}
	if got := report.Results[3]; got != want {
		t.Errorf("result of import 3\n got %+v\nwant %+v", got, want)
	}
}

// history is one that a fault is put into.
type history struct {
	uploads []Upload
	rows    []Received
	stream  []Stored
}

// at is the place of the event with an id.
func (h *history) at(id string) int {
	return slices.IndexFunc(h.stream, func(s Stored) bool { return s.Event.ID() == id })
}

func (h *history) drop(id string) {
	i := h.at(id)
	h.stream = slices.Delete(h.stream, i, i+1)
}

// add puts an event behind the one with an id.
func (h *history) add(id string, e events.Event) {
	h.stream = slices.Insert(h.stream, h.at(id)+1, Stored{Event: e})
	for i := range h.stream {
		h.stream[i].Seq = events.Seq(i + 1)
	}
}

func (h *history) repeat(id string) { h.add(id, h.stream[h.at(id)].Event) }

// get is the event with an id, to be changed.
func get[E events.Event](h *history, id string) E { return h.stream[h.at(id)].Event.(E) }

// TestCheckFindsEachFault feeds it histories with one fault each.
func TestCheckFindsEachFault(t *testing.T) {
	lost := func(r *Report) Faults { return r.Lost }
	duplicated := func(r *Report) Faults { return r.Duplicated }
	unexpected := func(r *Report) Faults { return r.Unexpected }
	torn := func(r *Report) Faults { return r.Torn }
	tests := map[string]struct {
		fault func(*history)
		kind  func(*Report) Faults
		says  string
	}{
		"a row without outcome":      {func(h *history) { h.drop("1/2") }, lost, "row 2 of first.csv"},
		"a rejection is missing":     {func(h *history) { h.drop("1/3") }, lost, "row 3 of first.csv"},
		"a promise without seal":     {func(h *history) { h.drop("1/sealed") }, lost, "not sealed"},
		"a promise without anything": {func(h *history) { h.stream = h.stream[9:] }, lost, "row 1 of first.csv, acknowledged"},
		"a recovered row is missing": {func(h *history) { h.drop("3/1") }, lost, "row 1 of silent.csv"},

		"a row is not stored":          {func(h *history) { h.rows = slices.Delete(h.rows, 0, 1) }, lost, "row 1 of first.csv is not stored"},
		"the last row is not stored":   {func(h *history) { h.rows = h.rows[:5] }, lost, "row 1 of silent.csv, import 3, is not stored"},
		"a row is stored twice":        {func(h *history) { h.rows = append(h.rows, h.rows[0]) }, duplicated, "row 1 of first.csv is stored again"},
		"a row of a cut-off one twice": {func(h *history) { h.rows = append(h.rows, h.rows[1]) }, duplicated, "row 1 of cut.csv is stored again"},
		"a row too many":               {func(h *history) { h.rows = append(h.rows, Received{1, 4, License{"p", "z"}}) }, unexpected, "which has 3 rows"},
		"another row is stored":        {func(h *history) { h.rows[5].Key = "z" }, unexpected, "stored as another one"},

		"an outcome twice":     {func(h *history) { h.repeat("1/1") }, duplicated, "1/1: a second one"},
		"an existed row twice": {func(h *history) { h.repeat("1/2") }, duplicated, "1/2: a second one"},
		"a rejection twice":    {func(h *history) { h.repeat("1/3") }, duplicated, "1/3: a second one"},
		"two kinds of outcome": {func(h *history) { h.add("1/1", &events.RowRejected{JobID: 1, Row: 1}) }, duplicated, "1/1: a second one"},
		"a license imported by two rows": {func(h *history) {
			second := *get[*events.LicenseImported](h, "1/1")
			second.Row = 2
			h.stream[h.at("1/2")].Event = &second
		}, duplicated, "1/2 imports the license that 1/1 imported"},
		"a seal twice":  {func(h *history) { h.repeat("1/sealed") }, duplicated, "sealed again"},
		"a start twice": {func(h *history) { h.repeat("1/started") }, duplicated, "starts again"},
		"a batch twice": {func(h *history) { h.stream[4].Seq = h.stream[3].Seq }, duplicated, "sequence 4 comes after 4"},
		"two imports of one upload": {func(h *history) {
			h.add("3/finished", &events.ImportSealed{JobID: 4, Rows: 1})
			h.add("3/finished", &events.ImportStarted{JobID: 4, FileName: "silent.csv"})
		}, duplicated, "silent.csv is sealed again, as import 4"},

		"an import of a cut-off upload": {func(h *history) { h.add("2/started", &events.ImportSealed{JobID: 2, Rows: 1}) }, unexpected, "not sent to its end"},
		"an outcome of a cut-off upload": {func(h *history) {
			h.add("2/started", &events.LicenseImported{JobID: 2, Row: 1, License: events.License{Key: "c"}, Product: events.Product{ShortCode: "p"}})
		}, unexpected, "not sealed"},
		"an outcome behind the end":   {func(h *history) { h.repeat("3/1"); h.add("3/finished", &events.RowRejected{JobID: 3, Row: 1}) }, unexpected, "after the import's end"},
		"a row that the file has not": {func(h *history) { h.add("1/1", &events.RowRejected{JobID: 1, Row: 4}) }, unexpected, "the file has 3 rows"},
		"an upload of nobody":         {func(h *history) { get[*events.ImportStarted](h, "3/started").FileName = "other.csv" }, unexpected, "nobody uploaded"},
		"an import without start":     {func(h *history) { h.drop("3/started") }, unexpected, "never started"},
		"an import without end":       {func(h *history) { h.drop("2/aborted") }, unexpected, "import 2 of cut.csv has no end"},
		"a sealed import without end": {func(h *history) { h.drop("1/finished") }, unexpected, "import 1 of first.csv has no end"},
		"an abort behind the seal":    {func(h *history) { h.add("1/sealed", &events.ImportAborted{JobID: 1}) }, unexpected, "aborted after its seal"},
		"a seal of too few rows":      {func(h *history) { get[*events.ImportSealed](h, "1/sealed").Rows = 2 }, unexpected, "2 rows instead of 3"},
		"a valid row rejected":        {func(h *history) { h.stream[h.at("3/1")].Event = &events.RowRejected{JobID: 3, Row: 1} }, unexpected, "3/1 is rejected"},
		"an invalid row imported": {func(h *history) {
			h.stream[h.at("1/3")].Event = &events.LicenseImported{JobID: 1, Row: 3, License: events.License{Key: "bad"}, Product: events.Product{ShortCode: "p"}}
		}, unexpected, "LicenseImported 1/3 does not follow"},
		"another key":      {func(h *history) { get[*events.LicenseImported](h, "3/1").License.Key = "x" }, unexpected, "3/1 does not follow"},
		"another customer": {func(h *history) { get[*events.LicenseImported](h, "3/1").Customer.Email = "x@y.z" }, unexpected, "3/1 does not follow"},
		"another order":    {func(h *history) { get[*events.LicenseExisted](h, "1/2").Order.StoreID = "s2" }, unexpected, "1/2 does not follow"},
		"a wrong maker":    {func(h *history) { get[*events.LicenseExisted](h, "1/2").By.Row = 2 }, unexpected, "that was 1/1"},
		"existed, by nobody": {func(h *history) {
			h.stream[h.at("3/1")].Event = &events.LicenseExisted{JobID: 3, Row: 1, LicenseKey: "b", Product: events.Product{ShortCode: "p"}, Customer: &events.Customer{Email: "ADA@example.com"}, By: events.Origin{JobID: 3, Row: 1}}
		}, unexpected, "that was 0/0"},
		"wrong counts":              {func(h *history) { get[*events.ImportFinished](h, "1/finished").Imported = 2 }, unexpected, "1/finished tells of"},
		"half a batch":              {func(h *history) { get[*events.ImportProgressed](h, "1/progressed/1").Row = 2 }, unexpected, "tells of"},
		"a step back":               {func(h *history) { h.add("1/progressed/1", &events.ImportProgressed{JobID: 1, Phase: events.Import}) }, unexpected, "goes back from row 1"},
		"an error":                  {func(h *history) { get[*events.ImportFinished](h, "3/finished").Status = events.Failed }, unexpected, "finishes as error"},
		"a cancel":                  {func(h *history) { h.add("1/sealed", &events.ImportCancelled{JobID: 1}) }, unexpected, "ImportCancelled of import 1"},
		"an end by nothing":         {func(h *history) { h.add("2/started", &events.ImportFinished{JobID: 2, Status: events.Success}) }, unexpected, "without a seal"},
		"the first of two messages": {func(h *history) { h.stream[3].Batch = "b" }, torn, "without its last message at sequence 4"},
		"no end before another batch": {func(h *history) {
			h.stream[3].Batch, h.stream[4].Batch, h.stream[4].Last = "b", "c", true
		}, torn, "without its last message at sequence 4"},
		"another answer": {func(h *history) { h.uploads[0].Job = 3 }, unexpected, "answered as import 3, and is import 1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var h history
			h.uploads, h.rows, h.stream = sound()
			test.fault(&h)
			report := Check(h.uploads, slices.Values(h.rows), slices.Values(h.stream))
			if faults := test.kind(report); !strings.Contains(strings.Join(faults, "\n"), test.says) {
				t.Errorf("does not say %q: %v", test.says, report)
			}
		})
	}
}

// TestCheckOfARetry: a history with a retry of import 1, and with each fault of one.
func TestCheckOfARetry(t *testing.T) {
	bad := License{"p", "bad"}
	for name, test := range map[string]struct {
		fault func(*history)
		says  string
	}{
		"sound": {func(*history) {}, ""},
		"each row twice": {func(h *history) {
			get[*events.ImportSealed](h, "5/sealed").Rows = 2
			get[*events.ImportFinished](h, "5/finished").Row = 2
			get[*events.ImportFinished](h, "5/finished").Existed = 1
			h.rows = append(h.rows, Received{5, 2, bad})
			h.add("5/1", &events.LicenseExisted{JobID: 5, Row: 2, LicenseKey: "bad", Product: events.Product{ShortCode: "p"}, By: events.Origin{JobID: 5, Row: 1}})
		}, "sealed with 2 rows instead of 1"},
		"another row": {func(h *history) { h.rows[6].License = License{"p", "a"} }, "stored as another one"},
		"twice": {func(h *history) {
			h.add("5/finished", &events.ImportSealed{JobID: 6, Rows: 1})
			h.add("5/finished", &events.ImportStarted{JobID: 6, FileName: "first.csv", RetryOf: 1})
		}, "retry of first.csv is sealed again, as import 6"},
		"lost":             {func(h *history) { h.drop("5/1") }, "row 1 of retry of first.csv"},
		"of another file":  {func(h *history) { get[*events.ImportStarted](h, "5/started").RetryOf = 3 }, "none of that file"},
		"of a running one": {func(h *history) { h.drop("1/finished") }, "has not ended"},
	} {
		t.Run(name, func(t *testing.T) {
			var h history
			h.uploads, h.rows, h.stream = sound()
			h.uploads = append(h.uploads, Upload{Name: RetryOf("first.csv"), Whole: true, Acknowledged: true, Job: 5, Rows: []Row{{License: bad}}})
			h.rows = append(h.rows, Received{5, 1, bad})
			for _, e := range []events.Event{
				&events.ImportFinished{JobID: 5, Status: events.Success, Row: 1, Counts: events.Counts{Imported: 1}},
				&events.LicenseImported{JobID: 5, Row: 1, License: events.License{Key: "bad"}, Product: events.Product{ShortCode: "p"}},
				&events.ImportSealed{JobID: 5, Rows: 1},
				&events.ImportStarted{JobID: 5, FileName: "first.csv", RetryOf: 1},
			} {
				h.add("3/finished", e)
			}
			test.fault(&h)
			report := Check(h.uploads, slices.Values(h.rows), slices.Values(h.stream))
			if (test.says == "") != report.OK() || !strings.Contains(strings.Join(slices.Concat(report.Lost, report.Duplicated, report.Unexpected, report.Torn), "\n"), test.says) {
				t.Errorf("does not say %q: %v", test.says, report)
			}
		})
	}
}

func TestEveryTypeHasACase(t *testing.T) {
	for _, name := range events.Types() {
		e, err := events.New(name)
		if err != nil {
			t.Fatal(err)
		}
		stream := []Stored{{Seq: 1, Event: &events.ImportStarted{}}, {Seq: 2, Event: e}}
		report := Check([]Upload{{}}, slices.Values[[]Received](nil), slices.Values(stream))
		if text := report.String(); strings.Contains(text, "no case for this type") {
			t.Errorf("check.go: %s", text)
		}
	}
}

// TestFaultsAreShortToRead: a test that fails should not print a million lines.
func TestFaultsAreShortToRead(t *testing.T) {
	var f Faults
	for range 1000 {
		f.add("a fault")
	}
	if text := f.String(); !strings.HasPrefix(text, "1000; a fault") || len(text) > 100 {
		t.Error(text)
	}
}
