//go:build unix

package crashtest

import (
	"context"
	"math/rand/v2"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog/eventlogtest"
)

// nodeTroubles are those of troubles, and more.
var nodeTroubles = append([]trouble{
	{"a follower is killed", killFollower, (*eventlogtest.Cluster).Start},
	{"a follower is cut off the network", cutFollower, (*eventlogtest.Cluster).Heal},
	{"the leader of ROWS is cut off the network", cutLeader(events.RowsStream), (*eventlogtest.Cluster).Heal},
	{"the leader of LICENSES loses its disk", killLeader(events.LicensesStream), wipeAndStart},
}, troubles...)

// tormentNodes has one NATS node after the other in trouble. The next trouble comes when all nodes have caught
// up: three replicas survive one loss at a time. It calls methods of the cluster, and ends the test if it does
// not recover.
func (c *chaos) tormentNodes(ctx context.Context, random *rand.Rand) {
	between := between(random)
	for rest(ctx, between(200*time.Millisecond, 4*time.Second)) {
		if !c.readiness.mayKill(ctx) {
			return
		}
		trouble := nodeTroubles[random.IntN(len(nodeTroubles))]
		c.struck[trouble.name]++
		node := trouble.strike(c.cluster)
		lasts := between(0, 4*time.Second)
		if random.IntN(4) == 0 {
			lasts = between(10*time.Second, 20*time.Second) // the roles go on without the node
		}
		rest(context.Background(), lasts)
		trouble.repair(c.cluster, node)
		c.cluster.WaitForCurrent(-1)
	}
}
