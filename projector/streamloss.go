package projector

import (
	"fmt"
	"slices"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/projector/viewstore"
)

// truncation describes events that the views hold and their stream has lost: its files were
// truncated or restored without the server's knowledge.
type truncation struct {
	after    events.Seq // the stream's end
	to       events.Seq // the views' position
	licenses int
	imports  []events.JobID // that lost licenses, at most maxListedImports
}

const maxListedImports = 20

// truncatedSince tells what the views hold after a sequence.
func truncatedSince(s *viewstore.Store, after events.Seq) (truncation, error) {
	l := truncation{after: after, to: events.Seq(s.Position().Seq)}
	err := s.ReadAll(func(r *viewstore.Reader) error {
		return r.ForEach(allLicenses, uint64(after)+1, func(_ uint64, value []byte) error { return l.add(value) })
	})
	return l, err
}

func (l *truncation) add(value []byte) error {
	rec, ok := parseRecord(value)
	if !ok {
		return ErrDamaged
	}
	l.licenses++
	event, err := decodeAs[*events.LicenseImported](rec.body)
	if err != nil {
		return err
	}
	if len(l.imports) < maxListedImports && !slices.Contains(l.imports, event.JobID) {
		l.imports = append(l.imports, event.JobID)
	}
	return nil
}

// lossOf describes views that hold what their stream does not.
func lossOf(s *viewstore.Store, path string, state eventlog.State, missing string) error {
	lost := "the stream LICENSES does not hold what the views " + path + " hold: " + missing
	held := fmt.Sprintf("the views (events up to sequence %d", s.Position().Seq)
	if s.Position().Format == format {
		if l, err := truncatedSince(s, 0); err == nil {
			held += fmt.Sprintf(", %d licenses", l.licenses)
		}
		if l, err := truncatedSince(s, state.Last); err == nil && l.licenses > 0 {
			lost += fmt.Sprintf(" (%d licenses of the imports %v)", l.licenses, l.imports)
		}
	}
	loss := &eventlog.LossError{Lost: []string{lost}, Left: []string{held + ")"}}
	if state.Last > 0 {
		loss.Left = append(loss.Left, fmt.Sprintf("LICENSES (%d messages, up to sequence %d)", state.Messages, state.Last))
	}
	return loss
}
