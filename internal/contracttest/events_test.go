package contracttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// message is a message of a stream.
type message struct {
	seq     uint64
	subject string
	time    time.Time // the stream's
	body    []byte
}

func (m message) field(path string) string { return field(m.body, path) }

// connect is a client of the server's NATS port, as another service is one.
func (s *system) connect(t *testing.T) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(s.nats, nats.Token(s.token))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// read reads a stream from its first to its last message.
func read(t *testing.T, js jetstream.JetStream, stream string, filters ...string) []message {
	t.Helper()
	consumer, err := js.OrderedConsumer(t.Context(), stream, jetstream.OrderedConsumerConfig{FilterSubjects: filters})
	if err != nil {
		t.Fatal(err)
	}
	var all []message
	for {
		batch, err := consumer.FetchNoWait(1000)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for m := range batch.Messages() {
			meta, err := m.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, message{meta.Sequence.Stream, m.Subject(), meta.Timestamp, m.Data()})
			n++
		}
		if batch.Error() != nil && !errors.Is(batch.Error(), context.Canceled) {
			t.Fatal(batch.Error())
		}
		if n == 0 {
			return all
		}
	}
}

// schemas are those of events/schema, by the name of the type.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	files, err := filepath.Glob("../../events/schema/*.json")
	if err != nil || len(files) != len(allTypes) {
		t.Fatalf("%d schemas, %v", len(files), err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	byType := map[string]*jsonschema.Schema{}
	for _, file := range files {
		schema, err := compiler.Compile(file)
		if err != nil {
			t.Fatal(err)
		}
		byType[strings.TrimSuffix(filepath.Base(file), ".json")] = schema
	}
	return byType
}

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

// everything imports in all ways, so that each type of event is there.
func everything(t *testing.T, c *caller) {
	t.Helper()
	file, err := os.ReadFile("../../examples/licenses.csv")
	if err != nil {
		t.Fatal(err)
	}
	c.imports("", string(file))
	c.imports("?mode=all_or_nothing", header2+"x.y z*>ü,p.1\n")
	c.imports("?mode=all_or_nothing", header2+"new,p\n,p\n")
	c.imports("?dry_run=true", header2+"never,p\np\"\n")
	c.imports("", string(c.get(200, "/api/v1/license-import-template.csv").body))
	broken := parts([3]string{"file", "a.csv", header2 + strings.Repeat("k-1,psc\n", 4_000)})
	c.call(400, "POST", uploadPath, strings.NewReader(broken[:len(broken)-7]), "Content-Type", asForm)
	u := c.begin("", 3_000)
	c.call(202, "POST", resultsPath+u.id+"/cancel/", nil)
	u.end()
	const changed = "license__license_key,product__short_code,license__note\nx.y z*>ü,p.1,new\n"
	c.imports("?existing=update&dry_run=true", changed) // 8
	c.imports("?existing=update", changed)              // 9
	c.undo("2")                                         // what 9 changed is kept
	c.undo("9")
	c.imports("", header2+"gone,p.1\n") // 10
	c.undo("10")
	made := c.call(201, "POST", "/api/v1/manager-keys/", strings.NewReader(`{"manager":"shop","role":"viewer"}`),
		"Content-Type", "application/json")
	c.call(204, "DELETE", "/api/v1/manager-keys/"+unquoted(made.field("begins_with"))+"/", nil)
	set := c.call(200, "POST", "/api/v1/products/", strings.NewReader(`{"short_code":"p.1"}`), "Content-Type",
		"application/json")
	c.call(204, "DELETE", "/api/v1/products/"+set.field("id")+"/", nil)
	c.call(200, "PUT", "/api/v1/import-mappings/ours/", strings.NewReader(`{"set":{"product__short_code":"p.1"}}`),
		"Content-Type", "application/json")
	c.call(204, "DELETE", "/api/v1/import-mappings/ours/", nil)
	c.everyKind()
}

// everyKind imports features and customers in all ways, and takes features back.
func (c *caller) everyKind() {
	c.Helper()
	c.imports("", header2+"f-1,p.1\n")
	const features = "license_key,product__short_code,code,max_consumption\n"
	made, _ := c.sendKind(200, "features", "", features+"f-1,p.1,a,1\nf-1,p.1,a,1\nf-1,p.1,b,1\nnone,p.1,a,1\n")
	c.sendKind(200, "features", "?existing=update&dry_run=true", features+"f-1,p.1,a,2\n")
	changed, _ := c.sendKind(200, "features", "?existing=update", features+"f-1,p.1,a,2\n")
	c.undoAt(made) // what was changed is kept
	c.undoAt(changed)
	const customers = "email,company_name\n"
	c.sendKind(200, "customers", "?dry_run=true", customers+"a@example.com,A\n")
	c.sendKind(200, "customers", "", customers+"a@example.com,A\nnone,B\n")
}

// undo takes an import back and waits for its end.
func (c *caller) undo(id string) {
	c.Helper()
	c.undoAt(resultsPath + id + "/")
}

// undoAt takes the import back that has its result at a path, and waits for its end.
func (c *caller) undoAt(result string) {
	c.Helper()
	c.call(202, "POST", result+"undo/", nil)
	eventually(c.T, "the undo of "+result, func() bool { return c.get(200, result).field("undo.status") == `"finished"` })
}

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
