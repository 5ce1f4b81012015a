package main

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// workbook measures the peak RSS of the role ingest with an Excel workbook. NATS runs in another
// process.
func (b *bench) workbook(ctx context.Context) ([]line, error) {
	rows := b.rows(300_000)
	path := filepath.Join(b.dir, "workbook.xlsx")
	if err := writeWorkbook(path, shape{rows: rows, seed: 1}); err != nil {
		return nil, err
	}
	defer os.Remove(path)
	size, err := sizeOf(path)
	if err != nil {
		return nil, err
	}
	var took time.Duration
	before, peak, err := b.ingestPeak(ctx, func(ingest *process) error {
		began := time.Now()
		_, err := uploadFile(ctx, ingest.http, "", path)
		took = time.Since(began)
		return err
	})
	if err != nil {
		return nil, err
	}
	serve, err := b.serveWithWorkbook(ctx, path, rows)
	if err != nil {
		return nil, err
	}
	return []line{serve, atMost(300, float64(peak)/1e6, " MB", "memory of the role ingest",
		fmt.Sprintf("peak RSS with a workbook of %d rows of 12 columns", rows),
		fmt.Sprintf("%.0f MB before it; %d MB, stored in %.1f s", float64(before)/1e6, size/1e6, took.Seconds()))}, nil
}

// serveWithWorkbook states what a workbook adds to the peak RSS of serve, which holds the NATS server and the
// views as well.
func (b *bench) serveWithWorkbook(ctx context.Context, book string, rows int) (line, error) {
	csv, err := b.file(shape{rows: rows, seed: 1})
	if err != nil {
		return line{}, err
	}
	var peaks [2]int64
	for i, path := range []string{csv, book} {
		err := b.withServer(ctx, func(p *process, _ string) error {
			if _, err := p.importFile(ctx, path); err != nil {
				return err
			}
			peaks[i], err = p.peak()
			return err
		})
		if err != nil {
			return line{}, err
		}
	}
	return line{
		what: "memory of serve", measure: fmt.Sprintf("peak RSS with a workbook of %d rows − with the same rows as a CSV", rows),
		value:   fmt.Sprintf("%+.0f MB", float64(peaks[1]-peaks[0])/1e6),
		details: fmt.Sprintf("%.0f and %.0f MB", float64(peaks[1])/1e6, float64(peaks[0])/1e6),
	}, nil
}

// The parts of a workbook beside its sheet and its texts.
var workbookParts = map[string]string{
	"_rels/.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
	"xl/workbook.xml": `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" ` +
		`xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Licenses" sheetId="1" r:id="rId1"/></sheets></workbook>`,
	"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="sheet.xml"/>` +
		`<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="strings.xml"/></Relationships>`,
}

// writeWorkbook generates a file as a workbook. Each cell is another shared string, which is more
// than a program has that finds equal ones.
func writeWorkbook(path string, s shape) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	archive := zip.NewWriter(f)
	for name, text := range workbookParts {
		if err := writePart(archive, name, func(w *bufio.Writer) error { _, err := w.WriteString(text); return err }); err != nil {
			return err
		}
	}
	if err := writePart(archive, "xl/sheet.xml", s.writeSheet); err != nil {
		return err
	}
	if err := writePart(archive, "xl/strings.xml", s.writeStrings); err != nil {
		return err
	}
	return archive.Close()
}

func writePart(archive *zip.Writer, name string, write func(*bufio.Writer) error) error {
	part, err := archive.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(part, 64<<10)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

func (s shape) writeSheet(w *bufio.Writer) error {
	w.WriteString("<worksheet><sheetData>")
	text := 0
	err := s.records(func(record []string) error {
		w.WriteString("<row>")
		for range record {
			w.WriteString(`<c t="s"><v>`)
			w.Write(strconv.AppendInt(w.AvailableBuffer(), int64(text), 10))
			w.WriteString("</v></c>")
			text++
		}
		_, err := w.WriteString("</row>")
		return err
	})
	w.WriteString("</sheetData></worksheet>")
	return err
}

func (s shape) writeStrings(w *bufio.Writer) error {
	w.WriteString("<sst>")
	err := s.records(func(record []string) error {
		for _, text := range record {
			w.WriteString("<si><t>")
			if err := xml.EscapeText(w, []byte(text)); err != nil {
				return err
			}
			w.WriteString("</t></si>")
		}
		return nil
	})
	w.WriteString("</sst>")
	return err
}

// records calls use for the header and each row of the file.
func (s shape) records(use func([]string) error) error {
	file, write := io.Pipe()
	defer file.Close()
	go func() { write.CloseWithError(s.write(write)) }()
	in := csv.NewReader(file)
	in.ReuseRecord = true
	for {
		record, err := in.Read()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = use(record)
		}
		if err != nil {
			return err
		}
	}
}
