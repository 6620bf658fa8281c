package readmodel_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/internal/readmodel"
	"socho/projections"
	"socho/projections/projtest"
)

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// everything is a checksum of each table.
func everything(t *testing.T, url string) map[string]string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	sums := map[string]string{}
	for _, table := range []string{"positions", "adoption_facts", "payment_runs", "bills", "payouts", "entitlements", "stops", "organizations", "stalls", "holdings", "traced_amounts", "links",
		"payout_lists", "list_entries", "batches", "batch_files", "payout_moves", "bank_lines", "line_uses", "terms", "sale_connections", "sales"} {
		var n int
		var sum string
		if err := conn.QueryRow(t.Context(), `SELECT count(*), md5(COALESCE(string_agg(r, E'\n' ORDER BY r COLLATE "C"), '')) FROM (SELECT t::text AS r FROM projections.`+table+` t) x`).Scan(&n, &sum); err != nil {
			t.Fatal(err)
		}
		sums[table] = fmt.Sprintf("%d rows %s", n, sum)
	}
	return sums
}

// TestRebuildEqualsLive: a projection folded again from the first record on,
// while the live one goes on, comes to the very same rows, and the service can
// go on folding it.
func TestRebuildEqualsLive(t *testing.T) {
	t.Parallel()
	db, url, log, _ := folded(t, 2, 10)
	ctx := t.Context()
	live := &projections.Runner{Source: log, Store: db, Poll: 5 * time.Millisecond}
	live.Start(ctx)
	defer live.Stop()
	caughtUp := func() {
		t.Helper()
		heads, _ := log.Heads(ctx)
		if err := projections.CaughtUp(ctx, db, heads, projections.All()...); err != nil {
			t.Fatal(err)
		}
	}
	caughtUp()
	before := everything(t, url)

	maintenance, err := readmodel.OpenMaintenance(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer maintenance.Close()
	for _, p := range projections.All() {
		if err := projections.Rebuild(ctx, p.Name, log, maintenance); err != nil {
			t.Fatalf("rebuild %s: %v", p.Name, err)
		}
	}
	for table, sum := range everything(t, url) {
		if before[table] != sum {
			t.Errorf("%s: %s after the rebuild, %s before", table, sum, before[table])
		}
	}
	// The live runner finds the new tables and goes on, also while a rebuild runs.
	log.Pay("cho-0", "b1", "2026-09-20", "qr", "1000")
	if err := projections.Rebuild(ctx, "bills", log, maintenance); err != nil {
		t.Fatal(err)
	}
	log.Pay("cho-1", "b2", "2026-09-20", "qr", "1000")
	caughtUp()
	live.Stop()
	var model projtest.Memory
	if err := (&projections.Runner{Source: log, Store: &model}).Fold(ctx); err != nil {
		t.Fatal(err)
	}
	for _, want := range model.Bills() {
		got, err := db.Bill(ctx, want.Organization, want.Bill)
		if err != nil || got != want {
			t.Errorf("bill %s: got %+v, %v, want %+v", want.Bill, got, err, want)
		}
	}
	if err := projections.Rebuild(ctx, "weather", log, maintenance); !errors.Is(err, projections.ErrQuery) {
		t.Errorf("a projection that is none: %v", err)
	}
}

// TestSwitchWaitsForTheSlower: a rebuild that is behind is not switched in.
func TestSwitchWaitsForTheSlower(t *testing.T) {
	t.Parallel()
	_, url, _, _ := folded(t, 1, 3)
	ctx := t.Context()
	maintenance, err := readmodel.OpenMaintenance(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer maintenance.Close()
	before := everything(t, url)
	if _, err := maintenance.Begin(ctx, "bills"); err != nil {
		t.Fatal(err)
	}
	if switched, err := maintenance.Switch(ctx, "bills"); err != nil || switched {
		t.Errorf("an empty rebuild was switched in: %v, %v", switched, err)
	}
	for table, sum := range everything(t, url) {
		if before[table] != sum {
			t.Errorf("%s changed", table)
		}
	}
}

// TestMoved: a step from a position where the projection is not writes nothing.
func TestMoved(t *testing.T) {
	t.Parallel()
	db, url, _, _ := folded(t, 1, 3)
	before := everything(t, url)
	step := projections.Step{Projection: "bills", From: 1, To: 2, Changes: &projections.Changes{Bills: []projections.Bill{{Organization: "x", Bill: "b"}}}}
	if err := db.Apply(t.Context(), 0, []projections.Step{step}); !errors.Is(err, projections.ErrMoved) {
		t.Errorf("got %v", err)
	}
	for table, sum := range everything(t, url) {
		if before[table] != sum {
			t.Errorf("%s changed", table)
		}
	}
}

// TestBillWithoutWords: a change without words fills in a bill that is there and
// leaves its words alone; one that is not there is opened by it.
func TestBillWithoutWords(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	bill := projections.Bill{Organization: "cho", Bill: "b1", Kind: "market", Holder: "stall:A1", Stall: "A1", Period: "2026-09", Currency: "VND", Issued: 100}
	pay := func(id string) projections.Bill {
		return projections.Bill{Organization: "cho", Bill: id, Holder: "stall:A1", Currency: "VND", Paid: 30, Last: projections.Position{Offset: 1}}
	}
	for i, bills := range [][]projections.Bill{{bill}, {pay("b1"), pay("b2")}, {pay("b2")}} {
		step := projections.Step{Projection: "bills", From: int64(i), To: int64(i + 1), Changes: &projections.Changes{Bills: bills}}
		if err := db.Apply(t.Context(), 0, []projections.Step{step}); err != nil {
			t.Fatal(err)
		}
	}
	bill.Paid, bill.Last.Offset = 30, 1
	if got, err := db.Bill(t.Context(), "cho", "b1"); err != nil || got != bill {
		t.Errorf("got %+v, %v, want %+v", got, err, bill)
	}
	if got, err := db.Bill(t.Context(), "cho", "b2"); err != nil || got.Paid != 60 || got.Holder != "stall:A1" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// BenchmarkFold folds a province of about 19,000 events; run it with
// -benchtime=1x.
func BenchmarkFold(b *testing.B) {
	log := projtest.New(b, 8)
	log.Province(1, 8, 350)
	heads, _ := log.Heads(b.Context())
	n := int64(0)
	for _, h := range heads {
		n += h
	}
	for b.Loop() {
		db, _ := open(b)
		if err := (&projections.Runner{Source: log, Store: db}).Fold(b.Context()); err != nil {
			b.Fatal(err)
		}
		db.Close()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
