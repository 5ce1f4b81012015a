package processor

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// TestLongestLicenseSubject: licenses whose key and product are at their limits are published, looked
// up, found again, and selected by a consumer's filter. Their subject has 2826 bytes; a line of the
// NATS protocol holds 4096.
func TestLongestLicenseSubject(t *testing.T) {
	const rows = 600 // their subjects are more than one look-up holds
	h, product := newHarness(t), strings.Repeat("😀", 64)
	key := func(row int) string { return strings.Repeat("+", 680) + fmt.Sprintf("%08d", row) }
	for _, job := range []events.JobID{1, 2} {
		var bodies [][]byte
		for n := range rows {
			row := good(key(n%(rows-1))).event(job, n+1)
			row.Values[events.ColumnProduct] = product
			bodies = append(bodies, h.encode(row))
		}
		if _, err := h.log.AppendRows(t.Context(), job, 0, bodies); err != nil {
			t.Fatal(err)
		}
		started := h.append(&events.ImportStarted{JobID: job, Mode: events.Partial}, 0)
		h.append(&events.ImportSealed{JobID: job, Rows: rows}, started)
	}
	ends := h.run(1, 2)
	if ends[0].Imported+ends[1].Imported != rows-1 || ends[0].Existed+ends[1].Existed != rows+1 {
		t.Errorf("the imports ended as %+v and %+v", ends[0], ends[1])
	}
	h.checkOutcomes(1, rows)
	subject := events.LicenseSubject(product, key(7))
	if len(subject) != 2826 {
		t.Errorf("the subject has %d bytes", len(subject))
	}
	stop := errors.New("found")
	for _, filter := range []string{subject, "licenses." + events.Token(product) + ".>"} {
		err := h.log.Follow(t.Context(), 0, []string{filter}, func(m eventlog.Message) error {
			if m.Subject == subject {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) {
			t.Errorf("a filter of %d bytes: %v", len(filter), err)
		}
	}
}
