//go:build linux

package robustnesstest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const boundary = "cut-here"

// part is what comes before a file in a request, and end what comes behind it.
const (
	part = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\n\r\n"
	end  = "\r\n--" + boundary + "--\r\n"
)

// stream uploads what the reader gives, of any length.
func (c *client) stream(file io.Reader, pairs ...string) (answer, error) {
	return c.send("POST", uploadPath, io.MultiReader(strings.NewReader(part), file, strings.NewReader(end)),
		append([]string{"Content-Type", "multipart/form-data; boundary=" + boundary}, pairs...)...)
}

// dial opens a connection without a client library between.
func (p *process) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// uploadHead is the beginning of an upload of unknown length.
const uploadHead = "POST " + uploadPath + " HTTP/1.1\r\nHost: h\r\nAuthorization: Api-Key " + adminKey +
	"\r\nContent-Type: multipart/form-data; boundary=" + boundary + "\r\nTransfer-Encoding: chunked\r\n\r\n"

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// TestHostileUploads: each is refused with the right answer, or imported, and none
// takes much memory or the time of others.
func TestHostileUploads(t *testing.T) {
	t.Parallel()
	p := serve(t, "--max-file-size", fmt.Sprintf("%dMiB", scaled(64, 2048)), "--max-uploads", "4", "--min-upload", "1KiB", "--min-upload-time", "1s")
	p.watch(t, 700)
	c := p.admin()
	size := int64(scaled(48, 1024)) << 20
	for _, test := range []struct {
		name   string
		file   io.Reader
		header []string
		status int
		code   string
	}{
		{"gzip bomb", bomb(t, 3*size), []string{"Content-Encoding", "gzip"}, 413, "too_large"},
		{"10,000 columns", strings.NewReader(strings.Repeat("c,", 10_000) + "\n"), nil, 400, "too_many_columns"},
		{"endless header line", endless(8<<20, "x"), nil, 400, "header_too_large"},
		{"endless line of delimiters", endless(size, ","), nil, 400, ""},
		{"endless blank lines", io.MultiReader(strings.NewReader(header), endless(size, "\n")), nil, 400, "no_rows"},
		{"quoted field without end", io.MultiReader(strings.NewReader(header+"a-1,\""), endless(size, "x")), nil, 200, ""},
		{"row without end", io.MultiReader(strings.NewReader(header+"a-2,"), endless(size, "x")), nil, 200, ""},
		{"quotes only", io.MultiReader(strings.NewReader(header+"a-3,\""), endless(1<<20, "\"")), nil, 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			began := time.Now()
			a, err := c.send("POST", uploadPath, wrapped(test.file, test.header), append(test.header, "Content-Type", "multipart/form-data; boundary="+boundary)...)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d after %v, memory %d MiB", a.status, time.Since(began).Round(time.Millisecond), p.resident(t))
			if a.status != test.status || test.code != "" && a.decode(t).Code != test.code {
				t.Fatalf("%d, want %d %s: %s", a.status, test.status, test.code, a.body)
			}
			if a.status == 200 {
				if r := c.await(t, a.decode(t).JobID); r.Status != "success" || r.Result.Invalid == 0 || r.Result.Imported != 0 {
					t.Errorf("the import: %+v %+v", r, r.Result)
				}
			}
		})
	}
}

// TestLargestFile sends a file of --max-file-size, to the byte, which is taken, and one with a
// byte more, which is not: in the long run with the default, 4 GiB.
func TestLargestFile(t *testing.T) {
	t.Parallel()
	most, flags := int64(32)<<20, []string{"--max-file-size", "32MiB"}
	if long {
		most, flags = 4<<30, nil
	}
	p := serve(t, flags...)
	p.watch(t, 700)
	c := p.admin()
	first := rows("first", 100)
	last := "\nlast,psc\n"
	between := most - int64(len(first)+len(last)) // one row: as many as fit would take an hour
	for name, test := range map[string]struct {
		between int64
		status  int
		code    string
	}{"largest": {between, 200, ""}, "a byte too large": {between + 1, 413, "too_large"}} {
		began := time.Now()
		a, err := c.stream(io.MultiReader(strings.NewReader(first), endless(test.between, "x"), strings.NewReader(last)))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d after %v, memory %d MiB", name, a.status, time.Since(began).Round(time.Millisecond), p.resident(t))
		if a.status != test.status || a.decode(t).Code != test.code {
			t.Fatalf("%s: %d, want %d %s: %s", name, a.status, test.status, test.code, a.body)
		}
		r := c.await(t, a.decode(t).JobID)
		if test.status == 200 && (r.Status != "success" || r.Result.Total != 102 || r.Result.Invalid != 1) {
			t.Errorf("%s: %+v %+v", name, r, r.Result)
		}
		if test.status == 413 && (r.Status != "error" || r.Result != nil) {
			t.Errorf("%s: %+v %+v", name, r, r.Result)
		}
	}
}

