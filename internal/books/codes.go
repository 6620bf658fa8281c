package books

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Code says under which code of the office's chart an account is kept. Account is
// a path, in which {} stands for one step and a * at the end for all further ones.
type Code struct{ Account, Code, Name string }

// Codes are looked through in order; the first that fits counts.
type Codes []Code

// DefaultCodes is what an organization starts from, by its kind. The codes are
// those of the chart of accounts for public administrative and service units,
// Circular 24/2024/TT-BTC (in force since 1 January 2025, in place of Circular
// 107/2017/TT-BTC): 111 cash, 112 money at bank and treasury, 131 receivables from
// customers, 141 advances, 3381 collected and paid for others, 3388 other
// payables, 515 and 615 financial income and cost, 531 income from services.
//
// A school collects for others and books it when the money comes: what is billed,
// held and not yet placed stands under one code, so that a payment by bank reads
// Dr 112 / Cr 3381. A market sells services and books what it charges: Dr 131 / Cr
// 531, then Dr 112 / Cr 131. Which codes hold in an office its chief accountant
// decides; the list is a start, and each organization keeps its own.
func DefaultCodes(kind string) Codes {
	money := Codes{
		{"bank:{}", "112", "Tiền gửi Ngân hàng, Kho bạc"},
		{"cash:*", "111", "Tiền mặt"},
	}
	rest := Codes{
		{"charges:bank", "615", "Chi phí tài chính"},
		{"interest:bank", "515", "Doanh thu tài chính"},
		{"expense:*", "642", "Chi phí quản lý của hoạt động SXKD, dịch vụ"},
		{"suspense:in", "3388", "Phải trả khác: tiền chưa rõ chủ"},
		{"suspense:out:*", "1388", "Phải thu khác: tiền ra chưa rõ"},
		{"unallocated:out:*", "1388", "Phải thu khác: tiền ra chưa xếp"},
		{"equity:opening", "3388", "Số dư chuyển sang khi mở sổ"},
	}
	switch kind {
	case "school":
		return append(append(money,
			Code{"pupil:{}:receivable:*", "3381", "Các khoản thu hộ, chi hộ"},
			Code{"pupil:{}:credit", "3381", "Các khoản thu hộ, chi hộ: nộp thừa"},
			Code{"held:*", "3381", "Các khoản thu hộ, chi hộ"},
			Code{"waivers:*", "3381", "Các khoản thu hộ, chi hộ: miễn giảm"},
			Code{"unallocated:in:*", "3381", "Các khoản thu hộ, chi hộ: chưa xếp"},
			Code{"clearing:*", "3381", "Các khoản thu hộ, chi hộ: đang về"},
			Code{"income:*", "531", "Doanh thu hoạt động SXKD, dịch vụ"}), rest...)
	case "market":
		return append(append(money,
			Code{"stall:{}:receivable:*", "131", "Phải thu khách hàng"},
			Code{"stall:{}:credit", "131", "Phải thu khách hàng: nộp thừa"},
			Code{"unallocated:in:*", "131", "Phải thu khách hàng: tiền chưa xếp"},
			Code{"clearing:*", "131", "Phải thu khách hàng: đang về"},
			Code{"income:*", "531", "Doanh thu hoạt động SXKD, dịch vụ"},
			Code{"waivers:*", "531", "Giảm trừ doanh thu"},
			Code{"held:*", "3381", "Các khoản thu hộ, chi hộ"}), rest...)
	}
	return append(append(money,
		Code{"grants:*", "3388", "Phải trả khác: kinh phí chi trợ cấp"},
		Code{"person:*", "3388", "Phải trả khác: trợ cấp"},
		Code{"unallocated:in:*", "3388", "Phải trả khác: tiền chưa xếp"},
		Code{"clearing:*", "1388", "Phải thu khác: đang về"}), rest...)
}

// Of returns the code of an account, and false where none fits.
func (c Codes) Of(path string) (code string, known bool) {
	for i := range c {
		if fits(c[i].Account, path) {
			return c[i].Code, true
		}
	}
	return "", false
}

func fits(pattern, path string) bool {
	for {
		step, more, _ := strings.Cut(pattern, ":")
		if step == "*" {
			return path != ""
		}
		at, rest, _ := strings.Cut(path, ":")
		if at == "" || step != "{}" && step != at {
			return false
		}
		if more == "" || rest == "" {
			return more == "" && rest == "" || more == "" && currency(rest)
		}
		pattern, path = more, rest
	}
}

// currency: an account in another currency has it as its last step.
func currency(step string) bool {
	return len(step) == 3 && strings.ToUpper(step) == step && !strings.ContainsAny(step, "0123456789")
}

// Bounds of a list of codes.
const (
	MaxCodes      = 200
	maxCodesBytes = 64 << 10
	maxCodeText   = 120
)

// ErrCodes: a list of codes cannot be read; the error says which line and why.
var ErrCodes = errors.New("bảng mã tài khoản")

// ReadCodes reads a list as WriteCodes writes it. Errors: ErrCodes.
func ReadCodes(content []byte) (Codes, error) {
	wrong := func(line int, why string) error { return fmt.Errorf("%w: dòng %d: %s", ErrCodes, line, why) }
	if len(content) > maxCodesBytes || !utf8.Valid(content) {
		return nil, wrong(1, "tệp quá lớn hoặc không phải UTF-8; lưu lại dạng CSV UTF-8")
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	var codes Codes
	for n := 1; ; n++ {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, wrong(n, "không đọc được như CSV")
		}
		line, _ := r.FieldPos(0)
		switch {
		case n == 1 && (len(row) != 3 || row[0] != "account" || row[1] != "code" || row[2] != "name"):
			return nil, wrong(line, "dòng đầu phải là account,code,name")
		case n == 1:
			continue
		case len(row) != 3:
			return nil, wrong(line, "cần ba cột: tài khoản trong sổ, mã kế toán, tên")
		case !validPattern(row[0]):
			return nil, wrong(line, "tài khoản trong sổ viết như held:* hay bank:{}")
		case !validCode(row[1]):
			return nil, wrong(line, "mã kế toán gồm 1 đến 16 chữ số, chữ cái hay dấu chấm")
		case !utf8.ValidString(row[2]) || len(row[2]) > maxCodeText || strings.ContainsAny(row[2], "\r\n\t\x00"):
			return nil, wrong(line, "tên dài quá 120 byte")
		case len(codes) == MaxCodes:
			return nil, wrong(line, fmt.Sprintf("nhiều nhất %d dòng", MaxCodes))
		}
		codes = append(codes, Code{row[0], row[1], row[2]})
	}
	if len(codes) == 0 {
		return nil, wrong(1, "chưa có dòng nào")
	}
	return codes, nil
}

func validPattern(pattern string) bool {
	steps := strings.Split(pattern, ":")
	for i, s := range steps {
		if s == "{}" || s == "*" && i == len(steps)-1 && i > 0 {
			continue
		}
		if s == "" || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != "" {
			return false
		}
	}
	return len(pattern) <= maxCodeText
}

func validCode(code string) bool {
	return code != "" && len(code) <= 16 && strings.Trim(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.") == ""
}

// WriteCodes writes a list to be changed and read again.
func WriteCodes(codes Codes) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := [][]string{{"account", "code", "name"}}
	for _, c := range codes {
		rows = append(rows, []string{c.Account, c.Code, c.Name})
	}
	w.WriteAll(rows) //nolint:errcheck // a buffer takes everything
	return out.Bytes()
}
