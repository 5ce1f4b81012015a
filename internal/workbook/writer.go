package workbook

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

const (
	// maxText is the longest text that a cell can have, in UTF-16 units. A longer one is cut: programs
	// take a workbook with such a cell for damaged.
	maxText = 32767
	// MaxNotes bounds the notes of a workbook: programs open one with a hundred thousand in minutes.
	MaxNotes = 10_000
	maxNote  = 1000 // characters
)

// ContentType is the media type of a workbook.
const ContentType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// Column is one column of a sheet that is written.
type Column struct {
	Name    string
	Strong  bool     // its header stands out
	Note    string   // of its header; empty: none
	Choices []string // a list that a program offers for its cells; other values stay possible
}

// Cell is a cell that is written. It is always text, so nothing is ever run as a formula or made a
// number or a date.
type Cell struct {
	Text  string
	Wrong bool   // the cell stands out
	Note  string // what to do about it; empty: none. Beyond MaxNotes notes are left out
}

// Writer writes a workbook with one sheet as a stream: memory grows with the notes only. Its errors are
// those of the underlying writer.
type Writer struct {
	archive *zip.Writer
	sheet   *bufio.Writer
	columns []Column
	notes   []note
	row     int // last written
	buf     []byte
}

// note is the note of a cell; both numbers count from 0.
type note struct {
	row, column int
	text        string
}

// MaxRows is how many rows a sheet has after the header.
const MaxRows = maxSheetRows - 1

// The cell styles of styles.xml.
const (
	styleText = iota + 1
	styleWrong
	styleHeader
	styleStrong
)

// NewWriter begins a workbook whose one sheet has a header. The caller must call Close.
func NewWriter(w io.Writer, sheet string, columns []Column) (*Writer, error) {
	out := &Writer{archive: zip.NewWriter(w), columns: columns}
	for _, p := range []struct{ name, text string }{
		{"[Content_Types].xml", contentTypes},
		{"_rels/.rels", packageRels},
		{"xl/workbook.xml", fmt.Sprintf(workbookXML, appendText(nil, sheet))},
		{"xl/_rels/workbook.xml.rels", workbookRels},
		{"xl/styles.xml", stylesXML},
		{"xl/worksheets/_rels/sheet1.xml.rels", sheetRels},
	} {
		if err := out.part(p.name, func(b *bufio.Writer) { _, _ = b.WriteString(p.text) }); err != nil {
			return nil, err
		}
	}
	f, err := out.archive.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return nil, err
	}
	out.sheet = bufio.NewWriterSize(f, 32<<10)
	fmt.Fprintf(out.sheet, sheetStart, max(1, len(columns)), styleText)
	return out, out.header()
}

// part writes one part. The buffer keeps the first error.
func (w *Writer) part(name string, write func(*bufio.Writer)) error {
	f, err := w.archive.Create(name)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 32<<10)
	write(b)
	return b.Flush()
}

func (w *Writer) header() error {
	cells := make([]Cell, len(w.columns))
	for i, c := range w.columns {
		cells[i] = Cell{Text: c.Name, Note: c.Note}
	}
	return w.write(cells, func(i int) int {
		if w.columns[i].Strong {
			return styleStrong
		}
		return styleHeader
	})
}

// Write appends a row. Beyond MaxRows it fails.
func (w *Writer) Write(cells []Cell) error {
	return w.write(cells, func(i int) int {
		if cells[i].Wrong {
			return styleWrong
		}
		return styleText
	})
}

func (w *Writer) write(cells []Cell, style func(i int) int) error {
	if w.row == maxSheetRows {
		return fmt.Errorf("a sheet has at most %d rows", maxSheetRows)
	}
	w.row++
	w.buf = strconv.AppendInt(append(w.buf[:0], `<row r="`...), int64(w.row), 10)
	w.buf = append(w.buf, `">`...)
	for i, c := range cells {
		if c.Text == "" && !c.Wrong && c.Note == "" {
			continue
		}
		w.appendCell(i, style(i), c.Text)
		if c.Note != "" && len(w.notes) < MaxNotes {
			w.notes = append(w.notes, note{w.row - 1, i, firstRunes(c.Note, maxNote)})
		}
	}
	w.buf = append(w.buf, "</row>"...)
	_, err := w.sheet.Write(w.buf)
	return err
}

