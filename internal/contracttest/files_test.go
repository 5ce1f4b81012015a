package contracttest

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestWhatTheFileIsWrittenIn: delimiters, line ends, marks and encodings give the same license.
func TestWhatTheFileIsWrittenIn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	wide := func(order binary.AppendByteOrder) func(string) string {
		return func(text string) string {
			var b []byte
			for _, unit := range utf16.Encode([]rune("\uFEFF" + text)) {
				b = order.AppendUint16(b, unit)
			}
			return string(b)
		}
	}
	replace := func(old, by string) func(string) string {
		return func(text string) string { return strings.ReplaceAll(text, old, by) }
	}
	before := func(prefix string) func(string) string { return func(text string) string { return prefix + text } }
	for _, test := range []struct {
		name, query string
		delimiter   string
		written     func(string) string
	}{
		{"comma", "", ",", nil}, {"semicolon", "", ";", nil}, {"tab", "", "\t", nil}, {"pipe", "", "|", nil},
		{"comma said", "?delimiter=comma", ",", nil}, {"tab said", "?delimiter=tab", "\t", nil}, {"pipe said", "?delimiter=pipe", "|", nil},
		{"sep", "", ";", before("sep=;\r\n")}, {"sep in quotes", "", "|", before("\"sep=|\"\n")},
		{"CRLF", "", ",", replace("\n", "\r\n")}, {"no last line end", "", ",", func(s string) string { return strings.TrimSuffix(s, "\n") }},
		{"blank lines", "", ",", func(s string) string { return "\n\n" + s + "\n \n,,\n" }},
		{"UTF-8 with a mark", "", ",", before("\uFEFF")}, {"UTF-8 said", "?encoding=utf-8", ",", nil},
		{"UTF-16 LE", "", ",", wide(binary.LittleEndian)}, {"UTF-16 BE", "", "\t", wide(binary.BigEndian)},
		{"windows-1252", "?encoding=windows-1252", ";", replace("Ä", "\xc4")}, {"a mark wins", "?encoding=windows-1252", ",", before("\uFEFF")},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := test.delimiter
			file := "license__license_key" + d + "product__short_code" + d + "license__note\n" + test.name + d + "psc" + d + "\"Ä;|\t, \"\"x\"\"\"\n"
			if test.written != nil {
				file = test.written(file)
			}
			c := s.as(t, s.admin)
			r := c.imports(test.query, file)
			counts(1, 1, 0, 0, 0, 1, 0, 1, 0).check(t, test.name, r)
			fields{"results.0.license_key": compact(test.name), "results.0.note": `"Ä;|\t, \"x\""`}.
				check(t, test.name, c.get(200, "/api/v1/licenses/?import_id="+r.field("id")))
		})
	}
}

// TestDamagedRows are rejected alone; row and line say where they are.
func TestDamagedRows(t *testing.T) {
	t.Parallel()
	s := serve(t, "--max-row-size", "4KiB")
	c := s.as(t, s.admin)
	file := "license__license_key,product__short_code,license__note\r\n" + // line 1
		"a-1,psc,\"two\nlines\"\n" + // 2 and 3
		"\n" +
		"a-2,psc\n" + // row 2, line 5
		"a-3,psc,x,y\n" +
		"a-4,p\"sc,x\n" +
		"a-5,psc,\"x\"y\n" +
		",,\n" +
		"a-6\xff,psc,\xff\n" + // row 6, line 10
		"a-7,psc," + strings.Repeat("n", 5000) + "\n" +
		"a-8,psc,ok\n" +
		"a-9,psc,\"open\n" + // row 9, line 13
		"a-10,psc,ok\n"
	r := c.imports("", file)
	counts(10, 3, 7, 0, 0, 3, 0, 3, 0).check(t, "the import", r)
	fields{"result.error_counts": `{"field_count":2,"invalid_encoding":1,"malformed_row":3,"row_too_large":1}`}.check(t, "the import", r)
	rows := pages[invalidRow](t, c, resultsPath+r.field("id")+"/invalid_rows/")
	var got []string
	for _, row := range rows {
		got = append(got, fmt.Sprintf("%d %d %s", row.Row, row.Line, row.codes()))
		if row.Raw == "" || row.Errors[0].Message == "" {
			t.Errorf("row %d: raw %q, message %q", row.Row, row.Raw, row.Errors[0].Message)
		}
	}
	want := []string{"2 5 field_count ", "3 6 field_count ", "4 7 malformed_row ", "5 8 malformed_row ",
		"6 10 invalid_encoding license__license_key, invalid_encoding license__note", "7 11 row_too_large ", "9 13 malformed_row "}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if message := rows[4].Errors[0].Message; !strings.Contains(message, "encoding=windows-1252") {
		t.Errorf("invalid_encoding: %s", message)
	}
	if rows[1].Values["license__license_key"] != "a-3" || rows[1].Raw != "a-3,psc,x,y" {
		t.Errorf("row 3: %+v", rows[1])
	}
}

// TestCatalogue: while it is empty every product is accepted; the event carries the product as it was.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	c.imports("", header2+"a-1,anything\n")
	command(t, "products", "set", "pro", "--name", "Photo Pro", "--license-type", "subscription", "--max-activations", "5", "--data", s.data)
	file := "license__license_key,product__short_code,license__license_type,license__max_activations\na-1,pro,,\na-2,pro,perpetual,2\na-3,PRO,,\na-4,anything,,\n"
	r := c.imports("", file)
	counts(4, 2, 2, 0, 0, 2, 0, 2, 0).check(t, "with a catalogue", r)
	fields{"result.error_counts": `{"unknown_product":2}`}.check(t, "with a catalogue", r)
	list := c.get(200, "/api/v1/licenses/?order_by=created_at&import_id="+r.field("id"))
	fields{"results.0.license_type": `"subscription"`, "results.0.max_activations": "5", "results.1.license_type": `"perpetual"`,
		"results.1.max_activations": "2", "results.0.product.name": `"Photo Pro"`}.check(t, "the licenses", list)
	command(t, "products", "set", "pro", "--name", "Photo Pro 2", "--data", s.data)
	products := c.get(200, "/api/v1/products/?short_code=pro")
	fields{"count": "1", "results.0.short_code": `"pro"`, "results.0.product_name": `"Photo Pro 2"`, "results.0.id": list.field("results.0.product.id")}.
		check(t, "the catalogue", products)
	id := products.field("results.0.id")
	fields{"id": id, "short_code": `"pro"`, "product_name": `"Photo Pro 2"`}.check(t, "the product", c.get(200, "/api/v1/products/"+id+"/"))
	c.get(404, "/api/v1/products/0"+id+"/").problem(t, "not_found")
	fields{"count": "2"}.check(t, "licenses by product", c.get(200, "/api/v1/licenses/?product_id="+id+"&product_name__icontains=PHOTO"))
	event := c.get(200, "/api/v1/licenses/"+list.field("results.0.id")+"/event/")
	fields{"data.product.name": `"Photo Pro"`, "data.product.max_activations": "5"}.check(t, "the event", event)
	command(t, "products", "remove", "pro", "--data", s.data)
	fields{"count": "0"}.check(t, "the catalogue", c.get(200, "/api/v1/products/"))
	c.get(404, "/api/v1/products/"+id+"/").problem(t, "not_found")
	fields{"result.valid_row_count": "1"}.check(t, "empty again", c.imports("", header2+"a-9,anything else\n"))
}
