// Package freeport finds TCP ports for programs that a test or a benchmark starts, and may start again.
//
// A port that the system has chosen and that was closed again belongs to nobody: the system may give it to the next
// program that listens or connects. A [Port] stays free:
//
//   - It is below the range of ephemeral ports, from which the system chooses (Linux: from 32768 on).
//   - This process holds a UDP port that stands for it, until the process ends. So no other process that asks this
//     package gets the port, nor this one again.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// The ports of this package. Another program may listen on some of them. The UDP ports that stand for them follow:
// they have other numbers, because a program may use TCP and UDP of one number (HTTP/3).
const (
	first = 15_000
	count = 7_500
)

// attempts is more than is needed while one port in a hundred is free.
const attempts = 2_000

// held are the UDP ports of the ports that this process was given.
var held struct {
	sync.Mutex
	ports []net.PacketConn
}

// Port returns a port of 127.0.0.1 on which no process listens. It panics if there is none.
func Port() int {
	for range attempts {
		if port := first + rand.IntN(count); hold(port) {
			return port
		}
	}
	panic(fmt.Sprintf("no port is free from %d to %d", first, first+count-1))
}

// Address is 127.0.0.1 with a [Port].
func Address() string { return address(Port()) }

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// hold reports whether a port is free, and holds it if so.
func hold(port int) bool {
	token, err := net.ListenPacket("udp", address(port+count))
	if err != nil {
		return false
	}
	listener, err := net.Listen("tcp", address(port))
	if err != nil {
		token.Close()
		return false
	}
	listener.Close()
	held.Lock()
	defer held.Unlock()
	held.ports = append(held.ports, token)
	return true
}
