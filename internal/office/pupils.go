package office

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"socho/bank"
	"socho/events"
	"socho/internal/sheet"
)

// PupilRow is one pupil as a file has it.
type PupilRow struct {
	Line      int
	Code      string // the school's or the ministry's own; never on the log
	Name      string
	Birth     events.Date
	Class     string
	Household string // whatever brothers and sisters have in common; never on the log
	Guardian  string
	Phone     string
	ClassName string // as people write it, where the log calls it otherwise
}

// RowProblem says what is wrong with a row, and what to do. It repeats nothing of
// what the row says of anybody.
type RowProblem struct {
	Line   int    `json:"line"`
	Column string `json:"column"`
	Why    string `json:"why"`
}

// pupilColumns are what files call a column, folded.
var pupilColumns = map[string][]string{
	"code":      {"MAHOCSINH", "MAHS", "MADINHDANH", "MADINHDANHBO", "MASOHOCSINH", "CODE", "MA"},
	"name":      {"HOTEN", "HOVATEN", "HOTENHOCSINH", "HOVATENHOCSINH", "TENHOCSINH", "NAME"},
	"birth":     {"NGAYSINH", "NGAYTHANGNAMSINH", "DATEOFBIRTH", "BIRTHDATE"},
	"class":     {"LOP", "LOPHOC", "TENLOP", "CLASS"},
	"household": {"MAHO", "MAGIADINH", "HOGIADINH", "ANHCHIEM", "HOUSEHOLD"},
	"guardian":  {"PHUHUYNH", "HOTENPHUHUYNH", "HOTENCHAME", "CHAME", "NGUOIGIAMHO", "GUARDIAN"},
	"phone":     {"DIENTHOAI", "SODIENTHOAI", "SDT", "DTPHUHUYNH", "SDTPHUHUYNH", "PHONE"},
}

var pupilForm = sheet.Form{Names: pupilColumns, Need: [][]string{{"code"}, {"name"}, {"class"}}, Limits: sheet.Office,
	Wanted: sheet.Words{VI: "các cột Mã học sinh, Họ tên, Lớp", EN: "columns Mã học sinh (code), Họ tên (name), Lớp (class)"}}

// ReadPupils reads a list of pupils. Rows that cannot be taken are problems; the
// others are returned beside them. Errors: *sheet.FileError.
func ReadPupils(src io.ReadSeeker) (rows []PupilRow, problems []RowProblem, err error) {
	t, err := pupilForm.Open(src)
	if err != nil {
		return nil, nil, err
	}
	defer t.Close()
	seen := map[string]int{}
	for {
		if err := t.Next(); err == io.EOF {
			break
		} else if err != nil {
			return nil, nil, err
		}
		row := PupilRow{Line: t.Line, Code: t.Get("code"), Name: t.Get("name"), Class: ClassID(t.Get("class")), Household: t.Get("household"), Guardian: t.Get("guardian"), Phone: t.Get("phone")}
		if name := t.Get("class"); name != row.Class && len([]rune(name)) <= 120 {
			row.ClassName = name
		}
		wrong := func(column, why string) { problems = append(problems, RowProblem{t.Line, column, why}) }
		before := len(problems)
		switch first, twice := seen[row.Code]; {
		case row.Code == "":
			wrong("Mã học sinh", "trống; mỗi học sinh cần một mã riêng")
		case twice:
			wrong("Mã học sinh", fmt.Sprintf("trùng với dòng %d", first))
		}
		if row.Name == "" {
			wrong("Họ tên", "trống")
		}
		if !events.ValidID(row.Class) {
			wrong("Lớp", "cần tên lớp như 3A, 10B2 hay Lá 1")
		}
		if text := t.Get("birth"); text != "" {
			if row.Birth, err = day(text); err != nil {
				wrong("Ngày sinh", "cần ngày như 05/09/2017")
			}
		}
		if strings.Trim(row.Phone, "0123456789+ .-") != "" {
			wrong("Điện thoại", "chỉ gồm chữ số")
		}
		if len(problems) > before {
			continue
		}
		seen[row.Code] = t.Line
		rows = append(rows, row)
	}
	return rows, problems, nil
}

// ClassID is a class as the log has it: Lá 1 is La-1.
func ClassID(class string) string {
	var out strings.Builder
	for _, r := range norm.NFD.String(strings.NewReplacer("đ", "d", "Đ", "D").Replace(class)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == ' ' || r == '/':
			out.WriteByte('-')
		default:
			out.WriteRune(r)
		}
	}
	return strings.Trim(out.String(), "-")
}

// day reads a day as people and Excel write it: 05/09/2017, 2017-09-05, or days
// since the end of 1899.
func day(text string) (events.Date, error) {
	for _, layout := range []string{"02/01/2006", "2/1/2006", time.DateOnly, "02-01-2006", "02.01.2006"} {
		if at, err := time.Parse(layout, text); err == nil {
			return events.Date(at.Format(time.DateOnly)), nil
		}
	}
	if n, err := strconv.Atoi(text); err == nil && n > 20_000 && n < 80_000 {
		return events.Date(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n).Format(time.DateOnly)), nil
	}
	return "", errors.New("no day")
}

var ids = base32.StdEncoding.WithPadding(base32.NoPadding)

// opaque is an id that nobody can find the text from who does not have the key.
// Fixed for ever.
func opaque(key []byte, prefix, what, organization, text string) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "socho.%s.v1\x00%s\x00%s", what, organization, text)
	return prefix + strings.ToLower(ids.EncodeToString(mac.Sum(nil))[:26])
}

// PupilID is the opaque id of a pupil in a school, by the code that the school
// knows the pupil under.
func PupilID(key []byte, organization, code string) string {
	return opaque(key, "hs-", "pupil", organization, bank.Fold(code))
}

// householdID is the opaque id of what brothers and sisters have in common.
func householdID(key []byte, organization, text string) string {
	return opaque(key, "h-", "household", organization, bank.Fold(text))
}

// personal is what of a row is sealed.
func (r *PupilRow) personal() map[string]string {
	all := map[string]string{"name": r.Name}
	for field, text := range map[string]string{"date_of_birth": string(r.Birth), "guardian": r.Guardian, "phone": r.Phone} {
		if text != "" {
			all[field] = text
		}
	}
	return all
}
