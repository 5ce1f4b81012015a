package eventlog_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	server := eventlogtest.StartServer(t)
	bare, err := eventlog.Attach(t.Context(), eventlog.Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	c := health(t, bare)
	if len(c.Streams) != 6 || c.Processors != nil || !c.Embedded || c.Cluster != "" || !strings.HasPrefix(c.Version, "2.") {
		t.Errorf("%+v", c)
	}
	for _, s := range c.Streams {
		if s.Problem == nil {
			t.Errorf("%s exists", s.Name)
		}
	}
	if c := health(t, bare); c.Streams[0].Problem == nil {
		t.Error("Health has created a stream")
	}

	log := eventlogtest.Open(t, server)
	appendJobs(t, log)
	c = health(t, bare)
	for _, s := range c.Streams {
		if s.Problem != nil || s.State.Replicas != 1 || len(s.LaggingReplicas) != 0 {
			t.Errorf("%+v", s)
		}
	}
	if c.Streams[1].State.Last != 4 || c.ClockSkew.Abs() > time.Second {
		t.Errorf("%+v", c)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	_ = log.LeaseJobs(ctx, 2, nil, func(context.Context, eventlog.Message) error {
		defer stop()
		for { // until the other worker requests a job
			c, err := bare.Health(ctx)
			if err != nil {
				t.Error(err)
				return nil
			}
			if *c.Processors == (eventlog.ConsumerHealth{InProgress: 1, PullRequests: 1}) {
				return nil
			}
		}
	})
	last, _, _ := log.LastFact(t.Context(), 3)
	if _, err := log.AppendFact(t.Context(), 3, events.SealedSubject(3), nil, last.Seq); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for p := health(t, bare).Processors; p.Pending != 1; p = health(t, bare).Processors { // the server counts it soon
		if time.Since(began) > time.Minute {
			t.Fatalf("%+v, want one pending job", p)
		}
	}
}

func health(t *testing.T, log *eventlog.Log) eventlog.Health {
	t.Helper()
	c, err := log.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// An address that cannot be read holds a password, most likely, which no error repeats.
func TestUnreadableAddress(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"nats://user:sec/ret@a:4222", "nats://user:sec%zzret@a", "nats://user:sec#ret@a"} {
		_, err := eventlog.Attach(t.Context(), eventlog.Config{URL: url})
		if err == nil || strings.Contains(err.Error(), "sec") || !strings.Contains(err.Error(), "%2F for /") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestAttachNowhere(t *testing.T) {
	t.Parallel()
	_, err := eventlog.Attach(t.Context(), eventlog.Config{URL: "nats://127.0.0.1:1", Timeout: 300 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "connect to NATS") {
		t.Error(err)
	}
}
