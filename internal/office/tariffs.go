package office

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"socho/bank"
	"socho/events"
	"socho/internal/billing"
	"socho/internal/money"
	"socho/internal/sheet"
)

// tariffColumns and reductionColumns are what files call a column, folded.
var (
	tariffColumns = map[string][]string{
		"item":     {"KHOAN", "KHOANTHU", "TENKHOAN", "TENKHOANTHU", "ITEM"},
		"class":    {"LOP", "KHOI", "LOPKHOI", "HANG", "CLASS"},
		"amount":   {"SOTIEN", "MUCTHU", "DONGIA", "GIA", "AMOUNT"},
		"per":      {"TINHTHEO", "DONVI", "DONVITINH", "PER"},
		"every":    {"DINHKY", "KYTHU", "CHUKY", "EVERY"},
		"from":     {"TUNGAY", "NGAYAPDUNG", "HIEULUCTU", "FROM"},
		"until":    {"DENNGAY", "HIEULUCDEN", "UNTIL"},
		"duty":     {"CHUNGTU", "HOADON", "INVOICEDUTY"},
		"absent":   {"VANGMAT", "KHINGHI", "WHENABSENT"},
		"decision": {"QUYETDINH", "CANCU", "DECISION"},
	}
	reductionColumns = map[string][]string{
		"code":    {"MAHOCSINH", "MAHS", "MADINHDANH", "CODE"},
		"item":    {"KHOAN", "KHOANTHU", "ITEM"},
		"percent": {"PHANTRAM", "TYLE", "GIAM", "PERCENT"},
		"amount":  {"SOTIEN", "AMOUNT"},
		"reason":  {"LYDO", "DIENMIENGIAM", "REASON"},
		"from":    {"TUNGAY", "FROM"},
		"until":   {"DENNGAY", "UNTIL"},
	}
)

// words are what people call what facts call by a word, folded.
var (
	itemWords = map[string]string{"TIENAN": "meals", "BANTRU": "boarding", "BAOHIEM": "insurance", "BAOHIEMYTE": "insurance", "HOCPHI": "tuition", "HAIBUOI": "two_sessions", "HOCHAIBUOI": "two_sessions",
		"HOC2BUOI": "two_sessions", "QUANLY": "management", "BAOVE": "security", "VESINH": "sanitation", "VECHO": "ticket", "DIEN": "electricity", "TIENDIEN": "electricity", "NUOC": "water", "TIENNUOC": "water",
		"THUEQUAY": "rent", "THUESAP": "rent"}
	perWords   = map[string]string{"": "", "HOCSINH": "pupil", "PUPIL": "pupil", "SAP": "stall", "QUAY": "stall", "STALL": "stall", "M2": "m2", "DIENTICH": "m2", "VE": "ticket", "TICKET": "ticket", "NGAY": "day", "DAY": "day"}
	everyWords = map[string]string{"": "", "MOTLAN": "once", "ONCE": "once", "NGAY": "day", "HANGNGAY": "day", "DAY": "day", "THANG": "month", "HANGTHANG": "month", "MONTH": "month",
		"HOCKY": "term", "KY": "term", "TERM": "term", "NAM": "year", "NAMHOC": "year", "HANGNAM": "year", "YEAR": "year"}
	dutyWords   = map[string]string{"": "", "HOADON": "invoice", "INVOICE": "invoice", "BIENLAI": "receipt", "RECEIPT": "receipt", "KHONG": "none", "NONE": "none"}
	absentWords = map[string]string{"": "", "THU": "due", "DUE": "due", "CO": "due", "KHONGTHU": "not_due", "NOTDUE": "not_due", "KHONG": "not_due"}
	reasonWords = map[string]string{"HONGHEO": "poor", "CANNGHEO": "near_poor", "KHUYETTAT": "disability", "CONLIETSI": "martyr_child", "DANTOCTHIEUSO": "ethnic", "MOCOI": "orphan"}
)

