package robustnesstest

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events/eventlog"
)

// What must not be seen where it does not belong.
const (
	secretLicense = "SECRET-LICENSE-0815"
	secretEmail   = "secret.person@example.com"
	secretNote    = "a secret note"
	wrongKey      = "lik_zzzzzzzz_secretsecretsecretsecretsecretsecretsecre"
)

// TestSecretsStayWhereTheyBelong does everything with known secrets, mistakes
// above all, and then reads what all processes wrote at debug level, their metrics
// and the problems that clients were told.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	s := startSplit(t)
	key := strings.TrimSpace(command(t, s.nats.with("keys", "create", "Somebody", "--role", "importer")...))
	c := s.ingest.as(key)
	const columns = "license__license_key,product__short_code,customer__email,license__note,license__enabled\n"
	row := secretLicense + ",psc," + secretEmail + "," + secretNote + ",%s\n"
	c.imports(t, columns+fmt.Sprintf(row, "1")+fmt.Sprintf(row, "1")+fmt.Sprintf(row, "perhaps")+secretLicense+",psc,\""+secretEmail+"\n")

	var told strings.Builder
	mistake := func(c *client, method, path string, body io.Reader, pairs ...string) {
		a, err := c.send(method, path, body, pairs...)
		if err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		} else if a.status < 400 {
			t.Errorf("%s %s is no mistake: %d", method, path, a.status)
		}
		told.Write(a.body)
	}
	escaped := url.QueryEscape(secretEmail)
	for _, p := range []*process{s.ingest, s.projector} {
		for _, c := range []*client{p.as(key), p.as(wrongKey), p.as("")} {
			mistake(c, "GET", "/api/v1/licenses/"+secretLicense+"/", nil)
			mistake(c, "GET", "/api/v1/nothing/"+secretLicense+"/?email="+escaped, nil)
			mistake(c, "GET", "/api/v1/licenses/?license_key="+secretLicense+"&customer_email="+escaped+"&limit=many", nil)
			mistake(c, "DELETE", "/api/v1/licenses/?license_key="+secretLicense, nil)
			mistake(c, "POST", resultsPath+"1/cancel/?key="+key, nil)
			body, contentType := form(columns)
			mistake(c, "POST", uploadPath+"?mode=some", body, "Content-Type", contentType)
			mistake(c, "POST", uploadPath, strings.NewReader(part+columns+fmt.Sprintf(row, "1")), "Content-Type", "multipart/form-data; boundary="+boundary, "Idempotency-Key", secretLicense)
		}
	}
	cut := s.ingest.dial(t) // an upload that is cut off in the middle of a row
	fmt.Fprint(cut, strings.ReplaceAll(uploadHead, adminKey, key), chunk(part+columns+fmt.Sprintf(row, "1")+secretLicense))
	cut.Close()

	places := map[string]string{"problems": told.String()}
	for name, p := range map[string]*process{"ingest": s.ingest, "processor": s.processor, "projector": s.projector} {
		places["/metrics of "+name] = string(p.as("").get(t, 200, "/metrics").body)
	}
	places["events"] = stored(t, s.nats.natsConfig())
	for name, p := range map[string]*process{"ingest": s.ingest, "processor": s.processor, "projector": s.projector, "nats": s.nats} {
		p.stop(t)
		places["what "+name+" wrote"] = p.logs.String()
	}
	keys, data := []string{key, adminKey, wrongKey}, []string{secretLicense, secretEmail, escaped, secretNote}
	for place, text := range places {
		forbidden := slices.Concat(keys, data)
		if place == "events" { // they are what the data is for
			forbidden = keys
			if !strings.Contains(text, secretLicense) {
				t.Error("the license is not in the stream: was it imported?")
			}
		}
		if len(text) < 50 {
			t.Errorf("%s: nothing was found to look at: %q", place, text)
		}
		for _, secret := range forbidden {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s: holds %q: %q", place, secret, text[max(0, i-200):i+len(secret)])
			}
		}
	}
}

// stored is all that the stream LICENSES holds.
func stored(t *testing.T, nats eventlog.Config) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	log, err := eventlog.Open(ctx, nats)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	state, err := log.State(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	err = log.Follow(ctx, 0, nil, func(m eventlog.Message) error {
		all.Write(m.Data)
		if m.Seq >= state.Last {
			return io.EOF
		}
		return nil
	})
	if err != io.EOF {
		t.Fatal(err)
	}
	return all.String()
}
