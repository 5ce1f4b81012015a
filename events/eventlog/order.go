package eventlog

import (
	"log/slog"
	"time"

	"licenseimport/events"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats-server/v2/server"
)

// How the subjects of LICENSES are ordered in memory: see ADR 52.
const (
	orderAfter = 1 << 20               // messages after the last time
	orderShare = 5                     // and a fifth of all
	orderNodes = 256                   // at once, in some 0.3 ms, while nobody stores or reads
	orderFor   = 20 * time.Millisecond // one after the other
	orderPause = 20 * time.Millisecond // after these
)

// An orderer has the subjects of LICENSES ordered in the server's memory, each time that the stream has so many more
// messages than at the pass before. It belongs to supervise, which pauses for orderPause after each step.
type orderer struct {
	of      *Server
	every   uint64 // orderAfter
	srv     *server.Server
	ordered uint64               // the stream's last sequence when the last pass began
	pass    *natstuning.Ordering // nil: none goes on
	failed  bool                 // it has logged why it does nothing
}

// step goes on with a pass for a moment, or begins one if it is time to. It reports whether the pass goes on.
func (o *orderer) step(srv *server.Server) (more bool) {
	if o.srv != srv {
		o.srv, o.ordered, o.pass = srv, 0, nil
		if o.of.inOrder {
			o.ordered = o.of.indexed // the server has filled its tree in the order of the index
		}
	}
	stream := o.of.direct.stream(srv, events.LicensesStream)
	if stream == nil || o.failed {
		return false // it is not there yet, or this release has other private fields
	}
	head := stream.Head()
	if head < o.ordered { // it is another stream
		o.ordered, o.pass = 0, nil
	}
	if o.pass == nil {
		if !isDue(head, o.ordered, o.every, orderShare) {
			return false
		}
		o.ordered, o.pass = head, stream.Order()
	}
	for began := time.Now(); ; {
		more, err := o.pass.Step(orderNodes)
		if err != nil {
			o.failed = true
			slog.Warn("the stream's subjects stay in memory as they are: imports take longer with millions of licenses",
				"stream", events.LicensesStream, "reason", err)
		}
		if !more {
			o.pass = nil
			return false
		}
		if time.Since(began) >= orderFor {
			return true
		}
	}
}
