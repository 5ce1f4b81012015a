package viewstore

import (
	"bytes"
	"encoding/binary"
)

// NumberKey is a key of one number: 8 bytes, big-endian, so that keys sort as their numbers do.
func NumberKey[N ~uint64](n N) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(n))
}

// TextPrefix is the beginning of all keys of a text: the text and a NUL, which no text may hold.
// The result has capacity for a number behind it.
func TextPrefix(text string) []byte {
	return append(append(make([]byte, 0, len(text)+1+8), text...), 0)
}

// TextNumberKey is a key of a text and a number.
func TextNumberKey[N ~uint64](text string, n N) []byte {
	return binary.BigEndian.AppendUint64(TextPrefix(text), uint64(n))
}

// numberBehind reads the number at the end of a key that consists of a prefix and a number. It is
// false for any other key.
func numberBehind(key, prefix []byte) (uint64, bool) {
	if len(key) != len(prefix)+8 || !bytes.HasPrefix(key, prefix) {
		return 0, false
	}
	return binary.BigEndian.Uint64(key[len(prefix):]), true
}
