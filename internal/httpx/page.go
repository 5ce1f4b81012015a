package httpx

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
)

// Limits of a page. Above maxOffset, JSON numbers are not exact.
const (
	DefaultLimit = 20
	MaxLimit     = 100
	maxOffset    = 1<<53 - 1
)

// Page is the requested part of a list.
type Page struct {
	Limit  int // 1 to MaxLimit
	Offset int // from 0
}

// ParsePage reads the query parameters limit (capped at MaxLimit) and offset. A value
// that is no number, or out of range, is a 400 that names it. A query that cannot be
// parsed is a 400 as well, since the lost part might be a filter.
func ParsePage(r *http.Request) (Page, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Page{}, BadRequest("invalid_parameter", "The query of the address cannot be read.").Because(err)
	}
	limit, err := number(query, "limit", DefaultLimit, 1, math.MaxInt)
	if err != nil {
		return Page{}, err
	}
	offset, err := number(query, "offset", 0, 0, maxOffset)
	if err != nil {
		return Page{}, err
	}
	return Page{Limit: min(limit, MaxLimit), Offset: offset}, nil
}

// number reads one parameter; one without a value counts as not given.
func number(query url.Values, name string, otherwise, least, most int) (int, error) {
	value := query.Get(name)
	if value == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil && !errors.Is(err, strconv.ErrRange) || n < least || n > most { // with ErrRange n is the nearest int
		want := "a whole number, at least " + strconv.Itoa(least)
		if most < math.MaxInt {
			want += " and at most " + strconv.Itoa(most)
		}
		return 0, BadParameter(name, value, want)
	}
	return n, nil
}

type pageBody[T any] struct {
	Count    int     `json:"count"`
	Next     *string `json:"next"`
	Previous *string `json:"previous"`
	Results  []T     `json:"results"`
}

// WritePage answers with one page of a list that has count elements in all. Next and
// previous are absolute URLs with the other query parameters, and null at the ends.
func WritePage[T any](w http.ResponseWriter, r *http.Request, p Page, count int, results []T) error {
	return WritePageUpTo(w, r, p, count, count, results)
}

// WritePageUpTo is [WritePage] for a list that can be read up to its end-th element only: the last page is shorter.
func WritePageUpTo[T any](w http.ResponseWriter, r *http.Request, p Page, count, end int, results []T) error {
	body := pageBody[T]{Count: count, Results: results}
	if results == nil {
		body.Results = []T{}
	}
	if p.Offset < min(count, end)-p.Limit {
		limit := p.Limit
		if end < count {
			limit = min(limit, end-p.Offset-p.Limit)
		}
		body.Next = pageURL(r, limit, p.Offset+p.Limit)
	}
	if p.Offset > 0 {
		body.Previous = pageURL(r, p.Limit, max(0, p.Offset-p.Limit))
	}
	return WriteJSON(w, http.StatusOK, body)
}

func pageURL(r *http.Request, limit, offset int) *string {
	query := r.URL.Query()
	query.Set("limit", strconv.Itoa(limit))
	query.Set("offset", strconv.Itoa(offset))
	if offset == 0 {
		query.Del("offset")
	}
	address := BaseURL(r) + r.URL.EscapedPath() + "?" + query.Encode()
	return &address
}
