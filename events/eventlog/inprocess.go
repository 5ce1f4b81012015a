package eventlog

import "net"

// InProcessConn connects a client of this process to the running server through memory: an in-process
// write wakes its reader directly. With all Ps busy Go's
// scheduler polls the network only every 10 ms, and over loopback one commit pays that latency four
// times: an import of 150,000 rows took 5.2 s instead of 4.6 s.
func (s *Server) InProcessConn() (net.Conn, error) {
	srv := s.running()
	if srv == nil {
		return nil, errStopped
	}
	return srv.InProcessConn()
}
