package robustnesstest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
)

// certificate makes one for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return write(t, dir, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		write(t, dir, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

func write(t *testing.T, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestHTTPS: a server with a certificate, and the command line that checks it.
func TestHTTPS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	p := serve(t, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(p.url, "https://") {
		t.Fatalf("the address is %s", p.url)
	}
	file := write(t, t.TempDir(), "f.csv", []byte(rows("tls", 20)))
	out := command(t, "import", file, "--server", p.url, "--server-ca", cert, "--key", adminKey)
	if !strings.Contains(out, "20 imported") {
		t.Errorf("the import says %s", out)
	}
	if out, stderr, err := try(t, "import", file, "--server", p.url, "--key", adminKey); err == nil || !strings.Contains(stderr, "certificate") {
		t.Errorf("without the certificate: %v %s%s", err, out, stderr)
	}
	plain := &client{strings.Replace(p.url, "https", "http", 1), adminKey, p.admin().http}
	if a, err := plain.send("GET", "/readyz", nil); err == nil && a.status == 200 {
		t.Error("it speaks without TLS, too")
	}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "https://"), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	if err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

// foreign is a NATS server that is not ours.
func foreign(t *testing.T, o *server.Options) string {
	t.Helper()
	o.Host, o.Port, o.NoSigs, o.NoLog = "127.0.0.1", -1, true, true
	o.JetStream, o.StoreDir = true, t.TempDir()
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the foreign NATS server does not start")
	}
	return "nats://" + s.Addr().String()
}

// TestNATSWithTLSAndCredentials: a server that wants TLS and a credentials file, as
// NATS's own cloud and operators have it.
func TestNATSWithTLSAndCredentials(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	o := &server.Options{TLS: true, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}, TLSTimeout: 5}
	creds := write(t, t.TempDir(), "user.creds", accounts(t, o))
	url := foreign(t, o)

	p := serve(t, "--nats-url", url, "--nats-ca", cert, "--nats-creds", creds)
	if r := p.admin().imports(t, rows("creds", 50)); r.Status != "success" || r.Result.Imported != 50 {
		t.Errorf("the import: %+v", r)
	}
	if out, stderr, err := try(t, "keys", "list", "--nats-url", url, "--nats-ca", cert); err == nil || !strings.Contains(strings.ToLower(stderr), "authorization") {
		t.Errorf("without credentials: %v %s%s", err, out, stderr)
	}
}

// TestNATSWithClientCertificates: a server that lets in only who has a certificate, and a
// user with a password.
func TestNATSWithClientCertificates(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	ours, oursKey := certificate(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(ours)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(text)
	url := foreign(t, &server.Options{
		TLS: true, TLSVerify: true, TLSTimeout: 5, Username: "licenseimport", Password: "open sesame",
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients},
	})
	url = strings.Replace(url, "nats://", "nats://licenseimport:open%20sesame@", 1)
	p := serve(t, "--nats-url", url, "--nats-ca", cert, "--nats-cert", ours, "--nats-key", oursKey)
	if r := p.admin().imports(t, rows("certified", 50)); r.Status != "success" || r.Result.Imported != 50 {
		t.Errorf("the import: %+v", r)
	}
	if strings.Contains(p.logs.String(), "sesame") {
		t.Errorf("the password is told: %s", p.logs.String())
	}
	for name, options := range map[string][]nats.Option{
		"no certificate":      {nats.RootCAs(cert)},
		"another certificate": {nats.RootCAs(cert), nats.ClientCert(cert, key)},
		"another server":      {nats.RootCAs(ours), nats.ClientCert(ours, oursKey)},
	} {
		if nc, err := nats.Connect(url, options...); err == nil {
			nc.Close()
			t.Errorf("%s: one may connect", name)
		}
	}
}

