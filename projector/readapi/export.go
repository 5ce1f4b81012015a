package readapi

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// orderRange are the query parameters of parseRange.
var orderRange = []string{"range", "from", "to"}

// last30 is the documented range of orders, in days.
const last30 = 30

// exportLicenses answers with the licenses that the filters of the list select, as a file that can be
// imported: each as its last event has it, oldest first. A customer that a customers' import made or changed is as it
// is now.
func (a *API) exportLicenses(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
	filter, err := parseLicenseFilter(r.URL.Query(), m)
	if err != nil {
		return err
	}
	return a.exportCSV(w, r, csvExport{"licenses.csv", events.Licenses.ColumnNames(), func(views *projector.Reader, write func(...string) error) error {
		ids, _, err := views.Licenses(filter.query(views), false)
		if err != nil {
			return err
		}
		return exportEach(views, ids, m, write)
	}})
}

// exportOrders answers with the licenses of the orders that were created in a range, as a file that can be
// imported: what is imported are licenses, and these name their orders.
func (a *API) exportOrders(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
	q, err := parseOrderQuery(r.URL.Query())
	if err != nil {
		return err
	}
	if err := parseRange(r.URL.Query(), time.Now(), &q); err != nil {
		return err
	}
	return a.exportCSV(w, r, csvExport{"orders.csv", events.Licenses.ColumnNames(), func(views *projector.Reader, write func(...string) error) error {
		ids, err := views.LicensesOfOrders(q)
		if err != nil {
			return err
		}
		return exportEach(views, ids, m, write)
	}})
}

// exportCustomers answers with the customers that the filters of the list select, as they are, oldest first: as a file
// that can be imported.
func (a *API) exportCustomers(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	q, err := parseCustomerQuery(r.URL.Query())
	if err != nil {
		return err
	}
	columns := events.Customers.Columns()
	return a.exportCSV(w, r, csvExport{"customers.csv", events.Customers.ColumnNames(), func(views *projector.Reader, write func(...string) error) error {
		ids, _, err := views.Customers(q, false)
		if err != nil {
			return err
		}
		fields := make([]string, len(columns))
		for id := range ids {
			c, err := mustExist(views.Customer(id))
			if err != nil {
				return err
			}
			record := events.Record{Customer: c.Now}
			for i, column := range columns {
				fields[i] = valueText(events.Columns[column].Value(&record))
			}
			if err := write(fields...); err != nil {
				return err
			}
		}
		return nil
	}})
}

// exportEach writes the licenses with some ids.
func exportEach(views *projector.Reader, ids iter.Seq[events.Seq], m access.Manager, write func(...string) error) error {
	fields := make([]string, len(events.Licenses.Columns()))
	for id := range ids {
		l, err := mustExist(views.License(id))
		if err != nil {
			return err
		}
		record := recordOf(l.Event)
		if !m.Limited() {
			now, err := views.ImportedCustomer(l)
			if err != nil {
				return err
			}
			if now != nil {
				record.Customer = *now
			}
		}
		for _, i := range events.Licenses.Columns() {
			fields[i] = valueText(events.Columns[i].Value(&record))
		}
		if err := write(fields...); err != nil {
			return err
		}
	}
	return nil
}

// recordOf is what an event says, as a row. The customer and the order are as the license's row has them.
func recordOf(e *events.LicenseImported) events.Record {
	r := events.Record{License: e.License, Product: e.Product.ShortCode, Order: e.Order}
	if e.Customer != nil {
		r.Customer = *e.Customer
	}
	return r
}

// valueText is a column's value as the text of a CSV; "": none.
func valueText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	}
	return ""
}

// csvExport is a file of one moment of the views.
type csvExport struct {
	name   string
	header []string
	// rows passes each row to write.
	rows func(views *projector.Reader, write func(fields ...string) error) error
}

// exportCSV answers with a file.
func (a *API) exportCSV(w http.ResponseWriter, r *http.Request, e csvExport) error {
	header := w.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="`+e.name+`"`)
	if r.Method == http.MethodHead {
		return nil
	}
	err := a.projector.Stream(r.Context(), pacedWriter{r.Context(), w}, func(views *projector.Reader, out io.Writer) error {
		var line []byte
		write := func(fields ...string) error {
			line = csvfile.AppendRecord(line[:0], ',', fields...)
			_, err := out.Write(line)
			return err
		}
		if err := write(e.header...); err != nil {
			return err
		}
		return e.rows(views, write)
	})
	if err != nil {
		header.Del("Content-Disposition") // where nothing was sent yet, the answer is a problem
	}
	if errors.Is(err, syscall.ENOSPC) {
		return httpx.New(http.StatusInsufficientStorage, "disk_full",
			"The server's disk has no space for the file. Free some, or narrow the export.").Because(err)
	}
	return err
}

// pacedWriter gives a client csvPieceTime for each piece, until a context ends.
type pacedWriter struct {
	ctx context.Context
	w   http.ResponseWriter
}

func (p pacedWriter) Write(b []byte) (int, error) {
	if err := context.Cause(p.ctx); err != nil {
		return 0, err
	}
	// The writer of a test has no deadlines, and no slow client.
	_ = http.NewResponseController(p.w).SetWriteDeadline(time.Now().Add(csvPieceTime))
	return p.w.Write(b)
}

// parseRange reads when orders were created: range=last30, or from and to, which are part of the range. Each is
// a day in UTC, or a moment.
func parseRange(query url.Values, now time.Time, q *projector.OrderQuery) error {
	p := &filterParser{query: query}
	from, _ := p.period("from")
	_, to := p.period("to")
	if p.err != nil {
		return p.err
	}
	switch named := query.Get("range"); {
	case named == "":
	case named != "last30":
		return httpx.BadParameter("range", named, "last30")
	case query.Has("from") || query.Has("to"):
		return httpx.BadRequest("invalid_parameter", "Query parameter range excludes from and to: give it, or them.")
	default:
		from = now.AddDate(0, 0, -last30)
	}
	if query.Has("from") && query.Has("to") && !from.Before(to) {
		return httpx.BadRequest("invalid_parameter", "Query parameter from=%s is after to=%s.", query.Get("from"), query.Get("to"))
	}
	q.From, q.To = from, to
	return nil
}

// period reads a date as the imported files write it, and returns the time that it stands for: a day in UTC, or with
// a time of day the microsecond, since times are shown so. end is the first moment after it. Not given: zero times.
func (p *filterParser) period(name string) (begin, end time.Time) {
	if !p.query.Has(name) {
		return begin, end
	}
	value := strings.TrimSpace(p.query.Get(name))
	if _, ok := parseDate(value); !ok {
		p.refuse(name, "a date, YYYY-MM-DD, or a time, such as 2026-01-31T12:00:00Z or 2026-01-31 12:00:00 in UTC")
		return begin, end
	}
	if day, err := time.Parse(time.DateOnly, value); err == nil {
		return day, day.AddDate(0, 0, 1)
	}
	moment, err := time.Parse(time.DateTime, value)
	if err != nil {
		moment, _ = time.Parse(time.RFC3339, strings.ToUpper(value)) // parseDate admits nothing else
	}
	begin = moment.Truncate(time.Microsecond)
	return begin, begin.Add(time.Microsecond)
}
