package eventlog

import "testing"

// TestNATSErrorWithoutNames: the log shows what NATS says of a missing permission, but for whom the subject names.
func TestNATSErrorWithoutNames(t *testing.T) {
	t.Parallel()
	const said = "nats: permissions violation: Permissions Violation for Publish to "
	for subject, want := range map[string]string{
		`"licenses.psc.KEY"`: `"licenses.…"`,
		`"$JS.API.DIRECT.GET.LICENSES.features.psc.KEY.code"`: `"$JS.API.DIRECT.GET.LICENSES.features.…"`,
		`"imports.7.finished"`:                                `"imports.7.finished"`,
	} {
		if got := withoutNames(said + subject); got != said+want {
			t.Errorf("%s", got)
		}
	}
}
