package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/books"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/office"
	"socho/internal/print"
	"socho/ledger"
	"socho/projections"
)

// fakeFinance keeps what pages ask of an office, and plans by the real rules.
type fakeFinance struct {
	*fake
	actor  string
	terms  []projections.Term
	issued *billing.Plan
	asked  []office.Slips
	sheets []office.Export
	kept   books.Codes
	refuse string
	rows   []office.PupilRow
	links  []string
	ranges []billing.Range
	closed events.Period
	waits  int64
}

func (f *fakeFinance) Export(_ context.Context, e office.Export) (*books.Table, error) {
	f.sheets = append(f.sheets, e)
	return books.Debts(books.Head{Name: "Trường Mèo Vạc", Organization: e.Organization, Period: string(e.Period), Currency: money.VND, AsOf: map[int]int64{1: 9}}, nil, e.On), nil
}

func (f *fakeFinance) Slips(_ context.Context, s office.Slips) ([]byte, office.SlipReport, error) {
	f.asked = append(f.asked, s)
	if s.Period == "2026-01" {
		return nil, office.SlipReport{}, print.ErrNothing
	}
	return []byte("%PDF-"), office.SlipReport{Slips: 1}, nil
}

func (f *fakeFinance) Arrears(_ context.Context, organization string, on events.Date) ([]books.Owing, books.Owing, error) {
	var bills []projections.Bill
	for _, b := range f.bills {
		if b.Organization == organization {
			bills = append(bills, b)
		}
	}
	groups, all := books.Arrears(bills, on, books.GroupOf)
	return groups, all, f.broken
}

func (f *fakeFinance) Codes(_ context.Context, o projections.Organization) (books.Codes, error) {
	if f.kept != nil {
		return f.kept, nil
	}
	return books.DefaultCodes(o.Kind), nil
}

func (f *fakeFinance) SetCodes(_ context.Context, _ string, codes books.Codes) error {
	f.kept = codes
	return nil
}

func (f *fakeFinance) PlanRun(_ context.Context, r billing.Run) (*billing.Plan, projections.Organization, error) {
	book, err := billing.Read(f.terms)
	if err != nil {
		return nil, projections.Organization{}, err
	}
	return book.School(r, func(bill string) (bool, bool) {
		known := f.issued != nil && slices.ContainsFunc(f.issued.Bills, func(b billing.Bill) bool { return b.ID == bill })
		return known, known
	}), projections.Organization{Organization: r.Organization}, nil
}

func (f *fakeFinance) IssueRun(_ context.Context, p *billing.Plan, _ projections.Organization, _ office.Progress) error {
	if f.refuse != "" {
		return &office.RefusedError{Outcome: &ledger.Outcome{Status: ledger.Refused, Code: f.refuse}}
	}
	f.issued = p
	return nil
}

func (f *fakeFinance) Enrol(_ context.Context, _ string, rows []office.PupilRow, on events.Date, _ bool) (*office.Enrolment, error) {
	f.rows = rows
	return (&office.Office{Persons: []byte("k"), Model: nil}).EnrolFrom(f.terms, nil, school, rows, on, false)
}

func (f *fakeFinance) SayEnrolment(_ context.Context, e *office.Enrolment, _ office.Progress) error {
	f.actor = "said"
	return nil
}

func (f *fakeFinance) SetTariffs(_ context.Context, _ string, set []events.TariffSet) (*office.Tariffs, error) {
	return &office.Tariffs{Set: set}, nil
}

func (f *fakeFinance) SayTariffs(context.Context, *office.Tariffs) error { return nil }

func (f *fakeFinance) ReadReductions(src io.ReadSeeker, organization string, on events.Date) ([]events.ReductionGranted, []office.RowProblem, error) {
	return (&office.Office{Persons: []byte("k")}).ReadReductions(src, organization, on)
}

func (f *fakeFinance) GrantReductions(_ context.Context, _ string, granted []events.ReductionGranted) (*office.Reductions, []events.ReductionGranted, error) {
	return &office.Reductions{}, granted, nil // nobody here knows them
}

func (f *fakeFinance) SayReductions(context.Context, *office.Reductions) error { return nil }

