package eventlog

import (
	"net"
	"strconv"
)

// InProcessConn connects a client of this process to the running server through memory. Requests
// use it, appends above all: an in-process write wakes its reader directly. With all Ps busy Go's
// scheduler polls the network only every 10 ms, and over loopback one commit pays that latency four
// times: an import of 150,000 rows took 5.2 s instead of 4.6 s.
func (s *Server) InProcessConn() (net.Conn, error) {
	srv := s.running()
	if srv == nil {
		return nil, errStopped
	}
	return srv.InProcessConn()
}

// loopback connects to the embedded server over TCP, where it listens. Readers of streams use it:
// it takes a quarter less CPU than memory. The in-memory connection has no buffer, so each write
// waits for its reader. A server with TLS demands it of TCP, which costs more than memory.
type loopback struct{ server *Server }

func (l loopback) InProcessConn() (net.Conn, error) {
	srv := l.server.running()
	if srv == nil {
		return nil, errStopped
	}
	addr, listens := srv.Addr().(*net.TCPAddr)
	if !listens || l.server.tls != nil {
		return srv.InProcessConn()
	}
	if addr.IP.IsUnspecified() {
		return net.Dial("tcp", net.JoinHostPort("localhost", strconv.Itoa(addr.Port)))
	}
	return net.Dial("tcp", addr.String())
}