// accounts makes the server trust an operator with one account, and gives a
// credentials file of a user of it.
func accounts(t *testing.T, o *server.Options) []byte {
	t.Helper()
	must := func(pair nkeys.KeyPair, err error) (nkeys.KeyPair, string) {
		if err != nil {
			t.Fatal(err)
		}
		public, err := pair.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		return pair, public
	}
	encode := func(c jwt.Claims, by nkeys.KeyPair) string {
		token, err := c.Encode(by)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	operator, operatorID := must(nkeys.CreateOperator())
	_, systemID := must(nkeys.CreateAccount())
	account, accountID := must(nkeys.CreateAccount())
	user, userID := must(nkeys.CreateUser())

	claims := jwt.NewAccountClaims(accountID)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
	resolver := &server.MemAccResolver{}
	for id, token := range map[string]string{systemID: encode(jwt.NewAccountClaims(systemID), operator), accountID: encode(claims, operator)} {
		if err := resolver.Store(id, token); err != nil {
			t.Fatal(err)
		}
	}
	operatorClaims := jwt.NewOperatorClaims(operatorID)
	operatorClaims.SystemAccount = systemID
	o.TrustedOperators, o.AccountResolver, o.SystemAccount = []*jwt.OperatorClaims{operatorClaims}, resolver, systemID
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(encode(jwt.NewUserClaims(userID), account), seed)
	if err != nil {
		t.Fatal(err)
	}
	return creds
}

// TestEmbeddedServerIsPrivate: it listens on this machine only. There, too, it asks for its token:
// without it a local user can neither publish a license nor read one.
func TestEmbeddedServerIsPrivate(t *testing.T) {
	t.Parallel()
	p := serve(t)
	if !strings.HasPrefix(p.nats, "nats://127.0.0.1:") {
		t.Errorf("it listens on %s", p.nats)
	}
	token, err := os.ReadFile(filepath.Join(p.data, "nats.token"))
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.TrimSpace(string(token))
	lets(t, p.nats, true, nats.Token(secret))
	lets(t, p.nats, false)
	lets(t, p.nats, false, nats.Token("guessed"))
	if r := p.admin().imports(t, rows("private", 20)); r.Status != "success" {
		t.Errorf("the import: %+v", r)
	}
	if strings.Contains(p.logs.String(), secret) {
		t.Error("the token is told")
	}
}

// lets checks whether a client may connect.
func lets(t *testing.T, url string, want bool, options ...nats.Option) {
	t.Helper()
	nc, err := nats.Connect(url, options...)
	if err == nil {
		nc.Close()
	}
	if (err == nil) != want {
		t.Errorf("%s: may connect %v, want %v: %v", url, err == nil, want, err)
	}
}

// TestEmbeddedServerForOtherMachines: beyond this machine it wants TLS, or a secret of the
// operator's choice, and warns where that secret crosses the network in the clear.
func TestEmbeddedServerForOtherMachines(t *testing.T) {
	t.Parallel()
	out, stderr, err := try(t, "nats", "--data", t.TempDir(), "--nats-port", "-1", "--nats-host", "0.0.0.0")
	if err == nil || !strings.Contains(stderr, "--nats-tls-cert") || !strings.Contains(stderr, "password") {
		t.Errorf("with neither: %v %s%s", err, out, stderr)
	}
	wide := func(flags ...string) (p *process, url string) {
		p = launch(t, append([]string{"nats", "--data", filepath.Join(t.TempDir(), "d"), "--nats-port", "-1", "--nats-host", "0.0.0.0"}, flags...)...)
		return p, "nats://127.0.0.1:" + p.nats[strings.LastIndex(p.nats, ":")+1:]
	}
	const warning = "can be reached from other machines without TLS"
	p, url := wide("--nats-password", "open sesame")
	lets(t, url, false)
	lets(t, url, true, nats.UserInfo("licenseimport", "open sesame"))
	eventually(t, "the warning", func() bool { return strings.Contains(p.logs.String(), warning) })
	if strings.Contains(p.logs.String(), "sesame") {
		t.Errorf("the password is told: %s", p.logs.String())
	}

	cert, key := certificate(t)
	p, url = wide("--nats-tls-cert", cert, "--nats-tls-key", key)
	token, err := os.ReadFile(filepath.Join(p.data, "nats.token"))
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.TrimSpace(string(token))
	lets(t, url, true, nats.Token(secret), nats.RootCAs(cert))
	lets(t, url, false, nats.Token(secret)) // which cannot know the server
	lets(t, url, false, nats.RootCAs(cert))
	command(t, "keys", "create", "Ada", "--role", "admin", "--nats-url", url, "--nats-token-file", filepath.Join(p.data, "nats.token"), "--nats-ca", cert)
	if strings.Contains(p.logs.String(), warning) {
		t.Errorf("it warns of TLS that is there: %s", p.logs.String())
	}
}

// TestServeWithTLSForNATS: the process's own connections work beside TLS.
func TestServeWithTLSForNATS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	p := serve(t, "--nats-tls-cert", cert, "--nats-tls-key", key)
	if r := p.admin().imports(t, rows("tls", 200)); r.Status != "success" || r.Result.Imported != 200 {
		t.Errorf("the import: %+v", r)
	}
	command(t, "keys", "list", "--data", p.data, "--nats-ca", cert)
	const want = "a certificate that is not trusted here"
	if _, stderr, err := try(t, "keys", "list", "--data", p.data); err == nil || !strings.Contains(stderr, want) ||
		!strings.Contains(stderr, "--nats-ca") {
		t.Errorf("without the authority: %v, %s", err, stderr)
	}
	if out, _, err := try(t, "doctor", "--data", p.data, "--json"); err == nil || !strings.Contains(out, want) ||
		!strings.Contains(out, "by --nats-ca") {
		t.Errorf("doctor without the authority: %v, %s", err, out)
	}
}

