package contracttest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// books has workbooks that real programs have saved.
const books = "../workbook/testdata"

func book(t *testing.T, name string) string {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(books, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(file)
}

func adminOf(t *testing.T, s *system) *caller { return s.as(t, s.admin) }

// TestWorkbookAndItsCSVGiveTheSameLicenses: a workbook that LibreOffice has saved, and the CSV that it has
// saved from it.
func TestWorkbookAndItsCSVGiveTheSameLicenses(t *testing.T) {
	t.Parallel()
	licenses := func(file string) string {
		c := adminOf(t, serve(t))
		r := c.imports("", file)
		fields{"status": `"success"`, "result.valid_row_count": "2", "result.error_counts": `{"spreadsheet_error":1}`}.check(t, "the result", r)
		var all strings.Builder
		for _, key := range []string{"K-0001", "K-0002"} {
			id := c.get(200, "/api/v1/licenses/?license_key="+key).field("results.0.id")
			event := c.get(200, "/api/v1/licenses/"+id+"/event/")
			for _, part := range []string{"license", "product", "customer", "order"} {
				fmt.Fprintln(&all, event.field("data."+part))
			}
		}
		return all.String()
	}
	if fromBook, fromCSV := licenses(book(t, "libreoffice.xlsx")), licenses(book(t, "libreoffice.csv")); fromBook != fromCSV ||
		!strings.Contains(fromCSV, `"postcode":"01234"`) || !strings.Contains(fromCSV, `"validity_period":"2027-01-31"`) {
		t.Errorf("the workbook gives\n%s\nthe CSV\n%s", fromBook, fromCSV)
	}
}

func TestWorkbook(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	named := c.imports("?sheet=Zweites+Blatt", book(t, "libreoffice.xlsx"))
	fields{"result.created_licenses_count": "1"}.check(t, "a named sheet", named)
	for _, test := range []struct {
		file, query string
		status      int
		code        string
	}{
		{"libreoffice.xls", "", 415, "not_csv"},
		{"libreoffice.ods", "", 415, "not_csv"},
		{"encrypted.xlsx", "", 415, "not_csv"},
		{"libreoffice.xlsx", "?sheet=Drittes", 400, "invalid_parameter"},
		{"libreoffice.csv", "?sheet=Licenses", 400, "invalid_parameter"},
	} {
		c.upload(test.status, test.query, book(t, test.file)).problem(t, test.code)
	}
	cut := book(t, "libreoffice.xlsx")
	c.upload(415, "", cut[:len(cut)/2]).problem(t, "not_csv")
	template := c.get(200, "/api/v1/license-import-template.xlsx")
	counts(1, 1, 0, 1, 0, 1, 0, 1, 0).check(t, "the template", c.imports("", string(template.body)))
	if left, err := os.ReadDir(filepath.Join(s.data, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("temporary files: %v, %v", left, err)
	}
}

// TestWorkbookLimit: --max-workbook-size is of the file as it is sent; unpacked it may be sixteen times as
// large.
func TestWorkbookLimit(t *testing.T) {
	t.Parallel()
	c := adminOf(t, serve(t, "--max-workbook-size", "4KiB"))
	c.upload(413, "", book(t, "libreoffice.xlsx")).problem(t, "too_large")
}

// TestLeftTemporaryFilesAreRemoved: those that a killed process has left in the data directory.
func TestLeftTemporaryFilesAreRemoved(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	left := filepath.Join(data, "tmp", "workbook-1234")
	if err := os.Mkdir(filepath.Dir(left), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("a customer's data"), 0o600); err != nil {
		t.Fatal(err)
	}
	serveOn(t, data)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestImportOfAWorkbookOnTheCommandLine(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	file, err := filepath.Abs(filepath.Join(books, "libreoffice.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	fixed := filepath.Join(data, "fix-me.xlsx")
	out := command(t, "import", file, "--sheet", "licenses", "--data", filepath.Join(data, "d"), "--rejected", fixed)
	if file, err := os.ReadFile(fixed); err != nil || !strings.HasPrefix(string(file), "PK") {
		t.Errorf("%v after %s", err, out)
	}
	if template := command(t, "template", "--format", "xlsx"); !strings.HasPrefix(template, "PK") {
		t.Errorf("the template begins with %.20q", template)
	}
}
