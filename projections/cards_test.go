package projections_test

import (
	"testing"
	"time"

	"socho/events"
	"socho/projections"
	"socho/projections/projtest"
)

// TestFell: what counts as receipts that fell, and what does not.
func TestFell(t *testing.T) {
	weeks := func(counts ...int64) map[events.Date]int64 { // the latest first
		all, day := map[events.Date]int64{}, events.Date("2026-09-28")
		for _, n := range counts {
			all[day] = n
			day = projections.Monday(before(t, day))
		}
		return all
	}
	for name, c := range map[string]struct {
		counts         map[events.Date]int64
		expected, seen int64
		fell           bool
	}{
		"nothing at all":            {weeks(), 0, 0, false},
		"from many to none":         {weeks(0, 20, 22, 18, 20, 25, 19, 21, 20), 20, 0, true},
		"to two fifths":             {weeks(8, 20, 20, 20, 20, 20, 20, 20, 20), 20, 8, true},
		"to a little more":          {weeks(9, 20, 20, 20, 20, 20, 20, 20, 20), 20, 9, false},
		"a fair among the weeks":    {weeks(12, 20, 300, 20, 20, 20, 20, 20, 20), 20, 12, false},
		"a flood among the weeks":   {weeks(5, 20, 0, 20, 20, 20, 20, 20, 20), 20, 5, true},
		"paid a few times a week":   {weeks(0, 4, 4, 4, 4, 4, 4, 4, 4), 4, 0, false},
		"paid five times a week":    {weeks(0, 5, 5, 5, 5, 5, 5, 5, 5), 5, 0, true},
		"new: four weeks of eight":  {weeks(0, 30, 30, 30, 30), 0, 0, false},
		"five weeks of eight":       {weeks(0, 30, 30, 30, 30, 30), 30, 0, true},
		"older weeks do not matter": {weeks(0, 1, 1, 1, 1, 1, 1, 1, 1, 90, 90, 90), 1, 0, false},
	} {
		expected, seen, fell := projections.Fell(c.counts, "2026-09-28")
		if expected != c.expected || seen != c.seen || fell != c.fell {
			t.Errorf("%s: expected %d, seen %d, fell %v", name, expected, seen, fell)
		}
	}
	for day, want := range map[events.Date]events.Date{"2026-09-28": "2026-09-28", "2026-10-04": "2026-09-28", "2027-01-01": "2026-12-28"} {
		if got := projections.Monday(day); got != want {
			t.Errorf("Monday of %s: %s", day, got)
		}
	}
}

// before is the day before a day.
func before(t *testing.T, day events.Date) events.Date {
	t.Helper()
	at, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		t.Fatal(err)
	}
	return events.Date(at.AddDate(0, 0, -1).Format(time.DateOnly))
}

// TestCards: what facts do to cards, and who is said to have done it.
func TestCards(t *testing.T) {
	l := projtest.New(t, 1)
	three := events.Count(3)
	l.Must(events.ShardSubject(0), "shard.rules_activated", &events.RulesActivated{RuleSet: &three})
	l.Market(market, "08001", "2026-01-01")
	day := events.Dated{EffectiveOn: "2026-09-02"}
	copies, digest := events.Count(2), events.Digest("341040b6e045676c42f80874a0d03e3cfda6af8468daa29e55620511d9edbcd7")
	l.Must(market, "market.card_issued", &events.CardIssued{Dated: day, Card: "C-A12-1", Stall: "A12", PaysTo: digest})
	l.Must(market, "market.card_issued", &events.CardIssued{Dated: day, Card: "C-A12-2", Stall: "A12", PaysTo: digest})
	l.Must(market, "market.card_printed", &events.CardPrinted{Dated: day, Card: "C-A12-1", Copies: &copies})
	l.Must(market, "market.card_posted", &events.CardPosted{Dated: day, Card: "C-A12-1"})
	l.Must(market, "market.card_replaced", &events.CardReplaced{Dated: day, Card: "C-A12-1", By: "C-A12-2", Reason: "worn"})
	l.Must(market, "market.card_posted", &events.CardPosted{Dated: day, Card: "C-A12-1"}) // by one without signal
	l.Must(market, "market.card_inspected", &events.CardInspected{Dated: day, Card: "C-A12-1", Stall: "A12", Result: "right"})
	l.Must(market, "market.alert_raised", &events.AlertRaised{Dated: day, Alert: "a1", Kind: "other_account", Stall: "A12"})
	l.Must(market, "market.alert_closed", &events.AlertClosed{Dated: day, Alert: "a1", Reason: "false_alarm"})
	c := fold(l, 1, projections.FoldCards)
	var states []string
	for _, card := range c.Cards {
		states = append(states, card.Card+" "+card.State)
	}
	want := []string{"C-A12-1 issued", "C-A12-2 issued", "C-A12-1 ", "C-A12-1 posted", "C-A12-1 replaced", "C-A12-1 "}
	if len(states) != len(want) {
		t.Fatalf("%q", states)
	}
	for i := range want {
		if states[i] != want[i] {
			t.Errorf("change %d: %q, want %q", i, states[i], want[i])
		}
	}
	if c.Cards[2].Copies != 2 || c.Cards[4].ReplacedBy != "C-A12-2" || c.Cards[4].Reason != "worn" {
		t.Errorf("%+v %+v", c.Cards[2], c.Cards[4])
	}
	// Whoever found it right did so of a card that the book knows to be replaced.
	if len(c.Inspections) != 1 || c.Inspections[0].Result != "right" || c.Inspections[0].Code != "card_replaced" {
		t.Errorf("%+v", c.Inspections)
	}
	if len(c.Alerts) != 2 || c.Alerts[0].Kind != "other_account" || c.Alerts[1].Kind != "" || c.Alerts[1].Reason != "false_alarm" {
		t.Errorf("%+v", c.Alerts)
	}
}
