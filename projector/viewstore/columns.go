package viewstore

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// columnHead is the number of bytes that the length of a column takes before the columns of a chunk.
const columnHead = 4

var nul = []byte{0}

// byColumn returns the values by column, in a buffer of the chunk. Columns compress better than values do,
// and decompress faster.
func (c *chunk) byColumn() []byte {
	var buf [chunkMask + 1][]byte
	values := buf[:0]
	c.forEach(func(_ uint64, value []byte) bool {
		values = append(values, value)
		return true
	})
	b := append(c.block[:0], make([]byte, columnHead*c.columns)...)
	for column := range c.columns {
		begin := len(b)
		for i, value := range values {
			end := bytes.IndexByte(value, 0)
			if end < 0 {
				b, values[i] = append(append(b, value...), 0), nil
				continue
			}
			b, values[i] = append(b, value[:end+1]...), value[end+1:]
		}
		binary.BigEndian.PutUint32(b[columnHead*column:], uint32(len(b)-begin))
	}
	c.block = b
	return b
}

// decodeColumns is decode for a view with columns.
func (c *chunk) decodeColumns(value []byte) (ok bool) {
	var bitmap uint64
	c.bitmap, c.plain = 0, c.plain[:0]
	if bitmap, c.block, ok = decompress(c.block, value); !ok {
		return false
	}
	columns, ok := splitColumns(nil, c.block, c.columns, bits.OnesCount64(bitmap))
	if !ok {
		return false
	}
	var row []byte
	for range bits.OnesCount64(bitmap) {
		row = row[:0]
		for i, column := range columns {
			end := bytes.IndexByte(column, 0) + 1
			row, columns[i] = append(row, column[:end]...), column[end:]
		}
		c.plain = append(binary.AppendUvarint(c.plain, uint64(len(row))), row...)
	}
	c.bitmap = bitmap
	return true
}

// splitColumns appends the columns of a decompressed chunk to a slice. It is false unless each column has a
// text for each value.
func splitColumns(to [][]byte, block []byte, columns, values int) ([][]byte, bool) {
	if len(block) < columnHead*columns {
		return to, false
	}
	rest := block[columnHead*columns:]
	for i := range columns {
		size := uint64(binary.BigEndian.Uint32(block[columnHead*i:]))
		if size > uint64(len(rest)) || size > 0 && rest[size-1] != 0 || bytes.Count(rest[:size], nul) != values {
			return to, false
		}
		to, rest = append(to, rest[:size]), rest[size:]
	}
	return to, len(rest) == 0
}