func (f *fakeFinance) RollOver(_ context.Context, _ string, on events.Date, moves billing.Moves, _ []string) (*office.Rollover, error) {
	book, err := billing.Read(f.terms)
	if err != nil {
		return nil, err
	}
	return &office.Rollover{Moves: book.RollOver(on, moves, nil)}, nil
}

func (f *fakeFinance) SayRollover(context.Context, *office.Rollover, office.Progress) error {
	return nil
}

func (f *fakeFinance) IssueLinks(_ context.Context, _, class string, _ events.Date) (int, error) {
	f.links = append(f.links, "issue "+class)
	return 1, nil
}

func (f *fakeFinance) RevokeLinks(_ context.Context, _, class string, _ events.Date) (int, error) {
	f.links = append(f.links, "revoke "+class)
	return 1, nil
}

func (f *fakeFinance) Family(_ context.Context, secret string) (*office.Family, error) {
	if secret != "aaaaabbbbbcccccdddddeeeeef" {
		return nil, office.ErrLink
	}
	b := f.bills[len(f.bills)-1]
	b.Paid = 100000
	return &office.Family{Organization: f.organizations[1], Class: "3A", Bills: []office.FamilyBill{{Bill: b, Items: []events.Item{{Item: "meals", Amount: "540000"}},
		Payments: []office.FamilyPayment{{On: "2026-09-12", Amount: 100000, At: projections.Position{Shard: 1, Offset: 77}}}}}}, nil
}

func (f *fakeFinance) Ranges(context.Context, string) ([]billing.Range, error) { return f.ranges, nil }

// A collector says what was sold of her own range, never more than there is; the
// board hands ranges out.
func TestTickets(t *testing.T) {
	f := newFinance(newFake())
	said := new(recorder)
	h := openHouse(t, demoPeople, withFinance(f), func(from *Sources, _ string) { from.Recorder = said })
	v, base := h.visitor(t), "/collect/"+market+"/tickets"
	v.post("/demo", "role", string(identity.Collector))
	v.get(base).sees(http.StatusOK, base, "Chưa giao tập vé nào")
	me := v.get("/collect/" + market).finds(`<code>([^<]+)</code>`)
	f.ranges = []billing.Range{{Range: "T-1", Collector: me, Item: "ticket", Price: 5000, First: 1, Last: 100, Sold: 90, Taken: 450000}, {Range: "T-2", Collector: "another", Price: 5000, First: 1, Last: 9}}
	v.get(base).sees(http.StatusOK, base, "Tập vé T-1", "450.000")
	if strings.Contains(v.text, "T-2") {
		t.Error("a collector sees another's tickets")
	}
	fact := v.finds(`name="fact" value="([^"]+)"`)
	v.post(base, "range", "T-1", "count", "11", "fact", fact).sees(http.StatusUnprocessableEntity, base, "từ 1 đến 10")
	v.post(base, "range", "T-2", "count", "1", "fact", fact).sees(http.StatusBadRequest, base)
	v.post(base, "range", "T-1", "count", "3", "fact", fact).sees(http.StatusOK, base, "Đã ghi vé")
	if sold, ok := said.said[0].Fact.(*events.TicketsSold); !ok || sold.Amount != "15000" || *sold.Count != 3 || string(sold.Collector) != me {
		t.Errorf("%+v", said.said[0])
	}
	v.post(base+"/new", "ticket_range", "T-3").sees(http.StatusForbidden, base)
	manager := h.visitor(t)
	manager.post("/demo", "role", string(identity.MarketManager))
	manager.get(base).sees(http.StatusOK, base, "T-2", "Giao tập vé")
	fact = manager.finds(`name="fact" value="([^"]+)"`)
	manager.post(base+"/new", "ticket_collector", me, "ticket_range", "T 3", "ticket_price", "5.000", "ticket_first", "1", "ticket_last", "50", "fact", fact).sees(http.StatusUnprocessableEntity, base, "Cần tên tập vé")
	manager.post(base+"/new", "ticket_collector", me, "ticket_range", "T-3", "ticket_price", "5.000", "ticket_first", "9", "ticket_last", "5", "fact", fact).sees(http.StatusUnprocessableEntity, base, "không đúng")
	manager.post(base+"/new", "ticket_collector", "0912345678", "ticket_range", "T-3", "ticket_price", "5.000", "ticket_first", "1", "ticket_last", "50", "fact", fact).sees(http.StatusUnprocessableEntity, base, "Cần mã người thu")
	manager.post(base+"/new", "ticket_collector", me, "ticket_range", "T-3", "ticket_price", "5.000", "ticket_first", "1", "ticket_last", "50", "fact", fact).sees(http.StatusOK, base, "Đã giao")
	if handed, ok := said.said[1].Fact.(*events.TicketsHandedOut); !ok || handed.Amount != "5000" || *handed.Last != 50 || handed.Range != "T-3" {
		t.Errorf("%+v", said.said[1])
	}
}

