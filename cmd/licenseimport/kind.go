package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"licenseimport/events"
)

// apiPrefix is what the paths of the table of kinds are below.
const apiPrefix = "/api/v1/"

// kindFlag says what the rows of a file are.
type kindFlag struct {
	Kind string `group:"file" placeholder:"KIND" enum:"licenses,features,customers" default:"licenses" help:"What the rows are: licenses (the default), features of licenses, or customers."`
}

func (f kindFlag) kind() *events.Kind { return events.KindNamed(f.Kind) }

// importRef is an import at its address. An import has an address of one kind only.
type importRef struct {
	kind *events.Kind
	id   uint64
}

// path is where the import's result is.
func (i importRef) path() string {
	return apiPrefix + i.kind.Results + strconv.FormatUint(i.id, 10) + "/"
}

func (i importRef) result(ctx context.Context, c *client) (*result, error) {
	body, err := c.get(ctx, i.path())
	if err != nil {
		return nil, err
	}
	return decodeResult(i.kind, body)
}

// find looks an import up at the addresses of all kinds.
func (c *client) find(ctx context.Context, id uint64) (*result, error) {
	var missing error
	for _, kind := range events.Kinds {
		r, err := importRef{kind, id}.result(ctx, c)
		if !isNotFound(err) {
			return r, err
		}
		if missing == nil {
			missing = err
		}
	}
	return nil, missing
}

func isNotFound(err error) bool {
	problem, ok := errors.AsType[*apiError](err)
	return ok && problem.Status == http.StatusNotFound
}

// resultPage is the API's list of the imports of one kind.
type resultPage struct {
	Count    int               `json:"count"`
	Next     *string           `json:"next"`
	Previous *string           `json:"previous"`
	Results  []json.RawMessage `json:"results"`
}

// results reads the newest imports of a kind, and the answer's body. A server of an earlier version knows
// licenses only, and a key may have no right to see customers.
func (c *client) results(ctx context.Context, kind *events.Kind, limit int) (found []*result, body []byte, err error) {
	body, err = c.get(ctx, apiPrefix+kind.Results+"?limit="+strconv.Itoa(limit))
	if problem, ok := errors.AsType[*apiError](err); ok && kind != events.DefaultKind &&
		(isNotFound(err) || problem.Status == http.StatusForbidden) {
		return nil, []byte(`{"count":0,"next":null,"previous":null,"results":[]}`), nil
	}
	if err != nil {
		return nil, nil, err
	}
	var page resultPage
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, nil, fmt.Errorf("the server's answer is no list of imports: %w", err)
	}
	for _, one := range page.Results {
		r, err := decodeResult(kind, one)
		if err != nil {
			return nil, nil, err
		}
		found = append(found, r)
	}
	return found, body, nil
}

// resultsOfAll reads the newest imports of all kinds, and them as one list. Where there are imports of one kind
// only, that is the server's.
func (c *client) resultsOfAll(ctx context.Context, limit int) (found []*result, body []byte, err error) {
	all := resultPage{Results: []json.RawMessage{}}
	kinds := 0 // that have imports
	for _, kind := range events.Kinds {
		of, page, err := c.results(ctx, kind, limit)
		if err != nil {
			return nil, nil, err
		}
		if len(of) > 0 {
			kinds++
		}
		if body == nil || kinds == 1 && len(of) > 0 {
			body = page
		}
		var counted resultPage
		if err := json.Unmarshal(page, &counted); err != nil {
			return nil, nil, err
		}
		all.Count += counted.Count
		found = append(found, of...)
	}
	slices.SortFunc(found, func(a, b *result) int { return cmp.Compare(b.ID, a.ID) })
	found = found[:min(limit, len(found))]
	if kinds < 2 {
		return found, body, nil
	}
	for _, r := range found {
		all.Results = append(all.Results, r.raw)
	}
	body, err = json.Marshal(all)
	return found, body, err
}
