package csvfile

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expectations of the sample files; read the diff before you commit it")

// The samples are files as programs write them. Beside FILE.csv stands FILE.csv.want: on a first line, if need be, the query that the file is
// uploaded with, then what comes of it.
func TestSamples(t *testing.T) {
	files, err := filepath.Glob("testdata/files/*.csv")
	if err != nil || len(files) < 42 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { checkSample(t, file) })
	}
}

func checkSample(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(file + ".want")
	if err != nil && !*update {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(want), "\n")
	query, given := strings.CutPrefix(first, "query ")
	var got bytes.Buffer
	if given {
		fmt.Fprintln(&got, first)
	}
	values, err := url.ParseQuery(query)
	if !given {
		values, err = nil, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	tellSample(t, &got, bytes.NewReader(data), values)
	if *update {
		if err := os.WriteFile(file+".want", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

// tellSample writes what comes of a file: its error, or its header, the header's problems, and each row.
func tellSample(t *testing.T, w io.Writer, file io.Reader, query url.Values) {
	r := NewReader(file, sampleOptions(t, query))
	h, err := r.Header()
	if err != nil {
		fmt.Fprintf(w, "error %s: %v\n", errorCode(t, err), err)
		return
	}
	columns, problems := MatchHeader(h.Fields, knownNames, requiredNames, query.Get("unknown_columns") == "ignore")
	fmt.Fprintf(w, "header line %d, %s\n", h.Line, DelimiterName(h.Delimiter))
	for _, p := range problems {
		fmt.Fprintf(w, "problem %s: %s\n", p.Kind, p.Message)
	}
	if len(problems) > 0 {
		return
	}
	fmt.Fprintf(w, "columns")
	for _, c := range columns {
		fmt.Fprintf(w, " %s", columnName(c))
	}
	fmt.Fprintln(w)
	tellRows(t, w, r, columns, slices.ContainsFunc(h.Fields, IsGuardedColumn))
}

func tellRows(t *testing.T, w io.Writer, r *Reader, columns []int, guarded bool) {
	rows, damaged := 0, 0
	for {
		row, err := r.Read()
		if err == io.EOF {
			fmt.Fprintf(w, "rows %d, damaged %d\n", rows, damaged)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		rows++
		fmt.Fprintf(w, "row %d line %d ", row.Number, row.Line)
		if d := row.Err; d != nil {
			damaged++
			fmt.Fprintf(w, "%s: %s\n\traw %s\n", d.Code, d.Message, quoteShort(d.Raw))
			continue
		}
		fmt.Fprint(w, "ok")
		for i, c := range columns {
			if value := string(row.Fields[i]); c >= 0 && strings.TrimSpace(value) != "" {
				if guarded {
					value = Unguard(value)
				}
				fmt.Fprintf(w, " %s=%s", columnName(c), quoteShort(value))
			}
		}
		fmt.Fprintln(w)
	}
}

func sampleOptions(t *testing.T, query url.Values) Options {
	o := Options{Known: func(name string) bool { return slices.Contains(knownNames, name) }}
	switch d := query.Get("delimiter"); d {
	case "":
	case "comma", "semicolon", "tab", "pipe":
		i := slices.IndexFunc(delimiters, func(b byte) bool { return DelimiterName(b) == d })
		o.Delimiter = delimiters[i]
	default:
		t.Fatalf("delimiter %q", d)
	}
	if query.Get("encoding") == "windows-1252" {
		o.Encoding = Windows1252
	}
	return o
}

func errorCode(t *testing.T, err error) string {
	var header *HeaderError
	var notCSV *NotCSVError
	switch {
	case errors.Is(err, ErrEmpty):
		return "empty"
	case errors.As(err, &notCSV):
		return "not_csv"
	case errors.As(err, &header):
		return string(header.Code)
	}
	t.Fatal(err)
	return ""
}

func columnName(c int) string {
	if c < 0 {
		return "-"
	}
	return knownNames[c]
}

// quoteShort quotes a value, and of a long one its beginning and its length.
func quoteShort(s string) string {
	if runes := []rune(s); len(runes) > 80 {
		return fmt.Sprintf("%q…%d characters", string(runes[:60]), len(runes))
	}
	return fmt.Sprintf("%q", s)
}
