// Package openapitest holds the real answers of a test against openapi.yaml.
//
//	client := openapitest.Client(t, nil)
//	res, err := client.Get(server.URL + "/api/v1/me/")
//
// The client behaves like any other and fails the test, without disturbing it,
// where an answer is not what the document says:
//
//   - its status or media type is not described, or a header is missing or wrong;
//   - its JSON has a member too many, one too few, or one of another type;
//   - it is a success although the request is not what the document describes:
//     a parameter that it does not know, a missing key, another media type;
//   - a method that a path does not have, or an address below /api/ that does not
//     exist, is not refused by a problem.
//
// Requests that are refused may be as wrong as the test wants. Bodies of requests
// are never read here, and of answers only those in JSON: uploads, CSV files and
// event streams pass through as they come. Addresses outside of /api/ that are
// not described, such as the files of the web page, are not looked at.
//
// A [Coverage] remembers what its clients have seen.
package openapitest
