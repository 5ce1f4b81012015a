package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"

	"licenseimport/internal/fsx"
)

// exportCommand writes what was imported as a CSV.
type exportCommand struct {
	Licenses  exportLicensesCommand  `cmd:"" help:"Licenses, in the columns of an import: the file can be imported."`
	Customers exportCustomersCommand `cmd:"" help:"Customers, in the columns of a customers' import."`
	Orders    exportOrdersCommand    `cmd:"" help:"The licenses of the orders of a time, in the columns of an import."`
}

// Help is what --help tells beside the flags.
func (exportCommand) Help() string {
	return `The file is of one moment, also while imports run. Cells are as they are: open an export of what others have imported as text, since a spreadsheet runs a cell that begins like a formula.

Examples:
  licenseimport export licenses > licenses.csv
  licenseimport export licenses --product-short-code photo-pro --output photo-pro.csv
  licenseimport export customers --company-name-icontains acme
  licenseimport export orders --range last30`
}

// exportFlags are those of each export.
type exportFlags struct {
	Output string `short:"o" placeholder:"FILE" help:"Write the file there; a file that stands there is replaced when the new one is complete. Default: standard output."`

	clientFlags
}

// The filters have the API's names. The tag query is the name of the query parameter.

type licenseFilters struct {
	Search                     string `group:"filter" query:"search" placeholder:"WORDS" help:"Each word is somewhere in key, product, e-mail, name, company or order, in any case."`
	LicenseKey                 string `group:"filter" query:"license_key" placeholder:"KEY" help:"Exactly this key, in any product."`
	LicenseKeyStartswith       string `group:"filter" query:"license_key__startswith" placeholder:"TEXT" help:"The key begins with it."`
	LicenseKeyIcontains        string `group:"filter" query:"license_key__icontains" placeholder:"TEXT" help:"The key has it anywhere, in any case."`
	LicenseKeyIsnull           string `group:"filter" query:"license_key__isnull" placeholder:"BOOL" hidden:"" help:"Every license has a key: true selects none."`
	IDIn                       string `group:"filter" name:"id-in" query:"id__in" placeholder:"IDS" help:"Ids, with commas between them; at most 1000."`
	ProductID                  string `group:"filter" name:"product-id" query:"product_id" placeholder:"ID" help:"The product's id."`
	ProductShortCode           string `group:"filter" query:"product__short_code" placeholder:"CODE" help:"The product's short code."`
	ProductNameIcontains       string `group:"filter" query:"product_name__icontains" placeholder:"TEXT" help:"In the product's name."`
	CustomerID                 string `group:"filter" name:"customer-id" query:"customer_id" placeholder:"ID" help:"The customer's id."`
	CustomerEmail              string `group:"filter" query:"customer_email" placeholder:"EMAIL" help:"The customer's whole address."`
	CustomerEmailIcontains     string `group:"filter" query:"customer_email__icontains" placeholder:"TEXT" help:"In the address."`
	CustomerNameIcontains      string `group:"filter" query:"customer_name__icontains" placeholder:"TEXT" help:"In first name, space, last name."`
	CustomerCompanyIcontains   string `group:"filter" name:"customer-company-name-icontains" query:"customer_company_name__icontains" placeholder:"TEXT" help:"In the company's name."`
	CustomerReferenceIcontains string `group:"filter" query:"customer__reference__icontains" placeholder:"TEXT" help:"In the customer's reference."`
	OrderStoreID               string `group:"filter" name:"order-store-id" query:"order__store_id" placeholder:"ID" help:"The order's id in the store."`
	OrderStoreIDStartswith     string `group:"filter" name:"order-store-id-startswith" query:"order__store_id__startswith" placeholder:"TEXT" help:"That id begins with it."`
	OrderStoreIDIcontains      string `group:"filter" name:"order-store-id-icontains" query:"order__store_id__icontains" placeholder:"TEXT" help:"That id has it anywhere."`
	NoteIcontains              string `group:"filter" query:"note__icontains" placeholder:"TEXT" help:"In the note."`
	IsAnyFloating              string `group:"filter" query:"is_any_floating" placeholder:"BOOL" help:"true: floating, on an own server or in the cloud; false: neither."`
	ValidityPeriodGt           string `group:"filter" query:"validity_period__gt" placeholder:"DATE" help:"Valid until a later date."`
	ValidityPeriodGte          string `group:"filter" query:"validity_period__gte" placeholder:"DATE" help:"… or until that date."`
	ValidityPeriodLt           string `group:"filter" query:"validity_period__lt" placeholder:"DATE" help:"Valid until an earlier date."`
	ValidityPeriodLte          string `group:"filter" query:"validity_period__lte" placeholder:"DATE" help:"… or until that date."`
	Enabled                    string `group:"filter" query:"enabled" placeholder:"BOOL" help:"true or false."`
	ImportID                   string `group:"filter" name:"import-id" query:"import_id" placeholder:"ID" help:"Made by this import."`
}

