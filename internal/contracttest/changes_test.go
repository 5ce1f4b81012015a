package contracttest

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// TestExportImportedAsUpdateChangesNothing: for values of every kind in every column.
func TestExportImportedAsUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	columns := allColumns(t, c)
	const rows = 300
	c.imports("", randomFile(t, columns, rand.New(rand.NewPCG(3, 4)), rows))
	export := c.get(200, "/api/v1/licenses/export/")
	nothing := fields{"result.existed_licenses_count": strconv.Itoa(rows), "result.updated_licenses_count": "0",
		"result.differing_rows_count": "0", "result.invalid_row_count": "0"}
	nothing.check(t, "the export", c.imports("?existing=update", string(export.body)))
	fields{"result.preview": fmt.Sprintf(`{"created_licenses":0,"existed_licenses":%d,"updated_licenses":0}`, rows)}.
		check(t, "the dry run", c.imports("?existing=update&dry_run=true", string(export.body)))
	// What an update has changed, and an undo has restored, is exported as it is.
	changed := c.imports("?existing=update", randomFile(t, columns, rand.New(rand.NewPCG(5, 6)), rows))
	export = c.get(200, "/api/v1/licenses/export/")
	c.imports("?existing=update", string(export.body)).field("id")
	if again := c.get(200, "/api/v1/licenses/export/"); string(again.body) != string(export.body) {
		t.Error("the export of the updated licenses has changed them")
	}
	c.call(202, "POST", resultsPath+changed.field("id")+"/undo/", nil)
	c.get(200, resultsPath+changed.field("id")+"/events/")
	export = c.get(200, "/api/v1/licenses/export/")
	fields{"result.updated_licenses_count": "0", "result.created_licenses_count": "0", "result.differing_rows_count": "0"}.
		check(t, "the export after the undo", c.imports("?existing=update", string(export.body)))
}

// TestChangesAreRead: the rows of an update and of a dry run, warnings, the rows that an undo left, histories and what is gone.
func TestChangesAreRead(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	const columns = "license__license_key,product__short_code,license__max_activations,license__trial_days\n"
	first := c.imports("?unknown_columns=ignore", strings.Replace(columns, "\n", ",Notes\n", 1)+"a-1,psc,1,3,x\na-2,psc,,,\na-3,psc,,,\na-3,psc,,,\n").field("id")
	one := resultsPath + first + "/"
	fields{"ignored_columns": `["Notes"]`, "existing": `"keep"`, "same_file_as": "null", "retry_of": "null", "retried_by": "null", "undo": "null", "result.preview": "null",
		"result.updated_licenses_count": "0", "result.warning_counts": `{"not_a_trial":1}`}.check(t, "the import", c.get(200, one))
	fields{"count": "1", "results.0.row": "1", "results.0.line": "2", "results.0.column": `"license__trial_days"`, "results.0.code": `"not_a_trial"`,
		"results.0.value": `"3"`}.check(t, "the warnings", c.get(200, one+"warnings/"))
	fields{"count": "0"}.check(t, "warnings of another code", c.get(200, one+"warnings/?code=number_like"))
	file := columns + "a-1,psc,7,\na-2,psc,,\na-9,psc,,\n"
	dry := c.imports("?existing=update&dry_run=true", file)
	fields{"result.preview": `{"created_licenses":1,"existed_licenses":1,"updated_licenses":1}`, "result.updated_licenses_count": "0"}.check(t, "the dry run", dry)
	id := c.get(200, "/api/v1/licenses/?license_key=a-1").field("results.0.id")
	update := fields{"count": "1", "results.0.row": "1", "results.0.line": "2", "results.0.license_id": id, "results.0.license_key": `"a-1"`,
		"results.0.product": `"psc"`, "results.0.changed": `[{"column":"license__max_activations","from":"1","to":"7"}]`}
	update.check(t, "the dry run's rows", c.get(200, resultsPath+dry.field("id")+"/updated_rows/"))
	second := c.imports("?existing=update", file)
	fields{"existing": `"update"`, "same_file_as": dry.field("id"), "result.updated_licenses_count": "1", "result.created_licenses_count": "1",
		"result.existed_licenses_count": "1"}.check(t, "the update", second)
	update.check(t, "the updated rows", c.get(200, resultsPath+second.field("id")+"/updated_rows/"))
	checkOutcomes(t, c, second.field("id"), "1 2 a-1 psc updated", "2 3 a-2 psc existed", "3 4 a-9 psc imported")
	checkOutcomes(t, c, first, "1 2 a-1 psc imported", "2 3 a-2 psc imported", "3 4 a-3 psc imported", "4 5 a-3 psc existed")
	checkUndo(t, c, first, id, second.field("id"))
}

