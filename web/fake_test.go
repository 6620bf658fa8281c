package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"socho/events"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
)

// fake is a small province in memory: a market, a school and a fund.
type fake struct {
	organizations []projections.Organization
	bills         []projections.Bill
	payouts       []projections.Payout
	records       map[projections.Position]events.Record
	outcomes      map[projections.Position]*ledger.Outcome
	transfers     map[projections.Position][]ledger.Transfer
	traced        []projections.TracedEvent
	broken        error // what every question is answered with
	logAway       bool
}

const (
	market = "hg-cho-dong-van"
	school = "hg-truong-meo-vac"
	fund   = "hg-quy-tro-cap"
)

var recorded = time.Date(2026, 9, 30, 1, 15, 0, 0, time.UTC)

func newFake() *fake {
	f := &fake{records: map[projections.Position]events.Record{}, outcomes: map[projections.Position]*ledger.Outcome{},
		transfers: map[projections.Position][]ledger.Transfer{}}
	f.organizations = []projections.Organization{
		{Organization: market, Kind: "market", Name: "Chợ Đồng Văn", Unit: "00721", BankBIN: "970436", Account: "0011000000001", Since: "2025-07-01"},
		{Organization: school, Kind: "school", Name: "Trường Mèo Vạc", Unit: "00721", BankBIN: "970405", Account: "8500201001234", Since: "2025-07-01"},
		{Organization: fund, Kind: "fund", Name: "Quỹ trợ cấp", Unit: "08", Since: "2025-07-01"},
	}
	bill := func(id, stall, period, reference string, issued, paid, waived int64) projections.Bill {
		return projections.Bill{Organization: market, Bill: id, Kind: "market", Holder: "stall:" + stall, Person: "p1", Stall: stall, Period: period, Reference: reference,
			DueOn: events.Date(period + "-25"), IssuedOn: events.Date(period + "-01"), Currency: money.VND, Issued: issued, Paid: paid, Waived: waived,
			First: projections.Position{Shard: 1, Offset: 4}}
	}
	f.bills = []projections.Bill{
		bill("b-2607", "A12", "2026-07", "CH2607DF4EJ", 61000, 61000, 0),
		bill("b-2608", "A12", "2026-08", "CH2608DF4EH", 61000, 20000, 0),
		bill("b-2609", "A12", "2026-09", "CH2609DF4EP", 1234000, 0, 0),
		bill("b-none", "B01", "2026-09", "", 61000, 0, 0),
		bill("b-free", "B02", "2026-09", "CH2609DF4EP", 35000, 0, 35000),
		{Organization: school, Bill: "s-1", Kind: "school", Holder: "pupil:h7", Person: "h7", Class: "3A", Period: "2026-09", Reference: "HP2526YK2Y6", DueOn: "2026-09-30",
			IssuedOn: "2026-09-05", Currency: money.VND, Issued: 540000, Paid: 540000, First: projections.Position{Shard: 1, Offset: 5}},
	}
	f.payouts = []projections.Payout{
		{Organization: fund, Payout: "o1", Person: "n1", Programme: "elderly", Period: "2026-09", Unit: "00721", Method: "account", Currency: money.VND, Ordered: 500000, Settled: 500000, OrderedOn: "2026-09-10", SentOn: "2026-09-11", SettledOn: "2026-09-12"},
		{Organization: fund, Payout: "o2", Person: "n2", Programme: "elderly", Period: "2026-09", Unit: "00721", Method: "account", Currency: money.VND, Ordered: 500000, Returned: 500000, CameBack: 500000, Reason: "account_closed", OrderedOn: "2026-09-10", ReturnedOn: "2026-09-14"},
		{Organization: fund, Payout: "o3", Person: "n3", Programme: "disability", Period: "2026-09", Unit: "00721", Method: "cash", Currency: money.VND, Ordered: 750000, PaidCash: 750000, CashOn: "2026-09-15"},
	}
	f.fill()
	return f
}