// A family comes by its link alone, and no search engine after it.
func TestFamily(t *testing.T) {
	f := newFinance(newFake())
	h := openHouse(t, demoPeople, withFinance(f))
	v := h.visitor(t)
	v.get("/p/aaaaabbbbbcccccdddddeeeeef").sees(http.StatusOK, "/p/", "Trường Mèo Vạc", "lớp 3A", "Còn phải nộp 440.000", "Tiền ăn", "12/09/2026", "1:77", "HP2526YK2Y6")
	if v.header.Get("X-Robots-Tag") != "noindex, nofollow" || v.header.Get("Referrer-Policy") != "no-referrer" || v.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", v.header)
	}
	if strings.Contains(v.text, "h7") {
		t.Error("the page says the pupil's id")
	}
	v.get("/p/aaaaabbbbbcccccdddddeeeeeg").sees(http.StatusNotFound, "/p/", "không mở được")
	officer := h.visitor(t)
	officer.post("/demo", "role", string(identity.FinanceOfficer))
	base := "/office/" + school + "/links"
	officer.get(base).sees(http.StatusOK, base, "Cấp đường dẫn")
	officer.post(base, "do", "issue", "link_class", "Lá 1").sees(http.StatusOK, "/office/"+school, "Đã cấp đường dẫn")
	officer.post(base, "do", "revoke", "link_class", "3A").sees(http.StatusOK, base, "Thu hồi đường dẫn?")
	officer.post(base, "do", "revoke", "link_class", "3A", "sure", "yes").sees(http.StatusOK, "/office/"+school, "Đã thu hồi")
	officer.post(base, "do", "issue", "link_class", "!!").sees(http.StatusUnprocessableEntity, base)
	officer.post(base, "do", "all").sees(http.StatusBadRequest, base)
	if strings.Join(f.links, ", ") != "issue La-1, revoke 3A" {
		t.Error(f.links)
	}
	v.get(base).sees(http.StatusOK, "/sign-in")
}

func newFinance(f *fake) *fakeFinance {
	term := func(offset int64, name, subject, data string) projections.Term {
		return projections.Term{Organization: school, Type: name, Subject: subject, EffectiveOn: "2026-09-01", Data: data, At: projections.Position{Offset: offset}}
	}
	return &fakeFinance{fake: f, terms: []projections.Term{
		term(1, "organization.tariff_set", "m", `{"effective_on":"2026-09-01","tariff":"m","item":"meals","per":"pupil","amount":"400000","currency":"VND"}`),
		term(2, "school.pupil_enrolled", "hs-1", `{"effective_on":"2026-09-01","person":"hs-1","class":"3A"}`),
		term(3, "school.pupil_enrolled", "hs-2", `{"effective_on":"2026-09-01","person":"hs-2","class":"3B"}`),
		term(4, "school.pupil_left", "hs-2", `{"effective_on":"2026-09-01","person":"hs-2","reason":"left"}`),
	}}
}

// withFinance opens a house whose finance office is the fake's.
func withFinance(f *fakeFinance) func(*Sources, string) {
	return func(from *Sources, _ string) {
		from.Finance = func(actor string) Finance { f.actor = actor; return f }
	}
}

