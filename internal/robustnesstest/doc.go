// Package robustnesstest tests the program under attack, overload and failing surroundings.
//
// # What it proves
//
// The tests build the program once and use only its ports and files. SIGKILL is the subject of package
// crashtest, the regular behavior that of package contracttest.
//
//   - access: every route for every kind of caller; no output or file holds a secret.
//   - overload: more uploads, requests and bytes than the limits; bounds of memory, and the latency of /healthz.
//   - disk: a full disk; a stream that lost its end.
//   - network: certificates, users and permissions of HTTP and NATS; slow and broken connections.
//   - polls: throughput and latency of many clients that poll a result.
//   - stop: SIGTERM during uploads, imports and event streams.
//   - golden: a data directory that an earlier version wrote (testdata) gives the same answers for ever.
//   - vulnerable: make vuln would find a known vulnerability.
//
// # How to run it
//
//	go test ./internal/robustnesstest
//	LICENSEIMPORT_LONG=1 go test -timeout 20m ./internal/robustnesstest   # the same tests, larger
//	go test -tags mount -run DiskFillsUp ./internal/robustnesstest        # mounts a small disk; needs root
//
// # When a test fails
//
// The message names the bound and the measured value. A bound on time may fail on a busy machine: run the
// test alone before anything else. A failure of the golden test means that data of existing installations
// would be read differently: change the code, never testdata. A secret found in an output is a release
// blocker.
package robustnesstest
