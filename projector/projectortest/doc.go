// Package projectortest has the streams and the events that the tests of the projector and of its
// readers share.
package projectortest
