package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
)

func inspectText(t *testing.T, text string) Inspection {
	t.Helper()
	found, err := InspectCSV(events.Licenses, []byte(text), false, csvfile.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// translationsOf are those of the suggested columns: column: cell=value …
func translationsOf(found Inspection) string {
	var all []string
	for _, c := range found.Columns {
		if c.Column == nil || len(c.Translations[*c.Column]) == 0 {
			continue
		}
		for _, cell := range slices.Sorted(maps.Keys(c.Translations[*c.Column])) {
			all = append(all, fmt.Sprintf("%s %s=%s", *c.Column, cell, c.Translations[*c.Column][cell]))
		}
	}
	return strings.Join(all, ", ")
}

// TestTranslationsAreSuggestedWhereTheyAreObvious: a word that has one meaning in a column is translated;
// one that has several, or none that is known, is left alone.
func TestTranslationsAreSuggestedWhereTheyAreObvious(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"keygen": {
			"key,expiry,maxMachines,status\nAAAA-1111,2030-01-31T00:00:00.000Z,3,ACTIVE\nAAAA-1112,2030-01-31T00:00:00.000Z,3,SUSPENDED\n" +
				"AAAA-1113,2020-01-31T00:00:00.000Z,3,EXPIRED\nAAAA-1114,2030-01-31T00:00:00.000Z,3,INACTIVE\nAAAA-1115,,3,BANNED\n",
			"license__enabled ACTIVE=true, license__enabled BANNED=false, license__enabled EXPIRED=true, license__enabled INACTIVE=true, " +
				"license__enabled SUSPENDED=false",
		},
		"cryptlex": {
			"key,allowedActivations,revoked,suspended\nAAAA-1111,1,false,True\nAAAA-1112,1,false,False\n",
			"license__enabled False=true, license__enabled True=false",
		},
		"cryptlex, revoked only": {
			"key,allowedActivations,suspended,revoked\nAAAA-1111,1,false,true\n", "license__enabled true=false",
		},
		"lemon squeezy": {
			"key,activation_limit,user_email,disabled\nAAAA-1111,1,a@example.com,0\nAAAA-1112,1,a@example.com,1\n",
			"license__enabled 0=true, license__enabled 1=false",
		},
		"german": {
			"Lizenzschlüssel,Produkt,Aktiv,Lizenztyp,Gültig bis\nAAAA-1111,foto,Ja,unbefristet,nie\nAAAA-1112,foto,nein,Abo,31.12.2030\n",
			"license__enabled Ja=true, license__enabled nein=false, license__license_type Abo=subscription, " +
				"license__license_type unbefristet=perpetual, license__validity_period nie=",
		},
		"english": {
			"License Key,Product,License Type,Trial,Expires\nAAAA-1111,pp,Lifetime,N,Never\nAAAA-1112,pp,Time Limited,Y,2030-01-31\n",
			"license__license_type Lifetime=perpetual, license__license_type Time Limited=time-limited, " +
				"license__is_trial N=false, license__is_trial Y=true, license__validity_period Never=",
		},
		"an unknown vendor's status": {
			"License Key,Product,Status\nAAAA-1111,pp,Active\nAAAA-1112,pp,Suspended\nAAAA-1113,pp,Expired\nAAAA-1114,pp,Inactive\n",
			"license__enabled Active=true, license__enabled Suspended=false",
		},
		"a column that disables": {"License Key,Product,Disabled\nAAAA-1111,pp,0\nAAAA-1112,pp,1\n", "license__enabled 0=true, license__enabled 1=false"},
		"a column that disables, in German": {
			"Lizenzschlüssel,Produkt,Gesperrt\nAAAA-1111,pp,ja\nAAAA-1112,pp,nein\n", "license__enabled ja=false, license__enabled nein=true"},
		"disables beside enables": {"License Key,Product,Enabled,Is Suspended\nAAAA-1111,pp,1,0\n", ""},
		"disables nobody, beside a status": {
			"License Key,Product,Revoked,Status\nAAAA-1111,pp,no,Active\nAAAA-1112,pp,no,Suspended\n",
			"license__enabled Active=true, license__enabled Suspended=false",
		},
		"disables somebody, beside a status": {
			"License Key,Product,Status,Revoked\nAAAA-1111,pp,Active,no\nAAAA-1112,pp,Suspended,yes\n",
			"license__enabled no=true, license__enabled yes=false",
		},
		"disables nobody":      {"License Key,Product,Revoked\nAAAA-1111,pp,no\n", "license__enabled no=true"},
		"disables since a day": {"License Key,Product,Revoked\nAAAA-1111,pp,2020-01-31\nAAAA-1112,pp,\n", ""},
		"whole numbers with fractions": {
			"License Key,Product,Seats,Max Users\nAAAA-1111,pp,1.0,\"1,00\"\nAAAA-1112,pp,12,\"1,000\"\nAAAA-1113,pp,2.50,3.00\n",
			"license__max_activations 1.0=1, license__max_license_users 1,00=1, license__max_license_users 3.00=3",
		},
		"licenses without an end": {
			"License Key,Product,Expiration Date\nAAAA-1111,pp,PERMANENT\nAAAA-1112,pp,0000-00-00 00:00:00\nAAAA-1113,pp,31-Dec-2030\n",
			"license__validity_period 0000-00-00 00:00:00=, license__validity_period PERMANENT=",
		},
		"nothing to translate": {"License Key,Product,Enabled\nAAAA-1111,pp,yes\nAAAA-1112,pp,0\n", ""},
		"not obvious":          {"License Key,Product,License Type\nAAAA-1111,pp,Gold\nAAAA-1112,pp,perpetual\n", ""},
		"seats without limit":  {"License Key,Product,Seats\nAAAA-1111,pp,Unlimited\nAAAA-1112,pp,3\nAAAA-1113,pp,3\n", ""},
	} {
		if got := translationsOf(inspectText(t, c.file)); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
		}
	}
}

