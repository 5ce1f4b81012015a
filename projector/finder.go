package projector

import (
	"bytes"
	"math/bits"

	"licenseimport/projector/viewstore"
)

// wordFinders find some words in the columns of chunks.
type wordFinders struct {
	byWord [][]finder // by word and column
}

// begin makes the finders at the first chunk.
func (f *wordFinders) begin(words, columns [][]byte) {
	if f.byWord != nil {
		return
	}
	f.byWord = make([][]finder, len(words))
	for _, column := range columns {
		var counts [256]int
		for _, c := range column {
			counts[c]++
		}
		for i, word := range words {
			f.byWord[i] = append(f.byWord[i], newFinder(word, &counts))
		}
	}
}

// find returns the places of a chunk that have a word in one of some columns, first to last.
func (f *wordFinders) find(word int, c *viewstore.Scanned, first, last int) uint64 {
	ranks, values := uint64(0), bits.OnesCount64(c.Places)
	for column := first; column <= last && bits.OnesCount64(ranks) < values; column++ {
		ranks |= f.byWord[word][column].find(c.Columns[column])
	}
	return c.PlacesOf(ranks)
}

// finder finds a word by that of its bytes which is the rarest in a column: bytes.Index looks for the first
// one, and meets it several times in each text if it is an "e".
type finder struct {
	word   []byte
	rarest int // offset in word
}

func newFinder(word []byte, counts *[256]int) finder {
	f := finder{word: word}
	for i, c := range word {
		if counts[c] < counts[word[f.rarest]] {
			f.rarest = i
		}
	}
	return f
}

// find returns which texts of a column have the word: a bit for each.
func (f *finder) find(column []byte) (ranks uint64) {
	for rank := 0; ; rank++ {
		n := f.next(column)
		if n < 0 {
			return ranks
		}
		end := bytes.IndexByte(column, 0)
		if end < n {
			rank += bytes.Count(column[end:n], nul)
			end = n + bytes.IndexByte(column[n:], 0)
		}
		ranks |= 1 << rank
		column = column[end+1:]
	}
}

var nul = []byte{0}

// next is the first place of the word in b; -1: none.
func (f *finder) next(b []byte) int {
	at := 0
	for misses := 0; misses < 16; misses++ {
		n := bytes.IndexByte(b[min(at+f.rarest, len(b)):], f.word[f.rarest])
		if n < 0 {
			return -1
		}
		if at += n; bytes.HasPrefix(b[at:], f.word) {
			return at
		}
		at++
	}
	if n := bytes.Index(b[at:], f.word); n >= 0 {
		return at + n
	}
	return -1
}
