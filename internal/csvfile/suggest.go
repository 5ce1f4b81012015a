package csvfile

import (
	"slices"
	"strings"
	"unicode"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the known name that a name was probably meant to be, or "". Required names win over others that are
// as near.
func Nearest(name string, known, required []string) string {
	return suggest(NormalName(name), known, required)
}

// suggest gives the known name that an unknown one, normalised, was probably meant to be, or "". Better kinds of
// likeness come first; of names alike in the same way a required one, then the earliest, is taken.
func suggest(name string, known, required []string) string {
	words := wordsOf(name)
	if len(words) == 0 || len(name) > 64 {
		return ""
	}
	best, bestCost := "", 2*tooFar-1
	for _, k := range known {
		c := 2 * cost(words, k)
		if slices.Contains(required, k) {
			c--
		}
		if c < bestCost {
			best, bestCost = k, c
		}
	}
	return best
}

const tooFar = 1000

// cost says how unlike a name's words and a known name are: written another way (License Key), the known name without
// its prefix (email), a slip of the pen (licence_key), words of it (product code), or one within the other.
func cost(words []string, known string) int {
	full := wordsOf(known)
	short := full
	if _, rest, found := strings.Cut(known, "__"); found {
		short = wordsOf(rest)
	}
	a, b, c := strings.Join(words, ""), strings.Join(full, ""), strings.Join(short, "")
	slips := min(distance(a, b), distance(a, c))
	switch {
	case a == b:
		return 0
	case a == c:
		return 1
	case slips <= (len(a)+2)/5:
		return 10 + slips
	case len(a) < 3:
		return tooFar
	case extra(words, full) == 0:
		return 100 + extra(full, words)
	case strings.Contains(b, a), len(c) > 3 && strings.Contains(a, c):
		return 200 + max(len(a), len(c)) - min(len(a), len(c))
	}
	return tooFar
}

// distance is the number of characters to change, or tooFar at once where lengths say as much.
func distance(a, b string) int {
	if len(a) > 2*len(b)+4 || len(b) > 2*len(a)+4 {
		return tooFar
	}
	return levenshtein.ComputeDistance(a, b)
}

// wordsOf takes a name apart at everything that is neither letter nor digit.
func wordsOf(name string) []string {
	return strings.FieldsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
}

// extra counts the different words that others do not have.
func extra(words, others []string) int {
	n := 0
	for i, w := range words {
		if !slices.Contains(others, w) && !slices.Contains(words[:i], w) {
			n++
		}
	}
	return n
}
