package projector

import (
	"fmt"
	"log/slog"
	"slices"

	"licenseimport/events"
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
	err := s.Read(func(r *viewstore.Reader) error {
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

// warn tells the operator what is lost, and which file still has it.
func (l truncation) warn(file string) {
	slog.Warn("the stream LICENSES has lost its end: imports whose rows are still stored continue; "+
		"import the files of the others again, or restore a backup",
		"from", l.after+1, "to", l.to, "events", l.to-l.after, "licenses", l.licenses,
		"imports", fmt.Sprint(l.imports), "last_views_kept_in", file)
}
