package eventlog

import (
	"testing"

	"licenseimport/internal/natstuning"
)

// TestServerIsTuned: the embedded server's caches are short soon after its streams exist.
func TestServerIsTuned(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	awaitTrue(t, "short caches", func() bool {
		lifetime, err := natstuning.CacheLifetime(log.server.running())
		if err != nil {
			t.Fatal(err)
		}
		return lifetime == natstuning.BlockLifetime
	})
}
