package main

import (
	"encoding/json"
	"io"
)

// listFlags are the flags of commands that list what is stored.
type listFlags struct {
	JSON bool `name:"json" help:"Print JSON, in the form of the API's lists, and nothing else."`
}

// printList prints a whole list in the form of the API's pages, with the elements that describe returns.
func printList[E, D any](w io.Writer, elements []E, describe func(E) D) error {
	list := struct {
		Count    int     `json:"count"`
		Next     *string `json:"next"`
		Previous *string `json:"previous"`
		Results  []D     `json:"results"`
	}{Count: len(elements), Results: []D{}}
	for _, e := range elements {
		list.Results = append(list.Results, describe(e))
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out.Encode(list)
}