// add writes a record with its outcome, and a trace of it.
func (f *fake) add(shard int, offset int64, value string, status ledger.Status, code string, transfers ...ledger.Transfer) {
	at := projections.Position{Shard: shard, Offset: offset}
	r := events.Record{Shard: shard, Offset: offset, Key: []byte(market), Value: []byte(value), Headers: []events.Header{{Name: events.HeaderActor, Value: []byte("cli")}}}
	o := &ledger.Outcome{Shard: shard, Offset: offset, RecordedAt: recorded, Status: status, Code: code, RuleSet: 1, RecordHash: r.Hash(), ValueHash: events.ValueHash(r.Value), Claims: true}
	if e, err := events.Decode(r.Value); err == nil {
		o.Organization, o.Source, o.EventID, o.Type, o.EffectiveOn = e.Subject, string(e.Source), string(e.ID), e.Type, e.Fact.Effective()
	}
	if status == ledger.Refused {
		o.Detail = "asked 90000, owed 41000"
	}
	f.records[at], f.outcomes[at], f.transfers[at] = r, o, transfers
	if status.Accepted() {
		f.traced = append(f.traced, projections.TracedEvent{Position: at, Organization: o.Organization, Source: o.Source, EventID: o.EventID, Type: o.Type, Status: status.String(), Code: code,
			EffectiveOn: o.EffectiveOn, RecordedAt: recorded, Currency: money.VND, Amount: "61000"})
	}
}

