//go:build tools

package browsertest

import "testing"

// rowsAre chooses what is in the file.
func (b *tab) rowsAre(kind string) {
	b.Helper()
	find := `document.querySelector("input[name=kind][value=" + ` + quote(kind) + ` + "]")`
	b.until("Boolean(" + find + ")")
	b.do(find + ".click()")
}

// TestBrowserImportsFeaturesAndCustomers: what the rows are is chosen before the file; the list has imports of all
// kinds with their kind, results are shown by kind, a license shows its features, and customers are found.
func TestBrowserImportsFeaturesAndCustomers(t *testing.T) {
	t.Parallel()
	b := openSignedIn(t, serve(t))
	b.sees("What is in the file?", "with one license per row")
	b.choose(write(t, "licenses.csv",
		"license__license_key,product__short_code,customer__email\nKIND-1,psc,ada@example.com\n"))
	b.click("Import the file")
	b.sees("Import 1", "1 imported")

	b.click("Imports")
	b.rowsAre("features")
	b.sees("with one feature per row")
	b.choose(write(t, "features.csv",
		"license_key,code,max_consumption,expiry_date\nKIND-1,reports,100,2030-12-31\nKIND-1,export,,\nNOBODY,reports,,\n"))
	b.click("Import the file")
	b.sees("Import 2 of features", "2 imported, 1 to fix", "Unknown license")

	b.click("Imports")
	b.rowsAre("customers")
	b.sees("with one customer per row")
	b.choose(write(t, "contacts.csv",
		"E-Mail,Vorname,Firma\nada@example.com,Ada,Engines\ngrace@example.com,Grace,Compilers\n"))
	b.sees("What your columns become", "E-mail", "First name", "Company")
	b.click("Check first")
	b.sees("Import 3 of customers", "1 new", "1 exists already (unchanged)")
	b.click("Import the file")
	b.sees("Import 4 of customers", "1 imported, 1 existed (unchanged)")
	b.click("View the customers")
	b.sees("2 customers", "grace@example.com", "Compilers")

	b.click("Imports")
	b.sees("licenses.csv", "features.csv", "contacts.csv", "features", "customers")
	b.until(`Array.from(document.querySelectorAll("nav.filter"), (n) => n.innerText.split(/\s+/).join(" ")).join("; ") ===
		"Kind Any Licenses Features Customers; Status Any Waiting Running Done Failed"`)
	b.click("Features")
	b.until(`!document.body.innerText.includes("contacts.csv")`)
	b.sees("features.csv")
	b.click("features.csv")
	b.sees("Import 2 of features")

	b.click("Licenses")
	b.click("KIND-1")
	b.sees("Features", "reports", "Maximum uses", "100", "export", "Feature added", "History")
}
