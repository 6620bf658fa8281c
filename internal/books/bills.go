package books

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"socho/events"
	"socho/projections"
)

// Bill is a bill with what only its event says.
type Bill struct {
	projections.Bill
	Items []events.Item
	Name  string // of the pupil or trader, where the reader may see names; else empty
}

// Who is whose bill it is, without the kind of holder: an opaque id of a pupil, a
// stall.
func (b *Bill) Who() string { return b.Holder[strings.IndexByte(b.Holder, ':')+1:] }

// stands says that a bill was not taken back.
func (b *Bill) stands() bool { return !b.Reversed || b.Issued != 0 }

// inOrder sorts bills as lists are read: by class, pupil and bill.
func inOrder(bills []Bill) []Bill {
	bills = slices.DeleteFunc(slices.Clone(bills), func(b Bill) bool { return !b.stands() })
	Sort(bills)
	return bills
}

// Sort puts bills in the order that lists and slips are read in.
func Sort(bills []Bill) {
	slices.SortFunc(bills, func(a, b Bill) int {
		return cmp.Or(natural(GroupOf(&a.Bill), GroupOf(&b.Bill)), strings.Compare(a.Name, b.Name), strings.Compare(a.Holder, b.Holder), strings.Compare(a.Period, b.Period), strings.Compare(a.Bill.Bill, b.Bill.Bill))
	})
}

// Words says an item, a duty or a reason in the reader's language.
type Words func(set, word string) string

func (h Head) groupHeading(bills []Bill) string {
	if len(bills) > 0 && bills[0].Kind == "market" {
		return "Quầy"
	}
	return "Lớp"
}

// named says whether any bill carries a name: the column is left out otherwise.
func named(bills []Bill) bool {
	return slices.ContainsFunc(bills, func(b Bill) bool { return b.Name != "" })
}

// who are the columns that say whose a row is, and cells are theirs.
func who(bills []Bill, h Head) (columns []Column, cells func(*Bill) []Cell) {
	columns = []Column{{Heading: h.groupHeading(bills)}, {Heading: "Mã", Wide: 18}}
	if !named(bills) {
		return columns, func(b *Bill) []Cell { return []Cell{text(GroupOf(&b.Bill)), text(b.Who())} }
	}
	return append(columns, Column{Heading: "Họ tên", Wide: 26}), func(b *Bill) []Cell {
		return []Cell{text(GroupOf(&b.Bill)), text(b.Who()), text(b.Name)}
	}
}

// Items lists every item of every bill, with the paper that is owed for it.
func Items(h Head, bills []Bill, words Words) *Table {
	bills = inOrder(bills)
	first, cells := who(bills, h)
	t := &Table{Head: h, Kind: "items", Title: "Chi tiết khoản thu", Columns: append(first, Column{Heading: "Kỳ"}, Column{Heading: "Số phiếu", Wide: 22},
		Column{Heading: "Mã chuyển tiền", Wide: 16}, Column{Heading: "Khoản thu", Wide: 22}, Column{Heading: "Chứng từ", Wide: 12}, Column{Heading: "Số tiền", Amount: true, Wide: 14},
		Column{Heading: "Hạn nộp", Wide: 12}, Column{Heading: "Bản ghi"})}
	for i := range bills {
		b := &bills[i]
		for _, it := range b.Items {
			duty := ""
			if it.InvoiceDuty != "" {
				duty = words("duty", string(it.InvoiceDuty))
			}
			t.Rows = append(t.Rows, append(cells(b), text(b.Period), text(b.Bill.Bill), text(b.Reference), text(words("item", string(it.Item))), text(duty),
				h.sum(events.Money(it.Amount, b.Currency).Minor()), text(string(b.DueOn)), place(b.First.Shard, b.First.Offset)))
		}
	}
	t.total()
	return t
}

// Holders lists what each pupil, or stall, was billed, paid and owes.
func Holders(h Head, bills []Bill) *Table {
	bills = inOrder(bills)
	first, cells := who(bills, h)
	t := &Table{Head: h, Kind: "pupils", Title: "Công nợ từng người", Columns: append(first, Column{Heading: "Số phiếu thu"}, Column{Heading: "Phải nộp", Amount: true, Wide: 14},
		Column{Heading: "Đã nộp", Amount: true, Wide: 14}, Column{Heading: "Miễn giảm", Amount: true, Wide: 14}, Column{Heading: "Còn nợ", Amount: true, Wide: 14}, Column{Heading: "Các bản ghi", Wide: 20})}
	for from := 0; from < len(bills); {
		to := from + 1
		for to < len(bills) && bills[to].Holder == bills[from].Holder && GroupOf(&bills[to].Bill) == GroupOf(&bills[from].Bill) {
			to++
		}
		var s sums
		for i := range bills[from:to] {
			s.add(&bills[from+i])
		}
		t.Rows = append(t.Rows, slices.Concat(cells(&bills[from]), []Cell{number(s.bills)}, s.cells(h), []Cell{text(s.at())}))
		from = to
	}
	t.total()
	return t
}

