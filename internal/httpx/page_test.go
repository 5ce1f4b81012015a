package httpx

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestParsePage(t *testing.T) {
	for query, want := range map[string]Page{
		"":                                    {20, 0},
		"limit=&offset=":                      {20, 0},
		"limit=1&offset=0":                    {1, 0},
		"limit=100&offset=7":                  {100, 7},
		"limit=101":                           {100, 0},
		"limit=999999999":                     {100, 0},
		"limit=9007199254740992":              {100, 0},
		"limit=99999999999999999999&offset=1": {100, 1},
		"offset=9007199254740991":             {20, 9007199254740991},
		"unknown=x&page_size=7":               {20, 0},
	} {
		if got, err := ParsePage(httptest.NewRequest("GET", "/?"+query, nil)); err != nil || got != want {
			t.Errorf("%s: %v, %v", query, got, err)
		}
	}
	for _, query := range []string{"limit=0", "limit=-1", "limit=-99999999999999999999", "limit=abc", "limit=1.5", "offset=-1", "offset=x",
		"offset=9007199254740992", "offset=99999999999999999999", "limit=%20"} {
		_, err := ParsePage(httptest.NewRequest("GET", "/?"+query, nil))
		e, ok := err.(*Error)
		name, value, _ := strings.Cut(query, "=")
		value = strings.ReplaceAll(value, "%20", " ")
		if !ok || e.Status != 400 || e.Code != "invalid_parameter" || !strings.Contains(e.Detail, name+"="+value+":") {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// TestUnreadableQuery: a filter that cannot be read would otherwise show more than was asked for.
func TestUnreadableQuery(t *testing.T) {
	for _, query := range []string{"q=%", "q=%zz&limit=1", "q=a;limit=1"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = query
		_, err := ParsePage(r)
		if e, ok := err.(*Error); !ok || e.Status != 400 || e.Code != "invalid_parameter" {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestWritePage(t *testing.T) {
	const here = "http://example.com/api/v1/x/?"
	for _, c := range []struct {
		query          string
		count          int
		next, previous string // "": null
	}{
		{"", 20, "", ""},
		{"", 21, here + "limit=20&offset=20", ""},
		{"", 0, "", ""},
		{"limit=2&offset=2", 4, "", here + "limit=2"},
		{"limit=2&offset=3", 6, here + "limit=2&offset=5", here + "limit=2&offset=1"},
		{"limit=2&offset=1", 2, "", here + "limit=2"},
		{"limit=500", 101, here + "limit=100&offset=100", ""},
		{"limit=10&offset=50", 5, "", here + "limit=10&offset=40"},
		{"offset=9007199254740991", 5, "", here + "limit=20&offset=9007199254740971"},
		{"order_by=-created_at&status__iexact=a%26b", 21, here + "limit=20&offset=20&order_by=-created_at&status__iexact=a%26b", ""},
	} {
		r := httptest.NewRequest("GET", "/api/v1/x/?"+c.query, nil)
		p, err := ParsePage(r)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := WritePage[string](w, r, p, c.count, nil); err != nil {
			t.Fatal(err)
		}
		null := func(s string) string {
			if s == "" {
				return "null"
			}
			return `"` + s + `"`
		}
		count := strings.SplitN(w.Body.String(), ",", 2)[0]
		want := count + `,"next":` + null(c.next) + `,"previous":` + null(c.previous) + `,"results":[]}`
		if got := strings.TrimSpace(w.Body.String()); got != want || !strings.HasPrefix(count, `{"count":`) {
			t.Errorf("%q of %d:\ngot  %s\nwant %s", c.query, c.count, got, want)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	w := httptest.NewRecorder()
	if err := WriteJSON(w, 202, map[string]string{"a": "<&>ü"}); err != nil {
		t.Fatal(err)
	}
	if w.Code != 202 || w.Body.String() != "{\"a\":\"<&>ü\"}\n" || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Content-Length") != "14" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
}
