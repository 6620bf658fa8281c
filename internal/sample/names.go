package sample

import (
	"fmt"
	"strings"
)

// pseudonyms are the only names of persons in the sample. Each person has one
// with a number behind it, so that nobody takes them for somebody.
var pseudonyms = [...]string{
	"Nguyễn Văn Mẫu", "Trần Thị Mẫu", "Lê Văn Thử", "Phạm Thị Kiểm", "Hoàng Văn Thí",
	"Vũ Thị Nghiệm", "Đặng Văn Ví", "Bùi Thị Dụ", "Đỗ Văn Biểu", "Ngô Thị Giả",
}

func personName(n int) string {
	return fmt.Sprintf("%s %d", pseudonyms[n%len(pseudonyms)], n)
}

// phone, citizenID and bankAccount are shaped like the real things and cannot
// be: no number begins so.
func phone(n int) string     { return fmt.Sprintf("0000%06d", n) }
func citizenID(n int) string { return fmt.Sprintf("000000%06d", n) }
func bankAccount(n int) string {
	return fmt.Sprintf("MAU%09d", n)
}

// bankBINs are those that persons have their accounts at.
var bankBINs = [...]string{"970405", "970436", "970415", "970418"}

// content is what banks make of a transfer's text.
func (b *book) content(code string) string {
	trace := 100_000 + b.rng.IntN(900_000)
	switch b.rng.IntN(6) {
	case 0:
		return fmt.Sprintf("MBVCB.%d.%s nop tien.CT tu MAU toi MAU", trace, code)
	case 1:
		return fmt.Sprintf("CT nhanh 247 den: %s ND:CT DEN:%d tai Napas", strings.ToLower(code), trace)
	case 2:
		return fmt.Sprintf("MB(%d)(%s %s)", trace, code[:6], code[6:])
	case 3:
		return fmt.Sprintf("%d-%s-CHUYEN TIEN-OQCH%d-MOMO%dMOMO", trace, code, trace%97, trace)
	case 4:
		return fmt.Sprintf("TKThe:MAU, %s -CTLNHIDI%d-1/1-CRE-002", code, trace)
	}
	return code[:2] + " " + code[2:6] + " " + code[6:]
}
