package sheet

import (
	"fmt"
	"strings"
)

// Words are one text in the two languages that people here read.
type Words struct{ VI, EN string }

// In returns the text in a language; English for any but vi.
func (w Words) In(language string) string {
	if language == "vi" {
		return w.VI
	}
	return w.EN
}

func (w Words) with(args ...any) Words {
	if len(args) == 0 {
		return w
	}
	return Words{fmt.Sprintf(w.VI, args...), fmt.Sprintf(w.EN, args...)}
}

// FileError says why a file is not taken: what is wrong, where, what was expected
// there, and what to do. It repeats nothing of what the file says of anybody.
type FileError struct {
	Code     string // a word for what is wrong, for programs
	File     string // its name, where it has one
	Line     int    // from 1; 0: the file as a whole
	Column   int    // from 1; 0: the line as a whole
	Heading  string // how the file calls the column, where that is known
	Wrong    Words
	Expected Words // may be empty
	Do       Words // may be empty
}

// Error is In("en").
func (e *FileError) Error() string { return e.In("en") }

// In says all of it in a language, vi or en.
func (e *FileError) In(language string) string {
	line, column, expected := Words{"dòng %d", "line %d"}, Words{"cột %d", "column %d"}, Words{"cần %s", "expected %s"}
	var at []string
	if e.Line > 0 {
		at = append(at, line.with(e.Line).In(language))
	}
	if e.Column > 0 {
		at = append(at, column.with(e.Column).In(language))
	}
	if len(at) > 0 && e.Heading != "" {
		at[len(at)-1] += fmt.Sprintf(" (%s)", e.Heading)
	}
	var text strings.Builder
	for _, part := range []string{e.File, strings.Join(at, ", ")} {
		if part != "" {
			text.WriteString(part + ": ")
		}
	}
	text.WriteString(e.Wrong.In(language))
	if words := e.Expected.In(language); words != "" {
		text.WriteString("; " + expected.with(words).In(language))
	}
	if words := e.Do.In(language); words != "" {
		text.WriteString("; " + words)
	}
	return text.String()
}

// fault is what a FileError says of a code.
type fault struct{ wrong, expected, do Words }

var (
	saveNew  = Words{"lưu lại thành .xlsx không mật khẩu", "save it as .xlsx without a password"}
	saveText = Words{"lưu lại thành CSV UTF-8 hoặc .xlsx", "save the file as CSV UTF-8 or .xlsx"}
	divide   = Words{"chia tệp ra", "divide the file"}
	kinds    = Words{"CSV UTF-8 hoặc .xlsx", "CSV in UTF-8 or .xlsx"}
)

// faults are those of every table.
var faults = map[string]fault{
	"large":     {Words{"tệp quá lớn: %d MB", "the file is too large: %d MB"}, Words{"nhiều nhất %d MB", "at most %d MB"}, divide},
	"empty":     {wrong: Words{"tệp trống", "the file is empty"}, do: Words{"chọn lại tệp", "choose the file again"}},
	"old_excel": {Words{"tệp Excel cũ (.xls) hoặc có mật khẩu", "an old Excel file (.xls) or one with a password"}, kinds, saveNew},
	"kind":      {Words{"không phải CSV UTF-8 hay .xlsx", "neither CSV in UTF-8 nor .xlsx"}, kinds, Words{"lưu lại thành .xlsx", "save the sheet as .xlsx"}},
	"csv":       {Words{"không đọc được như CSV", "not readable as CSV"}, Words{"ô có dấu ngoặc kép phải đóng lại", "every quotation mark closed"}, saveText},
	"columns":   {Words{"%d cột", "%d columns"}, Words{"nhiều nhất %d cột", "at most %d columns"}, Words{"xóa các cột thừa", "remove columns that are not needed"}},
	"cell":      {Words{"ô dài %d byte", "a cell of %d bytes"}, Words{"nhiều nhất %d byte", "at most %d bytes"}, Words{"rút ngắn ô này", "shorten the cell"}},
	"utf8":      {Words{"không phải UTF-8", "not in UTF-8"}, Words{}, saveText},
	"damaged":   {Words{"tệp Excel bị hỏng hoặc có mật khẩu", "the workbook is damaged or has a password"}, Words{}, saveNew},
	"no_sheet":  {Words{"tệp Excel không có trang tính nào", "the workbook has no sheet"}, Words{}, Words{"chọn lại tệp", "choose the file again"}},
	"unpacks":   {Words{"tệp Excel bung ra quá lớn", "the workbook unpacks to too much"}, Words{"nhiều nhất %d MB", "at most %d MB"}, Words{"chép bảng sang một tệp mới", "copy the table to a new file"}},
	"lines":     {Words{"quá nhiều dòng", "too many lines"}, Words{"nhiều nhất %d dòng", "at most %d lines"}, divide},
	"no_lines":  {Words{"không có dòng nào dưới tiêu đề", "no line below the heading"}, Words{}, Words{"chọn lại tệp", "choose the file again"}},
	"heading":   {wrong: Words{"không thấy dòng tiêu đề trong %d dòng đầu", "no heading row in the first %d rows"}, do: Words{"đặt tên cột trên một dòng", "write the names of the columns in one row"}},
}

// refuse is the error of a code, with what its texts leave out: what is there, and
// what is allowed.
func refuse(code string, is, allowed []any) *FileError {
	f := faults[code]
	return &FileError{Code: code, Wrong: f.wrong.with(is...), Expected: f.expected.with(allowed...), Do: f.do}
}

func some(args ...any) []any { return args }

// at says where it is.
func (e *FileError) at(line, column int) *FileError {
	e.Line, e.Column = line, column
	return e
}
