package payouts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/shopspring/decimal"

	"socho/bank"
	"socho/events"
	"socho/internal/adminunits"
	"socho/internal/money"
	"socho/internal/sheet"
	"socho/qr"
)

// BaseRate is the monthly standard in đồng that a coefficient is taken of, by
// Decree 76/2024 since 1 July 2024.
const BaseRate = 500_000

// Month says what a file is for.
type Month struct {
	Organization string
	Programme    string
	Period       string // YYYY-MM
	List         string // id; Programme and Period if empty
	BaseRate     int64  // đồng; BaseRate if 0
}

// Row is one payout of a file.
type Row struct {
	Line        int
	Person      string // opaque
	Citizen     string // personal, as are the next four
	Name        string
	Account     string
	AccountName string
	Note        string
	BIN         string
	Unit        string
	Method      string // account, ewallet, cash
	Kind        string // regular, arrears, one_off, funeral
	Amount      int64  // đồng
	Payout      string // its id
}

// Fault is what is wrong with a line; it never repeats what stands there.
type Fault struct {
	Line    int    `json:"line"`
	Column  string `json:"column,omitzero"` // as the file calls it
	Code    string `json:"code"`            // a word for it, for pages
	Problem string `json:"problem"`
}

func (f Fault) String() string {
	if f.Column == "" {
		return fmt.Sprintf("line %d: %s", f.Line, f.Problem)
	}
	return fmt.Sprintf("line %d, column %q: %s", f.Line, f.Column, f.Problem)
}

// File is a list as a file has it. Lines with faults are not among the rows.
type File struct {
	Month
	Rows   []Row
	Faults []Fault
	Left   int // lines with faults
}

// columns of a list, as they are spelled once folded.
var listColumns = map[string][]string{
	"person":       {"MADOITUONG", "MANGUOIHUONG", "MADT", "PERSON", "PERSONID"},
	"citizen":      {"CCCD", "SOCCCD", "CANCUOC", "SOCANCUOC", "CANCUOCCONGDAN", "SOCANCUOCCONGDAN", "SODINHDANH", "SODINHDANHCANHAN", "CITIZENID", "CITIZEN"},
	"name":         {"HOTEN", "HOVATEN", "TENNGUOIHUONG", "NGUOIHUONG", "NAME", "FULLNAME"},
	"unit":         {"MAXA", "XA", "XAPHUONG", "MAXAPHUONG", "PHUONGXA", "DIABAN", "COMMUNE", "COMMUNECODE", "UNIT"},
	"amount":       {"SOTIEN", "SOTIENVND", "SOTIENDONG", "MUCHUONG", "MUCTROCAP", "AMOUNT", "AMOUNTVND"},
	"coefficient":  {"HESO", "HESOTROCAP", "COEFFICIENT"},
	"method":       {"HINHTHUC", "HINHTHUCCHITRA", "HINHTHUCNHAN", "PHUONGTHUC", "METHOD"},
	"bank":         {"NGANHANG", "TENNGANHANG", "MANGANHANG", "BIN", "BANKBIN", "BANK", "BANKNAME"},
	"account":      {"SOTAIKHOAN", "TAIKHOAN", "STK", "SOTK", "ACCOUNT", "ACCOUNTNUMBER"},
	"account_name": {"TENTAIKHOAN", "CHUTAIKHOAN", "TENCHUTAIKHOAN", "ACCOUNTNAME", "ACCOUNTHOLDER"},
	"kind":         {"LOAI", "LOAICHI", "LOAICHITRA", "KIND", "TYPE"},
	"note":         {"GHICHU", "NOTE"},
}

// MaxRows bounds what is read of a list or of results.
const MaxRows = 500_000

// large are the limits of a list: a province's is one file.
var large = sheet.Limits{Bytes: 256 << 20, Rows: MaxRows, Unpacked: 1 << 30}

var listForm = sheet.Form{Names: listColumns, Need: [][]string{{"person", "citizen"}, {"amount", "coefficient"}}, Least: 3, Limits: large, Wanted: sheet.Words{
	VI: "các cột CCCD hoặc Mã đối tượng, Mã xã, Số tiền hoặc Hệ số",
	EN: "columns of the person (CCCD or Mã đối tượng), the amount (Số tiền or Hệ số) and the commune (Mã xã)"}}

var methods = map[string]string{
	"": "", "TAIKHOAN": "account", "CHUYENKHOAN": "account", "TK": "account", "CK": "account", "ACCOUNT": "account", "NGANHANG": "account",
	"VI": "ewallet", "VIDIENTU": "ewallet", "EWALLET": "ewallet", "WALLET": "ewallet", "TIENMAT": "cash", "TM": "cash", "CASH": "cash",
}

var kinds = map[string]string{
	"": "regular", "HANGTHANG": "regular", "THUONGXUYEN": "regular", "REGULAR": "regular", "MONTHLY": "regular",
	"TRUYLINH": "arrears", "ARREARS": "arrears", "MOTLAN": "one_off", "ONEOFF": "one_off", "MAITANG": "funeral", "MAITANGPHI": "funeral", "FUNERAL": "funeral",
}

