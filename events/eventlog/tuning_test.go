package eventlog

import (
	"testing"

	"licenseimport/internal/natstuning"
)

// TestServerIsTuned: the embedded server's caches are short soon after its streams exist.
func TestServerIsTuned(t *testing.T) {
	t.Parallel()
	server, err := StartServer(ServerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	log, err := Open(t.Context(), Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	awaitTrue(t, "short caches", func() bool {
		lifetime, err := natstuning.CacheLifetime(server.running())
		if err != nil {
			t.Fatal(err)
		}
		return lifetime == natstuning.BlockLifetime
	})
}
