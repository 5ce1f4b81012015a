package eventlogtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
)

// Rejects counts the error codes that servers respond with.
type Rejects struct {
	mu    sync.Mutex
	codes map[int]int
}

// WatchRejects subscribes to the responses of a server to all clients, until the test ends.
func WatchRejects(t testing.TB, url string) *Rejects {
	t.Helper()
	r := &Rejects{codes: map[int]int{}}
	conn := Connect(t, url)
	if _, err := conn.Subscribe("_INBOX.>", r.onAnswer); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Rejects) onAnswer(m *nats.Msg) {
	var answer struct {
		Error struct {
			Code int `json:"err_code"`
		} `json:"error"`
	}
	if json.Unmarshal(m.Data, &answer) == nil && answer.Error.Code != 0 {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.codes[answer.Error.Code]++
	}
}

// Saw reports whether each of the error codes was seen.
func (r *Rejects) Saw(codes ...int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, code := range codes {
		if r.codes[code] == 0 {
			return false
		}
	}
	return true
}

// String lists the count of each error code.
func (r *Rejects) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprint(maps.Clone(r.codes))
}
