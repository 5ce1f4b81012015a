package eventlog

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// errNoLeader says that an answer may be outdated: the others may have elected a leader and gone on.
var errNoLeader = errors.New("the stream has no leader that most of its replicas follow")

// maxSilence is how long a leader may not have heard from a replica that follows it. Replicas answer its heartbeat each
// second, and elect another leader after four seconds without one at the earliest.
const maxSilence = 3 * time.Second

// info asks once for what the stream's leader says of it. A node that is cut off from the others answers, too, with
// what it had then: after ten seconds it does so as a replica without a leader. Such an answer is [errNoLeader].
func (l *Log) info(
	ctx context.Context, name string, options ...jetstream.StreamInfoOpt,
) (*jetstream.StreamInfo, error) {
	stream, err := l.js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	info := stream.CachedInfo()
	if len(options) > 0 {
		if info, err = stream.Info(ctx, options...); err != nil {
			return nil, err
		}
	}
	if !ofLeader(info) {
		return nil, errNoLeader
	}
	return info, nil
}

// ofLeader reports whether an answer is that of a leader which most replicas followed a moment ago.
func ofLeader(info *jetstream.StreamInfo) bool {
	if info.Cluster == nil || info.Config.Replicas <= 1 {
		return true
	}
	following := 1 // the leader
	for _, peer := range info.Cluster.Replicas {
		if peer.Active > 0 && peer.Active <= maxSilence { // 0: not heard from yet
			following++
		}
	}
	return info.Cluster.Leader != "" && following > info.Config.Replicas/2
}

// Clustered reports whether the server is one of a cluster, whose nodes may know different things: a replica may lag
// behind the leader, or be cut off.
func (l *Log) Clustered() bool { return l.conn.ConnectedClusterName() != "" }
