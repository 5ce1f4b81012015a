package main

import (
	"context"
	"errors"
	"fmt"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/processor"
)

// productsCommand manages the catalogue.
type productsCommand struct {
	Set    productsSetCommand    `cmd:"" help:"Add a product, or change it."`
	List   productsListCommand   `cmd:"" help:"Show the catalogue."`
	Remove productsRemoveCommand `cmd:"" help:"Take a product out; its licenses stay."`
}

// Help is what --help tells beside the flags.
func (productsCommand) Help() string {
	return `While the catalogue is empty, every short code is accepted. From the first product on, rows for others are rejected.

Examples:
  licenseimport products set photo-pro --name "Photo Pro" --license-type perpetual --max-activations 3
  licenseimport products list
  licenseimport products remove photo-pro`
}

type productsSetCommand struct {
	Code           string `arg:"" help:"The short code, as files name the product; upper and lower case differ."`
	Name           string `placeholder:"TEXT" help:"What people call it."`
	LicenseType    string `placeholder:"TYPE" help:"For rows that leave it empty: perpetual, time-limited, subscription or consumption."`
	MaxActivations *int   `placeholder:"N" help:"For rows that leave it empty."`
	logFlags
}

// Help is what --help tells beside the flags.
func (productsSetCommand) Help() string {
	return `Replaces all that was said of the product before. Licenses that were imported already keep what they have.

Examples:
  licenseimport products set photo-pro
  licenseimport products set photo-pro --name "Photo Pro" --license-type perpetual --max-activations 3`
}

// Run adds or changes a product.
func (c *productsSetCommand) Run(ctx context.Context, t *terminal) error {
	return c.withLog(ctx, func(log *eventlog.Log) error {
		err := processor.OpenCatalogue(log).As(operator).Set(ctx, events.Product{
			ShortCode: c.Code, Name: c.Name, LicenseType: c.LicenseType, MaxActivations: c.MaxActivations,
		})
		if err == nil {
			fmt.Fprintf(t.out, "Set %s.\n", printable(c.Code))
		}
		return err
	})
}

type productsListCommand struct {
	listFlags
	logFlags
}

// Help is what --help tells beside the flags.
func (productsListCommand) Help() string {
	return `Examples:
  licenseimport products list
  licenseimport products list --json`
}

// Run lists the catalogue.
func (c *productsListCommand) Run(ctx context.Context, t *terminal) error {
	return c.withExisting(ctx, func(log *eventlog.Log) error {
		products, err := processor.OpenCatalogue(log).List(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printList(t.out, products, func(p events.Product) events.Product { return p })
		}
		if len(products) == 0 {
			fmt.Fprintln(t.out, "The catalogue is empty: every short code is accepted.")
			return nil
		}
		table := newTable(t.out, "Short code", "Name", "License type", "Max activations")
		for _, p := range products {
			activations := ""
			if p.MaxActivations != nil {
				activations = fmt.Sprint(*p.MaxActivations)
			}
			table.AppendRow([]any{printable(p.ShortCode), printable(p.Name), p.LicenseType, activations})
		}
		table.Render()
		return nil
	})
}

type productsRemoveCommand struct {
	Code string `arg:"" help:"The short code."`
	logFlags
}

// Help is what --help tells beside the flags.
func (productsRemoveCommand) Help() string {
	return `From then on rows for it are rejected, unless the catalogue is empty then: in that case every short code is accepted.

Example:
  licenseimport products remove photo-lite`
}

// Run takes a product out.
func (c *productsRemoveCommand) Run(ctx context.Context, t *terminal) error {
	return c.withExisting(ctx, func(log *eventlog.Log) error {
		err := processor.OpenCatalogue(log).As(operator).Remove(ctx, c.Code)
		if errors.Is(err, eventlog.ErrNotFound) {
			return fmt.Errorf("there is no product %s: licenseimport products list shows them", printable(c.Code))
		}
		if err == nil {
			fmt.Fprintf(t.out, "Removed %s.\n", printable(c.Code))
		}
		return err
	})
}