// ReadList reads a list from CSV or XLSX. key is what opaque ids of persons are
// derived under. Errors: *sheet.FileError where the file cannot be read as a whole;
// those of src.
func ReadList(src io.ReadSeeker, m Month, key []byte) (*File, error) {
	if m.BaseRate == 0 {
		m.BaseRate = BaseRate
	}
	if m.List == "" {
		m.List = m.Programme + "-" + m.Period
	}
	t, err := listForm.Open(src)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	f := &File{Month: m}
	ordinals := map[string]int{} // by person and kind
	said := map[[32]byte]int{}   // whole rows, to tell a line copied
	for {
		err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if totals(t) {
			continue
		}
		reader := rowReader{t: t, month: &f.Month, key: key}
		row := reader.read()
		if len(reader.faults) == 0 {
			whole := sha256.Sum256(fmt.Appendf(nil, "%q", []any{row.Person, row.Kind, row.Amount, row.Method, row.BIN, row.Account}))
			if before, twice := said[whole]; twice {
				reader.fault("", "same", "the same payout as on line %d", before)
			} else {
				said[whole] = row.Line
			}
		}
		if len(reader.faults) > 0 {
			f.Faults = append(f.Faults, reader.faults...)
			f.Left++
			continue
		}
		place := row.Person + " " + row.Kind
		ordinals[place]++
		row.Payout = PayoutID(m.Organization, m.Programme, m.Period, row.Person, row.Kind, ordinals[place])
		f.Rows = append(f.Rows, row)
	}
	if len(f.Rows)+f.Left == 0 {
		return nil, t.NoLines()
	}
	return f, nil
}

// totals tells a row that sums others up: it names nobody.
func totals(t *sheet.Table) bool {
	folded := bank.Fold(t.First())
	named := t.Get("person") + t.Get("citizen") + t.Get("payout")
	return (named == "" || bank.Fold(named) == folded) && (strings.HasPrefix(folded, "TONG") || strings.HasPrefix(folded, "CONG") || strings.HasPrefix(folded, "TOTAL"))
}

// rowReader reads one line, and says all that is wrong with it.
type rowReader struct {
	t      *sheet.Table
	month  *Month
	key    []byte
	faults []Fault
}

func (r *rowReader) fault(column, code, format string, args ...any) {
	r.faults = append(r.faults, Fault{r.t.Line, r.t.Label(column), code, fmt.Sprintf(format, args...)})
}

func (r *rowReader) read() Row {
	row := Row{Line: r.t.Line, Name: r.t.Get("name"), AccountName: r.t.Get("account_name"), Note: r.t.Get("note"), Citizen: r.t.Get("citizen")}
	row.Person = r.person(&row)
	row.Unit = r.unit()
	row.Amount = r.amount()
	var ok bool
	if row.Kind, ok = kinds[bank.Fold(r.t.Get("kind"))]; !ok {
		r.fault("kind", "kind", "expected hằng tháng, truy lĩnh, một lần or mai táng")
	}
	if row.Method, ok = methods[bank.Fold(r.t.Get("method"))]; !ok {
		r.fault("method", "method", "expected tài khoản, ví or tiền mặt")
	}
	row.Account = bareAccount(r.t.Get("account"))
	if row.Method == "" { // not said: by account where there is one
		row.Method = "cash"
		if row.Account != "" {
			row.Method = "account"
		}
	}
	if row.Method == "cash" {
		return row
	}
	switch {
	case row.Account == "":
		r.fault("account", "account_missing", "an account is needed to pay by account or wallet")
	case !plainAccount(row.Account):
		r.fault("account", "account", "expected 1 to 19 letters and digits; in Excel, format the column as text")
	}
	row.BIN = r.bin()
	if row.AccountName == "" {
		row.AccountName = row.Name
	}
	if row.AccountName == "" {
		r.fault("account_name", "account_name", "a name is needed for the bank: of the account, or of the person")
	}
	return row
}

// bareAccount leaves out what people write between digits.
func bareAccount(text string) string {
	return strings.NewReplacer(" ", "", ".", "", "-", "").Replace(text)
}

func plainAccount(s string) bool {
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 19
}

func (r *rowReader) person(row *Row) string {
	id := r.t.Get("person")
	switch {
	case row.Citizen != "" && !digits(row.Citizen, 12):
		r.fault("citizen", "citizen", "expected 12 digits; in Excel, format the column as text so that leading zeros stay")
	case id != "" && (!events.ValidID(id) || !events.Opaque(id)):
		r.fault("person", "person", "expected an opaque id of 1 to 64 letters, digits, . _ -, that is nobody's number")
	case id != "":
		return id
	case row.Citizen == "":
		r.fault("citizen", "nobody", "neither a citizen id nor an id of the person")
	default:
		return PersonID(r.key, r.month.Organization, row.Citizen)
	}
	return ""
}

func digits(s string, n int) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == n
}

