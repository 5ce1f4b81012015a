package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A key is lik_PPPPPPPP_S…: five random bytes as the public prefix, in lower
// case base32, and 32 random bytes as the secret, in base64url.
const (
	keyStart  = "lik_"
	prefixLen = 8
	secretLen = 43
	keyLen    = len(keyStart) + prefixLen + len("_") + secretLen
)

var prefixEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567")

// newKey makes a key and its prefix.
func newKey() (key, prefix string) {
	var public [5]byte
	var secret [32]byte
	// Neither read can fail: crypto/rand ends the program instead.
	_, _ = rand.Read(public[:])
	_, _ = rand.Read(secret[:])
	prefix = prefixEncoding.EncodeToString(public[:])
	return keyStart + prefix + "_" + base64.RawURLEncoding.EncodeToString(secret[:]), prefix
}

// keyPrefix returns the public prefix of a well-formed key. Other keys are refused without
// a lookup.
func keyPrefix(key string) (prefix string, ok bool) {
	if len(key) != keyLen || !strings.HasPrefix(key, keyStart) || key[keyLen-secretLen-1] != '_' {
		return "", false
	}
	prefix = key[len(keyStart) : len(keyStart)+prefixLen]
	_, err := base64.RawURLEncoding.DecodeString(key[keyLen-secretLen:])
	return prefix, isPrefix(prefix) && err == nil
}

func isPrefix(s string) bool {
	_, err := prefixEncoding.DecodeString(s)
	return len(s) == prefixLen && err == nil
}

type digest [sha256.Size]byte

func digestOf(key string) digest { return sha256.Sum256([]byte(key)) }

// equal compares in constant time.
func (d digest) equal(other digest) bool {
	return subtle.ConstantTimeCompare(d[:], other[:]) == 1
}

func isPrintable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
