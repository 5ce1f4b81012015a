package freeport

import (
	"net"
	"testing"
)

// TestPortIsGivenOnce: a port can be listened on, and is not given to a second caller before and after that.
func TestPortIsGivenOnce(t *testing.T) {
	port := Port()
	for range 2 {
		listener, err := net.Listen("tcp", address(port))
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
		if hold(port) {
			t.Fatal("the port was given to a second caller")
		}
	}
}

// TestPortInUseIsNotGiven: another program listens.
func TestPortInUseIsNotGiven(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if hold(listener.Addr().(*net.TCPAddr).Port) {
		t.Error("a port on which a process listens was given")
	}
}

// TestPortIsNotEphemeral: the system gives it to no program that asks for any port.
func TestPortIsNotEphemeral(t *testing.T) {
	for range 20 {
		if port := Port(); port < first || port >= first+count {
			t.Errorf("port %d", port)
		}
	}
}