func (r *rowReader) unit() string {
	text := r.t.Get("unit")
	if len(text) <= 5 && digits(text, len(text)) && text != "" {
		code := strings.Repeat("0", 5-len(text)) + text // Excel drops leading zeros
		if u, ok := adminunits.Current(code, r.month.Period+"-01"); ok {
			return u.Code
		}
		r.fault("unit", "unit_code", "no commune of this province has had that code; expected 5 digits")
		return ""
	}
	folded := bank.Fold(text)
	var found []string
	for _, u := range adminunits.Units() {
		name := bank.Fold(u.Name)
		if folded != "" && (name == folded || strings.TrimPrefix(strings.TrimPrefix(name, "XA"), "PHUONG") == folded) {
			found = append(found, u.Code)
		}
	}
	switch {
	case len(found) == 1:
		return found[0]
	case len(found) > 1:
		r.fault("unit", "unit_several", "several communes are called so; give the code of 5 digits")
	default:
		r.fault("unit", "unit_name", "no commune of this province is called so; expected its name of today or its code of 5 digits")
	}
	return ""
}

func (r *rowReader) amount() int64 {
	text := r.t.Get("amount")
	if text == "" {
		coefficient, err := decimal.NewFromString(strings.Replace(r.t.Get("coefficient"), ",", ".", 1))
		if err != nil || !coefficient.IsPositive() || coefficient.GreaterThan(decimal.NewFromInt(100)) {
			r.fault("coefficient", "coefficient", "expected an amount, or a coefficient above 0 and up to 100")
			return 0
		}
		sum := coefficient.Mul(decimal.NewFromInt(r.month.BaseRate))
		if !sum.IsInteger() {
			r.fault("coefficient", "coefficient_whole", "the coefficient of the base rate is no whole number of đồng")
			return 0
		}
		return sum.IntPart()
	}
	minor, err := dong(text)
	if err != nil {
		r.fault("amount", "amount", "%s", err)
	}
	return minor
}

var errDong = errors.New("expected whole đồng above 0, such as 500000, 500.000 or 500,000")

// dong reads an amount as people and spreadsheets write it.
func dong(text string) (int64, error) {
	text = strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	for _, unit := range []string{"VND", "VNĐ", "ĐỒNG", "Đ"} {
		text = strings.TrimSuffix(text, unit)
	}
	if head, tail, ok := lastCut(text); ok && strings.Trim(tail, "0") == "" && len(tail) != 3 {
		text = head // 500000.00
	}
	groups := strings.FieldsFunc(text, func(c rune) bool { return c == '.' || c == ',' })
	if strings.Contains(text, ".") && strings.Contains(text, ",") || len(groups) == 0 {
		return 0, errDong
	}
	for i, g := range groups {
		if !digits(g, len(g)) || i > 0 && len(g) != 3 || i == 0 && len(groups) > 1 && len(g) > 3 {
			return 0, errDong
		}
	}
	minor, err := strconv.ParseInt(strings.Join(groups, ""), 10, 64)
	if err != nil || minor <= 0 || minor > money.MaxMinor || len(strings.Join(groups, ""))+len(groups)-1 != len(text) {
		return 0, errDong
	}
	return minor, nil
}

func lastCut(s string) (head, tail string, ok bool) {
	i := strings.LastIndexAny(s, ".,")
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

var banksByName = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for _, b := range qr.Banks() {
		for _, name := range []string{b.ShortName, b.Code, b.NameVI, b.SWIFT} {
			if folded := bank.Fold(name); folded != "" {
				if other, ok := names[folded]; ok && other != b.BIN {
					names[folded] = "" // of two banks
					continue
				}
				names[folded] = b.BIN
			}
		}
	}
	return names
})

// BankBIN finds a bank by its BIN, or by its name as banks spell it.
func BankBIN(text string) (bin string, ok bool) {
	if digits(text, 6) {
		return text, true
	}
	bin = banksByName()[bank.Fold(text)]
	return bin, bin != ""
}

func (r *rowReader) bin() string {
	if bin, ok := BankBIN(r.t.Get("bank")); ok {
		return bin
	}
	r.fault("bank", "bank", "expected the bank's BIN of 6 digits, or its name as banks spell it, such as Agribank")
	return ""
}

// ids are lower-case base32, so that they read aloud and fit into what banks
// carry along.
var ids = base32.StdEncoding.WithPadding(base32.NoPadding)

func short(sum []byte, chars int) string { return strings.ToLower(ids.EncodeToString(sum)[:chars]) }

// PersonID is the opaque id of a citizen in an organization: HMAC-SHA256 of both
// under a key that whoever reads the log does not have, since 12 digits are soon
// tried through. Fixed for ever.
func PersonID(key []byte, organization, citizen string) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "socho.person.v1\x00%s\x00%s", organization, citizen)
	return "p-" + short(mac.Sum(nil), 26)
}

// PayoutID is the id of the n-th payout of a kind, from 1, that a person gets from
// a programme for a month: 31 characters, which banks carry along as EndToEndId.
// Fixed for ever.
func PayoutID(organization, programme, period, person, kind string, n int) string {
	return "o" + strings.ReplaceAll(period, "-", "")[2:] + "-" + hashed(25, "payout", organization, programme, period, person, kind, strconv.Itoa(n))
}

func hashed(chars int, parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "socho.payouts.v1 %q", parts))
	return short(sum[:], chars)
}
