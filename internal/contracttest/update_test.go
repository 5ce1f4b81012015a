package contracttest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

const updateHeader = "license__license_key,product__short_code,customer__email,customer__first_name,order__store_id,license__max_activations,license__validity_period,license__valid_duration,license__note\n"

// TestUpdateExisting: with existing=update a given value replaces, an empty one leaves, #N/A clears; rows of one license
// are applied one after the other. Without it nothing changes, and #N/A is an error of a spreadsheet.
func TestUpdateExisting(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	c.imports("", updateHeader+"u-1,psc,ada@example.com,Ada,o-1,5,2030-12-31,,first\nu-2,psc,,,,,,1y,\n")
	changes := updateHeader +
		"u-1,psc,,,,7,,,\n" +
		"u-1,psc,ADA@example.com,Eva,o-1,,,,\n" + // the same customer: only what it is compared by counts
		"u-1,psc,,,,#N/A,#N/A,,second\n" +
		"u-2,psc,,,,,2031-01-01,,\n" + // conflict with what it has
		"u-2,psc,bob@example.com,Bob,,,2031-01-01,#N/A,\n" +
		"u-3,psc,,,,#N/A,,,new\n" +
		"#N/A,psc,,,,,,,\n"
	kept := c.imports("", changes)
	fields{"result.updated_licenses_count": "0", "existing": `"keep"`, "result.error_counts": `{"conflict":1,"spreadsheet_error":4}`}.check(t, "keep", kept)
	c.call(400, "POST", uploadPath+"?existing=replace", strings.NewReader(parts([3]string{"file", "a.csv", changes})), "Content-Type", asForm)

	preview := c.imports("?existing=update&dry_run=true", changes)
	fields{"result.preview.created_licenses": "1", "result.preview.updated_licenses": "3", "result.preview.existed_licenses": "1", "result.updated_licenses_count": "0",
		"result.created_licenses_count": "0", "result.existed_licenses_count": "0", "existing": `"update"`}.check(t, "preview", preview)
	proposed := updatedRows(t, c, preview.field("id"))

	r := c.imports("?existing=update", changes)
	fields{"result.updated_licenses_count": "3", "result.created_licenses_count": "1", "result.existed_licenses_count": "1", "result.preview": "null",
		"result.created_customers_count": "1", "result.existed_customers_count": "1", "result.created_orders_count": "1", "result.existed_orders_count": "1",
		"result.valid_row_count": "5", "result.error_counts": `{"conflict":1,"required":1}`, "existing": `"update"`}.check(t, "update", r)
	updated := updatedRows(t, c, r.field("id"))
	if !slices.Equal(updated, proposed) || len(updated) != 3 || updated[0] != `1 [{"column":"license__max_activations","from":"5","to":"7"}]` {
		t.Errorf("updated\n%s\nproposed\n%s", strings.Join(updated, "\n"), strings.Join(proposed, "\n"))
	}
	fields{"results.0.max_activations": "1", "results.0.validity_period": "null", "results.0.note": `"second"`, "results.0.customer.email": `"ada@example.com"`,
		"results.0.customer.first_name": `"Ada"`, "results.0.order.store_id": `"o-1"`, "results.0.import_row": "1"}.check(t, "u-1", c.get(200, "/api/v1/licenses/?license_key=u-1"))
	fields{"results.0.customer.email": `"bob@example.com"`, "results.0.valid_duration": "null"}.check(t, "u-2", c.get(200, "/api/v1/licenses/?license_key=u-2"))
	fields{"results.0.max_activations": "1", "results.0.note": `"new"`}.check(t, "u-3", c.get(200, "/api/v1/licenses/?license_key=u-3"))

	again := c.imports("?existing=update", updateHeader+"u-1,psc,ADA@EXAMPLE.COM,,o-1,1,,,second\n")
	fields{"result.updated_licenses_count": "0", "result.existed_licenses_count": "1"}.check(t, "the same once more", again)
	named := c.imports("?existing=update", updateHeader+"u-1,psc,ada@example.com,,o-1,9,,,\nu-1,psc,,,,1,,,\n")
	fields{"result.updated_licenses_count": "2", "result.existed_customers_count": "1", "result.existed_orders_count": "1",
		"result.created_customers_count": "0", "result.created_orders_count": "0"}.check(t, "one row names them", named)
	unnamed := c.imports("?existing=update", updateHeader+"u-1,psc,,Eva,,1,,,second\nu-2,psc,,Eva,,,,,third\n")
	fields{"result.updated_licenses_count": "1", "result.warning_counts": `{"customer_without_email":2}`}.check(t, "without the customer's address", unnamed)
}