// TestTranslationsOfOtherColumns: what a column may be as well is translated for that column, too, so that
// who chooses it needs to type nothing.
func TestTranslationsOfOtherColumns(t *testing.T) {
	found := inspectText(t, "License Key,Product,Zustand\nAAAA-1111,pp,aktiv\nAAAA-1112,pp,gesperrt\nAAAA-1113,pp,verkauft\n")
	state := found.Columns[2]
	if state.Column != nil || strings.Join(state.Values, " ") != "aktiv gesperrt verkauft" {
		t.Fatalf("%+v", state)
	}
	if got := state.Translations["license__enabled"]; !maps.Equal(got,
		map[string]string{"aktiv": "true", "gesperrt": "false"}) {
		t.Errorf("%v", state.Translations)
	}
	if len(state.Translations) != 1 {
		t.Errorf("translations for columns that the cells do not match: %v", state.Translations)
	}
}

// TestTwoColumnsThatDisable: only one can be read, so the other one says which licenses stay enabled.
func TestTwoColumnsThatDisable(t *testing.T) {
	for cells, want := range map[string]string{
		"false,true\ntrue,false":  `it disables licenses, too, and only "suspended" is read: disable them there in the file`,
		"false,true\nfalse,false": `"suspended" is more surely license__enabled`,
	} {
		rows := strings.Split(cells, "\n")
		found := inspectText(t, "key,allowedActivations,revoked,suspended\nAAAA-1111,1,"+rows[0]+"\nAAAA-1112,1,"+rows[1]+"\n")
		if c := found.Columns[2]; c.Column != nil || c.Why != want {
			t.Errorf("%s: %v, %s", cells, c.Column, c.Why)
		}
	}
}

// TestValuesOfManyAreThoseThatCannotBeRead: of a column with many different cells only those are listed
// that its rule rejects.
func TestValuesOfManyAreThoseThatCannotBeRead(t *testing.T) {
	var b strings.Builder
	b.WriteString("License Key,Product,Seats\n")
	for i := range 200 {
		fmt.Fprintf(&b, "AAAA-%04d,pp,%d\n", i, i)
	}
	b.WriteString("AAAA-9999,pp,Unlimited\nAAAA-9998,pp,unlimited\n")
	found := inspectText(t, b.String())
	if keys, seats := found.Columns[0].Values, found.Columns[2].Values; len(keys) != 0 ||
		strings.Join(seats, "|") != "Unlimited" {
		t.Errorf("%q, %q", keys, seats)
	}
}

