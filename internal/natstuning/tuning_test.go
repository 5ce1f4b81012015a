package natstuning

import (
	"bytes"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestTestedVersionIsTheOneInUse fails when go.mod requires another release of nats-server. Then
// run the other tests here, compare the file store's private fields, and set TestedVersion.
func TestTestedVersionIsTheOneInUse(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`(?m)^\s+github\.com/nats-io/nats-server/v2 v(\S+)$`).FindSubmatch(mod)
	if required == nil {
		t.Fatal("go.mod does not require github.com/nats-io/nats-server/v2")
	}
	if string(required[1]) != TestedVersion || server.VERSION != TestedVersion {
		t.Errorf("natstuning.TestedVersion is %s; go.mod requires nats-server %s, which says that it is %s",
			TestedVersion, required[1], server.VERSION)
	}
}

// TestLifetimesAreSet tunes new streams, and the same ones after a restart of the server.
func TestLifetimesAreSet(t *testing.T) {
	dir := t.TempDir()
	for _, streams := range []string{"new streams", "streams after a restart"} {
		srv, conn := start(t, dir)
		fill(t, conn)
		if before := lifetime(t, srv); before <= BlockLifetime {
			t.Errorf("%s cache a block for %v without tuning", streams, before)
		}
		New(false).Tune(srv)
		if after := lifetime(t, srv); after != BlockLifetime {
			t.Errorf("%s cache a block for %v", streams, after)
		}
		fill(t, conn)
		if after := lifetime(t, srv); after != BlockLifetime {
			t.Errorf("a later block of %s is cached for %v", streams, after)
		}
		conn.Close()
		srv.Shutdown()
		srv.WaitForShutdown()
	}
}

func start(t *testing.T, dir string) (*server.Server, *nats.Conn) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	go srv.Start()
	t.Cleanup(srv.Shutdown)
	if !srv.ReadyForConnections(time.Minute) {
		t.Fatal("the server did not start")
	}
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return srv, conn
}

// fill appends more than one block (8 MB) to a stream.
func fill(t *testing.T, conn *nats.Conn) {
	t.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), 512<<10)
	for range 20 {
		if _, err := js.Publish(t.Context(), "s", body); err != nil {
			t.Fatal(err)
		}
	}
}

func lifetime(t *testing.T, srv *server.Server) time.Duration {
	t.Helper()
	d, err := CacheLifetime(srv)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestTunerLogsOnce: where a tuner must not act it changes nothing and logs the reason once.
func TestTunerLogsOnce(t *testing.T) {
	srv, conn := start(t, t.TempDir())
	fill(t, conn)
	before := lifetime(t, srv)
	for name, c := range map[string]struct {
		tuner  *Tuner
		srv    *server.Server
		reason string
	}{
		"disabled":             {New(true), srv, "--nats-tuning=false"},
		"other private fields": {New(false), nil, "other private fields"},
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			former := slog.Default()
			slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
			defer slog.SetDefault(former)
			c.tuner.Tune(c.srv)
			c.tuner.Tune(c.srv)
			if strings.Count(logged.String(), "\n") != 1 || !strings.Contains(logged.String(), c.reason) {
				t.Errorf("logged %q", logged.String())
			}
			if after := lifetime(t, srv); after != before {
				t.Errorf("a block is cached for %v, not %v", after, before)
			}
		})
	}
}

func TestUntestedVersionIsRefused(t *testing.T) {
	if err := New(false).check("2.15.3"); err == nil || !strings.Contains(err.Error(), "2.15.3") {
		t.Errorf("another release: %v", err)
	}
	if err := New(false).check(TestedVersion); err != nil {
		t.Error(err)
	}
}
