package contracttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// allTypes are the types of the contract, and which subject each stands at.
var allTypes = map[string]*regexp.Regexp{
	"RowReceived":                  regexp.MustCompile(`^rows\.\d+$`),
	"ImportStarted":                regexp.MustCompile(`^imports\.\d+\.started$`),
	"ImportSealed":                 regexp.MustCompile(`^imports\.\d+\.sealed$`),
	"ImportAborted":                regexp.MustCompile(`^imports\.\d+\.aborted$`),
	"ImportCancelled":              regexp.MustCompile(`^imports\.\d+\.cancelled$`),
	"LicenseImported":              regexp.MustCompile(`^licenses\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+$`),
	"LicenseExisted":               regexp.MustCompile(`^outcomes\.\d+\.existed$`),
	"RowRejected":                  regexp.MustCompile(`^outcomes\.\d+\.rejected$`),
	"ImportProgressed":             regexp.MustCompile(`^imports\.\d+\.progressed$`),
	"ImportFinished":               regexp.MustCompile(`^imports\.\d+\.finished$`),
	"LicenseUpdated":               regexp.MustCompile(`^licenses\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+$`),
	"LicenseRevoked":               regexp.MustCompile(`^licenses\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+$`),
	"LicenseRestored":              regexp.MustCompile(`^licenses\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+$`),
	"LicenseUpdateProposed":        regexp.MustCompile(`^outcomes\.\d+\.proposed$`),
	"LicenseKept":                  regexp.MustCompile(`^outcomes\.\d+\.kept$`),
	"UndoStarted":                  regexp.MustCompile(`^imports\.\d+\.undo_started$`),
	"UndoProgressed":               regexp.MustCompile(`^imports\.\d+\.undo_progressed$`),
	"UndoFinished":                 regexp.MustCompile(`^imports\.\d+\.undo_finished$`),
	"LicenseFeatureImported":       regexp.MustCompile(`^features\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+$`),
	"LicenseFeatureUpdated":        regexp.MustCompile(`^features\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+$`),
	"LicenseFeatureRevoked":        regexp.MustCompile(`^features\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+$`),
	"LicenseFeatureRestored":       regexp.MustCompile(`^features\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+\.[A-Za-z0-9=_-]+$`),
	"LicenseFeatureExisted":        regexp.MustCompile(`^outcomes\.\d+\.existed$`),
	"LicenseFeatureUpdateProposed": regexp.MustCompile(`^outcomes\.\d+\.proposed$`),
	"LicenseFeatureKept":           regexp.MustCompile(`^outcomes\.\d+\.kept$`),
	"CustomerImported":             regexp.MustCompile(`^customers\.[0-9a-f]{32}$`),
	"CustomerImportProposed":       regexp.MustCompile(`^outcomes\.\d+\.proposed$`),
	"EventSetAside":                regexp.MustCompile(`^operations\.set_aside\.\d+$`),
	"ManagerKeyCreated":            regexp.MustCompile(`^operations\.manager_key_created\.\d+$`),
	"ManagerKeyRevoked":            regexp.MustCompile(`^operations\.manager_key_revoked\.\d+$`),
	"ProductSet":                   regexp.MustCompile(`^operations\.product_set\.\d+$`),
	"ProductRemoved":               regexp.MustCompile(`^operations\.product_removed\.\d+$`),
	"MappingSaved":                 regexp.MustCompile(`^operations\.mapping_saved\.\d+$`),
	"MappingRemoved":               regexp.MustCompile(`^operations\.mapping_removed\.\d+$`),
}

// notAppended are the types that everything does not cause: EventSetAside needs a message that is no event,
// UndoProgressed an undo of more than one batch.
var notAppended = []string{"EventSetAside", "UndoProgressed"}

// TestStreams: every message of both streams is a CloudEvent of a type that has a schema, matches it, and stands at its subject.
func TestStreams(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	everything(t, c)
	js := s.connect(t)
	byType, ids, seen := schemas(t), map[string]bool{}, map[string]int{}
	for _, m := range append(read(t, js, "ROWS"), read(t, js, "LICENSES")...) {
		kind, id := unquoted(m.field("type")), unquoted(m.field("id"))
		seen[kind]++
		at, known := allTypes[kind]
		if !known || !at.MatchString(m.subject) {
			t.Fatalf("%s stands at %s", kind, m.subject)
		}
		if ids[id] {
			t.Errorf("the id %s twice", id)
		}
		ids[id] = true
		fields{"specversion": `"1.0"`, "source": `"licenseimport"`, "datacontenttype": `"application/json"`}.check(t, id, answer{body: m.body})
		if at, err := time.Parse(time.RFC3339Nano, unquoted(m.field("time"))); err != nil || time.Since(at) > time.Hour {
			t.Errorf("%s: the time %s", id, m.field("time"))
		}
		if want := idOf(m, kind); id != want {
			t.Errorf("the id of a %s is %s, want %s", kind, id, want)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.body))
		if err != nil {
			t.Fatal(err)
		}
		if err := byType[kind].Validate(value); err != nil {
			t.Errorf("%s: %v\n%s", id, err, m.body)
		}
	}
	for kind := range allTypes {
		if seen[kind] == 0 && !slices.Contains(notAppended, kind) {
			t.Errorf("no %s was seen", kind)
		}
	}
	for _, stream := range []string{"ROWS", "LICENSES"} {
		info, err := js.Stream(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		if !info.CachedInfo().Config.AllowDirect {
			t.Errorf("%s does not allow direct get", stream)
		}
	}
}