// TestKeygenUserIsAnAddressOrAnID: the column is the customer's address only where it holds addresses.
func TestKeygenUserIsAnAddressOrAnID(t *testing.T) {
	for user, want := range map[string]string{"ada@example.com": "customer__email",
		"5f1d8e4a-8a52-4a0c-9a1f-0a3f1c0d9a11": ""} {
		found := inspectText(t, "key,expiry,maxMachines,user\nAAAA-1111,,3,"+user+"\n")
		if got := found.Columns[3]; want == "" && got.Column != nil ||
			want != "" && (got.Column == nil || *got.Column != want) {
			t.Errorf("%s: %+v", user, got)
		}
		if found.Vendor == nil || *found.Vendor != "Keygen" {
			t.Errorf("vendor %v", found.Vendor)
		}
	}
}

// TestFirstRowsAreTheFileAsItIs: five rows, without blank ones and those that are rejected for their form; long cells are cut.
func TestFirstRowsAreTheFileAsItIs(t *testing.T) {
	long := strings.Repeat("ä", 300)
	found := inspectText(t, "Serial;Product\n A ;\" x\ny\"\n;\n"+long+";p\nB;p;q\nC;p\nD;p\nE;p\nF;p\n")
	want := [][]string{{" A ", " x\ny"}, {strings.Repeat("ä", 256), "p"}, {"C", "p"}, {"D", "p"}, {"E", "p"}}
	if !slices.EqualFunc(found.FirstRows, want, slices.Equal) {
		t.Errorf("%q", found.FirstRows)
	}
	if rows := inspectText(t, "Serial\n").FirstRows; rows == nil || len(rows) != 0 {
		t.Errorf("%q", rows)
	}
}

// TestLongHeadersComeWhole: an upload names a header as the inspection shows it.
func TestLongHeadersComeWhole(t *testing.T) {
	header := strings.Repeat("Serial number ", 10)
	if got := inspectText(t, header+",Product\nA,b\n").Columns[0].Header; got != strings.TrimSpace(header) {
		t.Errorf("%q", got)
	}
}

// TestTranslationsAreValid: what a word is said to mean is a value of its column.
func TestTranslationsAreValid(t *testing.T) {
	for _, column := range translatable {
		for cell, value := range byMeaning[column] {
			if value != "" && !isValue(column, value) {
				t.Errorf("%d: %q means %q, which is no value", column, cell, value)
			}
		}
	}
	if _, ok := obvious(translatable[0], ""); ok {
		t.Error("an empty cell means something")
	}
}

func TestResolveTranslatesOverTheSavedMapping(t *testing.T) {
	saved := Builtin("keygen")
	got, problems := Resolve(events.Licenses, saved,
		Given{Value: []string{"license__enabled: Expired :false", "order__store_id:a:b:c",
			"LICENSE__MAX_ACTIVATIONS:Unlimited:"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if of := got.Values["license__enabled"]; of[" Expired "] != "false" || of["expired"] != "" || of["active"] != "true" {
		t.Errorf("%v", of)
	}
	if got.Values["order__store_id"]["a:b"] != "c" || len(got.Values["license__max_activations"]) != 1 {
		t.Errorf("%v", got.Values)
	}
	if Builtin("keygen").Values["license__enabled"]["expired"] != "true" {
		t.Error("the built-in mapping was changed")
	}
	for value, want := range map[string]string{
		"license__enabled":               "invalid_value",
		"license__enabled:x":             "invalid_value",
		"license__enabled:x:perhaps":     "invalid_value",
		"license__enabled::true":         "invalid_value",
		"license__no_such_column:x:true": "unknown_column",
	} {
		if _, problems := Resolve(events.Licenses, nil, Given{Value: []string{value}}); codes(problems) != want {
			t.Errorf("%s: %v, want %s", value, problems, want)
		}
	}
	if _, problems := Resolve(events.Licenses, nil,
		Given{Value: []string{"license__enabled:x:true", "license__enabled:X:false"}}); codes(problems) != "invalid_value" {
		t.Errorf("one cell twice: %v", problems)
	}
}
