// Package readapi answers every GET from the views of a projector.
package readapi