// checkOutcomes compares an imported_rows.csv, without the licenses' ids.
func checkOutcomes(t *testing.T, c *caller, id string, want ...string) {
	t.Helper()
	a := c.get(200, resultsPath+id+"/imported_rows.csv")
	records, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
	if err != nil || strings.Join(records[0], ",") != "row,line,license__license_key,product__short_code,license_id,outcome" {
		t.Fatalf("imported_rows.csv: %v %s", err, a.body)
	}
	var got []string
	for _, r := range records[1:] {
		found := c.get(200, "/api/v1/licenses/?license_key="+r[2]).field("results.0.id")
		if found != r[4] {
			t.Errorf("row %s is license %s, not %s", r[0], r[4], found)
		}
		got = append(got, strings.Join([]string{r[0], r[1], r[2], r[3], r[5]}, " "))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("import %s:\n%s\nwant\n%s", id, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// checkUndo undoes the first import, of which the second one has changed the license.
func checkUndo(t *testing.T, c *caller, first, license, second string) {
	t.Helper()
	one := resultsPath + first + "/"
	gone := c.get(200, "/api/v1/licenses/?license_key=a-2").field("results.0.id")
	fields{"revoked": "2", "restored": "0", "kept": "1"}.check(t, "the preview", c.get(200, one+"undo/"))
	c.call(202, "POST", one+"undo/", nil)
	c.get(200, one+"events/")
	fields{"undo.status": `"finished"`, "undo.manager": `"admin"`, "undo.revoked": "2", "undo.restored": "0", "undo.kept": "1", "undo.progress": "1",
		"result.created_licenses_count": "3"}.check(t, "the result", c.get(200, one))
	fields{"count": "1", "results.0.row": "1", "results.0.license_key": `"a-1"`, "results.0.product": `"psc"`, "results.0.import_id": second,
		"results.0.import_row": "1"}.check(t, "the rows that stayed", c.get(200, one+"kept_rows/"))
	get, post := c.get(409, one+"undo/").problem(t, "already_undone"), c.call(409, "POST", one+"undo/", nil).problem(t, "already_undone")
	if string(get.body) != string(post.body) {
		t.Errorf("GET says %s, POST %s", get.body, post.body)
	}
	history := "/api/v1/licenses/" + gone + "/history/"
	fields{"history": compact(history), "license_key": `"a-2"`, "product": `"psc"`}.check(t, "what is gone", c.get(410, "/api/v1/licenses/"+gone+"/").problem(t, "gone"))
	fields{"count": "2", "results.0.type": `"LicenseImported"`, "results.1.type": `"LicenseRevoked"`, "results.1.import_id": first, "results.1.import_row": "2",
		"results.1.manager": `"admin"`, "results.1.changed": "[]"}.check(t, "its history", c.get(200, history))
	fields{"count": "2", "results.0.type": `"LicenseImported"`, "results.1.type": `"LicenseUpdated"`, "results.1.import_id": second,
		"results.1.changed.0.column": `"license__max_activations"`}.check(t, "the history of what stayed", c.get(200, "/api/v1/licenses/"+license+"/history/"))
	fields{"type": `"LicenseUpdated"`}.check(t, "its event", c.get(200, "/api/v1/licenses/"+license+"/event/"))
	fields{"count": "0"}.check(t, "the list", c.get(200, "/api/v1/licenses/?license_key=a-2"))
}