// TestUndoBringsPartiesBack: when an undo gives licenses the customer and order back that an update took from them, these
// are as they were, also where the rows of the others say less of them.
func TestUndoBringsPartiesBack(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	c.imports("", updateHeader+"x-1,psc,ada@example.com,Ada,o-1,,,,\nx-2,psc,ada@example.com,,o-1,,,,\nx-3,psc,,,,,,,\n")
	partiesOf := func() (texts []string) {
		for _, path := range []string{"customers/", "orders/", "licenses/?order_by=created_at"} {
			texts = append(texts, string(c.get(200, "/api/v1/"+path).body))
		}
		return texts
	}
	before := partiesOf()
	moved := c.imports("?existing=update", updateHeader+
		"x-2,psc,eve@example.com,Eve,o-2,,,,\nx-1,psc,eve@example.com,Eve,o-2,,,,\nx-3,psc,eve@example.com,Eve,o-2,,,,\n")
	fields{"result.updated_licenses_count": "3"}.check(t, "the update", moved)
	if slices.Equal(partiesOf(), before) {
		t.Error("nothing was moved")
	}
	one := resultsPath + moved.field("id") + "/"
	c.call(202, "POST", one+"undo/", nil)
	c.get(200, one+"events/")
	fields{"undo.restored": "3"}.check(t, "the undo", c.get(200, one))
	for i, after := range partiesOf() {
		if after != before[i] {
			t.Errorf("before\n%s\nafterwards\n%s", before[i], after)
		}
	}
	for query, want := range map[string]string{"customers/?first_name__icontains=ada": "1", "customers/?first_name__icontains=eve": "0"} {
		fields{"count": want}.check(t, query, c.get(200, "/api/v1/"+query))
	}
}

// updatedRows is a line for each updated row: its number and what changes.
func updatedRows(t *testing.T, c *caller, id string) (lines []string) {
	t.Helper()
	for _, row := range pages[json.RawMessage](t, c, resultsPath+id+"/updated_rows/") {
		lines = append(lines, field(row, "row")+" "+field(row, "changed"))
	}
	return lines
}

// TestUpdateAllOrNothing: a conflict with a license, or with what an earlier row makes of one, keeps all from being updated.
func TestUpdateAllOrNothing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	c.imports("", updateHeader+"w-1,psc,,,,,,,\n")
	r := c.imports("?existing=update&mode=all_or_nothing", updateHeader+"w-1,psc,,,,,,1y,\nw-1,psc,,,,,2031-01-01,,\n")
	fields{"status": `"error"`, "error.code": `"rejected_rows"`, "result.error_counts": `{"conflict":1}`, "result.updated_licenses_count": "0"}.check(t, "refused", r)
	fields{"results.0.valid_duration": "null"}.check(t, "w-1", c.get(200, "/api/v1/licenses/?license_key=w-1"))
	r = c.imports("?existing=update&mode=all_or_nothing", updateHeader+"w-1,psc,,,,,,1y,\nw-1,psc,,,,,2031-01-01,#N/A,\n")
	fields{"status": `"success"`, "result.updated_licenses_count": "2"}.check(t, "accepted", r)
	fields{"results.0.valid_duration": "null", "results.0.validity_period": `"2031-01-01"`}.check(t, "w-1", c.get(200, "/api/v1/licenses/?license_key=w-1"))
}

// TestUpdateOfForeignProducts: a manager who is limited to some products changes no license of others, and is told nothing of one.
func TestUpdateOfForeignProducts(t *testing.T) {
	t.Parallel()
	s := serve(t)
	admin := s.as(t, s.admin)
	admin.imports("", updateHeader+"f-1,secret,,,,3,,1y,hidden\n")
	limited := s.as(t, s.newKey(t, "limited", "importer", "psc"))
	var told []string
	for _, key := range []string{"f-1", "f-2"} { // the second does not exist
		for _, query := range []string{"?existing=update", "?existing=update&dry_run=true", "?existing=update&mode=all_or_nothing"} {
			r := limited.imports(query, updateHeader+key+",secret,,,,9,2031-01-01,,mine\n")
			told = append(told, field(r.body, "result.error_counts")+field(r.body, "result.invalid_rows.0.errors"))
		}
	}
	if !strings.HasPrefix(told[0], `{"no_access":1}`) || slices.ContainsFunc(told, func(s string) bool { return s != told[0] }) {
		t.Errorf("told\n%s", strings.Join(told, "\n"))
	}
	fields{"results.0.max_activations": "3", "results.0.note": `"hidden"`}.check(t, "f-1", admin.get(200, "/api/v1/licenses/?license_key=f-1"))
}
