package eventlog_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	sealed := &events.ImportSealed{JobID: 7}
	body, err := events.Encode(sealed, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	good := eventlog.Message{Subject: sealed.Subject(), Seq: 12, Data: body}
	if envelope, err := good.Decode(); err != nil || envelope.ID != sealed.ID() {
		t.Errorf("%+v, %v", envelope, err)
	}
	if event, err := eventlog.DecodeAs[*events.ImportSealed](&good); err != nil || event.JobID != 7 {
		t.Errorf("%+v, %v", event, err)
	}
	if _, err := eventlog.DecodeAs[*events.ImportStarted](&good); !unreadableAt(err, good) {
		t.Errorf("an event of another type gave %v", err)
	}
	for subject, stream := range map[string]string{"imports.7.sealed": events.LicensesStream, "rows.7": events.RowsStream} {
		bad := eventlog.Message{Subject: subject, Seq: 13, Data: []byte("{}")}
		if _, err := bad.Decode(); !unreadableAt(err, bad) || !strings.Contains(err.Error(), "stream "+stream+", sequence 13") {
			t.Errorf("at %s: %v", subject, err)
		}
	}
}

func unreadableAt(err error, m eventlog.Message) bool {
	e, ok := errors.AsType[*eventlog.UnreadableEventError](err)
	return ok && e.Subject == m.Subject && e.Seq == m.Seq && errors.Unwrap(err) == e.Cause
}

// TestDecodeDemandsTheEventsSubject: a message at another subject than its event's is no event of
// ours, whatever its body says.
func TestDecodeDemandsTheEventsSubject(t *testing.T) {
	t.Parallel()
	license := &events.LicenseImported{JobID: 7, Row: 1, License: events.License{Key: "a.b"}, Product: events.Product{ShortCode: "p"}}
	for subject, event := range map[string]events.Event{
		"imports.1.started":      license,
		"licenses.p.a":           license,
		"licenses.p.a=2Eb.c":     license,
		"licenses.p.a=2Ebc":      license,
		"rows.77":                &events.RowReceived{JobID: 7, Row: 1},
		"outcomes.7.rejected":    &events.LicenseExisted{JobID: 7, Row: 1},
		"outcomes.7.existed":     &events.RowRejected{JobID: 7, Row: 1},
		"imports.7.finished":     &events.ImportSealed{JobID: 7},
		"imports.8.sealed":       &events.ImportSealed{JobID: 7},
		"imports.7.progressed.x": &events.ImportProgressed{JobID: 7, Phase: events.Import},
	} {
		body, err := events.Encode(event, time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		own := eventlog.Message{Subject: event.Subject(), Seq: 12, Data: body}
		if _, err := own.Decode(); err != nil {
			t.Errorf("%s at its own subject: %v", event.Type(), err)
		}
		stray := eventlog.Message{Subject: subject, Seq: 13, Data: body}
		place := event.Subject()
		if event == license {
			place = "licenses.…"
		}
		if _, err := stray.Decode(); !unreadableAt(err, stray) || !strings.Contains(err.Error(), "belongs at "+place) {
			t.Errorf("%s at %s: %v", event.Type(), subject, err)
		}
	}
}

// TestUnreadableEventNamesNobody: logs and /readyz show these errors. They say what kind of thing an event is about, and
// not which license, feature or customer.
func TestUnreadableEventNamesNobody(t *testing.T) {
	t.Parallel()
	for subject, place := range map[string]string{
		events.LicenseSubject("psc", "a.b KEY"):    "licenses.…",
		"licenses.psc.KEY":                         "licenses.…",
		"licenses.KEY":                             "licenses.…",
		`licenses.psc."KEY".x`:                     "licenses.…",
		events.LicenseFilter("", "KEY"):            "licenses.…",
		events.FeatureSubject("psc", "KEY", "KEY"): "features.…",
		events.CustomerSubject("key@example.com"):  "customers.…",
		events.FactsFilter(7):                      "imports.7.*",
		events.StartedSubject(7):                   "imports.7.started",
		events.OutcomesFilter(7):                   "outcomes.7.*",
		events.SetAsideSubject(7):                  "operations.set_aside.7",
		events.RowsSubject(7):                      "rows.7",
	} {
		for _, seq := range []events.Seq{0, 4711} {
			err := &eventlog.UnreadableEventError{Subject: subject, Seq: seq, Cause: errors.New("it belongs at licenses.psc.KEY")}
			if text := err.Error(); !strings.Contains(text, "event at "+place+" (stream ") || strings.Contains(text, "KEY") ||
				strings.Contains(text, strings.TrimPrefix(events.CustomerSubject("key@example.com"), "customers.")) {
				t.Errorf("at %s: %s", subject, text)
			}
		}
	}
}