// upload sends a form with a file.
func (v *visitor) upload(path, field, name, content string, pairs ...string) *visitor {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := form.WriteField(pairs[i], pairs[i+1]); err != nil {
			v.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile(field, name)
	if err == nil {
		_, err = io.WriteString(part, content)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		v.t.Fatal(err)
	}
	return v.read(v.Post(v.h.URL+path, form.FormDataContentType(), &body))
}

func TestFinanceOffice(t *testing.T) {
	f := newFinance(newFake())
	h := openHouse(t, demoPeople, withFinance(f))
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.FinanceOfficer)).sees(http.StatusOK, "/work")
	base := "/office/" + school
	v.get("/schools/"+school).sees(http.StatusOK, "/schools/", "Văn phòng thu")
	v.get(base).sees(http.StatusOK, base, "Lập phiếu thu", "Phiếu nộp tiền", "Tải kèm họ tên", "Sổ quỹ")

	// Nothing is issued that was not looked at.
	v.get(base+"/run").sees(http.StatusOK, base, "Xem trước")
	v.get(base+"/run?period=2026-09").sees(http.StatusOK, base, "400.000", "Lập 1 phiếu", "Đã thôi học")
	seen := v.finds(`name="digest" value="([^"]+)"`)
	v.post(base+"/run", "period", "2026-09", "digest", "other").sees(http.StatusConflict, base, "vừa thay đổi")
	if f.issued != nil {
		t.Fatal("bills were issued that nobody looked at")
	}
	f.refuse = "more_than_owed"
	v.post(base+"/run", "period", "2026-09", "digest", seen).sees(http.StatusConflict, base, "Nhiều hơn số còn nợ")
	f.refuse = ""
	v.post(base+"/run", "period", "2026-09", "digest", seen).sees(http.StatusOK, "/schools/"+school, "Đã lập phiếu thu")
	if f.issued == nil || len(f.issued.Bills) != 1 || !strings.HasPrefix(f.actor, "person:") {
		t.Fatalf("%+v by %s", f.issued, f.actor)
	}
	v.post(base+"/run", "period", "2026-09", "digest", seen).sees(http.StatusConflict, base, "Không có ai cần", "Đã có phiếu")
	v.get(base+"/run?period=2026-13").sees(http.StatusUnprocessableEntity, base, "Tháng không đúng")
	v.get(base+"/run?period=2026-09&siblings=x").sees(http.StatusUnprocessableEntity, base, "meals:2:50")

	v.get(base+"/arrears?on=2026-12-31").sees(http.StatusOK, base, "Không ai còn nợ")
	v.get(base+"/arrears?on=2026-12-32").sees(http.StatusBadRequest, base)

	// What is taken away is written down; with names only after a fresh proof.
	v.post(base+"/export", "kind", "debts", "period", "2026-09", "format", "csv")
	if v.status != http.StatusOK || !strings.Contains(v.header.Get("Content-Disposition"), school+"-debts-2026-09.csv") {
		t.Errorf("%d %s", v.status, v.header)
	}
	if _, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(v.body, "\ufeff"))).Read(); err != nil {
		t.Error(err)
	}
	v.post(base+"/export", "kind", "everything").sees(http.StatusBadRequest, base)
	v.post(base+"/slips", "period", "2026-09", "class", "3A")
	if v.status != http.StatusOK || v.header.Get("Content-Type") != "application/pdf" || len(f.asked) != 1 || f.asked[0].Names {
		t.Errorf("%d, %+v", v.status, f.asked)
	}
	v.post(base+"/slips", "period", "2026-01").sees(http.StatusNotFound, base, "Không có phiếu nào còn nợ")
	v.post(base+"/named/slips", "period", "2026-09")
	if v.status != http.StatusOK || len(f.asked) != 3 || !f.asked[2].Names {
		t.Errorf("%d, %+v", v.status, f.asked)
	}
	manager := h.visitor(t)
	manager.post("/demo", "role", string(identity.MarketManager))
	manager.get("/office/"+market).sees(http.StatusOK, "/office/", "Lập phiếu thu")
	if strings.Contains(manager.text, "Tải kèm họ tên") {
		t.Error("names are offered to somebody who may not have them")
	}
	manager.post("/office/"+market+"/named/slips", "period", "2026-09").sees(http.StatusForbidden, "/office/")
	manager.get("/office/"+market+"/arrears?on=2026-12-31").sees(http.StatusOK, "/office/", "Trên 90 ngày", "A12", "1.275.000")
	manager.get(base).sees(http.StatusForbidden, base)

	entries, _, err := h.people.Trail(t.Context(), identity.TrailFilter{Action: identity.Exported, Organizations: []string{identity.Everywhere}}, 10, "")
	if err != nil || len(entries) != 4 || entries[3].Object != "debts" || entries[0].Detail != "name" {
		t.Errorf("%+v, %v", entries, err)
	}
}

