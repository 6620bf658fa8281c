package projections_test

import (
	"fmt"
	"testing"

	"socho/events"
	"socho/projections"
	"socho/projections/projtest"
)

// fold folds every shard of a log, each as one batch.
func fold(log *projtest.Log, shards int, f func(*projections.Changes, *projections.Accepted)) *projections.Changes {
	var c projections.Changes
	for s := range shards {
		accepted := log.Accepted(s)
		for i := range accepted {
			f(&c, &accepted[i])
		}
	}
	return &c
}

// TestBill: what events do to a bill of 61000 đồng. Every step can be taken
// back, and then it is as if it had not been.
func TestBill(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps func(l *projtest.Log)
		want  string // issued paid waived owed status; credit
	}{
		{"assessed", func(l *projtest.Log) {}, "61000 0 0 61000 open; 0"},
		{"part paid", func(l *projtest.Log) { l.Pay(market, "b1", "2026-09-02", "qr", "20000") }, "61000 20000 0 41000 part_paid; 0"},
		{"paid in cash", func(l *projtest.Log) { l.Pay(market, "b1", "2026-09-02", "cash", "61000") }, "61000 61000 0 0 paid; 0"},
		{"overpaid", func(l *projtest.Log) { l.Pay(market, "b1", "2026-09-02", "cash", "70000") }, "61000 61000 0 0 paid; 9000"},
		{"overpaid, and not proved", func(l *projtest.Log) { l.Pay(market, "b1", "2026-09-02", "qr", "70000") }, "61000 61000 0 0 paid; 0"},
		{"overpayment reversed", func(l *projtest.Log) {
			l.Reverse(market, "2026-09-03", l.Pay(market, "b1", "2026-09-02", "cash", "70000"))
		}, "61000 0 0 61000 open; 0"},
		{"waived", func(l *projtest.Log) { l.Waive(market, "b1", "2026-09-02", "61000") }, "61000 0 61000 0 waived; 0"},
		{"part waived", func(l *projtest.Log) { l.Waive(market, "b1", "2026-09-02", "35000") }, "61000 0 35000 26000 open; 0"},
		{"part waived, rest paid", func(l *projtest.Log) {
			l.Waive(market, "b1", "2026-09-02", "35000")
			l.Pay(market, "b1", "2026-09-02", "qr", "26000")
		}, "61000 26000 35000 0 paid; 0"},
		{"waiver reversed", func(l *projtest.Log) {
			l.Reverse(market, "2026-09-03", l.Waive(market, "b1", "2026-09-02", "35000"))
		}, "61000 0 0 61000 open; 0"},
		{"assessment reversed", func(l *projtest.Log) { l.Reverse(market, "2026-09-03", "e4") }, "0 0 0 0 reversed; 0"},
		{"allocated from a line", func(l *projtest.Log) {
			l.Must(market, "bank.line_received", &events.LineReceived{Dated: events.Dated{EffectiveOn: "2026-09-02"},
				Sum: events.Sum{Amount: "30000", Currency: "VND"}, Line: "l1", Account: "main", Direction: "in", Kind: "payment"})
			l.Must(market, "bank.line_allocated", &events.LineAllocated{Dated: events.Dated{EffectiveOn: "2026-09-02"},
				Sum: events.Sum{Amount: "30000", Currency: "VND"}, Line: "l1", Bill: "b1"})
		}, "61000 30000 0 31000 part_paid; 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := projtest.New(t, 1)
			l.Market(market, "08001", "2026-01-01") // e3
			if id := l.Fee(market, "b1", "A12"); id != "e4" {
				t.Fatal(id)
			}
			c.steps(l)
			bills := fold(l, 1, projections.FoldBills).Bills
			if len(bills) != 1 {
				t.Fatalf("%d bills", len(bills))
			}
			b, credit := bills[0], int64(0)
			for _, h := range fold(l, 1, projections.FoldBoard).Holdings {
				if h.Kind == projections.HoldingCredit {
					credit += h.Amount
				}
			}
			if got := fmt.Sprintf("%d %d %d %d %s; %d", b.Issued, b.Paid, b.Waived, b.Owed(), b.Status(), credit); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if b.Stall != "A12" || b.Person != "t-A12" || b.Holder != "stall:A12" || b.Period != "2026-09" || b.Kind != "market" || b.DueOn != "2026-09-15" {
				t.Errorf("words of the bill: %+v", b)
			}
		})
	}
}

// TestOpeningReceivable: what was owed before the office started is a bill.
func TestOpeningReceivable(t *testing.T) {
	l := projtest.New(t, 1)
	l.Must(market, "organization.opening_balance", &events.OpeningBalance{Dated: events.Dated{EffectiveOn: "2026-01-01"},
		Sum: events.Sum{Amount: "5000", Currency: "VND"}, Path: "stall:A1:receivable:old", Side: "debit"})
	l.Pay(market, "old", "2026-01-02", "qr", "2000")
	b := fold(l, 1, projections.FoldBills).Bills[0]
	if b.Issued != 5000 || b.Paid != 2000 || b.Stall != "A1" || b.Kind != "market" || b.Period != "2026-01" || b.Status() != projections.BillPartPaid {
		t.Errorf("%+v", b)
	}
}

