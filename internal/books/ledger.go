package books

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"socho/events"
	"socho/ledger"
	"socho/projections"
)

// Balance is one account with its sums, as decimals of the head's currency.
type Balance struct {
	Path            string
	Kind            ledger.Kind
	Debits, Credits decimal.Decimal
}

// Posting is one transfer within the organization.
type Posting struct {
	At            projections.Position
	Line          int
	On            events.Date
	EventID       string
	Code          string // what the transfer is, as the rule calls it
	Debit, Credit string // paths
	Minor         int64
}

var kindWords = map[ledger.Kind]string{ledger.Asset: "Tài sản", ledger.Liability: "Nợ phải trả", ledger.Income: "Doanh thu", ledger.Expense: "Chi phí", ledger.Equity: "Nguồn vốn"}

// Trial is the trial balance: the sums of every account, and what is left on
// either side. Both sides of the whole come to the same, or something is broken.
// Errors: ErrBalance.
func Trial(h Head, balances []Balance, codes Codes) (*Table, error) {
	t := &Table{Head: h, Kind: "balance", Title: "Bảng cân đối tài khoản", Columns: []Column{{Heading: "Tài khoản", Wide: 44}, {Heading: "Mã kế toán", Wide: 11}, {Heading: "Loại", Wide: 14},
		{Heading: "Phát sinh nợ", Amount: true, Wide: 16}, {Heading: "Phát sinh có", Amount: true, Wide: 16}, {Heading: "Dư nợ", Amount: true, Wide: 16}, {Heading: "Dư có", Amount: true, Wide: 16}}}
	left := decimal.Zero
	for _, b := range balances {
		difference := b.Debits.Sub(b.Credits)
		left = left.Add(difference)
		debit, credit := Cell{Number: true}, Cell{Number: true}
		if difference.IsNegative() {
			credit.Value = difference.Neg()
		} else {
			debit.Value = difference
		}
		code, _ := codes.Of(b.Path)
		t.Rows = append(t.Rows, []Cell{text(b.Path), text(code), text(kindWords[b.Kind]), {Number: true, Value: b.Debits}, {Number: true, Value: b.Credits}, debit, credit})
	}
	t.total()
	if !left.IsZero() {
		return nil, fmt.Errorf("%w: the accounts of %s differ by %s; run: socho verify", ErrBalance, h.Organization, left)
	}
	return t, nil
}

// ErrBalance: debits and credits do not come to the same. It is never shown as a
// sheet.
var ErrBalance = fmt.Errorf("the trial balance does not balance")

// inBox says whether an account is one that the cash book is about.
func inBox(path string) bool {
	return strings.HasPrefix(path, "bank:") || strings.HasPrefix(path, "cash:")
}

// CashBook lists what came into and went out of bank accounts and cash, day by
// day, with what is left on each account. opening is what each held before.
func CashBook(h Head, opening map[string]int64, postings []Posting) *Table {
	t := &Table{Head: h, Kind: "cashbook", Title: "Sổ quỹ tiền mặt và tiền gửi", Columns: []Column{{Heading: "Ngày", Wide: 12}, {Heading: "Quỹ", Wide: 24}, {Heading: "Đối ứng", Wide: 40},
		{Heading: "Thu", Amount: true, Wide: 14}, {Heading: "Chi", Amount: true, Wide: 14}, {Heading: "Tồn", Wide: 14}, {Heading: "Bản ghi"}, {Heading: "Chứng từ", Wide: 30}}}
	left := map[string]int64{}
	var boxes []string
	for box, held := range opening {
		if inBox(box) && held != 0 {
			boxes, left[box] = append(boxes, box), held
		}
	}
	slices.Sort(boxes)
	for _, box := range boxes {
		t.Rows = append(t.Rows, []Cell{text(""), text(box), text("Tồn đầu kỳ"), h.sum(0), h.sum(0), h.sum(left[box]), {}, {}})
	}
	for _, p := range byDay(postings) {
		for _, side := range []struct {
			box, against string
			in, out      int64
		}{{p.Debit, p.Credit, p.Minor, 0}, {p.Credit, p.Debit, 0, p.Minor}} {
			if !inBox(side.box) {
				continue
			}
			left[side.box] += side.in - side.out
			t.Rows = append(t.Rows, []Cell{text(string(p.On)), text(side.box), text(side.against), h.sum(side.in), h.sum(side.out), h.sum(left[side.box]),
				place(p.At.Shard, p.At.Offset), text(p.EventID)})
		}
	}
	t.total()
	held := int64(0)
	for _, n := range left {
		held += n
	}
	t.Totals[5] = h.sum(held)
	return t
}

// byDay orders postings by their day and then as the log has them.
func byDay(postings []Posting) []Posting {
	postings = slices.Clone(postings)
	slices.SortStableFunc(postings, func(a, b Posting) int {
		return cmp.Or(cmp.Compare(a.On, b.On), cmp.Compare(a.At.Shard, b.At.Shard), cmp.Compare(a.At.Offset, b.At.Offset), cmp.Compare(a.Line, b.Line))
	})
	return postings
}

// Journal lists every posting under the office's account codes. A posting within
// one code, such as a payment that is placed on its bill where both are kept under
// the same code, moves nothing in the office's books and is left out.
func Journal(h Head, postings []Posting, codes Codes) *Table {
	t := &Table{Head: h, Kind: "journal", Title: "Nhật ký chung", Columns: []Column{{Heading: "Ngày", Wide: 12}, {Heading: "Nợ", Wide: 8}, {Heading: "Có", Wide: 8},
		{Heading: "Số tiền", Amount: true, Wide: 14}, {Heading: "Tài khoản nợ", Wide: 40}, {Heading: "Tài khoản có", Wide: 40}, {Heading: "Bản ghi"}, {Heading: "Chứng từ", Wide: 30}}}
	within, uncoded := 0, 0
	for _, p := range byDay(postings) {
		debit, known1 := codes.Of(p.Debit)
		credit, known2 := codes.Of(p.Credit)
		if debit == credit && known1 {
			within++
			continue
		}
		if !known1 || !known2 {
			uncoded++
		}
		t.Rows = append(t.Rows, []Cell{text(string(p.On)), text(debit), text(credit), h.sum(p.Minor), text(p.Debit), text(p.Credit), place(p.At.Shard, p.At.Offset), text(p.EventID)})
	}
	t.total()
	if within > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d bút toán trong cùng một mã tài khoản không ghi ở đây.", within))
	}
	if uncoded > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d bút toán có tài khoản chưa đặt mã: sửa bảng mã tài khoản.", uncoded))
	}
	return t
}