func TestLists(t *testing.T) {
	f := newFinance(newFake())
	h := openHouse(t, demoPeople, withFinance(f))
	v := h.visitor(t)
	v.post("/demo", "role", string(identity.FinanceOfficer)).sees(http.StatusOK, "/work")
	base := "/office/" + school + "/lists/"
	v.get(base+"pupils").sees(http.StatusOK, base, "Mã học sinh, Họ tên, Lớp")
	v.get(base+"nothing").sees(http.StatusNotFound, base)
	v.post(base+"pupils", "from_day", "2026-09-05").sees(http.StatusUnprocessableEntity, base, "Chọn một tệp")
	v.upload(base+"pupils", "list_file", "x.csv", "a,b\n1,2\n", "from_day", "2026-09-05").sees(http.StatusUnprocessableEntity, base, "Không thấy dòng tiêu đề")
	v.upload(base+"pupils", "list_file", "x.csv", "Mã học sinh,Họ tên,Lớp\nHS1,,3A\n", "from_day", "2026-09-05").sees(http.StatusUnprocessableEntity, base, "Chưa nhập gì", "Họ tên", "2")
	v.upload(base+"pupils", "list_file", "x.csv", "Mã học sinh,Họ tên,Lớp\nHS1,Mỷ,3A\nHS2,Sình,3B\n", "from_day", "2026-09-05").sees(http.StatusOK, base, "Học sinh mới", "2", "Nhập vào sổ")
	if f.actor == "said" {
		t.Fatal("a list was taken in before anybody agreed")
	}
	v.post(base+"pupils", "content", v.finds(`name="content" value="([^"]+)"`), "from_day", "2026-09-05", "sure", "yes").sees(http.StatusOK, "/office/"+school, "Đã nhập vào sổ")
	if len(f.rows) != 2 || f.rows[1].Name != "Sình" {
		t.Errorf("%+v", f.rows)
	}
	v.upload(base+"tariffs", "list_file", "x.csv", "Khoản thu,Số tiền\nTiền ăn,410.000\n", "from_day", "2026-09-05").sees(http.StatusOK, base, "Tiền ăn", "410.000")
	v.upload(base+"reductions", "list_file", "x.csv", "Mã học sinh,Lý do,Phần trăm\nHS9,Hộ nghèo,50\n", "from_day", "2026-09-05").sees(http.StatusUnprocessableEntity, base, "không phải học sinh")

	v.post("/office/"+school+"/year", "from_day", "2027-08-15", "classes", "3A").sees(http.StatusUnprocessableEntity, "/office/", "mỗi lớp một lần")
	v.post("/office/"+school+"/year", "from_day", "2027-08-15", "classes", "9Z=10Z").sees(http.StatusUnprocessableEntity, "/office/", "Không có học sinh nào")
	v.post("/office/"+school+"/year", "from_day", "2027-08-15", "classes", "3A=4A").sees(http.StatusOK, "/office/", "3A → 4A: 1 học sinh")
	v.post("/office/"+school+"/year", "from_day", "2027-08-15", "classes", "3A=4A", "sure", "yes").sees(http.StatusOK, "/office/"+school, "Đã chuyển lớp")

	v.get("/office/" + school + "/codes")
	codes := strings.TrimPrefix(v.body, "\ufeff")
	if !strings.Contains(codes, "held:*,3381,") {
		t.Error(codes)
	}
	v.upload("/office/"+school+"/codes", "list_file", "c.csv", "account,code,name\nbank:{},1 1,x\n").sees(http.StatusUnprocessableEntity, "/office/", "dòng 2")
	v.upload("/office/"+school+"/codes", "list_file", "c.csv", "account,code,name\nbank:{},1121,x\n").sees(http.StatusOK, "/office/"+school, "Đã dùng bảng mã mới")
	if len(f.kept) != 1 || f.kept[0].Code != "1121" {
		t.Errorf("%+v", f.kept)
	}
}
