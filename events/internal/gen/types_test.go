package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
)

// sampleOf is an event of a type with every field filled in: the first golden one.
func sampleOf(t *testing.T, name string) events.Event {
	t.Helper()
	envelope, err := events.Decode([]byte(read(t, "events/testdata/wire/"+name+".json")))
	if err != nil {
		t.Fatal(err)
	}
	return envelope.Event
}

// Exactly one of the roles that write may publish an event of each type. The operator may also change what
// admins manage, and alone sets messages aside.
func TestOneRoleMayPublishEachType(t *testing.T) {
	const file = "deploy/nats-permissions.conf"
	published := publishedSubjects(read(t, file))
	if len(published["ingest"]) < 5 || len(published["processor"]) < 4 {
		t.Fatalf("%s: read %v; does the test still know how it is written?", file, published)
	}
	for _, name := range events.Types() {
		subject := sampleOf(t, name).Subject()
		var roles []string
		for role, subjects := range published {
			if role == "operator" && name != "EventSetAside" {
				continue
			}
			if slices.ContainsFunc(subjects, func(filter string) bool { return matches(subject, filter) }) {
				roles = append(roles, role)
			}
		}
		if len(roles) != 1 {
			t.Errorf("%s: %s, the subject of %s, may be published by %v; want one role", file, subject, name, roles)
		}
	}
}

var (
	userOf    = regexp.MustCompile(`(?s)\{ user: (\w+),.*?publish: (?:\{\s*allow: )?\[(.*?)\]`)
	subjectOf = regexp.MustCompile(`"([^"]+)"`)
)

// publishedSubjects are the subjects that each user of a NATS configuration may publish at.
func publishedSubjects(configuration string) map[string][]string {
	published := map[string][]string{}
	for _, user := range userOf.FindAllStringSubmatch(configuration, -1) {
		for _, subject := range subjectOf.FindAllStringSubmatch(user[2], -1) {
			published[user[1]] = append(published[user[1]], subject[1])
		}
	}
	return published
}

// matches is NATS' rule: * stands for one token, > for one or more at the end.
func matches(subject, filter string) bool {
	tokens := strings.Split(subject, ".")
	for i, p := range strings.Split(filter, ".") {
		switch {
		case i >= len(tokens):
			return false
		case p == ">":
			return true
		case p != "*" && p != tokens[i]:
			return false
		}
	}
	return len(tokens) == strings.Count(filter, ".")+1
}

// The contract's tests see the program from outside and have a list of types with their subjects.
func TestContractTestsKnowEachType(t *testing.T) {
	const file = "internal/contracttest/events_test.go"
	text := read(t, file)
	for _, name := range events.Types() {
		if !strings.Contains(text, `"`+name+`":`) {
			t.Errorf("%s: allTypes lacks %s", file, name)
		}
	}
}
