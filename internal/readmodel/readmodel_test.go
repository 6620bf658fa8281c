package readmodel_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"socho/internal/devstack/testdb"
	"socho/internal/postgres"
	"socho/internal/readmodel"
	"socho/projections"
	"socho/projections/projtest"
)

func migrate(ctx context.Context, url string) error {
	if err := postgres.Migrate(ctx, url, "ledger", postgres.LedgerMigrations()); err != nil {
		return err
	}
	return postgres.Migrate(ctx, url, readmodel.Schema, readmodel.Migrations())
}

func open(t testing.TB) (*readmodel.DB, string) {
	t.Helper()
	url := testdb.Database(t, "projections", migrate)
	db, err := readmodel.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, url
}

// folded is a province folded into PostgreSQL and into the plain model.
func folded(t testing.TB, organizations, size int) (*readmodel.DB, string, *projtest.Log, *projtest.Memory) {
	t.Helper()
	db, url := open(t)
	log := projtest.New(t, 3)
	log.Province(7, organizations, size)
	model := &projtest.Memory{}
	for _, store := range []projections.Store{db, model} {
		// Small batches, so that rows are updated and not only added.
		if err := (&projections.Runner{Source: log, Store: store, Batch: 37}).Fold(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return db, url, log, model
}

// pages reads a whole list a few rows at a time.
func pages[T any](t *testing.T, list func(readmodel.Page) ([]T, string, error)) []T {
	t.Helper()
	var all []T
	p := readmodel.Page{Limit: 7}
	for {
		some, next, err := list(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) > 7 {
			t.Fatalf("%d rows on a page of 7", len(some))
		}
		all = append(all, some...)
		if next == "" {
			return all
		}
		p.Cursor = next
	}
}

// TestSameAsTheModel: what PostgreSQL answers is what the plain model holds.
func TestSameAsTheModel(t *testing.T) {
	t.Parallel()
	db, _, log, model := folded(t, 2, 20)
	ctx := t.Context()

	heads, _ := log.Heads(ctx)
	if err := projections.CaughtUp(ctx, db, heads, projections.All()...); err != nil {
		t.Fatal(err)
	}

	for _, domain := range projections.Domains() {
		for _, q := range []projections.Query{{}, {Period: "2026-09"}, {Period: "2026-Q3"}, {Period: "2026", Unit: "08001"},
			{Period: "2026-09", AsOf: projections.AsOf{Next: map[int]int64{0: 50, 1: 20}}}, {AsOf: projections.AsOf{Next: map[int]int64{0: 90, 1: 90}}}} {
			q.Domain = domain
			got, err := db.Figures(ctx, q)
			if err != nil {
				t.Fatalf("%+v: %v", q, err)
			}
			want, _ := projections.Evaluate(model.Facts(), q)
			for i := range want {
				want[i].Position = q.AsOf.Within(heads)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v:\n got %+v\nwant %+v", q, got, want)
			}
		}
		q := projections.Query{Domain: domain, Period: "2026-09"}
		got, err := db.Breakdown(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := projections.EvaluateUnits(model.Facts(), q)
		if len(got) != len(want) {
			t.Errorf("%s by unit: %d figures, want %d", domain, len(got), len(want))
		}
		for i := range got {
			if got[i].Digest != want[i].Digest || got[i].Events != nil {
				t.Errorf("%s of unit %s: %+v, want %+v", domain, got[i].Unit, got[i], want[i])
			}
		}
	}

	var bills []projections.Bill
	var payouts []projections.Payout
	for _, o := range []string{"cho-0", "cho-1"} {
		some := pages(t, func(p readmodel.Page) ([]projections.Bill, string, error) {
			return db.Bills(ctx, o, readmodel.BillFilter{}, p)
		})
		slices.SortFunc(some, func(a, b projections.Bill) int { return compare(a.Bill, b.Bill) })
		bills = append(bills, some...)
	}
	for _, o := range []string{"quy-0", "quy-1"} {
		some := pages(t, func(p readmodel.Page) ([]projections.Payout, string, error) {
			return db.Payouts(ctx, o, readmodel.PayoutFilter{}, p)
		})
		slices.SortFunc(some, func(a, b projections.Payout) int { return compare(a.Payout, b.Payout) })
		payouts = append(payouts, some...)
	}
	if want := model.Bills(); !reflect.DeepEqual(bills, want) {
		t.Errorf("bills:\n got %+v\nwant %+v", bills, want)
	}
	if want := model.Payouts(); !reflect.DeepEqual(payouts, want) {
		t.Errorf("payouts:\n got %+v\nwant %+v", payouts, want)
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// TestStatusInSQL: filters by status, which PostgreSQL computes, find what Go
// says has that status.
func TestStatusInSQL(t *testing.T) {
	t.Parallel()
	db, _, _, model := folded(t, 1, 40)
	ctx := t.Context()
	for _, status := range []string{projections.BillOpen, projections.BillPartPaid, projections.BillPaid, projections.BillWaived, projections.BillReversed} {
		found, _, err := db.Bills(ctx, "cho-0", readmodel.BillFilter{Status: status}, readmodel.Page{Limit: readmodel.MaxLimit})
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, b := range model.Bills() {
			if b.Status() == status {
				want++
			}
		}
		if len(found) != want {
			t.Errorf("%d bills are %s, want %d", len(found), status, want)
		}
	}
	counted := map[string]int64{}
	for _, p := range model.Payouts() {
		counted[p.Status()]++
	}
	s, err := db.PayoutSummary(ctx, "quy-0", "2026-09")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.Payouts, counted) {
		t.Errorf("payouts by status: %v, want %v", s.Payouts, counted)
	}
	f, err := db.Figures(ctx, projections.Query{Domain: "benefits", By: "persons", Period: "2026-09"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Entitled != 40 || f[0].Rate == nil || s.Rate == nil || *s.Rate != *f[0].Rate || s.CarriedForward != s.Entitled-s.PaidAccount-s.PaidCash {
		t.Errorf("summary %+v beside figure %s/%s", s, f[0].Numerator, f[0].Denominator)
	}
	if s.EntitledSum.String() != "20000000" || s.PaidCashSum.String() != total(s.PaidCash) || s.PaidAccountSum.String() != total(s.PaidAccount) || s.ReturnedSum.String() != total(s.Returned) {
		t.Errorf("sums: %+v", s)
	}
}

// TestWithdrawn: an entitlement that is taken back gives way to the one before
// it, and without one the person is not entitled.
func TestWithdrawn(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	ctx := t.Context()
	log := projtest.New(t, 1)
	runner := &projections.Runner{Source: log, Store: db}
	summary := func(entitled int64, sum string) {
		t.Helper()
		if err := runner.Fold(ctx); err != nil {
			t.Fatal(err)
		}
		s, err := db.PayoutSummary(ctx, "quy", "2026-09")
		if err != nil || s.Entitled != entitled || s.EntitledSum.String() != sum {
			t.Errorf("%d persons are entitled to %s, want %d, %s (%v)", s.Entitled, s.EntitledSum, entitled, sum, err)
		}
		f, err := db.Figures(ctx, projections.Query{Domain: "benefits", By: "persons", Period: "2026-09"})
		if err != nil || f[0].Denominator != decimal(entitled) {
			t.Errorf("figure of %s persons, want %d (%v)", f[0].Denominator, entitled, err)
		}
	}
	log.Fund("quy", "08", "2026-01-01")
	first := log.Entitle("quy", "p1", "2026-09", "08001", "500000")
	second := log.Entitle("quy", "p1", "2026-09", "08001", "5000000")
	wrong := log.Entitle("quy", "p2", "2026-09", "08001", "500000")
	log.Reverse("quy", "2026-09-02", wrong)
	summary(1, "5000000")
	log.Reverse("quy", "2026-09-02", second)
	summary(1, "500000")
	if all, _, err := db.Entitlements(ctx, "quy", "2026-09", readmodel.Page{}); err != nil || len(all) != 1 || all[0].EventID != string(first) {
		t.Errorf("%+v, %v", all, err)
	}
	log.Reverse("quy", "2026-09-02", first)
	summary(0, "0")
}

func total(persons int64) string {
	if persons == 0 {
		return "0"
	}
	return decimal(persons * 500000)
}

// TestBoard: organizations, stalls with their bills, cash and credit.
func TestBoard(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	ctx := t.Context()
	log := projtest.New(t, 2)
	log.Market("cho", "08001", "2026-01-01")
	log.Fee("cho", "b1", "A1")
	log.Fee("cho", "b2", "A2")
	log.Fee("cho", "b3", "A3")
	log.PayByLine("cho", "b1", "l1", "2026-09-02", "70000")
	log.Pay("cho", "b2", "2026-09-02", "cash", "20000")
	log.Waive("cho", "b3", "2026-09-02", "61000")
	if err := (&projections.Runner{Source: log, Store: db}).Fold(ctx); err != nil {
		t.Fatal(err)
	}
	o, err := db.Organization(ctx, "cho")
	if err != nil || o.Kind != "market" || o.BankBIN != "970436" || o.Unit != "08001" {
		t.Errorf("organization: %+v, %v", o, err)
	}
	if _, err := db.Organization(ctx, "none"); !errors.Is(err, readmodel.ErrNotFound) {
		t.Errorf("no organization: %v", err)
	}
	if all, _, err := db.Organizations(ctx, readmodel.OrganizationFilter{Kind: "market", Units: []string{"08001"}}, readmodel.Page{}); err != nil || len(all) != 1 {
		t.Errorf("markets: %v, %v", all, err)
	}
	stalls, _, err := db.Stalls(ctx, "cho", "2026-09", readmodel.Page{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range stalls {
		got = append(got, s.Stall.Stall+" "+decimal(s.Assessed)+" "+decimal(s.Owed)+" "+s.Status)
	}
	if want := []string{"A1 61000 0 paid", "A2 61000 41000 part_paid", "A3 61000 0 waived"}; !slices.Equal(got, want) {
		t.Errorf("stalls: %v, want %v", got, want)
	}
	if cash, _, err := db.Holdings(ctx, "cho", projections.HoldingCollector, readmodel.Page{}); err != nil || len(cash) != 1 || cash[0].Amount != 20000 || cash[0].Holder != "c1" {
		t.Errorf("cash: %+v, %v", cash, err)
	}
	if credit, _, err := db.Holdings(ctx, "cho", projections.HoldingCredit, readmodel.Page{}); err != nil || len(credit) != 1 || credit[0].Amount != 9000 || credit[0].Holder != "stall:A1" {
		t.Errorf("credit: %+v, %v", credit, err)
	}
	sums, err := db.BillTotals(ctx, "cho", readmodel.BillFilter{Period: "2026-09"})
	if err != nil || len(sums) != 1 || sums[0].Bills != 3 || sums[0].Paid != 1 || sums[0].PartPaid != 1 || sums[0].Waived != 1 ||
		sums[0].IssuedSum.String() != "183000" || sums[0].OwedSum.String() != "41000" || sums[0].PaidSum.String() != "81000" {
		t.Errorf("totals: %+v, %v", sums, err)
	}
	if late, _, err := db.Bills(ctx, "cho", readmodel.BillFilter{Unpaid: true, DueBefore: "2026-09-16"}, readmodel.Page{}); err != nil || len(late) != 1 || late[0].Bill != "b2" {
		t.Errorf("arrears: %+v, %v", late, err)
	}
	if periods, err := db.BillPeriods(ctx, "cho"); err != nil || !slices.Equal(periods, []string{"2026-09"}) {
		t.Errorf("periods: %v, %v", periods, err)
	}
	if _, _, err := db.Bills(ctx, "cho", readmodel.BillFilter{DueBefore: "soon"}, readmodel.Page{}); !errors.Is(err, projections.ErrPeriod) {
		t.Errorf("a day that is none: %v", err)
	}
	if _, _, err := db.Bills(ctx, "cho", readmodel.BillFilter{}, readmodel.Page{Cursor: "x"}); !errors.Is(err, readmodel.ErrCursor) {
		t.Errorf("a cursor that is none: %v", err)
	}
}

func TestTrendAndLatest(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	ctx := t.Context()
	if _, err := db.LatestPeriod(ctx, "fees"); !errors.Is(err, readmodel.ErrNotFound) {
		t.Errorf("no fact yet: %v", err)
	}
	log := projtest.New(t, 1)
	log.Market("cho", "08001", "2026-01-01")
	log.Fee("cho", "b1", "A1")
	log.Pay("cho", "b1", "2026-07-31", "cash", "1000")
	log.Pay("cho", "b1", "2026-08-31", "qr", "1000")
	log.Pay("cho", "b1", "2026-09-29", "qr", "1000")
	if err := (&projections.Runner{Source: log, Store: db}).Fold(ctx); err != nil {
		t.Fatal(err)
	}
	if p, err := db.LatestPeriod(ctx, "fees"); err != nil || p != "2026-08" {
		t.Errorf("latest complete month: %s, %v", p, err)
	}
	trend, err := db.Trend(ctx, projections.Query{Domain: "fees", By: "count"}, 3)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range trend {
		rate := "null"
		if f.Rate != nil {
			rate = *f.Rate
		}
		got = append(got, f.Period+" "+rate)
	}
	if want := []string{"2026-06 null", "2026-07 0.0", "2026-08 100.0"}; !slices.Equal(got, want) {
		t.Errorf("trend %v, want %v", got, want)
	}
}

// TestEveryQueryOnEmptyTables: nothing fails where there is nothing yet.
func TestEveryQueryOnEmptyTables(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	ctx := t.Context()
	for _, domain := range projections.Domains() {
		figures, err := db.Figures(ctx, projections.Query{Domain: domain})
		if err != nil || len(figures) != len(projections.Bys(domain)) || figures[0].Rate != nil {
			t.Errorf("%s: %+v, %v", domain, figures, err)
		}
		if _, err := db.Trend(ctx, projections.Query{Domain: domain}, 12); err != nil {
			t.Error(err)
		}
	}
	if s, err := db.PayoutSummary(ctx, "none", "2026-09"); err != nil || s.Entitled != 0 || s.Rate != nil {
		t.Errorf("%+v, %v", s, err)
	}
	if sums, err := db.BillTotals(ctx, "none", readmodel.BillFilter{}); err != nil || len(sums) != 0 {
		t.Errorf("%+v, %v", sums, err)
	}
	if _, err := db.PayoutPeriods(ctx, "none"); err != nil {
		t.Error(err)
	}
	if _, _, err := db.Entitlements(ctx, "none", "2026-09", readmodel.Page{}); err != nil {
		t.Error(err)
	}
	if _, err := db.Payout(ctx, "none", "o1"); !errors.Is(err, readmodel.ErrNotFound) {
		t.Error(err)
	}
	if _, err := db.Bill(ctx, "none", "b1"); !errors.Is(err, readmodel.ErrNotFound) {
		t.Error(err)
	}
}
