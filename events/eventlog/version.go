package eventlog

import (
	"fmt"
	"log/slog"
)

// A VersionError says that a NATS server has a known bug that this program depends on being absent.
type VersionError struct{ Version string }

func (e *VersionError) Error() string {
	return fmt.Sprintf("NATS server %s has a bug in the check that keeps each license single (nats-server issue 8376)", e.Version)
}

// CheckVersion returns a *[VersionError] for the versions 2.14.0 to 2.14.3: they mix up the subjects
// of a batch's expectations.
func CheckVersion(version string) error {
	var major, minor, patch int
	_, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch)
	if err == nil && major == 2 && minor == 14 && patch < 4 {
		return &VersionError{Version: version}
	}
	return nil
}

// warnOfVersion logs that the server should be updated.
func (l *Log) warnOfVersion() {
	if err := CheckVersion(l.conn.ConnectedServerVersion()); err != nil {
		slog.Warn("update the NATS server to 2.14.4 or later", "reason", err)
	}
}