func TestPayout(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps func(l *projtest.Log)
		want  string // status; settled came back cash, and recoverable if any is
	}{
		{"ordered", func(l *projtest.Log) {}, "ordered; 0 0 0"},
		{"sent", func(l *projtest.Log) { l.Send(fund, "o1", "2026-09-06", "500000") }, "sent; 0 0 0"},
		{"settled", func(l *projtest.Log) { l.Send(fund, "o1", "2026-09-06", "500000"); settle(l, "l1", "2026-09-07") }, "settled; 500000 0 0"},
		{"settled without being sent", func(l *projtest.Log) { settle(l, "l1", "2026-09-07") }, "settled; 500000 0 0"},
		{"returned", func(l *projtest.Log) { settle(l, "l1", "2026-09-07"); giveBack(l, "2026-09-09") }, "returned; 500000 500000 0"},
		{"rejected", func(l *projtest.Log) {
			l.Send(fund, "o1", "2026-09-06", "500000")
			l.Return(fund, "o1", "", "2026-09-07", "500000")
		}, "returned; 0 0 0"},
		{"sent again", func(l *projtest.Log) {
			settle(l, "l1", "2026-09-07")
			giveBack(l, "2026-09-09")
			l.Send(fund, "o1", "2026-09-10", "500000")
		}, "sent; 500000 500000 0"},
		{"return reversed", func(l *projtest.Log) {
			settle(l, "l1", "2026-09-07")
			l.Reverse(fund, "2026-09-20", giveBack(l, "2026-09-09"))
		}, "settled; 500000 0 0"},
		{"settlement reversed", func(l *projtest.Log) {
			l.Send(fund, "o1", "2026-09-06", "500000")
			l.Reverse(fund, "2026-09-20", settle(l, "l1", "2026-09-07"))
		}, "sent; 0 0 0"},
		{"cash", func(l *projtest.Log) { l.PayCash(fund, "o1", "2026-09-10", "500000") }, "paid_cash; 0 0 500000"},
		{"cash reversed", func(l *projtest.Log) {
			l.Reverse(fund, "2026-09-20", l.PayCash(fund, "o1", "2026-09-10", "500000"))
		}, "ordered; 0 0 0"},
		{"returned, then cash", func(l *projtest.Log) {
			settle(l, "l1", "2026-09-07")
			giveBack(l, "2026-09-09")
			l.PayCash(fund, "o1", "2026-09-10", "500000")
		}, "paid_cash; 500000 500000 500000"},
		{"paid twice", func(l *projtest.Log) {
			settle(l, "l1", "2026-09-07")
			l.PayCash(fund, "o1", "2026-09-10", "500000")
		}, "paid_cash; 500000 0 500000 500000"},
		{"paid twice, and came back", func(l *projtest.Log) {
			settle(l, "l1", "2026-09-07")
			l.PayCash(fund, "o1", "2026-09-10", "500000")
			giveBack(l, "2026-09-12")
		}, "paid_cash; 500000 500000 500000"},
		{"paid twice, the second taken back", func(l *projtest.Log) {
			settle(l, "l1", "2026-09-07")
			l.Reverse(fund, "2026-09-20", l.PayCash(fund, "o1", "2026-09-10", "500000"))
		}, "settled; 500000 0 0"},
		{"order reversed after it came back", func(l *projtest.Log) {
			settle(l, "l1", "2026-09-07")
			giveBack(l, "2026-09-12")
			l.Reverse(fund, "2026-09-20", "e7")
		}, "reversed; 500000 500000 0"},
		{"order reversed, and carried out", func(l *projtest.Log) {
			l.Reverse(fund, "2026-09-20", "e7")
			settle(l, "l1", "2026-09-21")
		}, "reversed; 500000 0 0 500000"},
		{"order reversed", func(l *projtest.Log) { l.Reverse(fund, "2026-09-20", "e7") }, "reversed; 0 0 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := projtest.New(t, 1)
			l.Fund(fund, "08", "2026-01-01")
			l.Entitle(fund, "p1", "2026-09", "08001", "500000")
			if id := order(l); id != "e7" {
				t.Fatal(id)
			}
			c.steps(l)
			changes := fold(l, 1, projections.FoldPayouts)
			if len(changes.Payouts) != 1 || len(changes.Entitlements) != 1 {
				t.Fatalf("%d payouts, %d entitlements", len(changes.Payouts), len(changes.Entitlements))
			}
			p := changes.Payouts[0]
			got := fmt.Sprintf("%s; %d %d %d", p.Status(), p.Settled, p.CameBack, p.PaidCash)
			if p.Recoverable != 0 {
				got += fmt.Sprintf(" %d", p.Recoverable)
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if p.Person != "p1" || p.Unit != "08001" || p.Period != "2026-09" || p.Method != "account" {
				t.Errorf("words of the payout: %+v", p)
			}
		})
	}
}

// TestTrace: a bill, its stall, its person and a reversed event lead to the
// events behind them; the stall to what is not already the bill's.
func TestTrace(t *testing.T) {
	l := projtest.New(t, 1)
	l.Market(market, "08001", "2026-01-01")
	l.Fee(market, "b1", "A12")
	paid := l.Pay(market, "b1", "2026-09-02", "qr", "61000")
	l.Reverse(market, "2026-09-03", paid)
	c := fold(l, 1, projections.FoldTrace)
	events := map[int64]string{}
	for _, e := range c.Events {
		events[e.Offset] = e.EventID
	}
	got := map[string]string{}
	for _, link := range c.Links {
		got[link.Kind+" "+link.Subject] += " " + events[link.Offset]
	}
	for subject, want := range map[string]string{
		"bill b1": " e4 e5 e6", "stall A12": " e4", "person t-A12": " e4", "event e5": " e6",
	} {
		if got[subject] != want {
			t.Errorf("%s leads to%s, want%s", subject, got[subject], want)
		}
	}
	if e := c.Events[3]; e.Amount != "61000" || e.Currency != "VND" || e.Status != "posted" {
		t.Errorf("the bill's event: %+v", e)
	}
}