// wrapped is a file as a request's body, unless the whole body is packed.
func wrapped(file io.Reader, header []string) io.Reader {
	if len(header) > 0 {
		return file
	}
	return io.MultiReader(strings.NewReader(part), file, strings.NewReader(end))
}

// bomb is a request's body that unpacks to so many bytes.
func bomb(t *testing.T, size int64) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(w, io.MultiReader(strings.NewReader(part+header), strings.NewReader("a-1,"), endless(size, "x"), strings.NewReader(end)))
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &b
}

// endless is a text again and again, up to so many bytes.
func endless(size int64, text string) io.Reader {
	return io.LimitReader(&repeated{text: []byte(strings.Repeat(text, 1+8192/len(text)))}, size)
}

type repeated struct {
	text []byte
	at   int
}

func (r *repeated) Read(p []byte) (n int, err error) {
	for n < len(p) {
		k := copy(p[n:], r.text[r.at:])
		n, r.at = n+k, (r.at+k)%len(r.text)
	}
	return n, nil
}

// TestCrowd: of 200 uploads at once 16 pass and all others are told to come back; clients that
// vanish free their places.
func TestCrowd(t *testing.T) {
	t.Parallel()
	p := serve(t)
	p.watch(t, 700)
	c := p.admin()
	release, held := make(chan struct{}), make(chan answer, 16)
	for i := range 16 {
		file := &opening{first: strings.NewReader(rows(fmt.Sprint("held-", i), 200)), release: release}
		go func() {
			a, err := c.stream(file)
			if err != nil {
				t.Error(err)
			}
			held <- a
		}()
	}
	eventually(t, "16 uploads", func() bool { return c.get(t, 200, resultsPath).decode(t).Count == 16 })
	var refused atomic.Int32
	var group sync.WaitGroup
	for range 184 {
		group.Go(func() {
			a, err := c.post(rows("refused", 50))
			if err != nil {
				t.Error(err)
			} else if a.status == 503 && a.header.Get("Retry-After") != "" && a.decode(t).Code == "too_many_uploads" {
				refused.Add(1)
			}
		})
	}
	group.Wait()
	close(release)
	for range 16 {
		if a := <-held; a.status != 200 {
			t.Errorf("one of the 16: %d %s", a.status, a.body)
		}
	}
	if refused.Load() != 184 {
		t.Errorf("%d of 184 were refused", refused.Load())
	}
	for range 16 { // they take the place of others until it shows that they are gone
		conn := p.dial(t)
		fmt.Fprint(conn, uploadHead, chunk(part+rows("vanished", 100)))
		conn.Close()
	}
	eventually(t, "a free place again",
		func() bool { a, err := c.post(rows("again", 5)); return err == nil && a.status == 200 })
}

// TestSlowClient: one that sends a byte now and then does not keep its place for ever.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	p := serve(t, "--max-uploads", "1", "--min-upload", "1KiB", "--min-upload-time", "2s")
	slow := p.dial(t)
	fmt.Fprint(slow, uploadHead, chunk(part+header+"slow-1,psc\n"))
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
				_, _ = io.WriteString(slow, chunk("x")) // it may have been cut off by now
			}
		}
	})
	res, err := http.ReadResponse(bufio.NewReader(slow), nil)
	close(stop)
	group.Wait()
	if err != nil || res.StatusCode != 408 {
		t.Errorf("the slow client: %v %v", res, err)
	}
	eventually(t, "a free place again",
		func() bool { a, err := p.admin().post(rows("again", 5)); return err == nil && a.status == 200 })
}

// opening is a file whose end waits.
type opening struct {
	first   io.Reader
	release chan struct{}
}

func (o *opening) Read(p []byte) (int, error) {
	n, err := o.first.Read(p)
	if err == io.EOF {
		<-o.release
	}
	return n, err
}

