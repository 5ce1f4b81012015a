package workbook

import (
	"bytes"
	"fmt"
	"io"
)

// sheetReader reads the cells of a sheet, row by row.
type sheetReader struct {
	book    *workbook
	content io.ReadCloser
	scan    *scanner
	shared  func(number int) ([]byte, error)
	maxCell int // bytes of a cell that are read; the rest is left out

	row  int // the number of the row last read, from 1
	text []byte
}

// cell is one cell with a value. The value is valid until the next cell is read.
type cell struct {
	column int // from 0
	value  []byte
}

// openSheet begins to read a sheet. Its cells come after <sheetData>.
func (w *workbook) openSheet(s sheet, maxCell int, shared func(int) ([]byte, error)) (*sheetReader, error) {
	content, err := w.parts.open(s.part)
	if err != nil {
		return nil, err
	}
	r := &sheetReader{book: w, content: content, shared: shared, maxCell: maxCell}
	if r.scan, err = newScanner(content); err != nil {
		return nil, err
	}
	for {
		kind, err := r.scan.next()
		if err != nil {
			return nil, noEOF(err)
		}
		if kind == startElement && string(r.scan.name) == "sheetData" {
			return r, nil
		}
	}
}

// nextRow moves to the next row that the sheet holds and returns its number; [io.EOF] after the last. The
// caller reads its cells to their end before it calls nextRow again.
func (r *sheetReader) nextRow() (int, error) {
	for {
		kind, err := r.scan.next()
		switch {
		case err != nil:
			return 0, noEOF(err)
		case kind == endElement && string(r.scan.name) == "sheetData":
			return 0, r.finish()
		case kind == startElement && string(r.scan.name) == "row":
			return r.row, r.startRow()
		case kind == startElement:
			if err := r.skipElement(); err != nil {
				return 0, err
			}
		}
	}
}

// startRow reads the number of the row that starts. A row without one follows the row before it.
func (r *sheetReader) startRow() error {
	number := r.row + 1
	if given := r.scan.attr("r"); given != nil {
		n, ok := parseInt(given)
		if !ok || n < number {
			return fmt.Errorf("the row %q follows row %d", excerpt(given), r.row)
		}
		number = n
	}
	if number > maxSheetRows {
		return fmt.Errorf("the row %d is beyond the last one that a sheet can have", number)
	}
	r.row = number
	return nil
}

// finish reads to the end of the part, so that its checksum is compared.
func (r *sheetReader) finish() error {
	for {
		if _, err := r.scan.next(); err != nil {
			return err // io.EOF at the end
		}
	}
}

// skipElement skips the element that has started.
func (r *sheetReader) skipElement() error {
	for depth := r.scan.depth(); ; {
		kind, err := r.scan.next()
		if err != nil {
			return noEOF(err)
		}
		if kind == endElement && r.scan.depth() < depth {
			return nil
		}
	}
}

// cells reads the row's cells and calls use for each one that has a value.
func (r *sheetReader) cells(use func(cell) error) error {
	column := -1
	for {
		kind, err := r.scan.next()
		switch {
		case err != nil:
			return noEOF(err)
		case kind == endElement:
			return nil
		case kind == startElement && string(r.scan.name) == "c":
			if column, err = r.column(column); err != nil {
				return err
			}
			if err := r.cell(column, use); err != nil {
				return err
			}
		case kind == startElement:
			if err := r.skipElement(); err != nil {
				return err
			}
		}
	}
}

// column reads the column of the cell that starts. A cell without a reference follows the one before it.
func (r *sheetReader) column(last int) (int, error) {
	column := last + 1
	if ref := r.scan.attr("r"); ref != nil {
		n, ok := parseColumn(ref)
		if !ok || n < column {
			return 0, fmt.Errorf("the cell %q of row %d is not after the one before it", excerpt(ref), r.row)
		}
		column = n
	}
	if column >= maxSheetColumns {
		return 0, fmt.Errorf("row %d has more columns than a sheet can have", r.row)
	}
	return column, nil
}

