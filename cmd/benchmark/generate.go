package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"

	"licenseimport/events"
)

// shape describes a generated file. Equal shapes give equal files.
type shape struct {
	rows    int
	seed    uint64  // files of different seeds have no key in common
	full    bool    // all columns, each filled, instead of 12
	invalid float64 // share of rows with a bad value
	repeat  float64 // share of rows that repeat the key of an earlier row
	changed float64 // share of rows whose note is another one than that of a file without it
	bytes   int64   // ends the file early, at this size; 0: no bound
}

// String is a file name without extension, unique to the shape.
func (s shape) String() string {
	return fmt.Sprintf("%d-seed%d-full%t-invalid%g-repeat%g-changed%g", s.rows, s.seed, s.full, s.invalid, s.repeat, s.changed)
}

// shapeFlags are the flags that describe a file.
func shapeFlags(flags *flag.FlagSet, rows int) *shape {
	s := &shape{}
	flags.IntVar(&s.rows, "rows", rows, "rows of the file")
	flags.Uint64Var(&s.seed, "seed", 1, "files of different seeds have no key in common")
	flags.Float64Var(&s.invalid, "invalid", 0, "share of invalid rows, 0 to 1")
	flags.Float64Var(&s.repeat, "repeat", 0, "share of rows that repeat a key, 0 to 1")
	flags.BoolVar(&s.full, "full", false, "all columns filled instead of 12")
	return s
}

// twelve lists the columns of an ordinary file.
var twelve = []string{
	"license__license_key", "product__short_code", "customer__email", "customer__first_name", "customer__last_name",
	"customer__company_name", "order__store_id", "license__max_activations", "license__license_type",
	"license__validity_period", "license__enabled", "license__note",
}

var (
	firstNames = []string{"Ada", "Jürgen", "Zoë", "Łukasz", "Mary", "Amina", "Søren", "Chiara"}
	lastNames  = []string{"Lovelace", "Müller", "O'Neill", "Kowalski", "Smith", "Nakamura", "Ødegaard", "Rossi"}
	products   = []string{"photo-pro", "photo-lite", "sync"}
	types      = []string{"time-limited", "subscription", "consumption"}
)

// write generates the file.
func (s shape) write(to io.Writer) error {
	written := &counter{to: to}
	w := bufio.NewWriterSize(written, 1<<20)
	random := rand.New(rand.NewPCG(s.seed, 1))
	columns := twelve
	if s.full {
		columns = events.Licenses.ColumnNames()
	}
	for i, name := range columns {
		comma(w, i)
		w.WriteString(name)
	}
	w.WriteByte('\n')
	for row := range s.rows {
		if s.bytes > 0 && written.n >= s.bytes {
			break
		}
		s.writeRow(w, random, columns, row)
	}
	return w.Flush()
}

func (s shape) writeRow(w *bufio.Writer, random *rand.Rand, columns []string, row int) {
	key := row
	if row > 0 && random.Float64() < s.repeat {
		key = random.IntN(row)
	}
	bad := random.Float64() < s.invalid
	customer := random.IntN(s.rows/2 + 1)
	for i, name := range columns {
		comma(w, i)
		switch name {
		case "license__license_key":
			w.Write(appendKey(w.AvailableBuffer(), s.seed, key))
		case "product__short_code":
			w.WriteString(products[key%len(products)])
		case "customer__email":
			fmt.Fprintf(w, "customer%d@example.com", customer)
		case "customer__first_name":
			w.WriteString(firstNames[customer%len(firstNames)])
		case "customer__last_name":
			w.WriteString(lastNames[customer/8%len(lastNames)])
		case "customer__company_name":
			fmt.Fprintf(w, "Company %d Ltd", customer/3)
		case "order__store_id":
			fmt.Fprintf(w, "order-%d-%d", s.seed, row/2)
		case "license__max_activations":
			if bad {
				w.WriteString("many")
			} else {
				fmt.Fprintf(w, "%d", 1+row%9)
			}
		case "license__license_type":
			w.WriteString(types[row%len(types)])
		case "license__validity_period": // a license has this one or the next
			if !s.full || row%2 == 0 {
				fmt.Fprintf(w, "20%02d-%02d-%02d", 30+row%9, 1+row%12, 1+row%28)
			}
		case "license__valid_duration":
			if row%2 == 1 {
				fmt.Fprintf(w, "%dm", 1+row%36)
			}
		case "license__enabled":
			w.WriteString("true")
		case "license__note":
			ticket := row
			if hash(row) < s.changed {
				ticket = -row - 1
			}
			fmt.Fprintf(w, "\"moved from the old shop, ticket %d\"", ticket)
		default:
			w.WriteString(filler(name))
		}
	}
	w.WriteByte('\n')
}

// hash spreads rows evenly over 0 to 1, independently of the random numbers of the other values.
func hash(row int) float64 { return float64(uint32(row)*2654435761) / (1 << 32) }

// counter counts the bytes written.
type counter struct {
	to io.Writer
	n  int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// appendKey appends a license key. The keys of a file are not in sorted order.
func appendKey(b []byte, seed uint64, key int) []byte {
	return fmt.Appendf(b, "%04X-%08X-%08X", seed, uint32(key)*2654435761, key)
}

// filler returns a valid value for a column without a special rule in write.
func filler(name string) string {
	i, _ := events.Licenses.ColumnIndex(name)
	switch column := &events.Columns[i]; column.Type {
	case events.Bool:
		return "true"
	case events.Int:
		return "12"
	case events.Date:
		return "2031-05-06"
	case events.Duration:
		return "1y"
	case events.Enum:
		return column.Choices[0]
	default:
		return "value of " + name
	}
}

func comma(w *bufio.Writer, i int) {
	if i > 0 {
		w.WriteByte(',')
	}
}
