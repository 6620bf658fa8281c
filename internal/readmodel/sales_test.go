package readmodel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
	"socho/projections/projtest"
)

// sold is a log of a market where one stall had two traders, and its tables.
func sold(t *testing.T) (db *readmodel.DB, url string, log *projtest.Log) {
	t.Helper()
	db, url = open(t)
	log = projtest.New(t, 2)
	for set := events.Count(2); set <= 3; set++ {
		for s := range 2 {
			log.Add(events.ShardSubject(s), "shard.rules_activated", &events.RulesActivated{RuleSet: &set})
		}
	}
	on := func(day events.Date) events.Dated { return events.Dated{EffectiveOn: day} }
	sale := func(person, stall, day, amount, connection, line string) ledger.Outcome {
		f := &events.SaleReceived{Dated: on(events.Date(day)), Of: events.Of{Person: events.ID(person)}, Sum: events.Sum{Amount: events.Decimal(amount), Currency: "VND"},
			Stall: events.ID(stall), Method: "cash", Connection: events.ID(connection), Line: events.ID(line)}
		if line != "" {
			f.Method = "bank"
		}
		return log.Add("hg-cho", "market.sale_received", f)
	}
	log.Add("hg-cho", "market.stall_let", &events.StallLet{Dated: on("2026-01-01"), Of: events.Of{Person: "p-1"}, Stall: "A1"})
	log.Add("hg-cho", "market.sales_connected", &events.SalesConnected{Dated: on("2026-09-01"), Of: events.Of{Person: "p-1"}, Connection: "k-1", Stall: "A1", Until: "2026-12-31", VisibleTo: "trader"})
	for connection, of := range map[events.ID][2]events.ID{"k-b": {"p-1", "B2"}, "k-2": {"p-2", "A1"}} {
		log.Add("hg-cho", "market.sales_connected", &events.SalesConnected{Dated: on("2026-09-01"), Of: events.Of{Person: of[0]}, Connection: connection, Stall: of[1], Until: "2026-12-31", VisibleTo: "trader"})
	}
	sale("p-1", "A1", "2026-09-02", "41000", "k-1", "l-1")
	sale("p-1", "A1", "2026-09-02", "41000", "k-1", "l-1") // known
	sale("p-1", "A1", "2026-09-02", "9000", "k-1", "")
	wrong := sale("p-1", "A1", "2026-09-02", "70000", "k-1", "")
	sale("p-1", "B2", "2026-09-02", "1000", "k-b", "")
	sale("p-1", "A1", "2026-08-31", "5000", "k-1", "l-2") // before she consented: refused
	log.Reverse("hg-cho", "2026-09-03", events.EventID(wrong.EventID))
	log.Add("hg-cho", "market.sales_disconnected", &events.SalesDisconnected{Dated: on("2026-09-03"), Connection: "k-1", Reason: "trader_asked"})
	sale("p-1", "A1", "2026-09-02", "6000", "k-1", "l-3") // after she took it back: refused
	log.Add("hg-cho", "market.stall_let", &events.StallLet{Dated: on("2026-09-04"), Of: events.Of{Person: "p-2"}, Stall: "A1"})
	sale("p-2", "A1", "2026-09-04", "8000", "k-2", "")
	if err := (&projections.Runner{Source: log, Store: db, Batch: 5}).Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db, url, log
}