// parseColumn reads the letters of a reference such as AB12: A is 0.
func parseColumn(ref []byte) (int, bool) {
	n := 0
	for i, c := range ref {
		switch {
		case 'A' <= c && c <= 'Z':
			n = n*26 + int(c-'A') + 1
		case 'a' <= c && c <= 'z':
			n = n*26 + int(c-'a') + 1
		default:
			return n - 1, i > 0 && '0' <= c && c <= '9'
		}
		if n > maxSheetColumns {
			return 0, false
		}
	}
	return 0, false
}

// columnName is the inverse of parseColumn.
func columnName(column int) string {
	name := ""
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// cellType is the attribute t of a cell.
type cellType byte

const (
	number cellType = iota
	sharedString
	inlineString
	plainText // a formula's text, or an error
	boolean
	isoDate
)

func typeOf(t []byte) cellType {
	switch string(t) {
	case "s":
		return sharedString
	case "inlineStr":
		return inlineString
	case "str", "e":
		return plainText
	case "b":
		return boolean
	case "d":
		return isoDate
	}
	return number
}

// cell reads the cell that has started.
func (r *sheetReader) cell(column int, use func(cell) error) error {
	kind := typeOf(r.scan.attr("t"))
	style, _ := attrInt(r.scan, "s")
	r.text = r.text[:0]
	stored, formula := false, false
	for depth := r.scan.depth(); ; {
		token, err := r.scan.next()
		switch {
		case err != nil:
			return noEOF(err)
		case token == endElement && r.scan.depth() < depth:
			if formula && !stored {
				// A program that does not compute has written the formula without its value. Its text
				// must not count as "not given".
				return use(cell{column, []byte("#VALUE!")})
			}
			value, err := r.convert(kind, style)
			if err != nil || len(value) == 0 {
				return err
			}
			return use(cell{column, value})
		case token == startElement:
			if err := r.cellPart(&stored, &formula); err != nil {
				return err
			}
		}
	}
}

// cellPart reads what a cell consists of: its value, its formula, or its text.
func (r *sheetReader) cellPart(stored, formula *bool) (err error) {
	switch string(r.scan.name) {
	case "v":
		*stored = true
		return r.readValue()
	case "is":
		*stored = true
		r.text, err = readRichText(r.scan, r.text[:0], r.maxCell)
		return err
	case "f":
		*formula = true
	}
	return r.skipElement()
}

func (r *sheetReader) readValue() error {
	r.text = r.text[:0]
	for depth := r.scan.depth(); ; {
		kind, err := r.scan.next()
		switch {
		case err != nil:
			return noEOF(err)
		case kind == endElement && r.scan.depth() < depth:
			return nil
		case kind == characters && len(r.text) < r.maxCell:
			r.text = append(r.text, r.scan.text...)
		}
	}
}

// convert returns the text of a value as the file of an import writes it.
func (r *sheetReader) convert(kind cellType, style int) ([]byte, error) {
	switch kind {
	case inlineString:
		return r.text, nil
	case plainText:
		return unescapeText(r.text), nil
	}
	value := bytes.TrimSpace(r.text)
	if len(value) == 0 {
		return nil, nil
	}
	switch kind {
	case sharedString:
		n, ok := parseInt(value)
		if !ok {
			return nil, fmt.Errorf("a cell names the shared string %q", excerpt(value))
		}
		return r.shared(n)
	case boolean:
		if isTrue(value) {
			return []byte("true"), nil
		}
		return []byte("false"), nil
	case isoDate:
		return appendISODate(nil, value), nil
	}
	var format numberFormat
	if style < len(r.book.styles) {
		format = r.book.styles[style]
	}
	if format == (numberFormat{}) && isInteger(value) {
		return value, nil
	}
	return appendNumber(nil, value, format, r.book.date1904), nil
}

func (r *sheetReader) close() error { return r.content.Close() }
