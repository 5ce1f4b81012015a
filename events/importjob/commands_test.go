package importjob

import (
	"errors"
	"testing"
	"time"

	"licenseimport/events"
)

func reasonOf(t *testing.T, err error) Reason {
	t.Helper()
	if err == nil {
		return ""
	}
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok || refused.Job != 1 {
		t.Fatalf("not a refusal of import 1: %v", err)
	}
	return refused.Reason
}

func TestCancel(t *testing.T) {
	for name, tt := range map[string]struct {
		history []events.Event
		refused Reason
	}{
		"unknown":                      {nil, NotStarted},
		"aborted before its start":     {[]events.Event{aborted}, NotStarted},
		"uploading":                    {[]events.Event{started}, ""},
		"sealed":                       {[]events.Event{started, sealed}, ""},
		"importing":                    {[]events.Event{started, sealed, importing}, ""},
		"finished":                     {[]events.Event{started, sealed, finished}, ImportEnded},
		"aborted":                      {[]events.Event{started, aborted}, ImportEnded},
		"cancelled":                    {[]events.Event{started, cancelled}, ImportEnded},
		"all or nothing, validating":   {[]events.Event{whole, sealed, validating}, ""},
		"all or nothing, importing":    {[]events.Event{whole, sealed, validated, importing}, ImportingAll},
		"all or nothing, has imported": {[]events.Event{whole, sealed, validated, importing, finished}, ImportEnded},
	} {
		t.Run(name, func(t *testing.T) {
			s := after(t, tt.history...)
			fact, err := s.Cancel("eve")
			if reasonOf(t, err) != tt.refused || (fact == nil) != (tt.refused != "") {
				t.Fatalf("%v, %v", fact, err)
			}
			if fact != nil && *fact.(*events.ImportCancelled) != (events.ImportCancelled{JobID: 1, Manager: "eve"}) {
				t.Errorf("%+v", fact)
			}
		})
	}
}

func TestCanRetry(t *testing.T) {
	for name, tt := range map[string]struct {
		history []events.Event
		refused Reason
	}{
		"unknown":                   {nil, NotStarted},
		"aborted before its start":  {[]events.Event{aborted}, NotStarted},
		"uploading":                 {[]events.Event{started}, NotEnded},
		"sealed":                    {[]events.Event{started, sealed}, NotEnded},
		"importing":                 {[]events.Event{started, sealed, importing}, NotEnded},
		"aborted":                   {[]events.Event{started, aborted}, NeverSealed},
		"cancelled before its seal": {[]events.Event{started, cancelled}, NeverSealed},
		"cancelled":                 {[]events.Event{started, sealed, importing, cancelled}, ""},
		"finished":                  {[]events.Event{started, sealed, importing, finished}, ""},
		"a dry run":                 {[]events.Event{dryRun, sealed, validating, finished}, ""},
		"being undone":              {[]events.Event{started, sealed, finished, &events.UndoStarted{JobID: 1}}, ""},
		"undone":                    {[]events.Event{started, sealed, finished, &events.UndoStarted{JobID: 1}, &events.UndoFinished{JobID: 1}}, ""},
	} {
		if got := reasonOf(t, after(t, tt.history...).CanRetry()); got != tt.refused {
			t.Errorf("%s: %q, want %q", name, got, tt.refused)
		}
	}
}

func TestSealAndAbort(t *testing.T) {
	for name, tt := range map[string]struct {
		history     []events.Event
		seal        Reason
		aborts      bool
		interrupted bool
	}{
		"unknown":                  {nil, UploadEnded, true, false},
		"uploading":                {[]events.Event{started}, "", true, false},
		"sealed":                   {[]events.Event{started, sealed}, UploadEnded, false, false},
		"importing":                {[]events.Event{started, sealed, importing}, UploadEnded, false, false},
		"finished":                 {[]events.Event{started, sealed, finished}, UploadEnded, false, false},
		"aborted":                  {[]events.Event{started, aborted}, WasAborted, false, true},
		"aborted before its start": {[]events.Event{aborted}, WasAborted, false, true},
		"cancelled":                {[]events.Event{started, cancelled}, WasCancelled, false, true},
		"cancelled later":          {[]events.Event{started, sealed, cancelled}, WasCancelled, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := after(t, tt.history...)
			fact, err := s.Seal(sealed)
			if reasonOf(t, err) != tt.seal || (fact == nil) != (tt.seal != "") {
				t.Errorf("seal: %v, %v", fact, err)
			}
			if fact := s.Abort(aborted); (fact != nil) != tt.aborts {
				t.Errorf("abort: %v", fact)
			}
			if err := s.Interrupted(); (err != nil) != tt.interrupted {
				t.Errorf("interrupted: %v", err)
			}
		})
	}
}

func TestRefusalsNameTheirCause(t *testing.T) {
	for want, s := range map[string]State{
		"import 1: refused: cancelled: bob":    after(t, started, cancelled),
		"import 1: refused: aborted: too slow": after(t, started, aborted),
		"import 1: refused: upload ended":      after(t, started, sealed),
	} {
		if err := s.CanSeal(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestKeyState(t *testing.T) {
	const abandoned = 2 * time.Minute
	for name, tt := range map[string]struct {
		history []events.Event
		silent  time.Duration
		want    KeyState
	}{
		"no fact yet":               {nil, abandoned, KeyInProgress},
		"no fact for too long":      {nil, abandoned + 1, KeyOrphaned},
		"uploading":                 {[]events.Event{started}, abandoned, KeyInProgress},
		"silent for too long":       {[]events.Event{started}, abandoned + 1, KeyOrphaned},
		"sealed":                    {[]events.Event{started, sealed}, time.Hour, KeyStored},
		"importing":                 {[]events.Event{started, sealed, importing}, 0, KeyStored},
		"finished":                  {[]events.Event{started, sealed, finished}, 0, KeyStored},
		"cancelled before its seal": {[]events.Event{started, cancelled}, 0, KeyReusable},
		"cancelled after its seal":  {[]events.Event{started, sealed, cancelled}, 0, KeyStored},
		"aborted":                   {[]events.Event{started, aborted}, 0, KeyReusable},
		"aborted before its start":  {[]events.Event{aborted}, 0, KeyReusable},
	} {
		t.Run(name, func(t *testing.T) {
			s := after(t, tt.history...)
			if got := s.KeyState(tt.silent, abandoned); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestSameUpload(t *testing.T) {
	s := after(t, started, sealed)
	for name, tt := range map[string]struct {
		kind  *events.Kind
		query string
		bytes uint64
		sum   string
		want  bool
	}{
		"same":          {events.Licenses, "", 9, "ab", true},
		"other kind":    {events.Features, "", 9, "ab", false},
		"other query":   {events.Licenses, "dry_run=true", 9, "ab", false},
		"other length":  {events.Licenses, "", 8, "ab", false},
		"other content": {events.Licenses, "", 9, "ac", false},
	} {
		if got := s.SameUpload(tt.kind, tt.query, tt.bytes, tt.sum); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if s := after(t, started); s.SameUpload(events.Licenses, "", 0, "") {
		t.Error("an upload without a seal is the same as another")
	}
}

func TestAbandonedUpload(t *testing.T) {
	some, none := AbandonedUpload(1, 3), AbandonedUpload(1, 0)
	if some.Code != "upload_abandoned" || some.Rows != 3 || some.JobID != 1 ||
		none.Code != some.Code || none.Message == some.Message {
		t.Errorf("%+v, %+v", some, none)
	}
}
