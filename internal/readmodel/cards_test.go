package readmodel_test

import (
	"maps"
	"slices"
	"testing"

	"socho/events"
	"socho/internal/readmodel"
	"socho/projections"
	"socho/projections/projtest"
)

// TestCards: what hangs at stalls, as the tables have it; and the same after it was
// folded again.
func TestCards(t *testing.T) {
	t.Parallel()
	db, url := open(t)
	ctx := t.Context()
	const market = "cho-0"
	l := projtest.New(t, 1)
	three := events.Count(3)
	l.Must(events.ShardSubject(0), "shard.rules_activated", &events.RulesActivated{RuleSet: &three})
	l.Market(market, "08001", "2026-01-01")
	on := func(day events.Date) events.Dated { return events.Dated{EffectiveOn: day} }
	copies, digest := events.Count(2), events.Digest("341040b6e045676c42f80874a0d03e3cfda6af8468daa29e55620511d9edbcd7")
	issue := func(card, stall, person events.ID) {
		l.Must(market, "market.card_issued", &events.CardIssued{Dated: on("2026-09-01"), MaybeOf: events.MaybeOf{Person: person}, Card: card, Stall: stall, PaysTo: digest})
	}
	issue("C-A12-1", "A12", "")
	issue("C-A12-2", "A12", "")
	issue("C-B7-1", "B7", "p-7")
	for range 2 {
		l.Must(market, "market.card_printed", &events.CardPrinted{Dated: on("2026-09-02"), Card: "C-A12-1", Copies: &copies})
	}
	l.Must(market, "market.card_posted", &events.CardPosted{Dated: on("2026-09-03"), Card: "C-A12-1"})
	l.Must(market, "market.card_posted", &events.CardPosted{Dated: on("2026-09-03"), Card: "C-nobody-1"})
	l.Must(market, "market.card_replaced", &events.CardReplaced{Dated: on("2026-09-04"), Card: "C-A12-1", By: "C-A12-2", Reason: "worn"})
	l.Must(market, "market.card_revoked", &events.CardRevoked{Dated: on("2026-09-04"), Card: "C-B7-1", Reason: "lost"})
	look := func(day events.Date, stall events.ID, result events.Word) {
		l.Must(market, "market.card_inspected", &events.CardInspected{Dated: on(day), Stall: stall, Result: result})
	}
	fold := func() {
		t.Helper()
		if err := (&projections.Runner{Source: l, Store: db, Batch: 3}).Fold(ctx); err != nil {
			t.Fatal(err)
		}
	}
	look("2026-09-05", "A12", "right")
	look("2026-09-06", "A12", "other_account")
	look("2026-09-05", "B7", "missing")
	fold()

	others := func() (stalls []string) {
		t.Helper()
		found, err := db.OtherAccounts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			stalls = append(stalls, f.Stall+" "+string(f.On))
		}
		return stalls
	}
	if got := others(); !slices.Equal(got, []string{"A12 2026-09-06"}) {
		t.Errorf("asks for an alert: %q", got)
	}
	alert := func(id events.ID) {
		l.Must(market, "market.alert_raised", &events.AlertRaised{Dated: on("2026-09-06"), Alert: id, Kind: "other_account", Stall: "A12"})
	}
	alert("a1")
	look("2026-09-07", "A12", "other_account") // while somebody is looking into it
	fold()
	if got := others(); len(got) != 0 {
		t.Errorf("asks for an alert though one is open: %q", got)
	}
	if n, err := db.OpenAlerts(ctx, market); err != nil || n != 1 {
		t.Errorf("%d alerts are open, %v", n, err)
	}
	l.Must(market, "market.alert_closed", &events.AlertClosed{Dated: on("2026-09-08"), Alert: "a1", Reason: "swapped_removed"})
	fold()
	if got := others(); len(got) != 0 {
		t.Errorf("what was looked into asks again: %q", got)
	}
	look("2026-09-09", "A12", "other_account")
	fold()
	if got := others(); !slices.Equal(got, []string{"A12 2026-09-09"}) {
		t.Errorf("another swap asks for an alert: %q", got)
	}

	sales := 0
	sold := func(stall events.ID, day events.Date) {
		sales++
		l.Must(market, "market.sale_received", &events.SaleReceived{Dated: on(day), Of: events.Of{Person: "p-7"}, Sum: events.Sum{Amount: "1000", Currency: "VND"},
			Stall: stall, Method: "bank", Connection: "k1", Line: events.ID("l" + string(rune('a'+sales)))})
	}
	l.Must(market, "market.sales_connected", &events.SalesConnected{Dated: on("2026-01-01"), Of: events.Of{Person: "p-7"}, Connection: "k1", Stall: "B7", Until: "2026-12-31", VisibleTo: "market"})
	for _, day := range []events.Date{"2026-09-21", "2026-09-27", "2026-09-28", "2026-10-05"} {
		sold("B7", day)
	}
	fold()

	rows := func() map[string]any {
		t.Helper()
		cards, err := db.StallCards(ctx, market, "")
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]any{}
		for _, c := range cards {
			c.PrintedAt = c.PrintedAt.UTC()
			all["card "+c.Card] = c
		}
		looks, err := db.LastInspections(ctx, market)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range looks {
			all["look "+i.Stall] = string(i.On) + " " + i.Result
		}
		alerts, err := db.Alerts(ctx, market, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range alerts {
			all["alert "+a.Alert] = a
		}
		if err := db.WeeksPaid(ctx, func(_, stall string, since events.Date, counts map[events.Date]int64) error {
			all["weeks "+stall+" "+string(since)] = maps.Clone(counts)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	live := rows()
	first := live["card C-A12-1"].(projections.StallCard)
	if first.State != "replaced" || first.Copies != 4 || first.ReplacedBy != "C-A12-2" || first.PrintedOn != "2026-09-02" || first.PostedOn != "2026-09-03" || first.EndedOn != "2026-09-04" {
		t.Errorf("%+v", first)
	}
	if c := live["card C-B7-1"].(projections.StallCard); c.State != "revoked" || c.Reason != "lost" || c.Person != "p-7" {
		t.Errorf("%+v", c)
	}
	if live["look A12"] != "2026-09-09 other_account" || live["look B7"] != "2026-09-05 missing" {
		t.Errorf("%v %v", live["look A12"], live["look B7"])
	}
	if a := live["alert a1"].(projections.Alert); a.ClosedOn != "2026-09-08" || a.Reason != "swapped_removed" {
		t.Errorf("%+v", a)
	}
	if looks, err := db.Inspections(ctx, market, "A12"); err != nil || len(looks) != 4 || looks[0].On != "2026-09-09" || looks[3].Result != "right" {
		t.Errorf("%+v %v", looks, err)
	}
	for connection, want := range map[string]bool{"k1": true, "k9": false} {
		if sees, err := db.MarketSees(ctx, market, connection); err != nil || sees != want {
			t.Errorf("of %s the market sees %v, %v", connection, sees, err)
		}
	}
	// The week of 5 October is not over.
	if weeks, ok := live["weeks B7 2026-09-28"].(map[events.Date]int64); !ok || weeks["2026-09-21"] != 2 || weeks["2026-09-28"] != 1 {
		t.Errorf("%v", live)
	}
	if _, ok := live["card C-nobody-1"]; ok {
		t.Error("a card that nobody issued has a row")
	}
	if found, err := db.CardsOf(ctx, "C-A12-2"); err != nil || len(found) != 1 || found[0].Organization != market {
		t.Errorf("%+v %v", found, err)
	}

	// A stall that is closed on a day of the week is not judged by it.
	absent := func(from, until events.Date) events.EventID {
		return l.Must(market, "market.trader_absent", &events.TraderAbsent{Dated: on(from), Stall: "B7", Until: until, Reason: "sick"})
	}
	judged := func() bool {
		t.Helper()
		fold()
		_, ok := rows()["weeks B7 2026-09-28"]
		return ok
	}
	absent("2026-09-21", "2026-09-27")
	absent("2026-10-05", "2026-10-11")
	if !judged() {
		t.Error("an absence of another week kept a week from being judged")
	}
	ill := absent("2026-10-04", "2026-10-20")
	if judged() {
		t.Error("a week in which the stall was closed is judged")
	}
	l.Must(market, "ledger.reversed", &events.Reversed{Dated: on("2026-10-06"), Reverses: ill, ReversesSource: projtest.Source, Reason: "typo"})
	if !judged() {
		t.Error("an absence that was taken back keeps a week from being judged")
	}

	maintenance, err := readmodel.OpenMaintenance(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer maintenance.Close()
	if err := projections.Rebuild(ctx, "cards", l, maintenance); err != nil {
		t.Fatal(err)
	}
	if again := rows(); !maps.EqualFunc(live, again, func(a, b any) bool {
		x, isMap := a.(map[events.Date]int64)
		y, _ := b.(map[events.Date]int64)
		return isMap && maps.Equal(x, y) || !isMap && a == b
	}) {
		t.Errorf("rebuilt:\n got %+v\nwant %+v", again, live)
	}
}
