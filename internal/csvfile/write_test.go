package csvfile

import "testing"

func TestGuard(t *testing.T) {
	tests := map[string]string{
		"":            "",
		"plain":       "plain",
		"=1+1":        "'=1+1",
		"+49 30 1234": "'+49 30 1234",
		"-1":          "'-1",
		"@SUM(A1)":    "'@SUM(A1)",
		"\t=1":        "'\t=1",
		"\r=1":        "'\r=1",
		"'=1":         "''=1",
		"'''=1":       "''''=1",
		"'":           "'",
		"'quoted'":    "'quoted'",
		"a=1":         "a=1",

		// Full-width forms; white space or a line feed before the formula.
		"＝1+1": "'＝1+1", "＋49": "'＋49", "－1": "'－1", "＠SUM": "'＠SUM", "'＝1": "''＝1",
		" =1": "' =1", "\u00a0=1": "'\u00a0=1", "\u3000＝1": "'\u3000＝1", " '=1": "' '=1", " a=1": " a=1",
		"\n=1": "'\n'=1", "\r\n=1": "'\r\n'=1", "\n'=1": "'\n''=1", "\na": "\na", "\ta": "'\ta",

		// A delimiter of another locale, or a line break, before the formula.
		"a;=1+1": "a;'=1+1", "a,-1": "a,'-1", "a|＝1": "a|'＝1", "a\t@x": "a\t'@x", "a\n=1": "a\n'=1", "a; =1": "a;' =1",
		";=1": ";'=1", "a;'=1": "a;''=1", "=1;=2": "'=1;'=2", "a;;+1;b": "a;;'+1;b", "a;b=1": "a;b=1", "'a;=1": "'a;'=1",
		"+49,+50": "'+49,'+50", "- one\n- two": "'- one\n'- two", "a - b, c - d": "a - b, c - d",
	}
	for cell, want := range tests {
		if got := Guard(cell); got != want {
			t.Errorf("%q: got %q, want %q", cell, got, want)
		}
		if got := Unguard(want); got != cell {
			t.Errorf("%q: unguarded %q, want %q", want, got, cell)
		}
	}
}

func TestUnguardLeavesOtherCells(t *testing.T) {
	for _, cell := range []string{"", "=1", "'plain", "''", "plain'", "a;=1", "a;'b", "it's -1"} {
		if got := Unguard(cell); got != cell {
			t.Errorf("%q became %q", cell, got)
		}
	}
}

func TestAppendRecord(t *testing.T) {
	tests := map[string]struct {
		delim  byte
		fields []string
	}{
		"a,b\r\n":                        {',', []string{"a", "b"}},
		"a,b;c\r\n":                      {',', []string{"a", "b;c"}},
		"a,b;\"c;d\"\r\n":                {';', []string{"a,b", "c;d"}},
		"\"a \"\"b\"\"\",\"\"\"\"\r\n":   {',', []string{`a "b"`, `"`}},
		"\"a\nb\",\"c\rd\"\r\n":          {',', []string{"a\nb", "c\rd"}},
		"\" a\",\"b\t\",\"\u00a0c\"\r\n": {',', []string{" a", "b\t", "\u00a0c"}},
		",\r\n":                          {',', []string{"", ""}},
		"\"\"\r\n":                       {',', []string{""}},
		"日本\tÄ\r\n":                      {'\t', []string{"日本", "Ä"}},
		"'=1,'+49\r\n":                   {',', []string{Guard("=1"), Guard("+49")}},
		"\"'\t=1\"\t\"a\tb\"\tplain\r\n": {'\t', []string{"'\t=1", "a\tb", "plain"}},
	}
	for want, test := range tests {
		if got := string(AppendRecord([]byte("before\n"), test.delim, test.fields...)); got != "before\n"+want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAppendRecordCostsNoAllocation(t *testing.T) {
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf = AppendRecord(buf[:0], ',', "a", `b "c"`, " d") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
