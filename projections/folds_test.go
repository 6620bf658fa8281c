package projections_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"socho/events"
	"socho/ledger"
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

// TestTraceKeepsTheRest: links say only what no account does, amounts only what
// no sum of transfers does.
func TestTraceKeepsTheRest(t *testing.T) {
	l := projtest.New(t, 1)
	l.Market(market, "08001", "2026-01-01")
	l.Fee(market, "b1", "A12")                                 // e4
	paid := l.Pay(market, "b1", "2026-09-02", "cash", "60000") // e5
	l.Pay(market, "b1", "2026-09-02", "qr", "5000")            // e6: 1000 of it owed, the rest in suspense
	l.Pay(market, "b2", "2026-09-02", "cash", "7000")          // e7: a bill that is not known
	l.Reverse(market, "2026-09-03", paid)                      // e8
	l.PayByLine(market, "b1", "l1", "2026-09-04", "1000")      // e9, e10
	l.Must(market, "market.payment_received", &events.PaymentReceived{Payment: events.Payment{MaybeOf: events.MaybeOf{Person: "p9"}, Dated: events.Dated{EffectiveOn: "2026-09-05"},
		Sum: events.Sum{Amount: "1000", Currency: "VND"}, Bill: "b1", Method: "bank", Line: "l2"}}) // e11
	l.Fund(fund, "08", "2026-01-01")                    // e12, e13, e14
	l.Entitle(fund, "p1", "2026-09", "08001", "500000") // e15
	order(l)                                            // e16: two transfers of the amount
	c := fold(l, 1, projections.FoldTrace)
	ids := map[int64]string{}
	for _, a := range l.Accepted(0) {
		ids[a.Offset] = string(a.Event.ID)
	}
	got := map[string]string{}
	for _, link := range c.Links {
		got[link.Kind+" "+link.Subject] += " " + ids[link.Offset]
	}
	want := map[string]string{"person t-A12": " e4", "bill b2": " e7", "event e5": " e8", "person p9": " e11", "person p1": " e15"}
	if !maps.Equal(got, want) {
		t.Errorf("links:\n got %v\nwant %v", got, want)
	}
	got = map[string]string{}
	for _, a := range c.Amounts {
		got[ids[a.Offset]] = a.Amount + " " + string(a.Currency)
	}
	if want := map[string]string{"e8": " ", "e15": "500000 VND", "e16": "500000 VND"}; !maps.Equal(got, want) {
		t.Errorf("amounts:\n got %v\nwant %v", got, want)
	}
}

// TestAccountsOf: what an account's path names, and where the accounts of a
// subject lie, say the same.
func TestAccountsOf(t *testing.T) {
	l := projtest.New(t, 1)
	l.Province(3, 1, 40)
	lies := func(path, kind, id, of string) bool {
		return slices.ContainsFunc(projections.AccountsOf(kind, id, of), func(root string) bool {
			return path == root || strings.HasPrefix(path, root+":")
		})
	}
	var c projections.Changes
	accepted := l.Accepted(0)
	for i := range accepted {
		projections.FoldBills(&c, &accepted[i])
		projections.FoldPayouts(&c, &accepted[i])
	}
	check := func(a *projections.Accepted, kind, id, of string) {
		t.Helper()
		some := slices.ContainsFunc(a.Transfers, func(x ledger.Transfer) bool { return lies(x.Debit, kind, id, of) || lies(x.Credit, kind, id, of) })
		if some != a.Names(kind, id) {
			t.Errorf("%s: an account of %s %s: %v, by its path %v", a.Event.ID, kind, id, some, !some)
		}
	}
	for i := range accepted {
		a := &accepted[i]
		for _, b := range c.Bills {
			if b.Organization == a.Event.Subject {
				check(a, projections.SubjectBill, b.Bill, b.Holder)
				check(a, projections.SubjectStall, b.Stall, "")
			}
		}
		for _, p := range c.Payouts {
			if p.Organization == a.Event.Subject {
				check(a, projections.SubjectPayout, p.Payout, p.Person)
				check(a, projections.SubjectPerson, p.Person, "")
			}
		}
		for _, kind := range []string{projections.SubjectCollector, projections.SubjectPayPoint, projections.SubjectLine} {
			for _, id := range []string{"c1", "pp", "grant", "l1", "l2"} {
				check(a, kind, id, "")
			}
		}
	}
}
