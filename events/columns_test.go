package events

import (
	"bytes"
	"encoding/csv"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// testdata/columns.csv has what each column was when it was published. -update adds the rows that are
// missing and changes none.
func TestColumnsAreTheDocumentedOnes(t *testing.T) {
	const path = "testdata/columns.csv"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, want := range rows[1:] {
		documented[want[0]] = true
		i, ok := ColumnIndex(want[0])
		if !ok {
			t.Errorf("%s is not in the table: a published column stays", want[0])
			continue
		}
		if got := describe(&Columns[i]); !reflect.DeepEqual(got, want) {
			t.Errorf("table %q, documented %q", got, want)
		}
	}
	added := bytes.NewBuffer(text)
	writer := csv.NewWriter(added)
	for i := range Columns {
		if c := &Columns[i]; !documented[c.Name] {
			if !*update {
				t.Errorf("%s is not in %s: make generate", c.Name, path)
			}
			_ = writer.Write(describe(c))
		}
	}
	writer.Flush()
	if *update {
		if err := os.WriteFile(path, added.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// describe is a column as a row of testdata/columns.csv.
func describe(c *Column) []string {
	limit, required := "", "no"
	if c.Type == Text || c.Type == Email {
		limit = strconv.Itoa(c.Limit())
	}
	if c.Required {
		required = "yes"
	}
	return []string{c.Name, string(c.Type), limit, strings.Join(c.Choices, " "), required}
}

func TestColumnTableIsWhole(t *testing.T) {
	seen := map[any]string{}
	var record Record
	for i := range Columns {
		c := &Columns[i]
		if c.Name != strings.ToLower(c.Name) || c.Help == "" || c.field == nil {
			t.Errorf("%s: name in lower case, help and field are needed", c.Name)
		}
		if other, taken := seen[c.field(record.target())]; taken && other != "customer__"+c.Name {
			t.Errorf("%s and %s fill the same field", c.Name, other)
		}
		seen[c.field(record.target())] = c.Name
		if (c.Type == Enum) != (len(c.Choices) > 0) {
			t.Errorf("%s: choices are for an enum", c.Name)
		}
		if c.Example != "" {
			if code := c.Set(&record, c.Example); code != "" {
				t.Errorf("%s: the example %q is refused: %s", c.Name, c.Example, code)
			}
		} else if c.Required {
			t.Errorf("%s is required and has no example", c.Name)
		}
		if got, ok := ColumnIndex(c.Name); !ok || got != i {
			t.Errorf("ColumnIndex(%s) = %d, %t", c.Name, got, ok)
		}
	}
	if Columns[ColumnKey].Name != "license__license_key" || Columns[ColumnProduct].Name != "product__short_code" || Columns[ColumnEmail].Name != "customer__email" {
		t.Error("an index names another column")
	}
}

// A field that no column fills would always be empty.
func TestEveryFieldHasItsColumn(t *testing.T) {
	var record Record
	filled := map[any]bool{}
	for i := range Columns {
		filled[Columns[i].field(record.target())] = true
	}
	check := func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			if !filled[v.Field(i).Addr().Interface()] {
				t.Errorf("no column fills %s.%s", v.Type().Name(), v.Type().Field(i).Name)
			}
			if _, ok := ColumnIndex(prefix + name); !ok {
				t.Errorf("the JSON name %s of %s is not its column's", name, v.Type().Name())
			}
		}
	}
	check("license__", reflect.ValueOf(&record.License).Elem())
	check("customer__", reflect.ValueOf(&record.Customer).Elem())
	check("order__", reflect.ValueOf(&record.Order).Elem())
}

func TestColumnIndexIgnoresCaseAndSpace(t *testing.T) {
	for header, want := range map[string]bool{
		"license__license_key": true, "LICENSE__License_Key": true, " \tlicense__license_key\u00a0": true,
		"license_license_key": false, "license__ license_key": false, "": false, "\ufefflicense__license_key": false,
	} {
		if i, ok := ColumnIndex(header); ok != want || ok && i != ColumnKey {
			t.Errorf("ColumnIndex(%q) = %d, %t", header, i, ok)
		}
	}
	if names := Licenses.ColumnNames(); len(names) != 44 || names[ColumnKey] != "license__license_key" {
		t.Errorf("ColumnNames() = %q", names)
	}
}

func TestCleanTrimsAllButTheNote(t *testing.T) {
	for i := range Columns {
		want := "x y"
		if Columns[i].Name == "license__note" {
			want = " \t\u00a0x y\r\n"
		}
		if got := Columns[i].Clean(" \t\u00a0x y\r\n"); got != want {
			t.Errorf("%s: Clean gives %q", Columns[i].Name, got)
		}
	}
}

// Set changes nothing if it refuses a value. Value is nil if nothing was given.
func TestSetAndValue(t *testing.T) {
	bad := map[ColumnType]string{Text: "\x00", Email: "x", Bool: "maybe", Int: "x", Date: "x", Duration: "x", Enum: "x"}
	good := map[ColumnType]struct {
		value string
		want  any
	}{Text: {"é", "é"}, Email: {"a@b.c", "a@b.c"}, Bool: {"No", false}, Int: {"0", 0}, Date: {"2024-02-29", "2024-02-29"}, Duration: {"1d", "1d"}}
	for i := range Columns {
		c := &Columns[i]
		ok := good[c.Type]
		if c.Type == Enum {
			ok.value, ok.want = strings.ToUpper(c.Choices[0]), c.Choices[0]
		}
		var record Record
		if got := c.Value(&record); got != nil {
			t.Errorf("%s of an empty record is %v", c.Name, got)
		}
		if code := c.Set(&record, ok.value); code != "" || c.Value(&record) != ok.want {
			t.Errorf("%s = %q: %q, %v", c.Name, ok.value, code, c.Value(&record))
		}
		before := record
		if code := c.Set(&record, bad[c.Type]); code == "" || !reflect.DeepEqual(record, before) {
			t.Errorf("%s = %q: %q, and the record is %+v", c.Name, bad[c.Type], code, record)
		}
	}
}

func TestErrorReadsAsASentence(t *testing.T) {
	long := strings.Repeat("ü", MaxErrorValue+1)
	got := Columns[ColumnEmail].Error(TooLong, long)
	want := FieldError{Column: "customer__email", Code: TooLong, Message: "must be at most 255 characters long", Value: long[:2*MaxErrorValue]}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for i := range Columns {
		for _, code := range Codes {
			if m := Columns[i].Error(code, "").Message; m == "" || m[0] < 'a' || m[0] > 'z' || strings.HasSuffix(m, ".") || strings.Contains(m, "%!") {
				t.Errorf("%s %s: %q", Columns[i].Name, code, m)
			}
		}
	}
	i, _ := ColumnIndex("license__max_activations")
	if m := Columns[i].Error(InvalidInt, "many").Message; m != "must be a whole number from 0 to 2147483647" {
		t.Errorf("the contract's example reads %q", m)
	}
}

func TestExcerpt(t *testing.T) {
	for _, test := range []struct {
		text string
		n    int
		want string
	}{{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"ééé", 3, "ééé"}, {"éééé", 3, "ééé"}, {"🔑🔑", 1, "🔑"}, {"\xff\xff\xff", 2, "\xff\xff"}, {"abc", 0, ""}} {
		if got := Excerpt(test.text, test.n); got != test.want {
			t.Errorf("Excerpt(%q, %d) = %q, want %q", test.text, test.n, got, test.want)
		}
	}
}