// sums adds bills up.
type sums struct {
	bills, issued, paid, waived, owed int64
	places                            []projections.Position
}

func (s *sums) add(b *Bill) {
	s.bills++
	s.issued, s.paid, s.waived, s.owed = s.issued+b.Issued, s.paid+b.Paid, s.waived+b.Waived, s.owed+b.Owed()
	s.places = append(s.places, b.First)
}

func (s *sums) cells(h Head) []Cell {
	return []Cell{h.sum(s.issued), h.sum(s.paid), h.sum(s.waived), h.sum(s.owed)}
}

// at names the records behind a sum: all of a few, else from the first to the last.
func (s *sums) at() string {
	slices.SortFunc(s.places, func(a, b projections.Position) int {
		return cmp.Or(cmp.Compare(a.Shard, b.Shard), cmp.Compare(a.Offset, b.Offset))
	})
	name := func(p projections.Position) string { return place(p.Shard, p.Offset).Text }
	if len(s.places) > 6 {
		return name(s.places[0]) + "…" + name(s.places[len(s.places)-1])
	}
	var names []string
	for _, p := range s.places {
		names = append(names, name(p))
	}
	return strings.Join(names, " ")
}

// Classes lists what each class, or stall, was billed by item, paid and owes.
func Classes(h Head, bills []Bill, words Words) *Table {
	bills = inOrder(bills)
	kinds := map[string]bool{}
	for i := range bills {
		for _, it := range bills[i].Items {
			kinds[string(it.Item)] = true
		}
	}
	items := slices.Sorted(maps.Keys(kinds))
	t := &Table{Head: h, Kind: "classes", Title: "Tổng hợp thu theo lớp", Columns: []Column{{Heading: h.groupHeading(bills)}, {Heading: "Số phiếu thu"}}}
	if h.groupHeading(bills) == "Quầy" {
		t.Title = "Tổng hợp thu theo quầy"
	}
	for _, item := range items {
		t.Columns = append(t.Columns, Column{Heading: words("item", item), Amount: true, Wide: 14})
	}
	t.Columns = append(t.Columns, Column{Heading: "Phải nộp", Amount: true, Wide: 14}, Column{Heading: "Đã nộp", Amount: true, Wide: 14}, Column{Heading: "Miễn giảm", Amount: true, Wide: 14},
		Column{Heading: "Còn nợ", Amount: true, Wide: 14}, Column{Heading: "Các bản ghi", Wide: 20})
	for from := 0; from < len(bills); {
		to, s, of := from, sums{}, map[string]int64{}
		for ; to < len(bills) && GroupOf(&bills[to].Bill) == GroupOf(&bills[from].Bill); to++ {
			s.add(&bills[to])
			for _, it := range bills[to].Items {
				of[string(it.Item)] += events.Money(it.Amount, bills[to].Currency).Minor()
			}
		}
		row := []Cell{text(GroupOf(&bills[from].Bill)), number(s.bills)}
		for _, item := range items {
			row = append(row, h.sum(of[item]))
		}
		t.Rows = append(t.Rows, slices.Concat(row, s.cells(h), []Cell{text(s.at())}))
		from = to
	}
	t.total()
	return t
}

// Debts lists every bill of which something is owed, with its age on a day.
func Debts(h Head, bills []Bill, on events.Date) *Table {
	bills = slices.DeleteFunc(inOrder(bills), func(b Bill) bool { return b.Owed() <= 0 })
	first, cells := who(bills, h)
	t := &Table{Head: h, Kind: "debts", Title: "Công nợ theo tuổi nợ, ngày " + string(on), Columns: append(first, Column{Heading: "Kỳ"}, Column{Heading: "Số phiếu", Wide: 22},
		Column{Heading: "Mã chuyển tiền", Wide: 16}, Column{Heading: "Hạn nộp", Wide: 12}, Column{Heading: "Số ngày quá hạn", Wide: 14}, Column{Heading: "Tuổi nợ", Wide: 14},
		Column{Heading: "Còn nợ", Amount: true, Wide: 14}, Column{Heading: "Bản ghi"})}
	for i := range bills {
		b := &bills[i]
		days, age := Late(&b.Bill, on)
		t.Rows = append(t.Rows, append(cells(b), text(b.Period), text(b.Bill.Bill), text(b.Reference), text(string(b.DueOn)), number(int64(days)), text(age.String()),
			h.sum(b.Owed()), place(b.First.Shard, b.First.Offset)))
	}
	t.total()
	return t
}
