package main

import (
	"context"
	"net/url"
	"time"
)

// searches are what people type, from one that nothing has to one that every license has.
var searches = []url.Values{
	{"search": {"nobody"}}, {"search": {"customer123"}}, {"search": {"loveL"}}, {"search": {"smith company 12"}},
	{"search": {"e"}},
	{"search": {"photo"}, "sort": {"customer_email"}},
}

// searchRounds is how often each of them is measured.
const searchRounds = 5

// search requests the first page of each search, with its count, on a server that does nothing else.
func (b *bench) search(ctx context.Context, g *growthResult, p *process) error {
	for range searchRounds {
		for _, query := range searches {
			var page struct{ Count int }
			began := time.Now()
			if err := get(ctx, p.http+"/api/v1/licenses/?"+query.Encode(), &page); err != nil {
				return err
			}
			g.searches = append(g.searches, time.Since(began))
		}
	}
	return nil
}
