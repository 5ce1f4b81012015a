package mapping

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
)

// kindSheets are sheets of features and customers. Their lines are as those of [sheets].
var kindSheets = map[*events.Kind][]sheet{
	events.Features: {
		{"our own columns", `license_key|code|max_consumption|total_consumptions|max_overages|expiry_date|allow_overages|reset_consumption|consumption_period|product__short_code
license_key|code|max_consumption|total_consumptions|max_overages|expiry_date|allow_overages|reset_consumption|consumption_period|product__short_code
AAAA-BBBB-CCCC-0001|reports|100|0||2030-12-31|false|false|monthly|psc`},
		{"ordinary", `License Key|Feature|Limit|Used|Expires|Product
license_key|code|max_consumption|total_consumptions|expiry_date|product__short_code
AB12-CD34-EF56-7890|reports|100|3|12/31/2030|psc
AB12-CD34-EF56-7890|export|5|0|01/31/2031|psc`},
		{"keygen's entitlements", `id|key|name|code|metadata|created|updated
-|license_key|-|code|-|-|-
5f1d8e4a-8a52-4a0c-9a1f-0a3f1c0d9a11|C1B6DE-39A6E3-DE1529-8559A0-4AF593-V3|Reports|REPORTS|{}|2021-01-01T00:00:00.000Z|2021-01-01T00:00:00.000Z
6f1d8e4a-8a52-4a0c-9a1f-0a3f1c0d9a12|C1B6DE-39A6E3-DE1529-8559A0-4AF593-V3|Export|EXPORT|{}|2021-01-01T00:00:00.000Z|2021-01-01T00:00:00.000Z`},
		{"cryptlex's meters", `licenseKey|name|allowedUses|totalUses|grossUses|visible
license_key|code|max_consumption|total_consumptions|-|-
0A2035-E8A2A3-4D31B7-8FF9C6|exports|100|7|9|true`},
		{"licensespring", `license_key|code|max_consumption|expiry_date
license_key|code|max_consumption|expiry_date
AAAA-BBBB-CCCC-0001|reports|100|2030-12-31`},
		{"german", `Lizenzschlüssel|Modul|Kontingent|Verbrauch|Gültig bis|Produktcode
license_key|code|max_consumption|total_consumptions|expiry_date|product__short_code
AB12-CD34-EF56|Berichte|100|3|31.12.2030|foto
AB12-CD34-EF56|Export|10|0|31.12.2030|foto`},
		{"french", `Clé de licence|Fonctionnalité|Consommation maximale|Date d'expiration
license_key|code|max_consumption|expiry_date
AB12-CD34-EF56|rapports|100|31/12/2030`},
		{"spanish", `Clave de licencia|Módulo|Límite|Consumo|Fecha de caducidad
license_key|code|max_consumption|total_consumptions|expiry_date
AB12-CD34-EF56|informes|100|2|31/12/2030`},
		{"italian", `Chiave di licenza|Funzionalità|Consumo massimo|Scadenza
license_key|code|max_consumption|expiry_date
AB12-CD34-EF56|rapporti|100|31/12/2030`},
		{"polish", `Klucz licencyjny|Funkcja|Limit zużycia|Zużycie|Ważna do
license_key|code|max_consumption|total_consumptions|expiry_date
AB12-CD34-EF56|raporty|100|1|31.12.2030`},
		{"japanese", `ライセンスキー|機能|使用上限|使用回数|有効期限
license_key|code|max_consumption|total_consumptions|expiry_date
AB12-CD34-EF56|帳票|100|1|2030/12/31`},
		{"keys by their form", `Column1|Feature code
license_key|code
AAAA-BBBB-CCCC-DDD1|reports
AAAA-BBBB-CCCC-DDD1|export`},
	},
	events.Customers: {
		{"our own columns", `email|first_name|last_name|company_name|phone|reference|address|postcode|state|city|country
email|first_name|last_name|company_name|phone|reference|address|postcode|state|city|country
ada@example.com|Ada|Lovelace|AE|+44|1|Street 1|1|X|London|GB`},
		{"names of a licenses' file", `customer__email|customer__first_name|customer__company_name
email|first_name|company_name
ada@example.com|Ada|AE`},
		{"ordinary", `E-Mail|First Name|Surname|Company|Telephone|Street|ZIP|City|Country
email|first_name|last_name|company_name|phone|address|postcode|city|country
ada@example.com|Ada|Lovelace|AE|+44|Street 1|1|London|GB`},
		{"shopify", `Customer ID|First Name|Last Name|Email|Accepts Email Marketing|Default Address Company|Default Address Address1|Default Address City|Default Address Province Code|Default Address Country Code|Default Address Zip|Default Address Phone|Phone|Total Spent|Tags
reference|first_name|last_name|email|-|company_name|address|city|state|country|postcode|-|phone|-|-
6001|Maria|Garcia|maria@example.com|yes|ACME|Street 1|Ottawa|ON|CA|K1A||+1555|10.00|`},
		{"hubspot", `Record ID|First Name|Last Name|Email|Phone Number|Associated Company|City|State/Region|Postal Code|Lead Status|Contact owner
reference|first_name|last_name|email|phone|company_name|city|state|postcode|-|-
101|Camille|Durand|camille@example.com|+33|PT Demo|Chicago|IL|60601|NEW|florent@example.com`},
		{"stripe", `id|Description|Email|Name|Created (UTC)|Delinquent|Total Spend
reference|-|email|-|-|-|-
cus_1|x|ada@example.com|Ada Lovelace|2024-01-01 10:00|false|10`},
		{"keygen's users", `id|email|firstName|lastName|fullName|role|status
reference|email|first_name|last_name|-|-|-
5f1d8e4a|ada@example.com|Ada|Lovelace|Ada Lovelace|user|ACTIVE`},
		{"german", `E-Mail-Adresse|Vorname|Nachname|Firma|Telefon|Kundennummer|Straße|PLZ|Ort|Land
email|first_name|last_name|company_name|phone|reference|address|postcode|city|country
eva@example.de|Eva|Maier|GmbH|030|17|Weg 1|10115|Berlin|DE`},
		{"french", `Courriel|Prénom|Nom de famille|Société|Téléphone|Code postal|Ville|Pays
email|first_name|last_name|company_name|phone|postcode|city|country
eve@example.fr|Ève|Martin|SARL|01|75001|Paris|FR`},
		{"spanish", `Correo electrónico|Nombre|Apellidos|Empresa|Teléfono|Código postal|Ciudad|País
email|first_name|last_name|company_name|phone|postcode|city|country
eva@example.es|Eva|Ruiz|SA|91|28001|Madrid|ES`},
		{"italian", `Indirizzo email|Nome|Cognome|Azienda|Telefono|CAP|Città|Paese
email|first_name|last_name|company_name|phone|postcode|city|country
eva@example.it|Eva|Rossi|SRL|06|00100|Roma|IT`},
		{"polish", `Adres e-mail|Imię|Nazwisko|Firma|Numer telefonu|Kod pocztowy|Miasto|Kraj
email|first_name|last_name|company_name|phone|postcode|city|country
ewa@example.pl|Ewa|Kot|SA|22|90-001|Łódź|PL`},
		{"japanese", `メールアドレス|姓|名|会社名|電話番号|郵便番号|都道府県|住所
email|last_name|first_name|company_name|phone|postcode|state|address
sato@example.jp|佐藤|花子|株式会社|03-1|100-0001|東京都|千代田区`},
		{"by form", `Who|What
email|-
ada@example.com|x
bob@example.com|y`},
	},
}

