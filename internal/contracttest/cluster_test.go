package contracttest

import (
	"licenseimport/internal/freeport"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// TestClusterConfig starts three NATS servers with deploy's configuration, but for
// addresses and directories, and a program with three replicas on them.
func TestClusterConfig(t *testing.T) {
	t.Setenv("NATS_PASSWORD", "of-the-test")
	var nodes []*server.Options
	var routes []*url.URL
	for range 3 {
		o, err := server.ProcessConfigFile("../../deploy/nats/nats.conf")
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, o)
		routes = append(routes, &url.URL{Scheme: "nats", Host: freeport.Address()})
	}
	checkClusterConfig(t, nodes[0])
	var urls []string
	for i, o := range nodes {
		urls = append(urls, startClusterNode(t, o, o.Routes[i].Hostname(), routes, i))
	}
	s := serve(t, "--nats-url", strings.Join(urls, ","), "--replicas", "3")
	eventually(t, "the cluster to be ready", func() bool {
		families, _ := s.scrape(t)
		return valueOf(families, "licenseimport_part_ready") == 4
	})
}

func checkClusterConfig(t *testing.T, o *server.Options) {
	t.Helper()
	if !o.JetStream || o.StoreDir != "/data" || o.Cluster.Name == "" || len(o.Routes) != 3 {
		t.Errorf("JetStream %v in %s, cluster %q with %d routes", o.JetStream, o.StoreDir, o.Cluster.Name, len(o.Routes))
	}
	if o.Username != "licenseimport" || o.Password != "of-the-test" {
		t.Errorf("the user is %q with %q", o.Username, o.Password)
	}
}

func startClusterNode(t *testing.T, o *server.Options, name string, routes []*url.URL, i int) (url string) {
	t.Helper()
	port, err := strconv.Atoi(routes[i].Port())
	if err != nil {
		t.Fatal(err)
	}
	o.ServerName, o.StoreDir, o.NoSigs, o.NoLog = name, t.TempDir(), true, true
	o.Host, o.Port, o.HTTPPort = "127.0.0.1", -1, 0
	o.Cluster.Host, o.Cluster.Port, o.Routes = "127.0.0.1", port, routes
	node, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	node.Start()
	t.Cleanup(func() { node.Shutdown(); node.WaitForShutdown() })
	eventually(t, "the NATS server "+name, func() bool { return node.Addr() != nil })
	return "nats://licenseimport:of-the-test@" + node.Addr().String()
}
