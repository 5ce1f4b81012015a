// Package robustnesstest holds the tests of hard days: of those who may not, of too many at once, of full disks, cut-off files, foreign
// networks and orders to stop.
//
// The program is built once and run as anybody runs it; the tests know it by its ports and files. What kill -9 does is crashtest's
// subject, what is promised on quiet days contracttest's.
//
//   - access: every route against every kind of caller; what a secret may be found in.
//   - overload: more of everything than there is room for; what the process takes meanwhile, and how fast /healthz answers.
//   - disk: a full one, and a stream that lost its end.
//   - network: certificates, users and permissions, over HTTP and NATS.
//   - stop: SIGTERM in the middle of everything.
//   - golden: a data folder that was written once and has to be read for ever.
//
// Each runs for some seconds. LICENSEIMPORT_LONG=1 in the environment makes the same tests larger.
package robustnesstest
