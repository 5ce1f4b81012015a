package projector

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
)

// A loss is what the views hold and their stream does not any more: its files were
// cut or put back behind the back of the server.
type truncation struct {
	after    events.Seq // the stream's end
	to       events.Seq // the views' position
	licenses int
	imports  []events.JobID // that licenses were lost of, at most namedImports
}

const maxListedImports = 20

// lost says what the views hold behind a sequence.
func (s *store) truncatedSince(after events.Seq) (l truncation, err error) {
	defer catchDamage(&err)()
	l = truncation{after: after, to: s.position.Seq}
	err = s.db.View(func(tx *bolt.Tx) error {
		bucket := tx.Bucket([]byte(viewTable[licenses].name))
		if bucket == nil {
			return nil
		}
		first := number(after + 1)
		return eachKept(bucket, number((after+1)>>segmentBits), func(key, value []byte) error {
			if bytes.Compare(key, first) < 0 {
				return nil
			}
			return l.add(value)
		})
	})
	return l, err
}

func (l *truncation) add(value []byte) error {
	rec, ok := parseRecord(value)
	if !ok {
		return errDamaged
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

// warn tells the operator, and keeps the views for whoever wants to look what was in them.
func (l truncation) warn(file string) {
	slog.Warn("the stream LICENSES has lost its end: imports go on whose rows are still stored; import the files of the others again, or restore a backup",
		"from", l.after+1, "to", l.to, "events", l.to-l.after, "licenses", l.licenses,
		"imports", fmt.Sprint(l.imports), "last_views_kept_in", file)
}