type customerFilters struct {
	Search              string `group:"filter" query:"search" placeholder:"WORDS" help:"Each word is in the address, the name or the company, in any case."`
	Email               string `group:"filter" query:"email" placeholder:"EMAIL" help:"The whole address."`
	EmailStartswith     string `group:"filter" query:"email__startswith" placeholder:"TEXT" help:"The address begins with it."`
	EmailIcontains      string `group:"filter" query:"email__icontains" placeholder:"TEXT" help:"The address has it anywhere, in any case."`
	CompanyIcontains    string `group:"filter" name:"company-name-icontains" query:"company_name__icontains" placeholder:"TEXT" help:"In the company's name."`
	FirstNameIcontains  string `group:"filter" query:"first_name__icontains" placeholder:"TEXT" help:"In the first name."`
	LastNameIcontains   string `group:"filter" query:"last_name__icontains" placeholder:"TEXT" help:"In the last name."`
	PhoneIcontains      string `group:"filter" query:"phone__icontains" placeholder:"TEXT" help:"In the telephone number."`
	ReferenceExact      string `group:"filter" query:"reference__exact" placeholder:"TEXT" help:"Exactly this reference."`
	ReferenceStartswith string `group:"filter" query:"reference__startswith" placeholder:"TEXT" help:"The reference begins with it."`
	ReferenceIcontains  string `group:"filter" query:"reference__icontains" placeholder:"TEXT" help:"The reference has it anywhere."`
}

type orderFilters struct {
	Search    string `group:"filter" query:"search" placeholder:"WORDS" help:"Each word is in a license of the order: key, product, customer's e-mail, name or company, or the order's id; in any case."`
	StoreID   string `group:"filter" name:"store-id" query:"store_id" placeholder:"ID" help:"The order's id in the store."`
	ShortCode string `group:"filter" query:"short_code" placeholder:"CODE" help:"Orders that have a license of this product."`
	Range     string `group:"filter" query:"range" placeholder:"NAME" help:"last30: orders of the last 30 days; not with --from or --to."`
	From      string `group:"filter" query:"from" placeholder:"DATE" help:"The first day, in UTC; or the first moment, such as 2026-01-31T12:00:00Z."`
	To        string `group:"filter" query:"to" placeholder:"DATE" help:"The last day, in UTC; or the last moment."`
}

type exportLicensesCommand struct {
	licenseFilters
	exportFlags
}

// Help is what --help tells beside the flags.
func (exportLicensesCommand) Help() string {
	return `Each license as it is now, the oldest first, with its customer and its order. All filters have to match.

Examples:
  licenseimport export licenses > licenses.csv
  licenseimport export licenses --import-id 10 --output import-10.csv
  licenseimport export licenses --validity-period-lt 2027-01-01 --enabled true`
}

// Run exports licenses.
func (c *exportLicensesCommand) Run(ctx context.Context, t *terminal) error {
	return c.export(ctx, t, "/api/v1/licenses/export/", filterQuery(c.licenseFilters))
}

type exportCustomersCommand struct {
	customerFilters
	exportFlags
}

// Help is what --help tells beside the flags.
func (exportCustomersCommand) Help() string {
	return `Each customer as it is now, the oldest first; those of customers' imports need no license. All filters have to match.

Examples:
  licenseimport export customers > customers.csv
  licenseimport export customers --email-icontains @example.com`
}

// Run exports customers.
func (c *exportCustomersCommand) Run(ctx context.Context, t *terminal) error {
	return c.export(ctx, t, "/api/v1/customers/export/", filterQuery(c.customerFilters))
}

type exportOrdersCommand struct {
	orderFilters
	exportFlags
}

// Help is what --help tells beside the flags.
func (exportOrdersCommand) Help() string {
	return `One row for each license of the orders: what is imported are licenses, and these name their orders. Without a filter: all orders.

Examples:
  licenseimport export orders --range last30 > orders.csv
  licenseimport export orders --from 2026-01-01 --to 2026-03-31 --output quarter.csv`
}

// Run exports orders.
func (c *exportOrdersCommand) Run(ctx context.Context, t *terminal) error {
	return c.export(ctx, t, "/api/v1/orders/export/", filterQuery(c.orderFilters))
}

// filterQuery is the query of the filters that are given.
func filterQuery(filters any) url.Values {
	query, v := url.Values{}, reflect.ValueOf(filters)
	for i := range v.NumField() {
		if value := v.Field(i).String(); value != "" {
			query.Set(v.Type().Field(i).Tag.Get("query"), value)
		}
	}
	return query
}

// export writes an answer to the file or to standard output.
func (c *exportFlags) export(ctx context.Context, t *terminal, path string, query url.Values) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	if info, err := os.Lstat(c.Output); c.Output != "" && err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("--output %s: there is something else than a file: name another", c.Output)
	}
	return c.withExisting(ctx, t, readRoles, func(ctx context.Context, api *client) error {
		if err := api.waitForServer(ctx); err != nil {
			return err
		}
		if c.Output == "" {
			return explainExport(ctx, "throw away what it printed", api.save(ctx, path, t.out))
		}
		err := fsx.StreamPrivate(c.Output, func(w io.Writer) error { return api.save(ctx, path, w) })
		return explainExport(ctx, c.Output+" is not written", err)
	})
}

func explainExport(ctx context.Context, what string, err error) error {
	_, answered := errors.AsType[*apiError](err)
	switch {
	case err == nil, answered:
		return err
	case ctx.Err() != nil:
		return errors.New("stopped before the export was complete")
	default:
		return fmt.Errorf("the export is not complete, %s: %w", what, err)
	}
}
