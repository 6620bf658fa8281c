package sheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"socho/internal/sheet"
)

var form = sheet.Form{
	Names:  map[string][]string{"code": {"MAHS", "CODE"}, "citizen": {"CCCD"}, "name": {"HOTEN", "NAME"}, "class": {"LOP"}},
	Need:   [][]string{{"code", "citizen"}, {"name"}},
	Least:  2,
	Wanted: sheet.Words{VI: "các cột Mã HS, Họ tên", EN: "columns Mã HS, Họ tên"},
	Limits: sheet.Limits{Bytes: 1 << 20, Rows: 3, Unpacked: 32 << 20},
}

// all reads a file to its end, a line for each row.
func all(src io.ReadSeeker) (lines []string, err error) {
	t, err := form.Open(src)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	for {
		if err := t.Next(); err == io.EOF {
			return lines, nil
		} else if err != nil {
			return lines, err
		}
		lines = append(lines, fmt.Sprintf("%d %s|%s|%s|%s", t.Line, t.Get("code"), t.Get("name"), t.Get("class"), t.First()))
	}
}

func workbook(t *testing.T, rows ...[]any) *bytes.Reader {
	t.Helper()
	book := excelize.NewFile()
	for i, row := range rows {
		if err := book.SetSheetRow("Sheet1", fmt.Sprint("A", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	b, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

// The heading is found wherever it stands, in CSV of any kind and in workbooks.
func TestRead(t *testing.T) {
	for name, src := range map[string]io.ReadSeeker{
		"semicolons": strings.NewReader("\xef\xbb\xbfTrường Mẫu;;\n\nSTT;Họ  và tên;Mã HS;Lớp;Họ tên\n1;;HS1; 3A ; Giàng\u00a0Mỷ\n;;;;\n2;;HS2;;Lù\n"),
		"tabs":       strings.NewReader("\tTrường\n\nSTT\tx\tMã HS\tLớp\tHọ tên\n1\t\tHS1\t3A\tGiàng Mỷ\n\n2\t\tHS2\t\tLù\n"),
		"workbook":   workbook(t, []any{"Trường Mẫu"}, []any{}, []any{"STT", "x", "Mã HS", "Lớp", "Họ tên"}, []any{"1", "", "HS1", "3A", "Giàng Mỷ"}, []any{}, []any{"2", "", "HS2", "", "Lù"}),
	} {
		lines, err := all(src)
		if got := strings.Join(lines, "\n"); err != nil || got != "4 HS1|Giàng Mỷ|3A|1\n6 HS2|Lù||2" {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

// Everything that is wrong is said with its place, what was expected and what to do,
// in both languages, and with nothing of what stands there.
func TestFileError(t *testing.T) {
	head := "Mã HS,Họ tên,Lớp\n"
	for _, c := range []struct{ code, text, en, vi string }{
		{"empty", "", "ds.csv: the file is empty; choose the file again", "ds.csv: tệp trống; chọn lại tệp"},
		{"large", strings.Repeat("x", 1<<20+1), "ds.csv: the file is too large: 1 MB; expected at most 1 MB; divide the file", "ds.csv: tệp quá lớn: 1 MB; cần nhiều nhất 1 MB; chia tệp ra"},
		{"old_excel", "\xd0\xcf\x11\xe0…", "ds.csv: an old Excel file (.xls) or one with a password; expected CSV in UTF-8 or .xlsx; save it as .xlsx without a password", "ds.csv: tệp Excel cũ"},
		{"kind", "a\x00b", "ds.csv: neither CSV in UTF-8 nor .xlsx", "ds.csv: không phải CSV"},
		{"damaged", "PK\x03\x04…", "ds.csv: the workbook is damaged", "ds.csv: tệp Excel bị hỏng"},
		{"heading", "a,b\n1,2\n", "ds.csv: no heading row in the first 30 rows; expected columns Mã HS, Họ tên; write the names", "ds.csv: không thấy dòng tiêu đề trong 30 dòng đầu; cần các cột Mã HS, Họ tên; đặt tên cột"},
		{"heading", "Họ tên,Lớp\nA,1\n", "no heading row", "tiêu đề"},
		{"utf8", head + "1,M\xff,3A\n", "ds.csv: line 2, column 2 (Họ tên): not in UTF-8; save the file", "ds.csv: dòng 2, cột 2 (Họ tên): không phải UTF-8; lưu lại"},
		{"cell", head + "1,A,B\n2,A," + strings.Repeat("c", 501) + "\n", "ds.csv: line 3, column 3 (Lớp): a cell of 501 bytes; expected at most 500 bytes; shorten", "dòng 3, cột 3 (Lớp): ô dài 501 byte; cần nhiều nhất 500 byte; rút ngắn"},
		{"columns", head + strings.Repeat(",", 64) + "\n", "ds.csv: line 2: 65 columns; expected at most 64 columns", "dòng 2: 65 cột; cần nhiều nhất 64 cột"},
		{"lines", head + "1,A,\n2,A,\n3,A,\n4,A,\n", "ds.csv: line 5: too many lines; expected at most 3 lines; divide", "dòng 5: quá nhiều dòng; cần nhiều nhất 3 dòng; chia tệp"},
	} {
		_, err := all(sheet.Named{ReadSeeker: strings.NewReader(c.text), File: "/home/mai/ds.csv"})
		var bad *sheet.FileError
		if !errors.As(err, &bad) || bad.Code != c.code || !strings.Contains(bad.Error(), c.en) || !strings.Contains(bad.In("vi"), c.vi) {
			t.Errorf("%s: %#v\n%v\nwant %s\n %s", c.code, bad, err, c.en, c.vi)
		}
	}
}

// Small files that unpack to much are refused before they are unpacked, and a part
// that says less of itself than it holds is damaged.
func TestUnpacks(t *testing.T) {
	bomb := func(parts int, size int64) *bytes.Reader {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i := range parts {
			w, err := z.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", i))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.CopyN(w, zeros{}, size); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return bytes.NewReader(b.Bytes())
	}
	for name, src := range map[string]*bytes.Reader{"beyond the limit": bomb(2, 20<<20), "swollen": bomb(1, 24<<20), "many parts": bomb(5000, 0)} {
		_, err := all(src)
		var bad *sheet.FileError
		if !errors.As(err, &bad) || bad.Code != "unpacks" {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := workbook(t, []any{"Mã HS", "Họ tên"}, []any{"1", "A"})
	content := make([]byte, whole.Len())
	if _, err := io.ReadFull(whole, content); err != nil {
		t.Fatal(err)
	}
	for cut := range len(content) / 97 {
		torn := bytes.Clone(content)
		torn[cut*97] ^= 0x55
		if _, err := all(bytes.NewReader(torn)); err != nil && !errors.As(err, new(*sheet.FileError)) {
			t.Errorf("byte %d: %v", cut*97, err)
		}
		if _, err := all(bytes.NewReader(content[:cut*97])); !errors.As(err, new(*sheet.FileError)) {
			t.Errorf("cut at %d: %v", cut*97, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A formula gives what Excel left of it, and is never worked out.
func TestFormula(t *testing.T) {
	book := excelize.NewFile()
	for cell, value := range map[string]any{"A1": "Mã HS", "B1": "Họ tên", "C1": "Lớp", "A2": "HS1", "B2": "A", "C2": "3A", "A3": "HS2", "B3": "B"} {
		if err := book.SetCellValue("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	for cell, formula := range map[string]string{"C2": `UPPER("never")`, "C3": `1+1`} {
		if err := book.SetCellFormula("Sheet1", cell, formula); err != nil {
			t.Fatal(err)
		}
	}
	b, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := all(bytes.NewReader(b.Bytes()))
	if got := strings.Join(lines, "\n"); err != nil || strings.Contains(got, "NEVER") || !strings.HasPrefix(got, "2 HS1|A|") || !strings.HasSuffix(got, "3 HS2|B||HS2") {
		t.Errorf("%s, %v", got, err)
	}
	if lines, err := all(strings.NewReader("Mã HS,Họ tên\n=1+1,=A1\n")); err != nil || lines[0] != "2 =1+1|=A1||=1+1" {
		t.Errorf("%s, %v", lines, err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("Mã HS,Họ tên,Lớp\nHS1,\"A\nB\",3A\n"))
	f.Add([]byte("\xef\xbb\xbfCCCD;NAME\n002001000001;A\n;\n"))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("Mã HS\tHọ tên\n\"a\t"))
	f.Fuzz(func(t *testing.T, content []byte) {
		lines, err := all(bytes.NewReader(content))
		if err != nil && !errors.As(err, new(*sheet.FileError)) {
			t.Fatal(err)
		}
		if len(lines) > form.Limits.Rows {
			t.Errorf("%d rows", len(lines))
		}
		var bad *sheet.FileError
		if errors.As(err, &bad) && (bad.Wrong.VI == "" || bad.Wrong.EN == "" || strings.Contains(bad.Error(), "%!") || strings.Contains(bad.In("vi"), "%!")) {
			t.Errorf("%+v", bad)
		}
	})
}