// TestPermissions runs each role as its user of deploy/nats-permissions.conf, and
// tries what each may not.
func TestPermissions(t *testing.T) {
	for _, name := range []string{"OPERATOR", "INGEST", "PROCESSOR", "PROJECTOR", "SERVICE"} {
		t.Setenv(name+"_PASSWORD", strings.ToLower(name)+"-password")
	}
	o, err := server.ProcessConfigFile(filepath.Join("..", "..", "deploy", "nats-permissions.conf"))
	if err != nil {
		t.Fatal(err)
	}
	url := foreign(t, o)
	as := func(user string) string {
		return strings.Replace(url, "nats://", "nats://"+user+":"+user+"-password@", 1)
	}
	permitted(t, "keys", "create", "Ada", "--role", "admin", "--nats-url", as("operator"))
	permitted(t, "products", "set", "psc", "--nats-url", as("operator"))
	overheard := inboxes(t, as("service"))
	projector := launch(t, "projector", "--http", "127.0.0.1:0", "--data", t.TempDir(), "--nats-url", as("projector"))
	processor := launch(t, "processor", "--nats-url", as("processor"))
	ingest := launch(t, "ingest", "--http", "127.0.0.1:0", "--projector-url", projector.url, "--nats-url", as("ingest"))
	for range 2 {
		r := ingest.admin().imports(t, rows("permitted", 100)+"x,unknown\n")
		if r.Status != "success" || r.Result.Invalid != 1 {
			t.Errorf("the import: %+v %+v", r, r.Result)
		}
		retry := ingest.admin().call(t, 200, "POST", fmt.Sprintf("%s%d/retry/", resultsPath, r.ID), nil).decode(t).JobID
		if r := ingest.admin().await(t, retry); r.Status != "success" || r.Result.Invalid != 1 || r.Result.Total != 1 {
			t.Errorf("the retry: %+v %+v", r, r.Result)
		}
	}
	ingest.admin().get(t, 200, "/api/v1/products/")
	const saved = "/api/v1/import-mappings/ours/"
	ingest.admin().call(t, 200, "PUT", saved, strings.NewReader(`{"columns":{"Serial":"license__license_key"}}`))
	ingest.admin().get(t, 200, saved)
	ingest.admin().get(t, 200, "/api/v1/import-mappings/")
	ingest.admin().call(t, 204, "DELETE", saved, nil)
	for user, subjects := range map[string][]string{
		"ingest":    {"licenses.psc.forged", "outcomes.1.rejected", "imports.1.finished", "features.psc.k.forged", "customers.forged", "$JS.API.STREAM.DELETE.LICENSES"},
		"processor": {"rows.1", "imports.9.sealed", "imports.9.cancelled", "$KV.managers.forged", "$KV.products.forged", "$JS.API.STREAM.DELETE.ROWS"},
		"projector": {"licenses.psc.forged", "rows.1", "imports.9.sealed", "$KV.jobs.forged", "$JS.API.STREAM.PURGE.ROWS"},
		"service":   {"licenses.psc.forged", "rows.1", "imports.9.sealed", "$KV.managers.forged", "$JS.API.STREAM.MSG.GET.KV_managers", "$JS.API.DIRECT.GET.ROWS.rows.1"},
	} {
		refused(t, as(user), user, subjects)
	}
	if n := overheard(); n > 0 {
		t.Errorf("the service received %d messages of others' inboxes", n)
	}
	for name, p := range map[string]*process{"ingest": ingest, "processor": processor, "projector": projector} {
		if logs := p.logs.String(); strings.Contains(strings.ToLower(logs), "permissions violation") {
			t.Errorf("%s lacks a permission: %s", name, logs)
		}
	}
	reads(t, as("service"), 100)
	permitted(t, "backup", filepath.Join(t.TempDir(), "backup"), "--nats-url", as("operator"))
}

// permitted runs a command that lacks no permission.
func permitted(t *testing.T, args ...string) {
	t.Helper()
	stdout, stderr, err := try(t, args...)
	if err != nil || strings.Contains(strings.ToLower(stderr), "permissions violation") {
		t.Errorf("%q: %v: %s%s", args, err, stdout, stderr)
	}
}