func envelope(name, subject, id, data string) string {
	b, err := events.Canonical([]byte(fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"https://cho.example/so","type":%q,"subject":%q,"time":"2026-09-01T08:15:00+07:00","data":%s}`, id, events.Type(name), subject, data)))
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (f *fake) fill() {
	vnd := func(n int64) money.Amount {
		a, err := money.New(n, money.VND)
		if err != nil {
			panic(err)
		}
		return a
	}
	f.add(1, 0, envelope("shard.opened", "shard:1", "g", `{"ledger":"mau","format":1,"shard":1,"shards":8}`), ledger.Recorded, "")
	f.add(1, 4, envelope("market.fee_assessed", market, "e4", `{"effective_on":"2026-09-01","person":"p1","sealed":{"name":"i1.AAAAAAAAAAAAAAAAAAAAAAAAAAAA","phone":"c1.AAAAAAAAAAAAAAAAAAAAAAAAAAAA"},"bill":"b-2609","stall":"A12","period":"2026-09","due_on":"2026-09-25","reference":"CH2609DF4EP","currency":"VND","items":[{"item":"management","amount":"26000"},{"item":"security","amount":"15000"}]}`),
		ledger.Posted, "", ledger.Transfer{Line: 0, Organization: market, Debit: "stall:A12:receivable:b-2609", Credit: "income:management", Amount: vnd(26000)},
		ledger.Transfer{Line: 1, Organization: market, Debit: "stall:A12:receivable:b-2609", Credit: "income:security", Amount: vnd(15000)})
	f.add(1, 5, envelope("market.payment_received", market, "e5", `{"effective_on":"2026-09-03","amount":"20000","currency":"VND","bill":"b-2608","method":"cash","collector":"thu1"}`),
		ledger.Posted, "overpaid", ledger.Transfer{Organization: market, Debit: "cash:collector:thu1", Credit: "stall:A12:credit", Amount: vnd(20000)})
	f.add(1, 6, envelope("market.fee_waived", market, "e6", `{"effective_on":"2026-09-03","amount":"90000","currency":"VND","bill":"b-2608","reason":"absent"}`), ledger.Refused, "more_than_owed")
	f.add(1, 7, `{"data":{"personal":{"name":"Nguyễn Thị Bí Mật"}}}`, ledger.Malformed, "personal_in_clear")
	f.add(1, 8, envelope("benefit.payout_settled", fund, "e8", `{"effective_on":"2026-09-12","amount":"500000","currency":"VND","payout":"o1","line":"l1"}`), ledger.Misrouted, "wrong_partition")
	f.add(1, 9, envelope("ledger.reversed", market, "e9", `{"effective_on":"2026-09-04","reverses":"e5","reverses_source":"https://cho.example/so","reason":"typo"}`), ledger.Conflict, "other_content")
}

func (f *fake) Figures(_ context.Context, q projections.Query) ([]projections.Figure, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	if q.Period == "" {
		q.Period = "2026-09"
	}
	figure := figureOf(q, q.Period, 946)
	for i := range int64(60) {
		figure.Events = append(figure.Events, projections.EventRef{Position: projections.Position{Shard: 1, Offset: 4 + i%2}, Organization: market, EventID: fmt.Sprint("e", i), Kind: projections.FactPayment})
	}
	return []projections.Figure{figure}, nil
}

func (f *fake) Behind(ctx context.Context, q projections.Query, from, limit int) ([]projections.Figure, int, error) {
	figures, err := f.Figures(ctx, q)
	total := 0
	for i := range figures {
		total = len(figures[i].Events)
		if from >= total {
			from = 0
		}
		figures[i].Events = figures[i].Events[from:min(from+limit, total)]
	}
	return figures, total, err
}

func figureOf(q projections.Query, period string, part int64) projections.Figure {
	whole := int64(1097)
	if q.By == projections.ByValue {
		part, whole = part*1_000_003, whole*1_000_003
	}
	if q.Domain == projections.Systems {
		part, whole = 58, 81
	}
	return projections.Figure{Domain: q.Domain, By: q.By, Unit: q.Unit, Period: period, Numerator: fmt.Sprint(part), Denominator: fmt.Sprint(whole),
		Rate: projections.Rate(big.NewInt(part), big.NewInt(whole)), Definition: projections.Definition(q.Domain, q.By), Position: map[int]int64{0: 12000, 1: 345}, Digest: "ab12"}
}

func (f *fake) Trend(_ context.Context, q projections.Query, months int) (figures []projections.Figure, err error) {
	if f.broken != nil {
		return nil, f.broken
	}
	last := q.Period
	if last == "" {
		last = "2026-09"
	}
	for i, m := range projections.MonthsBefore(last, months) {
		one := figureOf(q, m, 946-int64(months-1-i)*51)
		if i == 2 {
			one.Rate = nil
		}
		figures = append(figures, one)
	}
	return figures, nil
}

func (f *fake) Breakdown(_ context.Context, q projections.Query) ([]projections.Figure, error) {
	q.Unit = "00721"
	return []projections.Figure{figureOf(q, q.Period, 12)}, f.broken
}

func (f *fake) LatestPeriod(context.Context, string) (string, error) { return "2026-09", f.broken }

func (f *fake) Organizations(_ context.Context, filter readmodel.OrganizationFilter, _ readmodel.Page) (found []projections.Organization, next string, err error) {
	for _, o := range f.organizations {
		if filter.Kind == "" || o.Kind == filter.Kind {
			found = append(found, o)
		}
	}
	return found, "", f.broken
}

func (f *fake) Organization(_ context.Context, organization string) (projections.Organization, error) {
	for _, o := range f.organizations {
		if o.Organization == organization {
			return o, f.broken
		}
	}
	return projections.Organization{}, errors.Join(readmodel.ErrNotFound, f.broken)
}

func (f *fake) BillPeriods(context.Context, string) ([]string, error) {
	if len(f.bills) == 0 {
		return nil, f.broken
	}
	return []string{"2026-09", "2026-08", "2026-07"}, f.broken
}

func (f *fake) Bills(_ context.Context, organization string, filter readmodel.BillFilter, p readmodel.Page) (found []projections.Bill, next string, err error) {
	if p.Cursor != "" && p.Cursor != "more" {
		return nil, "", readmodel.ErrCursor
	}
	for _, b := range f.bills {
		if b.Organization == organization && (filter.Stall == "" || b.Stall == filter.Stall) && (filter.Period == "" || b.Period == filter.Period) && (filter.Status == "" || b.Status() == filter.Status) {
			found = append(found, b)
		}
	}
	if filter.Stall == "" && p.Cursor == "" && len(found) > 0 {
		next = "more"
	}
	return found, next, f.broken
}

func (f *fake) Bill(_ context.Context, organization, bill string) (projections.Bill, error) {
	for _, b := range f.bills {
		if b.Organization == organization && b.Bill == bill {
			return b, f.broken
		}
	}
	return projections.Bill{}, readmodel.ErrNotFound
}

func (f *fake) BillTotals(ctx context.Context, organization string, filter readmodel.BillFilter) ([]readmodel.BillTotal, error) {
	bills, _, err := f.Bills(ctx, organization, filter, readmodel.Page{})
	if err != nil || len(bills) == 0 {
		return nil, err
	}
	t := readmodel.BillTotal{Currency: money.VND, Bills: int64(len(bills)), Open: 2, Waived: 1}
	for _, b := range bills {
		t.IssuedSum, t.PaidSum, t.WaivedSum, t.OwedSum = t.IssuedSum.Plus(b.Issued), t.PaidSum.Plus(b.Paid), t.WaivedSum.Plus(b.Waived), t.OwedSum.Plus(b.Owed())
	}
	return []readmodel.BillTotal{t}, nil
}

func (f *fake) Stalls(ctx context.Context, organization, period string, _ readmodel.Page) (rows []readmodel.StallRow, next string, err error) {
	bills, _, err := f.Bills(ctx, organization, readmodel.BillFilter{Period: period}, readmodel.Page{})
	for _, b := range bills {
		rows = append(rows, readmodel.StallRow{Stall: projections.Stall{Organization: organization, Stall: b.Stall, Person: b.Person}, Bills: 1, Assessed: b.Issued, Paid: b.Paid, Waived: b.Waived, Owed: b.Owed(), Status: b.Status()})
	}
	return rows, "", err
}

func (f *fake) Holdings(_ context.Context, organization, kind string, _ readmodel.Page) ([]projections.Holding, string, error) {
	if len(f.bills) == 0 {
		return nil, "", f.broken
	}
	holder := "thu1"
	if kind == projections.HoldingCredit {
		holder = "stall:A12"
	}
	return []projections.Holding{{Organization: organization, Kind: kind, Holder: holder, Currency: money.VND, Amount: 35000}}, "", f.broken
}

func (f *fake) Payouts(_ context.Context, _ string, filter readmodel.PayoutFilter, _ readmodel.Page) (found []projections.Payout, next string, err error) {
	for _, p := range f.payouts {
		if filter.Status == "" || p.Status() == filter.Status {
			found = append(found, p)
		}
	}
	return found, "", f.broken
}

func (f *fake) Payout(_ context.Context, _, payout string) (projections.Payout, error) {
	for _, p := range f.payouts {
		if p.Payout == payout {
			return p, f.broken
		}
	}
	return projections.Payout{}, readmodel.ErrNotFound
}

func (f *fake) PayoutSummary(_ context.Context, _, period string) (readmodel.PayoutSummary, error) {
	return readmodel.PayoutSummary{Period: period, Entitled: 1097, PaidAccount: 946, PaidCash: 98, Returned: 12, CarriedForward: 53, Rate: projections.Rate(big.NewInt(946), big.NewInt(1097)),
		EntitledSum: money.Total{}.Plus(548_500_000), PaidAccountSum: money.Total{}.Plus(473_000_000)}, f.broken
}

func (f *fake) Trace(context.Context, readmodel.Subject, readmodel.Page) ([]projections.TracedEvent, string, error) {
	return slices.Clone(f.traced), "", f.broken
}

func (f *fake) OutcomeAt(_ context.Context, shard int, offset int64) (*ledger.Outcome, []ledger.Transfer, bool, error) {
	at := projections.Position{Shard: shard, Offset: offset}
	o, found := f.outcomes[at]
	return o, f.transfers[at], found, f.broken
}

func (f *fake) RecentOutcomes(_ context.Context, statuses []ledger.Status, organizations []string, behind *ledger.Outcome, limit int) (found []*ledger.Outcome, err error) {
	for _, p := range slices.SortedFunc(maps.Keys(f.outcomes), func(a, b projections.Position) int { return int(b.Offset - a.Offset) }) {
		o := f.outcomes[p]
		if !slices.Contains(statuses, o.Status) || organizations != nil && !slices.Contains(organizations, o.Organization) || behind != nil && o.Offset >= behind.Offset {
			continue
		}
		for range 20 { // more than a page of them
			found = append(found, o)
		}
	}
	return found[:min(len(found), limit)], f.broken
}

func (f *fake) Claimants(_ context.Context, eventID, organization, source string) (found []*ledger.Outcome, err error) {
	for _, o := range f.outcomes {
		if o.EventID == eventID && (organization == "" || o.Organization == organization) && (source == "" || o.Source == source) {
			found = append(found, o)
		}
	}
	return found, f.broken
}

func (f *fake) At(_ context.Context, shard int, offset int64) (events.Record, error) {
	r, ok := f.records[projections.Position{Shard: shard, Offset: offset}]
	if !ok || f.logAway {
		return r, errors.New("no such record")
	}
	return r, nil
}
