package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"licenseimport/events"
)

// TestKindFlagsHaveEachKind: the commands that take --kind know each kind of the table.
func TestKindFlagsHaveEachKind(t *testing.T) {
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, leaf := range parser.Model.Leaves(false) {
		for _, flag := range leaf.Flags {
			if flag.Name != "kind" {
				continue
			}
			commands = append(commands, leaf.Name)
			known := slices.DeleteFunc(strings.Split(flag.Enum, ","), func(name string) bool { return name == "" })
			if !slices.Equal(known, events.KindNames()) {
				t.Errorf("%s --kind: %v", leaf.Name, known)
			}
		}
	}
	slices.Sort(commands)
	if got := strings.Join(commands, " "); got != "import inspect status template" {
		t.Errorf("commands with --kind: %s", got)
	}
}

// TestResultsAreReadByKind: a result's counts have the names of its kind.
func TestResultsAreReadByKind(t *testing.T) {
	for kind, want := range map[*events.Kind]made{events.Licenses: {1, 2, 3}, events.Features: {4, 5, 6},
		events.Customers: {7, 8, 9}} {
		r, err := decodeResult(kind, json.RawMessage(`{"id":3,"status":"success","result":{"total_row_count":9,
			"created_licenses_count":1,"updated_licenses_count":2,"existed_licenses_count":3,
			"created_license_features_count":4,"updated_license_features_count":5,"existed_license_features_count":6,
			"created_customers_count":7,"updated_customers_count":8,"existed_customers_count":9,
			"preview":{"created_licenses":1,"updated_licenses":2,"existed_licenses":3,
			"created_license_features":4,"updated_license_features":5,"existed_license_features":6,
			"created_customers":7,"updated_customers":8,"existed_customers":9}}}`))
		if err != nil {
			t.Fatal(err)
		}
		if r.Result.made != want || r.Result.Preview.made != want {
			t.Errorf("%s: %+v %+v", kind.Name, r.Result, r.Result.Preview)
		}
		if (r.Result.CreatedCustomers != nil) != kind.NamesParties {
			t.Errorf("%s: customers beside the rows: %v", kind.Name, r.Result.CreatedCustomers)
		}
	}
}
