package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"licenseimport/events/eventlog"
	"licenseimport/internal/mapping"
)

const mappingsPath = "/api/v1/import-mappings/"

// mappingsCommand manages saved mappings.
type mappingsCommand struct {
	List   mappingsListCommand   `cmd:"" default:"withargs" help:"Show the saved mappings, and those that come with the program."`
	Show   mappingsShowCommand   `cmd:"" help:"Print one as JSON."`
	Save   mappingsSaveCommand   `cmd:"" help:"Save one, or replace it."`
	Remove mappingsRemoveCommand `cmd:"" help:"Remove a saved one; imports keep what they were started with."`
}

// Help is what --help tells beside the flags.
func (mappingsCommand) Help() string {
	return `A mapping says which column each of a file's columns is, how it writes dates, and what its cells mean. Use it by licenseimport import FILE --mapping NAME.

Examples:
  licenseimport mappings
  licenseimport mappings show keygen > ours.json
  licenseimport mappings save ours ours.json
  licenseimport mappings remove ours`
}

type mappingsListCommand struct {
	JSON bool `name:"json" help:"Print what the API answers, and nothing else."`
	clientFlags
}

// Help is what --help tells beside the flags.
func (mappingsListCommand) Help() string {
	return `Example:
  licenseimport mappings list`
}

// Run lists the mappings.
func (c *mappingsListCommand) Run(ctx context.Context, t *terminal) error {
	return c.withMappings(ctx, t, func(ctx context.Context, api *client) error {
		all, err := api.mappings(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(t.out).Encode(all)
		}
		table := newTable(t.out, "Name", "Columns", "For")
		for _, result := range all.Results {
			var m struct {
				Name    string             `json:"name"`
				Title   string             `json:"title"`
				Columns map[string]*string `json:"columns"`
			}
			if err := json.Unmarshal(result, &m); err != nil {
				return err
			}
			of := "saved"
			if m.Title != "" {
				of = "exports of " + m.Title + " (comes with the program)"
			}
			table.AppendRow([]any{printable(m.Name), len(m.Columns), of})
		}
		table.Render()
		return nil
	})
}

// withMappings is withServer for commands that only read mappings. Those that come with the program are
// there without a data directory, so where there is none, one that is removed afterwards takes its place.
func (c *clientFlags) withMappings(ctx context.Context, t *terminal, f func(context.Context, *client) error) (err error) {
	_, held, err := eventlog.LockOwner(c.Data)
	if c.Server != "" || c.Key != "" || c.AdminKey != "" || err != nil || held || holdsData(c.Data) {
		return c.withExisting(ctx, t, allRoles, f)
	}
	temp, err := os.MkdirTemp("", "licenseimport-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	empty := *c
	empty.Data = temp
	return empty.withServer(ctx, &terminal{in: t.in, out: t.out, err: io.Discard}, allRoles, f)
}

// mappingsList is the API's list of mappings.
type mappingsList struct {
	Count    int               `json:"count"`
	Next     *string           `json:"next"`
	Previous *string           `json:"previous"`
	Results  []json.RawMessage `json:"results"`
}

// mappings reads all pages of the list of mappings, and returns them as one.
func (c *client) mappings(ctx context.Context) (all mappingsList, err error) {
	for offset := 0; offset == 0 || offset < all.Count; offset += 100 {
		var page mappingsList
		body, err := c.get(ctx, fmt.Sprintf("%s?limit=100&offset=%d", mappingsPath, offset))
		if err == nil {
			err = json.Unmarshal(body, &page)
		}
		if err != nil {
			return all, err
		}
		all.Count, all.Results = page.Count, append(all.Results, page.Results...)
	}
	return all, nil
}

type mappingsShowCommand struct {
	Name string `arg:"" help:"Its name."`
	clientFlags
}

// Help is what --help tells beside the flags.
func (mappingsShowCommand) Help() string {
	return `Example:
  licenseimport mappings show keygen`
}

// Run prints one mapping.
func (c *mappingsShowCommand) Run(ctx context.Context, t *terminal) error {
	return c.withMappings(ctx, t, func(ctx context.Context, api *client) error {
		body, err := api.get(ctx, mappingsPath+url.PathEscape(c.Name)+"/")
		if err != nil {
			return err
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, body, "", "  "); err != nil {
			return err
		}
		_, err = fmt.Fprintln(t.out, indented.String())
		return err
	})
}

type mappingsSaveCommand struct {
	Name string `arg:"" help:"Its name."`
	File string `arg:"" help:"The mapping as JSON; - reads standard input."`
	clientFlags
}

// Help is what --help tells beside the flags.
func (mappingsSaveCommand) Help() string {
	return `The file is a JSON object such as:
  {"columns": {"Serial No.": "license__license_key", "Notes 2": null}, "set": {"product__short_code": "photo-pro"},
   "date_format": "MM/DD/YYYY", "values": {"license__license_type": {"Lifetime": "perpetual"}}}

Example:
  licenseimport mappings save ours ours.json`
}

// Run saves a mapping.
func (c *mappingsSaveCommand) Run(ctx context.Context, t *terminal) error {
	body, err := readMappingFile(ctx, c.File, t.in)
	if err != nil {
		return err
	}
	return c.withServer(ctx, t, allRoles, func(ctx context.Context, api *client) error {
		if err := api.send(ctx, http.MethodPut, mappingsPath+url.PathEscape(c.Name)+"/", body); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "Saved %s.\n", printable(c.Name))
		return nil
	})
}

// readMappingFile reads a mapping, without the members that only the API writes: what show has printed
// can be saved under another name.
func readMappingFile(ctx context.Context, path string, stdin io.Reader) ([]byte, error) {
	in := io.Reader(newInterruptible(ctx, stdin))
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("the mapping cannot be read: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 2*mapping.MaxBytes))
	if err != nil {
		return nil, fmt.Errorf("the mapping cannot be read: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\uFEFF")), &members); err != nil { // as some editors begin it
		return nil, errors.New("the file is no mapping: it must be one JSON object, as licenseimport mappings show prints it")
	}
	for _, name := range []string{"name", "builtin", "title", "source"} {
		delete(members, name)
	}
	return json.Marshal(members)
}

type mappingsRemoveCommand struct {
	Name string `arg:"" help:"Its name."`
	clientFlags
}

// Help is what --help tells beside the flags.
func (mappingsRemoveCommand) Help() string {
	return `Example:
  licenseimport mappings remove ours`
}

// Run removes a mapping.
func (c *mappingsRemoveCommand) Run(ctx context.Context, t *terminal) error {
	return c.withExisting(ctx, t, allRoles, func(ctx context.Context, api *client) error {
		if err := api.send(ctx, http.MethodDelete, mappingsPath+url.PathEscape(c.Name)+"/", nil); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "Removed %s.\n", printable(c.Name))
		return nil
	})
}

// send sends a request with a JSON body, and ignores the answer's.
func (c *client) send(ctx context.Context, method, path string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.do(r)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
