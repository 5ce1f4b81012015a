package importjob

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
)

// matrix is the table of transitions once more, written as a matrix: the phase that each event
// (line) leads to from each phase (column); a dot is an error.
const matrix = `
                              None       Uploading        Sealed      Validating  Importing  Cancelled  Finished  UploadCancelled  Aborted  Undoing  Undone
RowReceived                   .          .                .           .           .          .          .         .                .        .        .
ImportStarted                 Uploading  .                .           .           .          .          .         .                .        .        .
ImportSealed                  .          Sealed           .           .           .          .          .         .                .        .        .
ImportAborted                 Aborted    Aborted          .           .           .          .          .         .                .        .        .
ImportCancelled               .          UploadCancelled  Cancelled   Cancelled   Cancelled  .          .         .                .        .        .
LicenseImported               .          .                .           .           Importing  .          .         .                .        .        .
LicenseUpdated                .          .                .           .           Importing  .          .         .                .        .        .
LicenseExisted                .          .                .           .           Importing  .          .         .                .        .        .
RowRejected                   .          .                .           Validating  Importing  .          .         .                .        .        .
LicenseUpdateProposed         .          .                .           Validating  .          .          .         .                .        .        .
ImportProgressed(validate)    .          .                Validating  Validating  .          .          .         .                .        .        .
ImportProgressed(import)      .          .                Importing   Importing   Importing  .          .         .                .        .        .
ImportFinished                .          .                Finished    Finished    Finished   Finished   .         .                .        .        .
UndoStarted                   .          .                .           .           .          .          Undoing   .                .        .        .
UndoProgressed                .          .                .           .           .          .          .         .                .        Undoing  .
LicenseRevoked                .          .                .           .           .          .          .         .                .        Undoing  .
LicenseRestored               .          .                .           .           .          .          .         .                .        Undoing  .
LicenseKept                   .          .                .           .           .          .          .         .                .        Undoing  .
UndoFinished                  .          .                .           .           .          .          .         .                .        Undone   .
LicenseFeatureImported        .          .                .           .           Importing  .          .         .                .        .        .
LicenseFeatureUpdated         .          .                .           .           Importing  .          .         .                .        .        .
LicenseFeatureExisted         .          .                .           .           Importing  .          .         .                .        .        .
CustomerImported              .          .                .           .           Importing  .          .         .                .        .        .
LicenseFeatureUpdateProposed  .          .                .           Validating  .          .          .         .                .        .        .
CustomerImportProposed        .          .                .           Validating  .          .          .         .                .        .        .
LicenseFeatureRevoked         .          .                .           .           .          .          .         .                .        Undoing  .
LicenseFeatureRestored        .          .                .           .           .          .          .         .                .        Undoing  .
LicenseFeatureKept            .          .                .           .           .          .          .         .                .        Undoing  .
EventSetAside                 .          .                .           .           .          .          .         .                .        .        .
ManagerKeyCreated             .          .                .           .           .          .          .         .                .        .        .
ManagerKeyRevoked             .          .                .           .           .          .          .         .                .        .        .
ProductSet                    .          .                .           .           .          .          .         .                .        .        .
ProductRemoved                .          .                .           .           .          .          .         .                .        .        .
MappingSaved                  .          .                .           .           .          .          .         .                .        .        .
MappingRemoved                .          .                .           .           .          .          .         .                .        .        .
`

// event makes the event of one line of the matrix.
func event(t *testing.T, line string) events.Event {
	t.Helper()
	name, phase, _ := strings.Cut(strings.TrimSuffix(line, ")"), "(")
	e, err := events.New(name)
	if err != nil {
		t.Fatal(err)
	}
	if progress, ok := e.(*events.ImportProgressed); ok {
		progress.Phase = events.Phase(phase)
	}
	return e
}

// TestTransitions compares each pair of phase and event type with the matrix.
func TestTransitions(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(matrix), "\n")
	columns := strings.Fields(lines[0])
	if len(columns) != len(Phases()) {
		t.Fatalf("the matrix has %d phases, the package %d", len(columns), len(Phases()))
	}
	var types []string
	for _, line := range lines[1:] {
		fields := strings.Fields(line)
		e := event(t, fields[0])
		types = append(types, e.Type())
		for i, want := range fields[1:] {
			phase := Phases()[i]
			if phase.String() != columns[i] {
				t.Fatalf("column %d of the matrix is %s, the phase %s", i, columns[i], phase)
			}
			checkTransition(t, phase, e, want)
		}
	}
	for _, name := range events.Types() {
		if !slices.Contains(types, name) {
			t.Errorf("%s: the matrix has no line for this event type", name)
		}
	}
}

func checkTransition(t *testing.T, phase Phase, e events.Event, want string) {
	t.Helper()
	next, err := phase.After(e)
	if want != "." {
		if err != nil || next.String() != want {
			t.Errorf("%s after %s: %s, %v; want %s", phase, trigger(e), next, err, want)
		}
		return
	}
	refused, ok := errors.AsType[*TransitionError](err)
	if !ok || next != phase || refused.Phase != phase || !strings.HasPrefix(refused.Event, e.Type()) {
		t.Errorf("%s after %s: %s, %v; want an error that names both", phase, trigger(e), next, err)
	}
}

// TestEveryTypeIsDecided fails by name for an event type that the table neither lists nor excludes.
func TestEveryTypeIsDecided(t *testing.T) {
	for _, name := range events.Types() {
		listed := slices.ContainsFunc(transitions, func(l Transition) bool {
			return l.On == name || strings.HasPrefix(l.On, name+" (")
		})
		if excluded := slices.Contains(outsideTypes, name); listed == excluded {
			t.Errorf("%s: in transitions: %v, in outsideTypes: %v; want it in exactly one of them", name, listed, excluded)
		}
	}
	for _, l := range transitions {
		name, _, _ := strings.Cut(l.On, " ")
		if _, err := events.New(name); err != nil {
			t.Errorf("%v: %v", l, err)
		}
	}
	if len(table) != len(transitions) {
		t.Errorf("%d transitions are listed twice", len(transitions)-len(table))
	}
}

// paused is an event of a newer program.
type paused struct{ *events.ImportProgressed }

func (paused) Type() string { return "ImportPaused" }

func TestUnknownEventsAreErrors(t *testing.T) {
	undo := &events.ImportProgressed{JobID: 7, Phase: "undo"}
	for _, phase := range Phases() {
		for _, e := range []events.Event{paused{undo}, undo} {
			checkTransition(t, phase, e, ".")
		}
	}
	_, err := Sealed.After(paused{undo})
	if want := "import 7: ImportPaused cannot follow in the phase Sealed"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}
