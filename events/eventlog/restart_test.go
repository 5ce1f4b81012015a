package eventlog

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"licenseimport/events"
)

// TestServerRestartsAfterFullDisk: after ENOSPC the server stores nothing until it has restarted, at
// the same address. It has everything that it acknowledged, and clients reconnect. (A disk that is
// really full: TestDiskFillsUp in internal/robustnesstest.)
func TestServerRestartsAfterFullDisk(t *testing.T) {
	t.Parallel()
	for name, port := range map[string]int{"in-process": 0, "over the network": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := StartServer(ServerConfig{Dir: t.TempDir(), Port: port})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Shutdown()
			config := Config{Server: server}
			if port != 0 {
				config = Config{URL: server.URL()}
			}
			log, err := Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			first, err := log.AppendRows(t.Context(), 1, 0, [][]byte{{1}, {2}})
			if err != nil {
				t.Fatal(err)
			}
			followed := make(chan events.Seq, 10)
			go func() {
				_ = log.Follow(t.Context(), 0, nil, func(m Message) error { followed <- m.Seq; return nil })
			}()
			before, address := server.running(), server.URL()

			(&serverLog{full: &server.full}).Errorf("Critical write error: %v", "write 1.blk: no space left on device")
			if err := server.CheckFreeSpace(); !errors.Is(err, ErrDiskFull) {
				t.Errorf("with a full disk: %v", err)
			}
			awaitTrue(t, "another server", func() bool { return server.CheckFreeSpace() == nil })
			if server.running() == before || server.URL() != address {
				t.Errorf("the server is the same, or at %s instead of %s", server.URL(), address)
			}
			if _, err := log.AppendRows(t.Context(), 1, first, [][]byte{{3}}); err != nil {
				t.Fatal(err)
			}
			row, found, err := log.LastRow(t.Context(), 1)
			if err != nil || !found || row.Seq != 3 || !bytes.Equal(row.Data, []byte{3}) {
				t.Errorf("last row: %+v, %v, %v", row, found, err)
			}
			fact, err := log.AppendFact(t.Context(), 1, events.StartedSubject(1), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := <-followed; got != fact {
				t.Errorf("followed %d, want %d", got, fact)
			}
		})
	}
}

func awaitTrue(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
