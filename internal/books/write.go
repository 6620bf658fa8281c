package books

import (
	"archive/zip"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// asOf stands below every sheet, so that a sheet on its own says what it rests on.
func (t *Table) asOf() []string {
	return []string{"Tính đến vị trí sổ", t.position()}
}

// WriteCSV writes a table as UTF-8 with the mark that Excel asks for: headings,
// rows, totals, and as of where in the log.
func (t *Table) WriteCSV(w io.Writer) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	line := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		line[i] = c.Heading
	}
	if err := out.Write(line); err != nil {
		return err
	}
	cells := func(row []Cell) error {
		for i := range row {
			line[i] = row[i].String()
		}
		return out.Write(line)
	}
	for _, row := range t.Rows {
		if err := cells(row); err != nil {
			return err
		}
	}
	if t.Totals != nil {
		if err := cells(t.Totals); err != nil {
			return err
		}
	}
	if err := out.Write(t.asOf()); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// The styles of a workbook, by their place in xl/styles.xml.
const (
	plainStyle = iota
	amountStyle
	titleStyle
	headStyle
	sumStyle
	quietStyle
)

// The parts of a workbook that are always the same (ECMA-376, Office Open XML).
var parts = []struct{ name, content string }{
	{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`},
	{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`},
	{"xl/styles.xml", `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="4"><font><sz val="11"/><name val="Arial"/></font><font><b/><sz val="14"/><name val="Arial"/></font><font><b/><sz val="11"/><name val="Arial"/></font><font><i/><sz val="9"/><color rgb="FF666666"/><name val="Arial"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="2"><border/><border><bottom style="thin"/></border></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="6"><xf/><xf numFmtId="FORMAT" applyNumberFormat="1"/><xf fontId="1" applyFont="1"/><xf fontId="2" borderId="1" applyFont="1" applyBorder="1"/><xf numFmtId="FORMAT" fontId="2" applyNumberFormat="1" applyFont="1"/><xf fontId="3" applyFont="1"/></cellXfs></styleSheet>`},
	{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="SHEET" sheetId="1" r:id="rId1"/></sheets></workbook>`},
}

// WriteXLSX writes a table as a workbook of one sheet. Every text is a text, never
// a formula, and every number is written as it is, with no float between. The
// same table gives the same bytes.
func (t *Table) WriteXLSX(w io.Writer) error {
	out := zip.NewWriter(w)
	format := 3 // #,##0
	if scale, _ := t.Currency.Scale(); scale > 0 {
		format = 4 // #,##0.00
	}
	for _, p := range parts {
		content := p.content
		switch p.name {
		case "xl/styles.xml":
			content = strings.ReplaceAll(content, "FORMAT", fmt.Sprint(format))
		case "xl/workbook.xml":
			content = strings.ReplaceAll(content, "SHEET", t.Kind)
		}
		part, err := out.CreateHeader(&zip.FileHeader{Name: p.name, Method: zip.Deflate})
		if err != nil {
			return err
		}
		if _, err := io.WriteString(part, xml.Header+content); err != nil {
			return err
		}
	}
	part, err := out.CreateHeader(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate})
	if err != nil {
		return err
	}
	s := sheet{w: part}
	s.table(t)
	if s.err != nil {
		return s.err
	}
	return out.Close()
}

// sheet writes rows one after the other, and keeps the first error.
type sheet struct {
	w   io.Writer
	row int
	err error
}

func (s *sheet) write(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.w, format, args...)
	}
}

func (s *sheet) table(t *Table) {
	s.write(`%s<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cols>`, xml.Header)
	for i, c := range t.Columns {
		wide := max(c.Wide, 10)
		s.write(`<col min="%d" max="%d" width="%d" customWidth="1"/>`, i+1, i+1, wide)
	}
	s.write(`</cols><sheetData>`)
	s.cells(titleStyle, titleStyle, text(t.Title))
	s.cells(plainStyle, plainStyle, text(t.Name+" ("+t.Organization+")"))
	if t.Period != "" {
		s.cells(plainStyle, plainStyle, text("Kỳ: "+t.Period))
	}
	s.row++
	head := make([]Cell, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = text(c.Heading)
	}
	s.cells(headStyle, headStyle, head...)
	for _, row := range t.Rows {
		s.cells(plainStyle, amountStyle, row...)
	}
	if t.Totals != nil {
		s.cells(headStyle, sumStyle, t.Totals...)
	}
	s.row++
	at := t.asOf()
	s.cells(quietStyle, quietStyle, text(at[0]+": "+at[1]))
	for _, note := range t.Notes {
		s.cells(quietStyle, quietStyle, text(note))
	}
	s.write(`</sheetData></worksheet>`)
}

// cells writes one row.
func (s *sheet) cells(words, numbers int, cells ...Cell) {
	s.row++
	s.write(`<row r="%d">`, s.row)
	for i, c := range cells {
		at := fmt.Sprint(columnName(i), s.row)
		switch {
		case c.Number:
			s.write(`<c r="%s" s="%d"><v>%s</v></c>`, at, numbers, c.Value.String())
		case c.Text != "":
			s.write(`<c r="%s" s="%d" t="inlineStr"><is><t xml:space="preserve">`, at, words)
			if s.err == nil {
				s.err = xml.EscapeText(s.w, []byte(c.Text))
			}
			s.write(`</t></is></c>`)
		}
	}
	s.write(`</row>`)
}

// columnName is A, B, …, Z, AA, ….
func columnName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}
