// Package events is the vocabulary of licenseimport: what can happen to an import, how it is written on
// the wire, and what a row of a CSV file may hold. All packages that handle events use it. It imports the standard
// library only, so other Go programs can use it as well.
//
// # What an event promises
//
// An event is a fact, named in the past tense. Its body is one CloudEvents 1.0 JSON document in
// structured mode:
//
//	{"specversion":"1.0","id":"10/17","source":"licenseimport","type":"LicenseImported",
//	 "time":"…","datacontenttype":"application/json","data":{"job_id":10,"row":17,…}}
//
// Source and id are the same on every redelivery and after every retry, so a reader can recognize a
// repetition. The subject names the aggregate that the event belongs to: one license, one feature of a license, one
// customer, or one import.
//
//	event                    id              subject                         stream
//	RowReceived              10/17/received  rows.10                         ROWS
//	LicenseImported          10/17           licenses.<product>.<key>        LICENSES
//	LicenseUpdated           10/17           licenses.<product>.<key>        LICENSES
//	LicenseRevoked           10/17/revoked   licenses.<product>.<key>        LICENSES
//	LicenseRestored          10/17/restored  licenses.<product>.<key>        LICENSES
//	LicenseExisted           10/18           outcomes.10.existed             LICENSES
//	RowRejected              10/19           outcomes.10.rejected            LICENSES
//	LicenseUpdateProposed    10/20           outcomes.10.proposed            LICENSES
//	LicenseKept              10/17/kept      outcomes.10.kept                LICENSES
//	LicenseFeatureImported   12/17           features.<product>.<key>.<code> LICENSES
//	CustomerImported         13/17           customers.<e-mail>              LICENSES
//	ImportStarted and so on  10/started      imports.10.started              LICENSES
//	EventSetAside            set_aside/5     operations.set_aside.5          LICENSES
//	ProductSet               product_set/7   operations.product_set.7        LICENSES
//
// The other events of features are as those of licenses. The last event at a license's subject tells what the license
// is ([StateAfter]), and that at a feature's subject what the feature is ([FeatureAfter]). A customer is what all
// events say that name the address.
//
// A published field is never renamed, retyped or dropped. A changed meaning is a new type, such as
// LicenseImported.v2. Readers ignore fields that they do not know. A type that they do not know is an
// [*UnknownTypeError] and stops them: a view that skipped it would look right and be wrong.
//
// # Caveats
//
// Decode returns events whose texts share one allocation; see there. Pointers in records and events are
// read-only, because equal values share them. The order of a JSON object's members is the order of the
// struct's fields: it is a part of the published form that golden files hold.
//
// # Files
//
//	event.go           the event types: struct, Type, ID, Subject, Job; the list of all types
//	event_undo.go      those of an undo
//	event_feature.go, event_customer.go    outcomes of the other kinds of import
//	event_operation.go changes of keys, products and mappings
//	outcome.go         which types are outcomes of rows, and of undos
//	details.go         what lists of rows say of an outcome
//	change.go          a license after its last event, what a row changes of it, and the way back
//	change_feature.go, change_customer.go, earlier_customer.go    the same of features and customers
//	differs.go         the columns in which a row says something else than its license
//	ids.go             ids of jobs, rows and events
//	subject.go         streams, subjects, filters; subject tokens
//	kind.go            the table of kinds: what the rows of an import are
//	columns.go         the table of columns, of all kinds
//	extend.go          adds a kind to the tables, for tests
//	headernote.go      a column explained in words, for the note at its header
//	column_types.go    how a value of each column type is parsed
//	license.go         the typed row: License, Customer, Order, Product, Record
//	error_codes.go     why rows are rejected, with the sentences that users read
//	warning_codes.go   which values of a valid row have no effect
//	codec.go           Encode and Decode
//	codec_*.go         the frequent types, written and read by hand: see docs/adr/0022-hand-written-codec.md
//
// CONTRIBUTING.md has the recipes for a new column, error code, event type or kind. `make generate` writes what
// follows from the tables: the JSON Schemas in events/schema, docs/columns.md, the page's columns and kinds, two
// parts of openapi.yaml, and golden files of new fields and types.
package events

//go:generate go run ./internal/gen ..
//go:generate go test . -run ^(TestWireFormIsAsPublished|TestColumnsAreTheDocumentedOnes)$ -update
