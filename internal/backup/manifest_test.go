package backup

import "testing"

// A backup of a version without saved mappings lacks their stream, and no other.
func TestBackupsOfEarlierVersionsAreComplete(t *testing.T) {
	for _, lacks := range streamOrder {
		m, sums := Manifest{Format: Format}, map[string]string{manifestName: "x"}
		for _, name := range streamOrder {
			if name != lacks {
				s := Stream{File: name, SHA256: "x"}
				s.Stream = name
				m.Streams = append(m.Streams, s)
				sums[name] = "x"
			}
		}
		if err := m.check(sums); (err == nil) != (lacks == newest) {
			t.Errorf("without %s: %v", lacks, err)
		}
	}
}
