package httpx

import (
	"strings"
	"testing"
)

// TestDecodeJSON: a body that is not what is wanted is refused with the reason, and none is stored as other text
// than was sent.
func TestDecodeJSON(t *testing.T) {
	type body struct {
		Name string `json:"name"`
		Size *int   `json:"size"`
	}
	for text, want := range map[string]string{
		`{"name":"Zoë"}`:                "",
		"\uFEFF{\"name\":\"Zoë\"}\r\n ": "", // as some editors on Windows write it
		"{\"name\":\"Zo\xeb\"}":         "it is not UTF-8",
		"\xff\xfe{\x00}\x00":            "it is not UTF-8",
		"":                              "it is empty",
		"name=Zoë":                      "it is no JSON from character 2 on", // n may be null
		`{"name":"Zoë"`:                 "it is cut off",
		`{"name":"Zoë"} {}`:             "something follows the object",
		`{"name":"Zoë","id":1}`:         `there is no member "id"`,
		`{"name":"Zoë","size":"1"}`:     "size has a wrong value (string)",
		`{"name":"Zoë","size":1.5}`:     "size has a wrong value (number 1.5)",
		`["Zoë"]`:                       "it is no object",
	} {
		var b body
		switch err := DecodeJSON([]byte(text), &b); {
		case err == nil && want == "":
			if b.Name != "Zoë" {
				t.Errorf("%q: the name is %q", text, b.Name)
			}
		case err == nil || want == "" || !strings.Contains(err.Error(), want):
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
