package natstuning

import "unsafe"

// Publish queues a message for the stream, where the server's readers of connections put what clients
// publish. The server owns header and body from now on. Header is a message's header as it is on the wire, or
// empty. The server responds to reply as to a client, and to nobody if it is empty. A stream that was
// deleted, or whose server has ended, loses the message.
//
// Messages published one after the other are queued in this order, and before all that the caller sends over a
// connection afterwards. What a connection checks is left to the caller: the subject is one of the
// stream's, and the message is not larger than the server permits. Core NATS subscribers do not get it.
func (s *Stream) Publish(subject, reply string, header, body []byte) {
	queueInbound(s.stream, s.inbound, subject, reply, header, body, nil, nil)
}

// queueInbound is the server's own function; the pointers are those of its unexported types. The linker
// finds it by its name, and fails if there is none. [TestedVersion] makes sure of its parameters.
//
//go:linkname queueInbound github.com/nats-io/nats-server/v2/server.(*stream).queueInbound
func queueInbound(stream, queue unsafe.Pointer, subject, reply string, header, body []byte, source, trace unsafe.Pointer)