// word is what a text is called on the log: a word that is known, or the text's own
// letters.
func word(known map[string]string, text string) string {
	if w, ok := known[bank.Fold(text)]; ok {
		return w
	}
	var out strings.Builder
	for _, part := range strings.FieldsFunc(strings.ToLower(ClassID(text)), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		if out.Len() > 0 {
			out.WriteByte('_')
		}
		out.WriteString(part)
	}
	return out.String()
}

// dongs reads whole đồng: 400000, 400.000, 400,000 đ.
func dongs(text string) (int64, bool) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text)), "đ"), "vnd"))
	for _, mark := range []string{".", ",", " "} {
		groups := strings.Split(text, mark)
		if len(groups) > 1 && !slices.ContainsFunc(groups[1:], func(g string) bool { return len(g) != 3 }) {
			text = strings.Join(groups, "")
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0 && n <= money.MaxMinor
}

// Tariffs are what a list of fee items sets.
type Tariffs struct {
	Set       []events.TariffSet
	Unchanged int
	drafts    []events.Draft
}

var tariffForm = sheet.Form{Names: tariffColumns, Need: [][]string{{"item"}, {"amount"}}, Limits: sheet.Office,
	Wanted: sheet.Words{VI: "các cột Khoản thu, Số tiền", EN: "columns Khoản thu (item), Số tiền (amount)"}}

// ReadTariffs reads a list of fee items for a school or market. Errors:
// *sheet.FileError.
func ReadTariffs(src io.ReadSeeker, kind string, on events.Date) (set []events.TariffSet, problems []RowProblem, err error) {
	t, err := tariffForm.Open(src)
	if err != nil {
		return nil, nil, err
	}
	defer t.Close()
	seen := map[events.ID]int{}
	for {
		if err := t.Next(); err == io.EOF {
			return set, problems, nil
		} else if err != nil {
			return nil, nil, err
		}
		f, wrong := readTariff(t, kind, on)
		if first, twice := seen[f.Tariff]; twice && len(wrong) == 0 {
			wrong = append(wrong, RowProblem{t.Line, "Khoản thu", fmt.Sprintf("cùng khoản và lớp với dòng %d", first)})
		}
		if problems = append(problems, wrong...); len(wrong) > 0 {
			continue
		}
		seen[f.Tariff] = t.Line
		set = append(set, f)
	}
}

func readTariff(t *sheet.Table, kind string, on events.Date) (f events.TariffSet, problems []RowProblem) {
	wrong := func(column, why string) { problems = append(problems, RowProblem{t.Line, column, why}) }
	f = events.TariffSet{Dated: events.Dated{EffectiveOn: on}, Item: events.Word(word(itemWords, t.Get("item"))), Class: events.ID(ClassID(t.Get("class")))}
	if f.Item == "" || len(f.Item) > 32 || len([]rune(t.Get("item"))) > 120 {
		wrong("Khoản thu", "cần tên ngắn như Tiền ăn")
	}
	f.Name = events.Label(t.Get("item"))
	if f.Class != "" && !events.ValidID(string(f.Class)) {
		wrong("Lớp", "cần lớp như 3A, khối như 3, hoặc để trống cho tất cả")
	}
	amount, ok := dongs(t.Get("amount"))
	if !ok {
		wrong("Số tiền", "cần số đồng như 400000 hay 400.000")
	}
	f.Sum = events.Sum{Amount: events.Decimal(strconv.FormatInt(amount, 10)), Currency: money.VND}
	f.Per = events.Word(one(perWords, t.Get("per"), "Tính theo", "học sinh, sạp, m2, ngày hoặc vé", wrong))
	f.Every = events.Word(one(everyWords, t.Get("every"), "Định kỳ", "một lần, ngày, tháng, học kỳ hoặc năm", wrong))
	if f.Every == "term" && kind == "market" {
		wrong("Định kỳ", "chợ không có học kỳ: dùng tháng hoặc năm")
	}
	if f.Per == "" {
		if f.Per = "pupil"; kind == "market" {
			f.Per = "stall"
		}
	}
	f.InvoiceDuty = events.Word(one(dutyWords, t.Get("duty"), "Chứng từ", "hóa đơn, biên lai hoặc không", wrong))
	f.WhenAbsent = events.Word(one(absentWords, t.Get("absent"), "Vắng mặt", "thu hoặc không thu", wrong))
	for column, to := range map[string]*events.Date{"from": &f.EffectiveOn, "until": &f.Until} {
		if text := t.Get(column); text != "" {
			at, err := day(text)
			if err != nil {
				wrong(map[string]string{"from": "Từ ngày", "until": "Đến ngày"}[column], "cần ngày như 05/09/2026")
				continue
			}
			*to = at
		}
	}
	if f.Until != "" && f.Until < f.EffectiveOn {
		wrong("Đến ngày", "trước ngày bắt đầu")
	}
	if f.Decision = events.Label(t.Get("decision")); len([]rune(string(f.Decision))) > 120 {
		wrong("Quyết định", "nhiều nhất 120 chữ")
	}
	f.Tariff = events.ID(string(f.Item) + "." + string(f.Per))
	if f.Class != "" {
		f.Tariff += "." + f.Class
	}
	if len(f.Tariff) > 64 {
		wrong("Khoản thu", "tên khoản và lớp quá dài")
	}
	return f, problems
}

// one reads a word of a set.
func one(known map[string]string, text, column, expected string, wrong func(column, why string)) string {
	w, ok := known[bank.Fold(text)]
	if !ok {
		wrong(column, "cần "+expected)
	}
	return w
}

// SetTariffs finds out which of a list of fee items are not in force already.
func (o *Office) SetTariffs(ctx context.Context, organization string, set []events.TariffSet) (*Tariffs, error) {
	terms, _, err := o.Model.Terms(ctx, organization, "organization.tariff_set", "organization.tariff_ended")
	if err != nil {
		return nil, err
	}
	book, err := billing.Read(terms)
	if err != nil {
		return nil, err
	}
	all := &Tariffs{}
	for i := range set {
		f := &set[i]
		same := func(t billing.Tariff) bool {
			before := t.TariffSet
			before.EffectiveOn = f.EffectiveOn
			return before == *f
		}
		if slices.ContainsFunc(book.Tariffs(f.EffectiveOn), same) {
			all.Unchanged++
			continue
		}
		all.Set = append(all.Set, *f)
		// The same line is the same fact, unless another was set between the two.
		n := 0
		for j := range terms {
			if terms[j].Subject == string(f.Tariff) {
				n++
			}
		}
		id := opaque([]byte(organization), "t-", "tariff", organization, fmt.Sprintf("%d %+v", n, *f))
		all.drafts = append(all.drafts, o.draft(organization, id, "organization.tariff_set", f.EffectiveOn, f, nil))
	}
	return all, nil
}

// SayTariffs says what a list sets. Errors: *RefusedError.
func (o *Office) SayTariffs(ctx context.Context, t *Tariffs) error { return o.say(ctx, t.drafts, nil) }

// Reductions are what a list of reductions grants.
type Reductions struct {
	Granted   []events.ReductionGranted
	Unchanged int
	drafts    []events.Draft
}

var reductionForm = sheet.Form{Names: reductionColumns, Need: [][]string{{"code"}, {"reason"}}, Limits: sheet.Office,
	Wanted: sheet.Words{VI: "các cột Mã học sinh, Lý do, Phần trăm hoặc Số tiền", EN: "columns Mã học sinh (code), Lý do (reason), Phần trăm (percent) or Số tiền (amount)"}}

// ReadReductions reads a list of who pays less. Errors: *sheet.FileError.
func (o *Office) ReadReductions(src io.ReadSeeker, organization string, on events.Date) (granted []events.ReductionGranted, problems []RowProblem, err error) {
	t, err := reductionForm.Open(src)
	if err != nil {
		return nil, nil, err
	}
	defer t.Close()
	for {
		if err := t.Next(); err == io.EOF {
			return granted, problems, nil
		} else if err != nil {
			return nil, nil, err
		}
		before := len(problems)
		wrong := func(column, why string) { problems = append(problems, RowProblem{t.Line, column, why}) }
		g := events.ReductionGranted{Dated: events.Dated{EffectiveOn: on}, Of: events.Of{Person: events.ID(PupilID(o.Persons, organization, t.Get("code")))}, Currency: money.VND,
			Reason: events.Word(word(reasonWords, t.Get("reason")))}
		if t.Get("code") == "" {
			wrong("Mã học sinh", "trống")
		}
		if g.Reason == "" || len(g.Reason) > 32 {
			wrong("Lý do", "cần lý do ngắn như Hộ nghèo")
		}
		if text := t.Get("item"); text != "" && bank.Fold(text) != "TATCA" {
			g.Item = events.Word(word(itemWords, text))
		}
		percent, amount := strings.TrimSpace(strings.TrimSuffix(t.Get("percent"), "%")), t.Get("amount")
		switch {
		case (percent == "") == (amount == ""):
			wrong("Phần trăm", "cần hoặc phần trăm, hoặc số tiền")
		case percent != "":
			n, err := strconv.ParseInt(percent, 10, 64)
			if err != nil || n < 1 || n > 100 {
				wrong("Phần trăm", "cần số từ 1 đến 100")
			}
			g.Percent = (*events.Count)(&n)
		default:
			n, ok := dongs(amount)
			if !ok {
				wrong("Số tiền", "cần số đồng như 50000")
			}
			g.Amount = events.Decimal(strconv.FormatInt(n, 10))
		}
		if text := t.Get("from"); text != "" {
			if g.EffectiveOn, err = day(text); err != nil {
				wrong("Từ ngày", "cần ngày như 05/09/2026")
			}
		}
		if text := t.Get("until"); text != "" {
			if g.Until, err = day(text); err != nil || g.Until < g.EffectiveOn {
				wrong("Đến ngày", "cần ngày như 31/05/2027, sau ngày bắt đầu")
			}
		}
		if len(problems) > before {
			continue
		}
		n := "all"
		if g.Item != "" {
			n = string(g.Item)
		}
		g.Reduction = events.ID(opaque(o.Persons, "r-", "reduction", organization, strings.Join([]string{string(g.Person), n, string(g.Reason), string(g.EffectiveOn)}, " ")))
		granted = append(granted, g)
	}
}

// GrantReductions finds out which of a list are not granted already, and whom
// nobody knows.
func (o *Office) GrantReductions(ctx context.Context, organization string, granted []events.ReductionGranted) (*Reductions, []events.ReductionGranted, error) {
	terms, _, err := o.Model.Terms(ctx, organization)
	if err != nil {
		return nil, nil, err
	}
	book, err := billing.Read(terms)
	if err != nil {
		return nil, nil, err
	}
	people := map[string]bool{}
	here, left := book.Pupils("2199-12-31")
	for _, p := range slices.Concat(here, left) {
		people[p.Person] = true
	}
	all := &Reductions{}
	var strangers []events.ReductionGranted
	for i := range granted {
		g := &granted[i]
		if !people[string(g.Person)] {
			strangers = append(strangers, *g)
			continue
		}
		words := func(g *events.ReductionGranted) string {
			n := events.Count(0)
			if g.Percent != nil {
				n = *g.Percent
			}
			return fmt.Sprint(g.Item, n, g.Amount, g.Until, g.Reason)
		}
		known := book.Reductions(g.EffectiveOn)[string(g.Person)]
		if slices.ContainsFunc(known, func(k events.ReductionGranted) bool { return k.Reduction == g.Reduction && words(&k) == words(g) }) {
			all.Unchanged++
			continue
		}
		all.Granted = append(all.Granted, *g)
		id := opaque(o.Persons, "g-", "granted", organization, string(g.Reduction)+words(g))
		all.drafts = append(all.drafts, o.draft(organization, id, "school.reduction_granted", g.EffectiveOn, g, nil))
	}
	return all, strangers, nil
}

// SayReductions says what a list grants. Errors: *RefusedError.
func (o *Office) SayReductions(ctx context.Context, r *Reductions) error {
	return o.say(ctx, r.drafts, nil)
}
