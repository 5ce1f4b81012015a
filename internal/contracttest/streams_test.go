package contracttest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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
