//go:build tools

package contracttest

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"licenseimport/internal/buildtest"
	"licenseimport/internal/freeport"
)

// site is the name in the files of deploy/proxy.
const site = "licenses.example.com"

// TestNginx runs the file for nginx as it is, but for ports and certificate.
func TestNginx(t *testing.T) {
	t.Parallel()
	checkNginx(t, "")
}

// TestNginxBelowAPath makes the changes that the file describes.
func TestNginxBelowAPath(t *testing.T) {
	t.Parallel()
	checkNginx(t, "/licenses", "location / {", "location /licenses/ {", "proxy_pass http://licenseimport;",
		"proxy_pass http://licenseimport/;",
		`X-Forwarded-Prefix "";`, "X-Forwarded-Prefix /licenses;")
}

func checkNginx(t *testing.T, prefix string, changes ...string) {
	p := newProxy(t)
	file := p.file(t, "nginx.conf",
		append(changes, "listen 80;", "listen "+p.http+";", "listen 443 ", "listen "+p.https+" ",
			"/etc/ssl/licenses.example.com/", p.dir+"/")...)
	main := write(t, "main.conf",
		"pid "+p.dir+"/pid; error_log stderr; daemon off; events {}\nhttp { access_log off; default_type text/plain;\n"+
			"client_body_temp_path "+p.dir+"/body; proxy_temp_path "+p.dir+"/proxy; fastcgi_temp_path "+p.dir+"/f; uwsgi_temp_path "+p.dir+"/u; scgi_temp_path "+p.dir+"/s;\n"+
			"include "+file+"; }\n")
	p.run(t, exec.Command("nginx", "-p", p.dir, "-c", main, "-e", "stderr"), p.https)
	if log := p.logs.String(); strings.Contains(log, "[warn]") {
		t.Errorf("nginx warns: %s", log)
	}
	p.check(t, prefix)
}

// TestCaddy does the same with the file for Caddy.
func TestCaddy(t *testing.T) {
	t.Parallel()
	p := newProxy(t)
	_, httpPort, _ := net.SplitHostPort(p.http)
	_, httpsPort, _ := net.SplitHostPort(p.https)
	file := p.file(t, "Caddyfile", site+" {",
		"{\n\tadmin off\n\thttp_port "+httpPort+"\n\thttps_port "+httpsPort+"\n\tdefault_bind 127.0.0.1\n}\n"+
			site+" {\n\ttls "+p.dir+"/cert.pem "+p.dir+"/key.pem")
	caddy := exec.Command("caddy", "run", "--config", file, "--adapter", "caddyfile")
	caddy.Env = append(os.Environ(), "XDG_DATA_HOME="+p.dir, "XDG_CONFIG_HOME="+p.dir)
	p.run(t, caddy, p.https)
	p.check(t, "")
}

// proxy is a reverse proxy in front of a server, on free ports.
type proxy struct {
	*system
	dir         string // with cert.pem and key.pem
	http, https string // addresses
	logs        buildtest.Output
	client      *http.Client // reaches site through the proxy
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{system: serve(t, "--trusted-proxies", "127.0.0.1"), dir: t.TempDir(), http: freeport.Address(),
		https: freeport.Address()}
	roots := p.makeCertificate(t)
	dialer := &net.Dialer{}
	p.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{RootCAs: roots},
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				to := p.https
				if strings.HasSuffix(address, ":80") {
					to = p.http
				}
				return dialer.DialContext(ctx, network, to)
			},
		},
	}
	t.Cleanup(p.client.CloseIdleConnections)
	return p
}

// file is a copy of a file of deploy/proxy with the server's address and the changes, each of which must apply.
func (p *proxy) file(t *testing.T, name string, changes ...string) string {
	t.Helper()
	text := deployFile(t, "proxy/"+name)
	changes = append(changes, "127.0.0.1:8080", strings.TrimPrefix(p.url, "http://"))
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			t.Fatalf("%s has no %q", name, changes[i])
		}
		text = strings.ReplaceAll(text, changes[i], changes[i+1])
	}
	return write(t, name, text)
}

// run starts the proxy and waits until it listens.
func (p *proxy) run(t *testing.T, command *exec.Cmd, address string) {
	t.Helper()
	command.Stdout, command.Stderr = &p.logs, &p.logs
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		<-exited
	})
	eventually(t, "the proxy to listen", func() bool {
		select {
		case err := <-exited:
			exited <- err
			t.Fatalf("the proxy ended: %v: %s", err, &p.logs)
		default:
		}
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// check holds what a client sees through the proxy against what the files promise.
func (p *proxy) check(t *testing.T, prefix string) {
	t.Helper()
	c, direct := p.as(t, p.admin), p.as(t, p.admin)
	through := *p.system
	through.url = "https://" + site + prefix
	c.system, c.client = &through, p.client

	// An upload is streamed: its import is there before its end is sent. So are the import's events.
	upload := c.begin("", 30_000)
	event, stop := p.firstEvent(t, through.url+resultsPath+upload.id+"/events/")
	if event != "event: progress" {
		t.Errorf("the first line of the events is %q", event)
	}
	stop()
	if a := upload.end(); a.status != http.StatusOK || a.header.Get("Location") != through.url+resultsPath+upload.id+"/" {
		t.Errorf("the upload's answer: %d, Location %s", a.status, a.header.Get("Location"))
	}
	direct.await(upload.id)

	// A large body and long headers pass.
	long := strings.Repeat("x", 16<<10)
	large := c.upload(200, "?dry_run=true", header2+strings.Repeat("l-1,psc,"+long[:1000]+"\n", 4_000), "X-Long", long)
	fields{"status": `"success"`, "result.invalid_row_count": "4000"}.check(t, "a file of 4 MB",
		direct.await(large.field("job_id")))

	// Links begin with the address that the client used, whatever the client says of proxies.
	list := c.call(200, "GET", resultsPath+"?limit=1", nil, "X-Forwarded-Prefix", "/evil", "X-Forwarded-Host",
		"evil.example.com", "X-Forwarded-Proto", "http")
	if next, want := list.field("next"), `"`+through.url+resultsPath+"?limit=1&offset=1\""; next != want {
		t.Errorf("next is %s, want %s", next, want)
	}
	for _, path := range []string{"/metrics", "/readyz"} {
		outside := *c
		outside.system = &system{url: "https://" + site}
		outside.get(404, path)
	}
	plain := *c
	plain.system = &system{url: "http://" + site}
	if a := plain.send("GET", "/x?y=z", nil); a.status < 300 || a.status > 308 ||
		!strings.HasPrefix(a.header.Get("Location"), "https://"+site) {
		t.Errorf("without TLS: %d, Location %s", a.status, a.header.Get("Location"))
	}
}

// firstEvent opens an event stream and reads its first line.
func (p *proxy) firstEvent(t *testing.T, url string) (line string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Api-Key "+p.admin)
	resp, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	line, err = bufio.NewReader(resp.Body).ReadString('\n')
	if err != nil {
		t.Errorf("no event while the upload goes on: %v", err)
	}
	return strings.TrimSpace(line), func() { cancel(); resp.Body.Close() }
}

// makeCertificate writes a certificate for the site, which only the test's client trusts.
func (p *proxy) makeCertificate(t *testing.T) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{site},
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{"cert.pem": certificate,
		"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(filepath.Join(p.dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	return roots
}