// idOf is the id that the contract gives an event.
func idOf(m message, kind string) string {
	job, row := m.field("data.job_id"), m.field("data.row")
	switch kind {
	case "RowReceived":
		return job + "/" + row + "/received"
	case "LicenseImported", "LicenseExisted", "RowRejected", "LicenseUpdated", "LicenseUpdateProposed",
		"LicenseFeatureImported", "LicenseFeatureExisted", "LicenseFeatureUpdated", "LicenseFeatureUpdateProposed",
		"CustomerImported", "CustomerImportProposed":
		return job + "/" + row
	case "LicenseRevoked", "LicenseRestored", "LicenseKept", "LicenseFeatureRevoked", "LicenseFeatureRestored", "LicenseFeatureKept":
		return job + "/" + row + "/" + strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(kind, "License"), "Feature"))
	case "UndoProgressed":
		return job + "/undo_progressed/" + m.field("data.position")
	case "UndoStarted", "UndoFinished":
		return job + "/undo_" + strings.ToLower(strings.TrimPrefix(kind, "Undo"))
	case "ImportProgressed":
		if m.field("data.phase") == `"validate"` {
			return job + "/progressed/validate/" + row
		}
		return job + "/progressed/" + row
	case "EventSetAside":
		return "set_aside/" + m.field("data.sequence")
	case "ManagerKeyCreated", "ManagerKeyRevoked", "ProductSet", "ProductRemoved", "MappingSaved", "MappingRemoved":
		_, what, _ := strings.Cut(m.subject, ".")
		return strings.Replace(what, ".", "/", 1)
	default:
		return job + "/" + strings.ToLower(strings.TrimPrefix(kind, "Import"))
	}
}

// TestEachRowOnce: every row of a finished import has exactly one outcome, and each license one subject with one message.
func TestEachRowOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	everything(t, c)
	outcomes, facts := map[string]map[string]int{}, map[string][]string{}
	stories := map[string][]string{}
	for _, m := range read(t, s.connect(t), "LICENSES") {
		job := m.field("data.job_id")
		switch kind, _, _ := strings.Cut(m.subject, "."); kind {
		case "imports":
			facts[job] = append(facts[job], m.subject[strings.LastIndex(m.subject, ".")+1:])
		default:
			if outcomes[job] == nil {
				outcomes[job] = map[string]int{}
			}
			if unquoted(m.field("id")) == job+"/"+m.field("data.row") { // else it is of an undo
				outcomes[job][m.field("data.row")]++
			}
			if kind == "licenses" {
				stories[m.subject] = append(stories[m.subject], unquoted(m.field("type")))
			}
		}
	}
	for job, want := range map[string]int{
		"1": 40, "2": 1, "3": 1, "4": 1, "5": 1, "6": 0, "7": 0, "8": 1, "9": 1, "10": 1, // 3 and 4: the rejected row only
		"12": 4, "14": 1, "16": 2, // features and customers
	} {
		if len(outcomes[job]) != want {
			t.Errorf("import %s: %d rows have outcomes, want %d", job, len(outcomes[job]), want)
		}
		for row, n := range outcomes[job] {
			if n != 1 {
				t.Errorf("import %s: row %s has %d outcomes", job, row, n)
			}
		}
	}
	changed := map[string][]string{
		"licenses.p=2E1.x=2Ey=20z=2A=3E=C3=BC": {"LicenseImported", "LicenseUpdated", "LicenseRestored"},
		"licenses.p=2E1.gone":                  {"LicenseImported", "LicenseRevoked"},
	}
	for subject, story := range stories {
		want := changed[subject]
		if want == nil {
			want = []string{"LicenseImported"}
		}
		if !slices.Equal(story, want) {
			t.Errorf("%s has %v, want %v", subject, story, want)
		}
		delete(changed, subject)
	}
	if len(changed) > 0 {
		t.Errorf("no messages at the subjects of %v", changed)
	}
	for job, want := range map[string][]string{
		"1": {"started", "sealed", "progressed", "finished"}, "6": {"started", "aborted"}, "7": {"started", "cancelled"},
		"9": {"started", "sealed", "progressed", "finished", "undo_started", "undo_finished"},
	} {
		if got := slices.Compact(facts[job]); !slices.Equal(got, want) {
			t.Errorf("the facts of import %s are %v, want %v", job, got, want)
		}
	}
}

