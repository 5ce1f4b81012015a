package projectortest

import (
	"fmt"
	"math/rand/v2"

	"licenseimport/events"
)

func yes[T any](v T) *T { return &v }

// Started is an import of a file of four columns.
func Started(id events.JobID, manager string) *events.ImportStarted {
	return &events.ImportStarted{JobID: id, FileName: "file.csv", Manager: manager, Mode: events.Partial, Delimiter: ",",
		Columns: []string{"license__license_key", "product__short_code", "customer__email", "order__store_id"}}
}

// Imported is a license; a customer without an e-mail is none.
func Imported(id events.JobID, row events.Row, product, key, email, store string) *events.LicenseImported {
	e := &events.LicenseImported{JobID: id, Row: row, License: events.License{Key: key, Enabled: yes(true), MaxActivations: yes(1)},
		Product: events.Product{ShortCode: product}, Order: events.Order{StoreID: store}}
	if email != "" {
		e.Customer = &events.Customer{Email: email, FirstName: "First " + key}
	}
	return e
}

// Rejected is a row that was rejected for errors of its e-mail.
func Rejected(id events.JobID, row events.Row, codes ...events.Code) *events.RowRejected {
	e := &events.RowRejected{JobID: id, Row: row, Line: uint64(row) + 1}
	e.Values[events.ColumnKey] = fmt.Sprintf("BAD-%d", row)
	for _, code := range codes {
		e.Errors = append(e.Errors, events.Columns[events.ColumnEmail].Error(code, "x"))
	}
	return e
}

// Progressed is the end of a batch of the import phase.
func Progressed(id events.JobID, row events.Row, imported, existed, rejected events.Row) *events.ImportProgressed {
	return &events.ImportProgressed{JobID: id, Phase: events.Import, Row: row,
		Counts: events.Counts{Imported: imported, Existed: existed, Rejected: rejected}}
}

// Sealed is the end of an upload.
func Sealed(id events.JobID, rows events.Row) *events.ImportSealed {
	return &events.ImportSealed{JobID: id, Rows: rows}
}

// Finished is a success.
func Finished(id events.JobID, row events.Row, imported, existed, rejected events.Row) *events.ImportFinished {
	return &events.ImportFinished{JobID: id, Status: events.Success, Row: row,
		Counts: events.Counts{Imported: imported, Existed: existed, Rejected: rejected}}
}

// ManyImports are the events of several imports whose batches alternate. Some customers, orders and
// keys repeat, some rows are rejected, one import is cancelled. The same seed gives the same
// events.
func ManyImports(seed uint64, importsN, rows int) []events.Event {
	random := rand.New(rand.NewPCG(seed, 1))
	var all []events.Event
	origins := map[string]events.Origin{}
	at := make([]events.Row, importsN)
	counts := make([]events.Counts, importsN)
	for i := range importsN {
		id := events.JobID(i + 1)
		all = append(all, Started(id, []string{"anna", "bert"}[i%2]), &events.ImportSealed{JobID: id, Rows: events.Row(rows)},
			Progressed(id, 0, 0, 0, 0))
	}
	for open := importsN; open > 0; {
		i := random.IntN(importsN)
		if int(at[i]) >= rows {
			continue
		}
		id := events.JobID(i + 1)
		for range min(1+random.IntN(20), rows-int(at[i])) {
			at[i]++
			all = append(all, manyRow(random, id, at[i], &counts[i], origins))
		}
		c := counts[i]
		switch {
		case int(at[i]) == rows:
			all = append(all, Finished(id, at[i], c.Imported, c.Existed, c.Rejected))
			open--
		case i == 0 && int(at[i]) > rows/2:
			all = append(all, Progressed(id, at[i], c.Imported, c.Existed, c.Rejected), &events.ImportCancelled{JobID: id, Manager: "anna"},
				&events.ImportFinished{JobID: id, Status: events.Failed, Error: &events.Failure{Code: "cancelled", Message: "by anna"}, Row: at[i], Counts: c})
			at[i] = events.Row(rows)
			open--
		default:
			all = append(all, Progressed(id, at[i], c.Imported, c.Existed, c.Rejected))
		}
	}
	return all
}

func manyRow(random *rand.Rand, id events.JobID, row events.Row, c *events.Counts, origins map[string]events.Origin) events.Event {
	if random.IntN(10) == 0 {
		c.Rejected++
		return Rejected(id, row, events.Codes[random.IntN(3)], events.Codes[random.IntN(3)])
	}
	product := []string{"a", "b", "ü"}[random.IntN(3)]
	key := fmt.Sprintf("Key-%05d", random.IntN(4000))
	e := Imported(id, row, product, key, "", "")
	if n := random.IntN(200); n > 20 {
		e.Customer = &events.Customer{Email: fmt.Sprintf("%s%d@example.com", []string{"Ada", "ada"}[random.IntN(2)], n)}
	}
	if n := random.IntN(100); n > 30 {
		e.Order.StoreID = fmt.Sprintf("order-%d", n)
	}
	if random.IntN(5) == 0 {
		e.License.Enabled = yes(false)
	}
	if by, known := origins[product+"/"+key]; known {
		c.Existed++
		return &events.LicenseExisted{JobID: id, Row: row, LicenseKey: key, Product: e.Product, By: by, Customer: e.Customer, Order: e.Order}
	}
	origins[product+"/"+key] = events.Origin{JobID: id, Row: row}
	c.Imported++
	return e
}