func (w *Writer) appendCell(column, style int, text string) {
	w.buf = append(append(w.buf, `<c r="`...), columnName(column)...)
	w.buf = strconv.AppendInt(w.buf, int64(w.row), 10)
	w.buf = strconv.AppendInt(append(w.buf, `" s="`...), int64(style), 10)
	if text == "" {
		w.buf = append(w.buf, `"/>`...)
		return
	}
	w.buf = append(w.buf, `" t="inlineStr"><is><t xml:space="preserve">`...)
	w.buf = append(appendText(w.buf, cutText(text)), `</t></is></c>`...)
}

// cutText cuts a text that is longer than a cell can hold.
func cutText(text string) string {
	if len(text) <= maxText {
		return text
	}
	units := 0
	for i, c := range text {
		if units++; c > 0xFFFF {
			units++
		}
		if units > maxText {
			return text[:i]
		}
	}
	return text
}

func firstRunes(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n]) + "…"
}

// Close writes the notes and the end of the workbook.
func (w *Writer) Close() error {
	_, _ = w.sheet.WriteString("</sheetData>")
	w.writeValidations()
	_, _ = w.sheet.WriteString(sheetEnd)
	if err := w.sheet.Flush(); err != nil {
		return err
	}
	if err := w.part("xl/comments1.xml", w.writeNotes); err != nil {
		return err
	}
	if err := w.part("xl/drawings/vmlDrawing1.vml", w.writeShapes); err != nil {
		return err
	}
	return w.archive.Close()
}

// writeValidations writes the lists of choices. Other values get a warning only: a column may accept
// more than its list has.
func (w *Writer) writeValidations() {
	count := 0
	for _, c := range w.columns {
		if len(c.Choices) > 0 {
			count++
		}
	}
	if count == 0 {
		return
	}
	fmt.Fprintf(w.sheet, `<dataValidations count="%d">`, count)
	for i, c := range w.columns {
		if len(c.Choices) == 0 {
			continue
		}
		name := columnName(i)
		fmt.Fprintf(w.sheet, `<dataValidation type="list" errorStyle="warning" allowBlank="1" showErrorMessage="1" sqref="%s2:%s%d"><formula1>"`,
			name, name, maxSheetRows)
		for j, choice := range c.Choices {
			if j > 0 {
				_ = w.sheet.WriteByte(',')
			}
			_, _ = w.sheet.Write(appendText(nil, choice))
		}
		_, _ = w.sheet.WriteString(`"</formula1></dataValidation>`)
	}
	_, _ = w.sheet.WriteString("</dataValidations>")
}

func (w *Writer) writeNotes(b *bufio.Writer) {
	_, _ = b.WriteString(commentsStart)
	for _, n := range w.notes {
		fmt.Fprintf(b, `<comment ref="%s%d" authorId="0"><text><t xml:space="preserve">%s</t></text></comment>`,
			columnName(n.column), n.row+1, appendText(nil, n.text))
	}
	_, _ = b.WriteString("</commentList></comments>")
}

// writeShapes writes the yellow boxes that the notes are shown in. Their ids come in blocks of 1024.
func (w *Writer) writeShapes(b *bufio.Writer) {
	const block = 1024
	_, _ = b.WriteString(vmlStart)
	for i := range len(w.notes)/block + 1 {
		if i > 0 {
			_ = b.WriteByte(',')
		}
		fmt.Fprint(b, i+1)
	}
	_, _ = b.WriteString(vmlShapeType)
	for i, n := range w.notes {
		lines := 2 + len(n.text)/40
		fmt.Fprintf(b, vmlShape, block+1+i, i+1, n.column+1, n.row, n.column+4, n.row+lines, n.row, n.column)
	}
	_, _ = b.WriteString("</xml>")
}