// TestIdsAndTimes: a license's id is its event's sequence, and times are those of the stream.
func TestIdsAndTimes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	c.imports("", header2+"a,psc\na,psc\nb,psc\n")
	written := func(at time.Time) string { return compact(at.UTC().Format("2006-01-02T15:04:05.000000Z")) }
	result := fields{}
	for _, m := range read(t, s.connect(t), "LICENSES") {
		switch unquoted(m.field("id")) {
		case "1/started":
			result["created_at"] = written(m.time)
		case "1/progressed/0":
			result["started_at"] = written(m.time)
		case "1/finished":
			result["finished_at"] = written(m.time)
		}
		if strings.HasPrefix(m.subject, "licenses.") {
			path := fmt.Sprintf("/api/v1/licenses/%d/", m.seq)
			fields{"id": fmt.Sprint(m.seq), "created_at": written(m.time), "import_row": m.field("data.row")}.check(t, path, c.get(200, path))
			if event := c.get(200, path+"event/"); !bytes.Equal(event.body, m.body) {
				t.Errorf("%sevent/ is %s, the message is %s", path, event.body, m.body)
			}
		}
	}
	if len(result) != 3 {
		t.Fatalf("the facts: %v", result)
	}
	result.check(t, "the result", c.get(200, resultsPath+"1/"))
}

// TestMembersOfEvents: what the contract says that each type has.
func TestMembersOfEvents(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	c.imports("", "license__license_key,product__short_code,license__trial_days,customer__email\nk,psc,3,a@example.com\nk,psc,,b@example.com\n,psc,x,\n\"x,y\n")
	js := s.connect(t)
	got := map[string]answer{}
	for _, m := range append(read(t, js, "ROWS"), read(t, js, "LICENSES")...) {
		got[unquoted(m.field("id"))] = answer{body: m.body}
	}
	for id, want := range map[string]fields{
		"1/1/received": {"data.row": "1", "data.line": "2", "data.values": `{"customer__email":"a@example.com","license__license_key":"k","license__trial_days":"3","product__short_code":"psc"}`},
		"1/4/received": {"data.malformed.code": `"malformed_row"`, "data.malformed.raw": `"\"x,y"`},
		"1/started": {"data.file_name": `"licenses.csv"`, "data.manager": `"admin"`, "data.mode": `"partial"`, "data.dry_run": "false",
			"data.columns": `["license__license_key","product__short_code","license__trial_days","customer__email"]`},
		"1/sealed": {"data.rows": "4"},
		"1/1": {"type": `"LicenseImported"`, "data.license.license_key": `"k"`, "data.license.trial_days": "3", "data.product.short_code": `"psc"`,
			"data.customer.email": `"a@example.com"`, "data.warnings": `[{"code":"not_a_trial","column":"license__trial_days","value":"3"}]`},
		"1/2":            {"type": `"LicenseExisted"`, "data.license_key": `"k"`, "data.product.short_code": `"psc"`, "data.by": `{"job_id":1,"row":1}`, "data.customer.email": `"b@example.com"`},
		"1/3":            {"type": `"RowRejected"`, "data.line": "4", "data.errors.#": "2", "data.values.license__trial_days": `"x"`},
		"1/progressed/0": {"data.phase": `"import"`, "data.row": "0", "data.imported": "0"},
		"1/finished":     {"data.status": `"success"`, "data.error": "null", "data.row": "4", "data.imported": "1", "data.existed": "1", "data.rejected": "2", "data.warnings": "1"},
	} {
		want.check(t, id, got[id])
	}
	for _, member := range []string{"data.bytes", "data.sha256"} {
		if got["1/sealed"].field(member) == "" {
			t.Errorf("ImportSealed has no %s", member)
		}
	}
}

// TestSubscriber: a service as the README shows it, that gets each license of one product once.
func TestSubscriber(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	js := s.connect(t)
	consumer, err := js.CreateOrUpdateConsumer(t.Context(), "LICENSES", jetstream.ConsumerConfig{
		Durable: "welcome-mail", FilterSubject: "licenses.psc.>", AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 10)
	consuming, err := consumer.Consume(func(m jetstream.Msg) {
		var event struct {
			ID   string
			Data struct{ License, Customer map[string]any }
		}
		if json.Unmarshal(m.Data(), &event) == nil && m.Ack() == nil {
			got <- fmt.Sprint(event.ID, " ", event.Data.License["license_key"])
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer consuming.Stop()
	c.imports("", header2+"a,psc\nb,other\na,psc\nc,psc\n")
	for _, want := range []string{"1/1 a", "1/4 c"} {
		select {
		case id := <-got:
			if id != want {
				t.Errorf("got %s, want %s", id, want)
			}
		case <-time.After(patience):
			t.Fatalf("%s never came", want)
		}
	}
}
