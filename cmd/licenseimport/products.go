package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/processor"
)

// productsCommand manages the catalogue.
type productsCommand struct {
	Set    productsSetCommand    `cmd:"" help:"Add a product, or change it."`
	List   productsListCommand   `cmd:"" default:"withargs" help:"Show the catalogue."`
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

	Feature       []string `sep:"none" placeholder:"CODE" help:"A feature that its licenses may have; repeatable. Others stay."`
	FeatureType   []string `sep:"none" placeholder:"TYPE" help:"Its type, such as consumption; one for all, or one for each --feature."`
	FeatureName   []string `sep:"none" placeholder:"TEXT" help:"What people call it; one for each --feature."`
	RemoveFeature []string `sep:"none" placeholder:"CODE" help:"A feature to take out; repeatable."`
	logFlags
}

// Help is what --help tells beside the flags.
func (productsSetCommand) Help() string {
	return `Replaces what was said of the product before, but for its features. With --feature or --remove-feature it changes these, and what other flags name. Licenses that were imported already keep what they have.

While a product has no features, features files may name any. From the first one on, rows for others are rejected.

Examples:
  licenseimport products set photo-pro
  licenseimport products set photo-pro --name "Photo Pro" --license-type perpetual --max-activations 3
  licenseimport products set photo-pro --feature reports --feature-type consumption`
}

// apply changes a product as the flags say.
func (c *productsSetCommand) apply(p *events.CatalogueProduct) {
	whole := len(c.Feature)+len(c.RemoveFeature) == 0
	if whole || c.Name != "" {
		p.Name = c.Name
	}
	if whole || c.LicenseType != "" {
		p.LicenseType = c.LicenseType
	}
	if whole || c.MaxActivations != nil {
		p.MaxActivations = c.MaxActivations
	}
	p.Features = slices.DeleteFunc(slices.Clone(p.Features), func(f events.ProductFeature) bool {
		return slices.Contains(c.RemoveFeature, f.Code)
	})
	for i, code := range c.Feature {
		j := slices.IndexFunc(p.Features, func(f events.ProductFeature) bool { return f.Code == code })
		if j < 0 {
			j = len(p.Features)
			p.Features = append(p.Features, events.ProductFeature{Code: code})
		}
		switch len(c.FeatureType) {
		case 0:
		case 1:
			p.Features[j].FeatureType = c.FeatureType[0]
		default:
			p.Features[j].FeatureType = c.FeatureType[i]
		}
		if len(c.FeatureName) > 0 {
			p.Features[j].Name = c.FeatureName[i]
		}
	}
}

// Validate is called by the parser.
func (c *productsSetCommand) Validate() error {
	features := len(c.Feature)
	if n := len(c.FeatureType); n > 1 && n != features || n == 1 && features == 0 {
		return errors.New("--feature-type: give one for all --feature, or one for each")
	}
	if n := len(c.FeatureName); n > 0 && n != features {
		return errors.New("--feature-name: give one for each --feature")
	}
	return nil
}

// Run adds or changes a product.
func (c *productsSetCommand) Run(ctx context.Context, t *terminal) error {
	return c.withLog(ctx, func(log *eventlog.Log) error {
		catalogue := processor.OpenCatalogue(log)
		stored := "" // the code without white space around it
		change := func(p *events.CatalogueProduct) { c.apply(p); stored = p.ShortCode }
		if err := recordedLater(t, catalogue.As(operator).Change(ctx, c.Code, change)); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "Set %s.\n", printable(stored))
		if all, err := catalogue.List(ctx); err == nil && len(all) == 1 { // without it every code was accepted
			fmt.Fprintln(t.out, "It is the only product in the catalogue: rows with another short code are rejected.")
		}
		return nil
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
			return printList(t.out, products, func(p events.CatalogueProduct) events.CatalogueProduct { return p })
		}
		if len(products) == 0 {
			fmt.Fprintln(t.out, "The catalogue is empty: every short code is accepted.")
			return nil
		}
		table := newTable(t.out, "Short code", "Name", "License type", "Max activations", "Features")
		for _, p := range products {
			activations := ""
			if p.MaxActivations != nil {
				activations = fmt.Sprint(*p.MaxActivations)
			}
			table.AppendRow([]any{printable(p.ShortCode), printable(p.Name), p.LicenseType, activations,
				printable(featureCodes(p.Features))})
		}
		table.Render()
		return nil
	})
}

// featureCodes lists the codes of features.
func featureCodes(features []events.ProductFeature) string {
	codes := make([]string, len(features))
	for i, f := range features {
		codes[i] = f.Code
	}
	return strings.Join(codes, ", ")
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
		err := recordedLater(t, processor.OpenCatalogue(log).As(operator).Remove(ctx, c.Code))
		if errors.Is(err, eventlog.ErrNotFound) {
			return fmt.Errorf("there is no product %s: licenseimport products list shows them", printable(c.Code))
		}
		if err == nil {
			fmt.Fprintf(t.out, "Removed %s.\n", printable(strings.TrimSpace(c.Code)))
		}
		return err
	})
}