// TestSales: a trader's sales are hers, whoever holds the stall later, and what was
// taken back is known as such.
func TestSales(t *testing.T) {
	t.Parallel()
	db, url, log := sold(t)
	ctx := t.Context()
	her, next := readmodel.Trader{Organization: "hg-cho", Person: "p-1", Stall: "A1"}, readmodel.Trader{Organization: "hg-cho", Person: "p-2", Stall: "A1"}
	list, err := db.SalesBetween(ctx, her, "2026-09-01", "2026-09-30")
	got := ""
	for _, s := range list {
		got += fmt.Sprintf("%s %s %d %s; ", s.EffectiveOn, s.Method, s.Amount, s.UndoneOn)
	}
	if want := "2026-09-02 bank 41000 ; 2026-09-02 cash 9000 ; 2026-09-02 cash 70000 2026-09-03; "; err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	sum, err := db.SumOfDay(ctx, her, "2026-09-02")
	if err != nil || sum.Count != 2 || sum.Sum.String() != "50000" || sum.Cash.String() != "9000" || sum.At <= list[2].At.Offset {
		t.Errorf("%+v, %v", sum, err)
	}
	if after, err := db.SalesAfter(ctx, her, list[1].Changed, 10); err != nil || len(after) != 1 || after[0].UndoneOn == "" || after[0].Changed != sum.At {
		t.Errorf("%+v, %v", after, err)
	}
	if list, err := db.SalesOfDay(ctx, next, "2026-09-02", 10); err != nil || len(list) != 0 {
		t.Errorf("the next one sees %+v, %v", list, err)
	}
	if c, err := db.SalesConnections(ctx, her); err != nil || len(c) != 1 || c[0].EndedOn != "2026-09-03" || c[0].Stands("2026-09-02") || c[0].Until != "2026-12-31" {
		t.Errorf("%+v, %v", c, err)
	}
	if any, err := db.AnySalesConnection(ctx, "hg-cho-khac"); err != nil || any {
		t.Error(any, err)
	}
	for asked, want := range map[readmodel.Trader]string{{Organization: "hg-cho", Stall: "A1"}: "p-2 A1", {Organization: "hg-cho", Person: "p-2"}: "p-2 A1"} {
		if found, err := db.FindTrader(ctx, asked); err != nil || found.Person+" "+found.Stall != want {
			t.Errorf("%+v: %+v, %v", asked, found, err)
		}
	}
	if _, err := db.FindTrader(ctx, readmodel.Trader{Organization: "hg-cho", Person: "p-1"}); !errors.Is(err, readmodel.ErrNotFound) {
		t.Error("she sells at two stalls:", err)
	}

	// Whoever reads for a person sees one trader's rows, and none where none is named.
	reader, err := readmodel.OpenReader(ctx, url, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SELECT set_config('socho.organizations', '*', false)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if list, err := reader.SalesBetween(ctx, her, "2026-09-01", "2026-09-30"); err != nil || len(list) != 3 {
		t.Errorf("%d, %v", len(list), err)
	}
	if _, err := reader.SalesConnection(ctx, "hg-cho", "k-1"); !errors.Is(err, readmodel.ErrNotFound) {
		t.Errorf("a question that names no trader is answered: %v", err)
	}

	// Rebuilt, it is the same, and as closed.
	before := everything(t, url)
	maintenance, err := readmodel.OpenMaintenance(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer maintenance.Close()
	if err := projections.Rebuild(ctx, "sales", log, maintenance); err != nil {
		t.Fatal(err)
	}
	if after := everything(t, url); after["sales"] != before["sales"] || after["sale_connections"] != before["sale_connections"] {
		t.Errorf("%v\n%v", before, after)
	}
	if _, err := reader.SalesConnection(ctx, "hg-cho", "k-1"); !errors.Is(err, readmodel.ErrNotFound) {
		t.Errorf("after a rebuild: %v", err)
	}
}

// TestTakings: whoever looks on hears of a trader's sales, and of no other's.
func TestTakings(t *testing.T) {
	t.Parallel()
	db, _, log := sold(t)
	takings := readmodel.NewTakings(db)
	her, leave, ok := takings.Watch(readmodel.Trader{Organization: "hg-cho", Person: "p-1", Stall: "A1"})
	if !ok {
		t.Fatal("not let in")
	}
	defer leave()
	next, away, _ := takings.Watch(readmodel.Trader{Organization: "hg-cho", Person: "p-2", Stall: "A1"})
	defer away()
	word := func(what string, c <-chan struct{}, want bool) {
		t.Helper()
		select {
		case <-c:
			if !want {
				t.Error(what, ": a word too many")
			}
		case <-time.After(map[bool]time.Duration{true: 10 * time.Second, false: time.Second}[want]):
			if want {
				t.Error(what, ": no word")
			}
		}
	}
	word("at first", her, true)
	word("at first", next, true)
	log.Add("hg-cho", "market.sales_connected", &events.SalesConnected{Dated: events.Dated{EffectiveOn: "2026-09-05"}, Of: events.Of{Person: "p-1"}, Connection: "k-4", Stall: "A1", Until: "2026-12-31", VisibleTo: "trader"})
	log.Add("hg-cho", "market.sale_received", &events.SaleReceived{Dated: events.Dated{EffectiveOn: "2026-09-05"}, Of: events.Of{Person: "p-1"},
		Sum: events.Sum{Amount: "1000", Currency: "VND"}, Stall: "A1", Method: "cash", Connection: "k-4"})
	if err := (&projections.Runner{Source: log, Store: db}).Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	word("her sale", her, true)
	word("her sale, to the other", next, false)
	for range 7 {
		if _, _, ok := takings.Watch(readmodel.Trader{Organization: "hg-cho", Person: "p-1", Stall: "A1"}); !ok {
			t.Fatal("not let in")
		}
	}
	if _, _, ok := takings.Watch(readmodel.Trader{Organization: "hg-cho", Person: "p-1", Stall: "A1"}); ok {
		t.Error("there is no end to it")
	}
}
