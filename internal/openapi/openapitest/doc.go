// Package openapitest validates the answers that a test gets against openapi.yaml.
//
//	client := openapitest.Client(t, nil)
//	res, err := client.Get(server.URL + "/api/v1/me/")
//
// The client behaves like any other. It fails the test where an answer differs from the
// document:
//
//   - its status or media type is not described, or a header is missing or wrong;
//   - its JSON has a member too many, one too few, or one of another type;
//   - it is a success although the document does not describe the request: an unknown
//     parameter, a missing key, another media type;
//   - a method that a path does not have, or an unknown path below /api/, is not refused
//     by a problem.
//
// A test may send any request that is refused. The client reads no request bodies, and of
// answers only JSON: uploads, CSV files and event streams pass through. It ignores paths
// outside of /api/ that the document does not describe, such as the web page's files.
//
// A [Coverage] records the described answers that its clients have seen.
package openapitest
