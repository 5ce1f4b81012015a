package schema_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	yaml "github.com/oasdiff/yaml3"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"licenseimport/events"
)

type reference struct {
	Ref string `yaml:"$ref"`
}

type jetstream struct{ Stream, Filter string }

// document is what the tests read of events/asyncapi.yaml.
type document struct {
	Channels map[string]struct {
		Address    string
		Parameters map[string]struct{ Enum []string }
		Messages   map[string]reference
		JetStream  jetstream `yaml:"x-jetstream"`
	}
	Operations map[string]struct {
		Action    string
		Channel   reference
		Messages  []reference
		JetStream jetstream `yaml:"x-jetstream"`
	}
	Components struct {
		Messages map[string]struct {
			Payload struct {
				SchemaFormat string `yaml:"schemaFormat"`
				Schema       reference
			}
		}
	}
}

func readYAML(t *testing.T, into any) {
	t.Helper()
	text, err := os.ReadFile("../asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func TestAsyncAPIIsAnAsyncAPIDocument(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("asyncapi.json", readGzip(t, "testdata/asyncapi-3.0.0.schema.json.gz")); err != nil {
		t.Fatal(err)
	}
	asyncapi, err := compiler.Compile("asyncapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var parsed map[string]any
	readYAML(t, &parsed)
	if err := asyncapi.Validate(asJSON(t, parsed)); err != nil {
		t.Error(err)
	}
	delete(parsed, "info")
	if asyncapi.Validate(asJSON(t, parsed)) == nil {
		t.Error("a document without info passes: the check checks nothing")
	}
}

func readGzip(t *testing.T, path string) any {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func asJSON(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	back, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// The messages are exactly the event types, each with its schema.
func TestAsyncAPIHasEveryType(t *testing.T) {
	var doc document
	readYAML(t, &doc)
	for _, name := range events.Types() {
		message, ok := doc.Components.Messages[name]
		if want := "./schema/" + name + ".json"; !ok || message.Payload.Schema.Ref != want || message.Payload.SchemaFormat == "" {
			t.Errorf("%s: payload %+v, want %s", name, message.Payload, want)
		}
		if _, err := os.Stat(filepath.Join("..", message.Payload.Schema.Ref)); err != nil {
			t.Error(err)
		}
	}
	if n := len(doc.Components.Messages); n != len(events.Types()) {
		t.Errorf("%d messages, %d types", n, len(events.Types()))
	}
}

// Each golden event belongs to exactly one channel, by its subject, and the channel lists its message. Each
// parameter value that a channel lists is in use.
func TestAsyncAPIChannelsAreTheSubjects(t *testing.T) {
	var doc document
	readYAML(t, &doc)
	used := map[string][]string{} // parameter → values
	for _, name := range events.Types() {
		envelope, err := events.Decode([]byte(golden(t, name)))
		if err != nil {
			t.Fatal(err)
		}
		subject, found := envelope.Event.Subject(), 0
		for channelName, channel := range doc.Channels {
			parameters, ok := matchAddress(channel.Address, subject)
			if !ok {
				continue
			}
			found++
			if channel.Messages[name].Ref != "#/components/messages/"+name {
				t.Errorf("channel %s does not list %s", channelName, name)
			}
			for parameter, value := range parameters {
				declared, ok := channel.Parameters[parameter]
				if !ok || declared.Enum != nil && !slices.Contains(declared.Enum, value) {
					t.Errorf("channel %s does not declare %s = %s", channelName, parameter, value)
				}
				used[parameter] = append(used[parameter], value)
			}
		}
		if found != 1 {
			t.Errorf("%s at %s is in %d channels", name, subject, found)
		}
	}
	listed := 0
	for name, channel := range doc.Channels {
		listed += len(channel.Messages)
		for parameter, declared := range channel.Parameters {
			for _, value := range declared.Enum {
				if !slices.Contains(used[parameter], value) {
					t.Errorf("channel %s: nothing is published with %s = %s", name, parameter, value)
				}
			}
		}
	}
	if listed != len(events.Types()) {
		t.Errorf("the channels list %d messages, there are %d types", listed, len(events.Types()))
	}
}

// matchAddress returns the parameters of a subject by an address such as rows.{job}.
func matchAddress(address, subject string) (parameters map[string]string, ok bool) {
	pattern, tokens := strings.Split(address, "."), strings.Split(subject, ".")
	if len(pattern) != len(tokens) {
		return nil, false
	}
	parameters = map[string]string{}
	for i, part := range pattern {
		if name, isParameter := strings.CutPrefix(part, "{"); isParameter {
			parameters[strings.TrimSuffix(name, "}")] = tokens[i]
		} else if part != tokens[i] {
			return nil, false
		}
	}
	return parameters, true
}

// Each channel names the stream that stores its subjects, and has a receive operation.
func TestAsyncAPIStreamsAndOperations(t *testing.T) {
	var doc document
	readYAML(t, &doc)
	filters := map[string][]string{events.RowsStream: events.RowsSubjects, events.LicensesStream: events.LicensesSubjects}
	received := map[string]bool{}
	for name, operation := range doc.Operations {
		channelName, ok := strings.CutPrefix(operation.Channel.Ref, "#/channels/")
		channel, known := doc.Channels[channelName]
		if !ok || !known || operation.Action != "receive" {
			t.Errorf("operation %s: %s of %s", name, operation.Action, operation.Channel.Ref)
		}
		received[channelName] = true
		if !slices.Contains(filters[channel.JetStream.Stream], operation.JetStream.Filter) {
			t.Errorf("operation %s: stream %q does not store %q", name, channel.JetStream.Stream, operation.JetStream.Filter)
		}
		if _, ok := matchAddress(channel.Address, operation.JetStream.Filter); !ok {
			t.Errorf("operation %s: the filter %s is not of %s", name, operation.JetStream.Filter, channel.Address)
		}
		for _, message := range operation.Messages {
			last := message.Ref[strings.LastIndex(message.Ref, "/")+1:]
			if _, ok := channel.Messages[last]; !ok || message.Ref != operation.Channel.Ref+"/messages/"+last {
				t.Errorf("operation %s: no message %s", name, message.Ref)
			}
		}
	}
	if len(received) != len(doc.Channels) {
		t.Errorf("%d of %d channels have an operation", len(received), len(doc.Channels))
	}
}