// inboxes subscribes to all inboxes, and returns how many messages came until then.
func inboxes(t *testing.T, url string) (count func() int64) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	var n atomic.Int64
	if _, err := nc.Subscribe("_INBOX.>", func(*nats.Msg) { n.Add(1) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return func() int64 { _ = nc.Flush(); return n.Load() }
}

// users of deploy/nats-permissions.conf.
var users = []string{"operator", "ingest", "processor", "projector", "service"}

// TestEachUserAtEachSubject tries each user of deploy/nats-permissions.conf at each subject. A user
// that a row does not name is refused.
func TestEachUserAtEachSubject(t *testing.T) {
	for _, name := range users {
		t.Setenv(strings.ToUpper(name)+"_PASSWORD", name+"-password")
	}
	o, err := server.ProcessConfigFile(filepath.Join("..", "..", "deploy", "nats-permissions.conf"))
	if err != nil {
		t.Fatal(err)
	}
	url := foreign(t, o)
	publish, subscribe := (*nats.Conn).Publish, func(nc *nats.Conn, subject string, _ []byte) error {
		_, err := nc.SubscribeSync(subject)
		return err
	}
	for _, row := range []struct {
		what    string
		try     func(*nats.Conn, string, []byte) error
		subject string
		allowed string
	}{
		{"publish", publish, "rows.1", "ingest"},
		{"publish", publish, "imports.1.started", "ingest"},
		{"publish", publish, "imports.1.sealed", "ingest"},
		{"publish", publish, "imports.1.aborted", "ingest"},
		{"publish", publish, "imports.1.cancelled", "ingest"},
		{"publish", publish, "imports.1.progressed", "processor"},
		{"publish", publish, "imports.1.finished", "processor"},
		{"publish", publish, "licenses.psc.forged", "processor"},
		{"publish", publish, "outcomes.1.rejected", "processor"},
		{"publish", publish, "operations.set_aside.1", "operator"},
		{"publish", publish, "operations.manager_key_created.1", "operator ingest"},
		{"publish", publish, "operations.product_removed.1", "operator ingest"},
		{"publish", publish, "uploads.1.alive", "ingest"},
		{"publish", publish, "rows_sync", "operator"},
		{"publish", publish, "$KV.jobs.next", "ingest"},
		{"publish", publish, "$KV.managers.forged", "operator ingest"},
		{"publish", publish, "$KV.sessions.forged", "operator ingest"},
		{"publish", publish, "$KV.last_used.forged", "operator ingest projector"},
		{"publish", publish, "$KV.products.forged", "operator ingest"},
		{"publish", publish, "$JS.API.STREAM.DELETE.LICENSES", "operator"},
		{"publish", publish, "$JS.API.STREAM.PURGE.LICENSES", "operator"},
		{"publish", publish, "$JS.API.STREAM.PURGE.ROWS", "operator ingest"},
		{"publish", publish, "$JS.API.STREAM.MSG.GET.ROWS", "operator ingest processor projector"},
		{"publish", publish, "$JS.API.DIRECT.GET.KV_managers.x", "operator ingest processor projector"},
		{"publish", publish, "$JS.API.DIRECT.GET.LICENSES.outcomes.1.rejected", "operator ingest processor projector"},
		{"publish", publish, "$JS.API.DIRECT.GET.LICENSES.operations.set_aside.1", "operator ingest processor projector service"},
		{"publish", publish, "$JS.API.CONSUMER.CREATE.LICENSES.processor.imports.*.sealed", "operator processor projector"},
		{"publish", publish, "$JS.API.CONSUMER.CREATE.LICENSES.processor.licenses.>", "operator processor projector"},
		{"publish", publish, "$JS.API.CONSUMER.DELETE.LICENSES.processor", "operator processor projector"},
		{"publish", publish, "$JS.API.CONSUMER.MSG.NEXT.LICENSES.processor", "operator processor projector"},
		{"publish", publish, "$JS.API.CONSUMER.PAUSE.LICENSES.processor", "operator processor projector"},
		{"publish", publish, "$JS.ACK.LICENSES.processor.1.1.1.1.1", "operator processor"},
		{"publish", publish, "$JS.API.CONSUMER.CREATE.LICENSES.turn_ROWS", "operator ingest processor projector"},
		{"publish", publish, "$JS.API.CONSUMER.CREATE.LICENSES.turn_LICENSES", "operator processor projector"},
		{"publish", publish, "$JS.API.CONSUMER.CREATE.LICENSES.turn_ROWS.licenses.>", "operator projector"},
		{"publish", publish, "$JS.API.CONSUMER.CREATE.LICENSES.turn_LICENSES.licenses.>", "operator projector"},
		{"publish", publish, "$JS.API.CONSUMER.MSG.NEXT.LICENSES.turn_ROWS", "operator ingest processor projector"},
		{"publish", publish, "$JS.API.CONSUMER.MSG.NEXT.LICENSES.turn_LICENSES", "operator ingest processor projector"},
		{"publish", publish, "$JS.ACK.LICENSES.turn_ROWS.1.1.1.1.1", "operator ingest"},
		{"publish", publish, "$JS.ACK.LICENSES.turn_LICENSES.1.1.1.1.1", "operator processor"},
		{"publish", publish, "$JS.ACK.LICENSES.welcome.1.1.1.1.1", "operator service"},
		{"publish", publish, "$JS.API.CONSUMER.CREATE.LICENSES.welcome.licenses.>", "operator projector service"},
		{"publish", publish, "$JS.API.CONSUMER.CREATE.LICENSES.welcome.outcomes.>", "operator projector"},
		{"publish", publish, "$JS.API.CONSUMER.CREATE.LICENSES.welcome.outcomes.1.rejected", "operator ingest projector"},
		{"publish", publish, "$JS.API.CONSUMER.CREATE.LICENSES.processor.outcomes.1.rejected", "operator processor projector"},
		{"publish", publish, "$JS.API.CONSUMER.MSG.NEXT.LICENSES.welcome", "operator ingest processor projector service"},
		{"publish", publish, "$JS.API.CONSUMER.CREATE.ROWS.spy.rows.>", "operator processor"},
		{"publish", publish, "_INBOX_processor.forged", ""},
		{"subscribe", subscribe, "_INBOX_operator.>", "operator"},
		{"subscribe", subscribe, "_INBOX_ingest.>", "ingest"},
		{"subscribe", subscribe, "_INBOX_processor.>", "processor"},
		{"subscribe", subscribe, "_INBOX_projector.>", "projector"},
		{"subscribe", subscribe, "_INBOX.>", "service"},
		{"subscribe", subscribe, ">", ""},
		{"subscribe", subscribe, "rows.>", ""},
		{"subscribe", subscribe, "licenses.>", ""},
		{"subscribe", subscribe, "outcomes.>", ""},
		{"subscribe", subscribe, "$KV.managers.>", ""},
		{"subscribe", subscribe, "$KV.jobs.>", "processor"},
		{"subscribe", subscribe, "imports.*.started", "processor"},
		{"subscribe", subscribe, "imports.*.sealed", "processor"},
		{"subscribe", subscribe, "imports.*.aborted", "processor"},
		{"subscribe", subscribe, "imports.*.finished", "processor"},
		{"subscribe", subscribe, "uploads.*.alive", "ingest"},
		{"subscribe", subscribe, "$JS.ACK.>", ""},
		{"subscribe", subscribe, "$JS.API.>", ""},
	} {
		for _, user := range users {
			may := permits(t, strings.Replace(url, "nats://", "nats://"+user+":"+user+"-password@", 1), row.try, row.subject)
			if want := slices.Contains(strings.Fields(row.allowed), user); may != want {
				t.Errorf("%s may %s at %s: %v, want %v", user, row.what, row.subject, may, want)
			}
		}
	}
}

// permits reports whether the server lets a user publish at, or subscribe to, a subject.
func permits(t *testing.T, url string, try func(*nats.Conn, string, []byte) error, subject string) bool {
	t.Helper()
	nc, err := nats.Connect(url, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := try(nc, subject, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return !errors.Is(nc.LastError(), nats.ErrPermissionViolation)
}

// refused checks that a user may publish at none of the subjects.
func refused(t *testing.T, url, user string, subjects []string) {
	t.Helper()
	denied := make(chan string, len(subjects)+1)
	nc, err := nats.Connect(url, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err.Error() }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, subject := range subjects {
		if err := nc.Publish(subject, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		select {
		case reason := <-denied:
			if !strings.Contains(strings.ToLower(reason), strings.ToLower(subject)) {
				t.Errorf("%s at %s: %s", user, subject, reason)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s may publish at %s", user, subject)
		}
	}
}

// reads checks that a service gets so many licenses.
func reads(t *testing.T, url string, n int) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	consumer, err := js.CreateOrUpdateConsumer(ctx, "LICENSES", jetstream.ConsumerConfig{Durable: "welcome", FilterSubject: "licenses.>", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := consumer.Fetch(n)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for m := range batch.Messages() {
		if got++; m.DoubleAck(ctx) != nil {
			t.Error("a message cannot be acknowledged")
		}
	}
	if got != n {
		t.Errorf("the service got %d licenses: %v", got, batch.Error())
	}
}