// TestSuggestionsOfFeaturesAndCustomers: sheets of other kinds are read as those of licenses are, in each
// language of the table and as other vendors export them.
func TestSuggestionsOfFeaturesAndCustomers(t *testing.T) {
	for kind, all := range kindSheets {
		for _, s := range all {
			sources, answers := parseSheet(t, s)
			for i, got := range Suggest(kind, sources) {
				if got.Column != answers[i] {
					t.Errorf("%s, %s: %s: suggested %q, want %q (%s)", kind.Name, s.name, sources[i].Header, got.Column, answers[i],
						got.Why)
				}
			}
		}
	}
}

// TestSuggestionsAreOfTheKind: a kind's file is never read as the columns of another kind.
func TestSuggestionsAreOfTheKind(t *testing.T) {
	for _, s := range slices.Concat(sheets, kindSheets[events.Features], kindSheets[events.Customers]) {
		sources, _ := parseSheet(t, s)
		for _, kind := range events.Kinds {
			for i, got := range Suggest(kind, sources) {
				column, known := events.ColumnIndex(got.Column)
				if got.Column != "" && (!known || !kind.Has(column)) {
					t.Errorf("%s as %s: %s is read as %s", s.name, kind.Name, sources[i].Header, got.Column)
				}
			}
		}
	}
}

// TestMappingsOfEachKindNameItsColumns, with its values and dates, and no others.
func TestMappingsOfEachKindNameItsColumns(t *testing.T) {
	for _, kind := range events.Kinds {
		for _, other := range events.Kinds {
			for _, column := range other.ColumnNames() {
				m := &events.Mapping{Kind: kind.Name, Columns: map[string]*string{"A": to(column)}}
				_, known := kind.ColumnIndex(column)
				if problems := Check(m); (len(problems) == 0) != known {
					t.Errorf("%s as a column of %s: %v", column, kind.Name, problems)
				}
			}
		}
	}
	c := Compile(&events.Mapping{
		Kind: "features", DateFormat: "DD.MM.YYYY", Set: map[string]string{"consumption_period": "monthly"},
		Values: map[string]map[string]string{"max_consumption": {"Unlimited": ""}},
	})
	got := values(nil)
	for name, value := range map[string]string{"expiry_date": "31.12.2030", "max_consumption": "unlimited",
		"license__validity_period": "31.12.2030"} {
		i, _ := events.ColumnIndex(name)
		got[i] = value
	}
	c.Apply(&got)
	for name, want := range map[string]string{
		"expiry_date": "2030-12-31", "max_consumption": "", "consumption_period": "monthly", "license__validity_period": "31.12.2030",
	} {
		if i, _ := events.ColumnIndex(name); got[i] != want {
			t.Errorf("%s is %q, want %q", name, got[i], want)
		}
	}
}

