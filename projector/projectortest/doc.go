// Package projectortest has the streams and the events that the tests of packages projector and
// readapi share.
package projectortest
