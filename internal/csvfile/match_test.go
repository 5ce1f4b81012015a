package csvfile

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestMatchHeader(t *testing.T) {
	known := []string{"license__license_key", "product__short_code", "customer__email"}
	tests := map[string]struct {
		header        string
		ignoreUnknown bool
		columns       []int
		problems      string // kind name@position suggestion
	}{
		"all":                    {"customer__email,license__license_key,product__short_code", false, []int{2, 0, 1}, ""},
		"case and white space":   {" License__License_Key ,PRODUCT__SHORT_CODE\t,\u00a0customer__email", false, []int{0, 1, 2}, ""},
		"a joined file's mark":   {"\uFEFFlicense__license_key,product__short_code", false, []int{0, 1}, ""},
		"empty headers":          {",license__license_key, ,product__short_code,", false, []int{-1, 0, -1, 1, -1}, ""},
		"error columns":          {"license__license_key,product__short_code,error__row,Error__Raw,error__row", false, []int{0, 1, -1, -1, -1}, ""},
		"missing":                {"customer__email,product__short_code", false, []int{2, 1}, "missing_column license__license_key@-1"},
		"nothing there":          {",", false, []int{-1, -1}, "missing_column license__license_key@-1; missing_column product__short_code@-1"},
		"twice":                  {"license__license_key,product__short_code,LICENSE__license_key", false, []int{0, 1, -1}, "duplicate_column LICENSE__license_key@2"},
		"unknown":                {"license__license_key,product__short_code,colour", false, []int{0, 1, -1}, "unknown_column colour@2"},
		"unknown ignored":        {"license__license_key,product__short_code,colour,colour", true, []int{0, 1, -1, -1}, ""},
		"unknown with a meaning": {"license__license_key,product__short_code,email", false, []int{0, 1, -1}, "unknown_column email@2 customer__email"},
		"misspelt": {"licence__license_key,product__short_code", false, []int{-1, 1},
			"unknown_column licence__license_key@0 license__license_key; missing_column license__license_key@-1 licence__license_key"},
		"misspelt and ignored": {"License Key,product__short_code", true, []int{-1, 1},
			"missing_column license__license_key@-1 License Key"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			columns, problems := MatchHeader(strings.Split(test.header, ","), known, requiredNames, test.ignoreUnknown)
			if !slices.Equal(columns, test.columns) {
				t.Errorf("columns %v, want %v", columns, test.columns)
			}
			if got := showProblems(problems); got != test.problems {
				t.Errorf("got  %s\nwant %s", got, test.problems)
			}
		})
	}
}

func TestSuggestions(t *testing.T) {
	tests := map[string]string{
		"license_key":              "license__license_key",
		"License-Key":              "license__license_key",
		"licence_key":              "license__license_key",
		"licenses__license_key":    "license__license_key",
		"key":                      "license__license_key",
		"license":                  "license__license_key",
		"email":                    "customer__email",
		"e-mail":                   "customer__email",
		"customer.email":           "customer__email",
		"customer_name":            "customer__first_name",
		"first name":               "customer__first_name",
		"FirstName":                "customer__first_name",
		"company":                  "customer__company_name",
		"short_code":               "product__short_code",
		"product":                  "product__short_code",
		"Product Code":             "product__short_code",
		"max_activation":           "license__max_activations",
		"max activations":          "license__max_activations",
		"notes":                    "license__note",
		"validity":                 "license__validity_period",
		"order_store_id":           "order__store_id",
		"zip":                      "",
		"id":                       "",
		"-":                        "",
		"ライセンス":                    "",
		strings.Repeat("key", 100): "",
	}
	for name, want := range tests {
		if got := suggest(NormalName(name), knownNames, requiredNames); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestHeaderProblemsSayWhatToDo(t *testing.T) {
	_, problems := MatchHeader([]string{"email", "order__type", "Order__Type", "colour", strings.Repeat("x", 1000)}, knownNames, requiredNames, false)
	want := []string{"did you mean customer__email?", "columns 2 and 3 are both named order__type", "unknown_columns=ignore", "…",
		"license__license_key is missing", "product__short_code is missing"}
	for i, p := range problems {
		if !strings.Contains(p.Message, want[i]) || len(p.Message) > 250 {
			t.Errorf("%q does not say %q", p.Message, want[i])
		}
	}
	if len(problems) != len(want) {
		t.Errorf("got %d problems, want %d", len(problems), len(want))
	}
}

func showProblems(problems []HeaderProblem) string {
	var shown []string
	for _, p := range problems {
		shown = append(shown, strings.TrimSpace(string(p.Kind)+" "+p.Name+"@"+strconv.Itoa(p.Position)+" "+p.Suggestion))
	}
	return strings.Join(shown, "; ")
}

func TestIsErrorColumn(t *testing.T) {
	for name, want := range map[string]bool{"error__row": true, " ERROR__x": true, "error_row": false, "": false} {
		if IsErrorColumn(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