// TestRequestNamesAColumnByAnyOfItsNames: the request comes over a saved mapping, and gives a column once, also
// where one of them has the prefix that the other leaves out.
func TestRequestNamesAColumnByAnyOfItsNames(t *testing.T) {
	saved := &events.Mapping{
		Kind: "customers", Columns: map[string]*string{"Mail": to("customer__email"), "Ort": to("City")},
		Set:    map[string]string{"customer__state": "X"},
		Values: map[string]map[string]string{"customer__country": {"D": "DE"}},
	}
	const columns, set, cells = `{"Mail":"customer__email","Ort":"City"}`, `{"customer__state":"X"}`,
		`{"customer__country":{"D":"DE"}}`
	for name, c := range map[string]struct {
		given Given
		want  []string // columns, set and values as JSON, or a problem
	}{
		"a header": {Given{Map: []string{"E2:email"}}, []string{`{"E2":"email","Mail":null,"Ort":"City"}`, set, cells}},
		"a header of what is set": {Given{Map: []string{"S: STATE "}},
			[]string{`{"Mail":"customer__email","Ort":"City","S":"state"}`, `{}`, cells}},
		"a value": {Given{Set: []string{"state:Y"}}, []string{columns, `{"state":"Y"}`, cells}},
		"a value of what is mapped": {Given{Set: []string{"customer__city:Wien"}},
			[]string{`{"Mail":"customer__email","Ort":null}`, `{"city":"Wien","customer__state":"X"}`, cells}},
		"a cell": {Given{Value: []string{"country:d:FR"}}, []string{columns, set, `{"country":{"d":"FR"}}`}},
		"another cell": {Given{Value: []string{"country:A:AT"}},
			[]string{columns, set, `{"country":{"A":"AT"},"customer__country":{"D":"DE"}}`}},
		"twice":        {Given{Map: []string{"A:email", "B:customer__email"}}, []string{"duplicate_column"}},
		"a cell twice": {Given{Value: []string{"country:A:AT", "customer__country:A:FR"}}, []string{"invalid_value"}},
	} {
		m, problems := Resolve(events.Customers, saved, c.given)
		got := []string{codes(problems)}
		if len(problems) == 0 {
			got = []string{encoded(t, m.Columns), encoded(t, m.Set), encoded(t, m.Values)}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestInspectionUnderAnotherName: a mapping may name the columns of customers with their prefix.
func TestInspectionUnderAnotherName(t *testing.T) {
	m := &events.Mapping{Kind: "customers", Columns: map[string]*string{"A": to("customer__email")}, Set: map[string]string{}}
	found, err := InspectCSV(events.Customers, []byte("A,B\nx,y\n"), false, csvfile.Options{}, m)
	if err != nil || len(found.Missing) > 0 || *found.Columns[0].Column != "email" {
		t.Errorf("%v %+v", err, found)
	}
	m.Columns, m.Set = nil, map[string]string{"customer__email": "ada@example.com"}
	found, err = InspectCSV(events.Customers, []byte("A,B\nx,y\n"), false, csvfile.Options{}, m)
	if err != nil || len(found.Missing) > 0 {
		t.Errorf("%v %+v", err, found)
	}
}

// TestCellsOfFeaturesAreTranslated: an inspection says what the cells of a features' file mean, as it does for
// licenses, and looks for a meaning in the columns of the kind only.
func TestCellsOfFeaturesAreTranslated(t *testing.T) {
	const file = "License Key,Feature Code,Allow Overages,Consumption Period,Expiry Date,Zustand\n" +
		"AAAA-1111,pro,ja,täglich,nie,J\nAAAA-1112,pro,nein,rocznie,2030-01-31,N\n"
	found, err := InspectCSV(events.Features, []byte(file), false, csvfile.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = "allow_overages ja=true, allow_overages nein=false, " +
		"consumption_period rocznie=annually, consumption_period täglich=daily, expiry_date nie="
	if got := translationsOf(found); got != want {
		t.Errorf(" got %q\nwant %q", got, want)
	}
	offered := slices.Sorted(maps.Keys(found.Columns[5].Translations))
	if got := strings.Join(offered, " "); got != "allow_overages reset_consumption" {
		t.Errorf("a column that none is suggested for has translations for %s", got)
	}
}

// TestWordsOfFeatures: cells of features have the meanings that those of licenses have.
func TestWordsOfFeatures(t *testing.T) {
	for column, cells := range map[string]map[string]string{
		"allow_overages": {"ja": "true", "nein": "false"}, "consumption_period": {"täglich": "daily", "per year": "annually"},
		"expiry_date": {"never": "", "unbegrenzt": ""},
	} {
		i, _ := events.ColumnIndex(column)
		if got := translations(i, nil, slices.Collect(maps.Keys(cells))); !maps.Equal(got, cells) {
			t.Errorf("%s: %v", column, got)
		}
	}
	if !strings.Contains(strings.Join(events.KindNames(), " "), "features") {
		t.Error("no features")
	}
}