// TestHeaderBombs: headers that are too large, too many, or do not end.
func TestHeaderBombs(t *testing.T) {
	t.Parallel()
	p := serve(t)
	p.watch(t, 500)
	for name, test := range map[string]string{
		"one of 4 MiB":      "X-Long: " + strings.Repeat("x", 4<<20) + "\r\n",
		"100,000 headers":   strings.Repeat("X-Many: 1\r\n", 100_000),
		"a path of 1 MiB":   "",
		"broken characters": "Bad\x00Name: 1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := "/healthz"
			if test == "" {
				path += strings.Repeat("/x", 1<<19)
			}
			conn := p.dial(t)
			go func() { _, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: h\r\n"+test+"\r\n") }()
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				return // cut off before the answer could be read: as good
			}
			if res.StatusCode != 431 && res.StatusCode != 400 {
				t.Errorf("%d", res.StatusCode)
			}
		})
	}
	t.Run("slowloris", func(t *testing.T) {
		began := time.Now()
		conns := make([]net.Conn, 200)
		for i := range conns {
			conns[i] = p.dial(t)
			fmt.Fprint(conns[i], "GET /healthz HTTP/1.1\r\nHost: h\r\nX-Slow: ")
		}
		for _, conn := range conns {
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			if _, err := io.Copy(io.Discard, conn); err != nil {
				t.Fatalf("the connection is not closed: %v", err)
			}
		}
		t.Logf("cut off after %v", time.Since(began).Round(time.Millisecond))
	})
}

// TestManyReaders: a thousand event streams, in the long run five thousand, and as many polls
// as go, while an import runs. Each stream is told of the end.
func TestManyReaders(t *testing.T) {
	t.Parallel()
	p := serve(t, "--min-upload-time", "1h") // one upload waits for the end of the other
	p.watch(t, scaled(900, 1300))
	c := p.admin()
	release := make(chan struct{})
	uploaded := make(chan answer, 1)
	go func() {
		a, err := c.stream(&opening{first: strings.NewReader(rows("open", 100)), release: release})
		if err != nil {
			t.Error(err)
		}
		uploaded <- a
	}()
	eventually(t, "the import", func() bool { return c.get(t, 200, resultsPath).decode(t).Count == 1 })
	before := p.resident(t)
	streams := make([]net.Conn, scaled(1000, 5000))
	for i := range streams {
		streams[i] = p.dial(t)
		fmt.Fprint(streams[i], "GET "+resultsPath+"1/events/ HTTP/1.1\r\nHost: h\r\nAuthorization: Api-Key "+adminKey+"\r\n\r\n")
	}
	for _, conn := range streams {
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatalf("an event stream: %q %v", line, err)
		}
	}
	t.Logf("%d event streams take %d MiB", len(streams), p.resident(t)-before)

	job := c.upload(t, 200, rows("polled", scaled(20_000, 300_000))).decode(t).JobID
	polls := p.poll(t, fmt.Sprintf("%s%d/", resultsPath, job), 2*time.Second)
	t.Logf("%d polls a second", polls/2)
	if r := c.await(t, job); r.Status != "success" {
		t.Errorf("the import: %+v", r)
	}
	close(release)
	if a := <-uploaded; a.status != 200 {
		t.Errorf("the upload: %d %s", a.status, a.body)
	}
	c.await(t, 1)
	for _, conn := range streams {
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		rest := bufio.NewReader(conn)
		for line := ""; !strings.HasPrefix(line, "event: done"); {
			var err error
			if line, err = rest.ReadString('\n'); err != nil {
				t.Fatalf("an event stream ended without done: %v", err)
			}
		}
	}
}

// poll reads an address as often as it goes for a while; each answer must be 200.
func (p *process) poll(t *testing.T, path string, d time.Duration) int {
	var n atomic.Int64
	var group sync.WaitGroup
	transport := &http.Transport{MaxIdleConnsPerHost: 50}
	defer transport.CloseIdleConnections()
	c := &client{p.url, adminKey, &http.Client{Transport: transport}}
	stop := time.Now().Add(d)
	for range 50 {
		group.Go(func() {
			for time.Now().Before(stop) {
				if a, err := c.send("GET", path, nil); err != nil || a.status != 200 {
					t.Errorf("a poll: %v %d %s", err, a.status, a.body)
					return
				}
				n.Add(1)
			}
		})
	}
	group.Wait()
	return int(n.Load())
}
