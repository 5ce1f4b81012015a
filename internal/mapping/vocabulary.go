package mapping

import (
	"strings"
	"sync"

	"licenseimport/events"
)

// A vocabulary is what the headers of one kind's files mean. Headers are in compacted form.
type vocabulary struct {
	kind     *events.Kind
	names    map[string]int // the columns' names, whole and without their prefix → column index
	synonyms map[string]synonym
}

// synonym is what a compacted header means.
type synonym struct {
	column int // column index
	how    float64
	words  []string
}

var vocabularies sync.Map // of *events.Kind → *vocabulary

// vocabularyOf makes the vocabulary of a kind, once.
func vocabularyOf(kind *events.Kind) *vocabulary {
	if known, ok := vocabularies.Load(kind); ok {
		return known.(*vocabulary)
	}
	known, _ := vocabularies.LoadOrStore(kind, &vocabulary{kind: kind, names: namesOf(kind), synonyms: synonymsOf(kind)})
	return known.(*vocabulary)
}

// namesOf has the compacted names of a kind's columns, whole and without their prefix. Names that two columns
// share, and those that mean something else in most files, are left out.
func namesOf(kind *events.Kind) map[string]int {
	names, shared := map[string]int{}, map[string]bool{}
	for _, i := range kind.Columns() {
		names[compact(events.Columns[i].Name)] = i
	}
	for _, i := range kind.Columns() {
		_, short, prefixed := strings.Cut(events.Columns[i].Name, "__")
		if !prefixed {
			continue
		}
		name := compact(short)
		if _, taken := names[name]; taken || name == "type" || name == "reference" || name == "language" {
			shared[name] = true
		}
		names[name] = i
	}
	for name := range shared {
		delete(names, name)
	}
	return names
}

// alike are the columns whose headers mean a column, too, by its name.
var alike = map[string]string{
	"license_key": "license__license_key", "max_consumption": "license__max_consumptions",
	"expiry_date":  "license__validity_period",
	"max_overages": "license__max_overages", "allow_overages": "license__allow_overages",
	"reset_consumption": "license__reset_consumption", "consumption_period": "license__consumption_period",
	"email": "customer__email", "first_name": "customer__first_name", "last_name": "customer__last_name",
	"company_name": "customer__company_name", "phone": "customer__phone", "reference": "customer__reference",
	"address": "customer__address", "postcode": "customer__postcode", "state": "customer__state", "city": "customer__city",
	"country": "customer__country",
}

// synonymsOf has the headers of the table that mean a column of a kind. Where languages share a word the first
// row wins.
func synonymsOf(kind *events.Kind) map[string]synonym {
	columns := map[string]int{}
	for _, i := range kind.Columns() {
		name := events.Columns[i].Name
		columns[name] = i
		if like := alike[name]; like != "" {
			columns[like] = i
		}
	}
	index := map[string]synonym{}
	for _, row := range synonyms {
		column, has := columns[row.column]
		if !has {
			continue
		}
		for _, header := range row.headers {
			name := compact(header)
			if _, taken := index[name]; name != "" && !taken {
				index[name] = synonym{column, row.how, wordsOf(header)}
			}
		}
	}
	return index
}
