package readmodel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/ledger"
	"socho/projections"
	"socho/projections/projtest"
)

// fact is a fact with its name.
type fact struct {
	name string
	events.Fact
}

// book is what facts of one organization stand on: something of everything that can
// be said, so that each of the facts below has something to change.
func book(w *world) {
	for _, f := range []fact{
		{"organization.registered", &events.OrganizationRegistered{Dated: dated, Kind: "market", Name: "Chợ", Unit: "08001", BankBIN: "970436", Account: "0011001"}},
		{"bank.line_received", line("l-in", "in", "1000000")}, {"bank.line_received", line("l-in2", "in", "300000")}, {"bank.line_received", line("l-fund", "in", "9000000")},
		{"bank.line_received", line("l-out", "out", "1000000")}, {"bank.line_received", line("l-out2", "out", "300000")}, {"bank.line_received", line("l-out3", "out", "500000")},
		{"market.stall_let", &events.StallLet{Dated: dated, Of: person("t1"), Stall: "A12"}},
		{"market.fee_assessed", fee("b1")}, {"market.fee_assessed", fee("b2")},
		{"school.bill_issued", bill("s1")}, {"school.bill_issued", bill("s2")},
		{"market.payment_received", &events.PaymentReceived{Payment: events.Payment{Dated: dated, Sum: dong("70000"), Bill: "b1", Method: "cash", Collector: "c1"}}},
		{"market.payment_received", &events.PaymentReceived{Payment: events.Payment{Dated: dated, Sum: dong("20000"), Bill: "b-nobody", Method: "qr"}}},
		{"school.bill_paid", &events.BillPaid{Payment: events.Payment{Dated: dated, Sum: dong("80000"), Bill: "s2", Method: "qr"}}},
		{"market.tickets_handed_out", tickets("r1")}, {"market.card_issued", card("x1")}, {"market.card_issued", card("x2")},
		{"market.alert_raised", &events.AlertRaised{Dated: dated, Alert: "a1", Kind: "other_account", Stall: "A12"}},
		{"market.sales_connected", connected("k1")},
		{"organization.tariff_set", tariff("f1")}, {"school.pupil_enrolled", &events.PupilEnrolled{Dated: dated, Of: person("p1"), Class: "1a"}},
		{"school.reduction_granted", reduction("d1")},
		{"benefit.funded", &events.Funded{Dated: dated, Sum: dong("5000000"), Line: "l-fund"}},
		{"benefit.person_entitled", entitled("p1", "500000")}, {"benefit.person_entitled", entitled("p2", "500000")}, {"benefit.person_entitled", entitled("p3", "500000")},
		{"benefit.person_entitled", entitled("p4", "500000")}, {"benefit.person_entitled", entitled("p5", "500000")}, {"benefit.person_entitled", entitled("p6", "500000")},
		{"benefit.payout_ordered", order("o1", "p1")}, {"benefit.payout_ordered", order("o2", "p2")}, {"benefit.payout_ordered", order("o3", "p3")}, {"benefit.payout_ordered", order("o4", "p4")},
		{"benefit.payout_sent", &events.PayoutSent{Dated: dated, Sum: dong("500000"), Payout: "o2"}},
		{"benefit.payout_settled", &events.PayoutSettled{Dated: dated, Sum: dong("500000"), Payout: "o3", Line: "l-out"}},
		{"benefit.payout_settled", &events.PayoutSettled{Dated: dated, Sum: dong("500000"), Payout: "o4", Line: "l-out"}},
		{"benefit.paid_in_cash", &events.PaidInCash{Dated: dated, Sum: dong("500000"), Payout: "o4", PayPoint: "pp"}}, // paid twice: to be recovered
		{"benefit.person_stopped", stopped("p6")},
		{"benefit.list_opened", &events.ListOpened{Dated: dated, List: "l1", Programme: "social", Period: "2026-09", Currency: "VND"}},
		{"benefit.list_entry_added", entry("l1", "o5", "p5")},
		{"benefit.batch_opened", batch("f1")},
		{"benefit.payout_batched", &events.PayoutBatched{Dated: dated, Sum: dong("500000"), Batch: "f1", Payout: "o1"}},
		{"benefit.batch_opened", batch("f2")},
		{"organization.month_closed", &events.MonthClosed{Dated: dated, Period: "2026-07"}},
	} {
		w.must(f)
	}
}

// said is one fact of each kind that can be said on top of the book; where the
// ledger does not let it be taken back, by which code it says so. The facts of a
// later rule set go here as well: the test asks for them.
func said(w *world) map[string]struct {
	events.Fact
	stays string
} {
	type s = struct {
		events.Fact
		stays string
	}
	total := events.ListTotal{Dated: dated, Sum: dong("500000"), List: "l1", Count: count(1), Digest: w.digests["l1"]}
	const set, never = "nothing_to_reverse", "in_batch"
	return map[string]s{
		"organization.registered":       {&events.OrganizationRegistered{Dated: dated, Kind: "market", Name: "Chợ mới", Unit: "08002"}, set},
		"organization.opening_balance":  {&events.OpeningBalance{Dated: dated, Sum: dong("4000"), Path: "stall:B7:receivable:old", Side: "debit"}, ""},
		"organization.tariff_set":       {tariff("f2"), ""},
		"organization.tariff_ended":     {&events.TariffEnded{Dated: dated, Tariff: "f1", Reason: "decided"}, ""},
		"organization.credit_applied":   {&events.CreditApplied{Dated: dated, Sum: dong("9000"), Stall: "A12", Bill: "b2"}, ""},
		"organization.suspense_placed":  {&events.SuspensePlaced{Dated: dated, Sum: dong("20000"), Bill: "b2"}, ""},
		"organization.passed_on":        {&events.PassedOn{Dated: dated, Sum: dong("50000"), Item: "meals", Line: "l-out2"}, ""},
		"organization.spent":            {&events.Spent{Dated: dated, Sum: dong("50000"), Item: "water", Line: "l-out2"}, ""},
		"organization.earned":           {&events.Earned{Dated: dated, Sum: dong("50000"), Item: "parking", Line: "l-in"}, ""},
		"organization.refunded_in_cash": {&events.RefundedInCash{Dated: dated, Sum: dong("9000"), Stall: "A12", Collector: "c1"}, ""},
		"organization.month_closed":     {&events.MonthClosed{Dated: dated, Period: "2026-08"}, set},
		"organization.month_reopened":   {&events.MonthReopened{Dated: dated, Period: "2026-07", Reason: "late"}, set},
		"market.stall_let":              {&events.StallLet{Dated: dated, Of: person("t2"), Stall: "A12"}, set},
		"market.fee_assessed":           {fee("b3"), ""},
		"market.payment_received":       {&events.PaymentReceived{Payment: events.Payment{Dated: dated, Sum: dong("61000"), Bill: "b2", Method: "bank", Line: "l-in"}}, ""},
		"market.cash_banked":            {&events.CashBanked{Dated: dated, Sum: dong("50000"), Collector: "c1", Line: "l-in"}, ""},
		"market.fee_waived":             {&events.FeeWaived{Reduction: events.Reduction{Dated: dated, Sum: dong("26000"), Bill: "b2", Reason: "absent"}}, ""},
		"market.stall_described":        {&events.StallDescribed{Dated: dated, Stall: "A12", Area: count(400)}, ""},
		"market.stall_vacated":          {&events.StallVacated{Dated: dated, Stall: "A12"}, ""},
		"market.trader_absent":          {&events.TraderAbsent{Dated: dated, Stall: "A12", Until: "2026-09-30", Reason: "ill"}, ""},
		"market.tickets_handed_out":     {tickets("r2"), ""},
		"market.tickets_sold":           {&events.TicketsSold{Dated: dated, Sum: dong("10000"), Range: "r1", Method: "cash", Collector: "c1", Count: count(2)}, ""},
		"market.tickets_returned":       {&events.TicketsReturned{Dated: dated, Range: "r1", Count: count(3)}, ""},
		"market.card_issued":            {card("x3"), set},
		"market.card_printed":           {&events.CardPrinted{Dated: dated, Card: "x1", Copies: count(2)}, set},
		"market.card_posted":            {&events.CardPosted{Dated: dated, Card: "x1"}, set},
		"market.card_inspected":         {&events.CardInspected{Dated: dated, Card: "x1", Stall: "A12", Result: "right"}, set},
		"market.card_replaced":          {&events.CardReplaced{Dated: dated, Card: "x1", By: "x2", Reason: "worn"}, set},
		"market.card_revoked":           {&events.CardRevoked{Dated: dated, Card: "x1", Reason: "lost"}, set},
		"market.alert_raised":           {&events.AlertRaised{Dated: dated, Alert: "a2", Kind: "other_account", Stall: "A12"}, set},
		"market.alert_closed":           {&events.AlertClosed{Dated: dated, Alert: "a1", Reason: "looked"}, set},
		"market.sales_connected":        {connected("k2"), set},
		"market.sales_disconnected":     {&events.SalesDisconnected{Dated: dated, Connection: "k1", Reason: "asked"}, set},
		"market.sale_received":          {&events.SaleReceived{Dated: dated, Of: person("t1"), Sum: dong("41000"), Stall: "A12", Method: "bank", Connection: "k1", Line: "tl1"}, ""},
		"school.bill_issued":            {bill("s3"), ""},
		"school.bill_paid":              {&events.BillPaid{Payment: events.Payment{Dated: dated, Sum: dong("80000"), Bill: "s1", Method: "cash", Collector: "c1"}}, ""},
		"school.bill_exempted":          {&events.BillExempted{Reduction: events.Reduction{Dated: dated, Sum: dong("30000"), Bill: "s1", Reason: "poor"}}, ""},
		"school.refunded":               {&events.Refunded{Dated: dated, Sum: dong("9000"), Stall: "A12", Line: "l-out2"}, ""},
		"school.pupil_enrolled":         {&events.PupilEnrolled{Dated: dated, Of: person("p1"), Class: "2a"}, ""},
		"school.pupil_left":             {&events.PupilLeft{Dated: dated, Of: person("p1"), Reason: "moved"}, ""},
		"school.reduction_granted":      {reduction("d2"), ""},
		"school.reduction_ended":        {&events.ReductionEnded{Dated: dated, Reduction: "d1", Reason: "over"}, ""},
		"benefit.person_entitled":       {entitled("p7", "500000"), ""},
		"benefit.funded":                {&events.Funded{Dated: dated, Sum: dong("300000"), Line: "l-in2"}, ""},
		"benefit.payout_ordered":        {order("o6", "p6"), ""},
		"benefit.payout_sent":           {&events.PayoutSent{Dated: later, Sum: dong("500000"), Payout: "o7"}, ""},
		"benefit.payout_settled":        {&events.PayoutSettled{Dated: later, Sum: dong("500000"), Payout: "o2", Line: "l-out3"}, ""},
		"benefit.payout_returned":       {&events.PayoutReturned{Dated: later, Sum: dong("500000"), Payout: "o3", Line: "l-in", Reason: "account_closed"}, ""},
		"benefit.cash_drawn":            {&events.CashDrawn{Dated: dated, Sum: dong("300000"), PayPoint: "pp", Line: "l-out2"}, ""},
		"benefit.paid_in_cash":          {&events.PaidInCash{Dated: later, Sum: dong("500000"), Payout: "o7", PayPoint: "pp"}, ""},
		"benefit.person_stopped":        {stopped("p5"), ""},
		"benefit.person_resumed":        {&events.PersonResumed{Dated: dated, Of: person("p6"), Programme: "social", FromPeriod: "2026-10", Reason: "renewed"}, ""},
		"benefit.list_opened":           {&events.ListOpened{Dated: dated, List: "l2", Programme: "social", Period: "2026-09", Currency: "VND"}, set},
		"benefit.list_entry_added":      {entry("l1", "o8", "p5"), set},
		"benefit.list_entry_removed":    {&events.ListEntryRemoved{Dated: dated, List: "l1", Payout: "o5", Reason: "moved"}, set},
		"benefit.list_proposed":         {&events.ListProposed{ListTotal: total}, set},
		"benefit.list_withdrawn":        {&events.ListWithdrawn{Dated: dated, List: "l1", Reason: "wrong"}, set},
		"benefit.batch_opened":          {batch("f3"), set},
		"benefit.payout_batched":        {&events.PayoutBatched{Dated: dated, Sum: dong("500000"), Batch: "f2", Payout: "o7"}, never},
		"benefit.batch_closed":          {&events.BatchClosed{Dated: dated, Sum: dong("500000"), Batch: "f1", Count: count(1), Digest: w.digests["f1"]}, set},
		"benefit.batch_cancelled":       {&events.BatchCancelled{Dated: dated, Batch: "f2", Reason: "wrong"}, set},
		"benefit.grant_returned":        {&events.GrantReturned{Dated: dated, Sum: dong("300000"), Line: "l-out2"}, ""},
		"benefit.recovered":             {&events.Recovered{Dated: dated, Of: person("p4"), Sum: dong("200000"), Programme: "social", Period: "2026-09", Line: "l-in"}, ""},
		"bank.line_received":            {line("l-new", "in", "77000"), ""},
		"bank.line_allocated":           {&events.LineAllocated{Dated: dated, Sum: dong("61000"), Line: "l-in", Bill: "b2"}, ""},
		"bank.statement_received": {&events.StatementReceived{Dated: dated, Account: "main", Statement: "st1", From: "2026-09-01", Currency: "VND", Opening: "0", Closing: "7",
			Lines: count(3), Digest: events.Digest(strings.Repeat("ab", 32))}, ""},
		"bank.lines_offset":             {&events.LinesOffset{Dated: dated, Sum: dong("300000"), In: "l-in2", Out: "l-out2", Reason: "refund"}, ""},
		"bank.line_noted":               {&events.LineNoted{Dated: dated, Line: "l-in", Mark: "done"}, set},
		"registry.institution_reported": {&events.InstitutionReported{Dated: dated, Domain: "schools", Institution: "i1", Unit: "08001", Status: "accepting"}, set},
		"registry.figure_reported":      {&events.FigureReported{Dated: dated, Domain: "accounts", Unit: "08001", Numerator: count(5), Denominator: count(9)}, set},
	}
}

// elsewhere are the kinds that this test cannot say, and why nothing is lost by it.
var elsewhere = map[string]string{
	"organization.right_granted":      "is said where people sign in, and folded by nobody",
	"organization.right_revoked":      "likewise",
	"organization.approvals_required": "likewise",
	"benefit.list_approved":           "needs such a right; only recorded, like benefit.list_proposed",
	"benefit.batch_exported":          "needs a closed batch; only recorded, like benefit.batch_closed",
	"benefit.batch_submitted":         "likewise",
	"ledger.reversed":                 "cannot be taken back: the fact is entered again",
	"person.erased":                   "keys that are destroyed stay so",
	"intake.undecodable":              "is no event",
	"shard.opened":                    "is of a shard",
	"shard.rules_activated":           "is of a shard",
}

// shown is what of each table anything is read from: rows that say of themselves
// that they were taken back are no part of it.
var shown = map[string]string{
	"adoption_facts": `t.kind <> 'reversed' AND NOT EXISTS (SELECT FROM projections.adoption_facts r WHERE r.kind = 'reversed' AND r.organization = t.organization
		AND r.target_source = t.source AND r.target_id = t.event_id)`,
	"payment_runs": `NOT EXISTS (SELECT FROM projections.adoption_facts r WHERE r.kind = 'reversed' AND r.organization = t.organization
		AND r.target_source = t.source AND r.target_id = x.event)`,
	"bills": `status <> 'reversed'`, "payouts": `status <> 'reversed'`, "entitlements": `NOT withdrawn`, "stops": `NOT withdrawn`,
	"organizations": `true`, "stalls": `true`, "holdings": `amount <> 0`,
	"payout_lists": `true`, "list_entries": `NOT removed`, "batches": `true`, "batch_files": `true`, "payout_moves": `true`,
	"bank_lines": `state <> 'reversed'`, "line_uses": `amount <> 0`,
	"terms": `NOT withdrawn`, "sale_connections": `true`, "sales": `undone_on IS NULL`,
	"stall_cards": `true`, "card_inspections": `true`, "alerts": `true`, "stall_receipts": `true`, "market_consents": `true`,
	// What was said stays said: the history of a record names it and its reversal.
	"traced_amounts": "", "links": "",
	// Sums of balances by the stretch of the log, from transfers alone.
	"history": "", "account_history": "",
}

// places are columns that say where on the log something is, or when it was said
// there: those differ between two logs that say the same.
var places = []string{"organization", "shard", "log_offset", "log_offsets", "first_offset", "last_offset", "seen_offset", "closed_offset", "undone_offset", "changed",
	"event_id", "event_ids", "recorded_at", "recorded_ats", "record_hash", "record_hashes", "reversed", "opened_at", "connected_at", "ended_at", "printed_at"}

// TestTakenBack: for each kind of fact, the tables after it was said and taken back
// are those of a log in which it was never said; and when it is then said again,
// those of a log that says it once. One market for each of the four logs and each
// kind, all in one log.
func TestTakenBack(t *testing.T) {
	t.Parallel()
	db, url := open(t)
	log := projtest.New(t, 1)
	log.Rules(ledger.LatestRuleSet)
	log.Actor = "cli"

	var kinds []string
	stays := map[string]bool{}
	for _, full := range events.Types() {
		name := events.Name(full)
		if elsewhere[name] != "" || slices.Contains(kinds, name) {
			continue
		}
		kinds = append(kinds, name)
		of := func(which string) *world {
			w := &world{t: t, log: log, organization: fmt.Sprintf("m%d-%s", len(kinds), which), digests: map[events.ID]events.Digest{}}
			book(w)
			w.must(fact{"benefit.payout_ordered", order("o7", "p5")})
			return w
		}
		of("never")
		once, back := of("once"), of("back")
		f, known := said(once)[name]
		if !known {
			t.Errorf("%s: say here, or beside it, how its reversal is folded", name)
			continue
		}
		once.must(fact{name, f.Fact})
		take := func(w *world) (code string) {
			id := w.must(fact{name, said(w)[name].Fact})
			o := log.Add(w.organization, "ledger.reversed", &events.Reversed{Dated: later, Reverses: id, ReversesSource: projtest.Source, Reason: "typo"})
			return o.Code
		}
		if code := take(back); code != f.stays {
			t.Errorf("%s: taken back with code %q, want %q", name, code, f.stays)
		}
		if stays[name] = f.stays != ""; !stays[name] {
			again := of("again")
			take(again)
			again.must(fact{name, said(again)[name].Fact})
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	// In one step for each few records, so that some meet their reversal in the
	// tables and some in the batch.
	if err := (&projections.Runner{Source: log, Store: db, Batch: 61}).Fold(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := shownRows(t, url)
	differ := func(i int, name, one, other string) {
		a, b := rows[fmt.Sprintf("m%d-%s", i+1, one)], rows[fmt.Sprintf("m%d-%s", i+1, other)]
		if name == "market.sale_received" { // somebody made that payment, whoever took it back
			only := func(row string) bool { return strings.HasPrefix(row, "stall_receipts ") }
			a, b = slices.DeleteFunc(slices.Clone(a), only), slices.DeleteFunc(slices.Clone(b), only)
		}
		for _, row := range a {
			if !slices.Contains(b, row) {
				t.Errorf("%s: %q and not %q: %s", name, one, other, row)
			}
		}
		for _, row := range b {
			if !slices.Contains(a, row) {
				t.Errorf("%s: %q and not %q: %s", name, other, one, row)
			}
		}
	}
	for i, name := range kinds {
		if stays[name] {
			continue
		}
		differ(i, name, "never", "back")
		differ(i, name, "once", "again")
	}
}

// shownRows reads what is shown of every table of the schema, by organization.
func shownRows(t *testing.T, url string) map[string][]string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	tables, err := conn.Query(t.Context(), `SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'projections'
		AND table_name NOT IN ('positions', 'migration_digests', 'goose_db_version') ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, table := range names {
		condition, known := shown[table]
		if !known {
			t.Errorf("table %s: say here what of it is shown", table)
		}
		if condition == "" {
			continue
		}
		query := `SELECT t.organization, to_jsonb(t) - $1::text[] FROM projections.` + table + ` t WHERE ` + condition
		if table == "payment_runs" { // which payments share a row says nothing
			query = `SELECT t.organization, to_jsonb(t) - $1::text[] - '{bills,persons,amounts}'::text[] || jsonb_build_object('bill', x.bill, 'amount', x.amount)
				FROM projections.payment_runs t, unnest(t.bills, t.amounts, t.event_ids) AS x (bill, amount, event) WHERE ` + condition
		}
		found, err := conn.Query(t.Context(), query, places)
		if err != nil {
			t.Fatal(err)
		}
		var organization string
		var row map[string]any
		if _, err := pgx.ForEachRow(found, []any{&organization, &row}, func() error {
			if table == "bank_lines" && row["amount"] == 0.0 { // nothing shows it: it has no words
				for _, word := range []string{"account", "kind", "person", "booked_on", "sightings"} {
					delete(row, word)
				}
			}
			if row["subject"] == organization {
				delete(row, "subject")
			}
			text, err := json.Marshal(row)
			rows[organization] = append(rows[organization], table+" "+string(text))
			row = nil
			return err
		}); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
	}
	return rows
}

// world is one organization of the log.
type world struct {
	t            *testing.T
	log          *projtest.Log
	organization string
	digests      map[events.ID]events.Digest // of lists and batches, as the ledger runs them
}

func (w *world) must(f fact) events.EventID {
	w.t.Helper()
	o := w.log.Add(w.organization, f.name, f.Fact)
	if !o.Status.Accepted() {
		w.t.Errorf("%s: %s %s %s", f.name, o.Status, o.Code, o.Detail)
	}
	records := w.log.Records(0)
	value := ledger.Hash(events.ValueHash(records[len(records)-1].Value))
	switch f := f.Fact.(type) {
	case *events.ListOpened:
		w.digests[f.List] = ledger.FirstDigest(value)
	case *events.ListEntryAdded:
		w.digests[f.List] = ledger.RunningDigest(w.digests[f.List], value)
	case *events.BatchOpened:
		w.digests[events.ID(f.Batch)] = ledger.FirstDigest(value)
	case *events.PayoutBatched:
		w.digests[events.ID(f.Batch)] = ledger.RunningDigest(w.digests[events.ID(f.Batch)], value)
	}
	return events.EventID(o.EventID)
}

var dated, later = events.Dated{EffectiveOn: "2026-09-05"}, events.Dated{EffectiveOn: "2026-09-20"}

func count(n events.Count) *events.Count    { return &n }
func person(id events.ID) events.Of         { return events.Of{Person: id} }
func dong(amount events.Decimal) events.Sum { return events.Sum{Amount: amount, Currency: "VND"} }
func card(id events.ID) events.Fact {
	return &events.CardIssued{Dated: dated, Card: id, Stall: "A12", PaysTo: events.Digest(strings.Repeat("ab", 32))}
}
func stopped(p events.ID) events.Fact {
	return &events.PersonStopped{Dated: dated, Of: person(p), Programme: "social", FromPeriod: "2026-10", Reason: "died"}
}
func line(id events.ID, direction events.Word, amount events.Decimal) events.Fact {
	return &events.LineReceived{Dated: dated, Sum: dong(amount), Line: id, Account: "main", Direction: direction, Kind: "payment"}
}

func fee(id events.ID) events.Fact {
	return &events.FeeAssessed{Dated: dated, Of: person("t1"), Bill: id, Stall: "A12", Period: "2026-09", DueOn: "2026-09-15", Currency: "VND",
		Items: []events.Item{{Item: "management", Amount: "26000"}, {Item: "security", Amount: "35000"}}}
}

func bill(id events.ID) events.Fact {
	return &events.BillIssued{Dated: dated, Of: person("p1"), Bill: id, Class: "1a", Period: "2026-09", DueOn: "2026-09-15", Currency: "VND",
		Items: []events.Item{{Item: "meals", Amount: "80000"}}}
}

func tickets(id events.ID) events.Fact {
	return &events.TicketsHandedOut{Dated: dated, Sum: dong("5000"), Range: id, Collector: "c1", Item: "ticket", First: count(1), Last: count(100)}
}

func connected(id events.ID) events.Fact {
	return &events.SalesConnected{Dated: dated, Of: person("t1"), Connection: id, Stall: "A12", Until: "2026-12-31", VisibleTo: "market"}
}

func tariff(id events.ID) events.Fact {
	return &events.TariffSet{Dated: dated, Sum: dong("45000"), Tariff: id, Item: "management", Per: "m2", Every: "month"}
}

func reduction(id events.ID) events.Fact {
	return &events.ReductionGranted{Dated: dated, Of: person("p1"), Reduction: id, Percent: count(50), Currency: "VND", Reason: "poor"}
}

func entitled(p events.ID, amount events.Decimal) events.Fact {
	return &events.PersonEntitled{Dated: dated, Of: person(p), Sum: dong(amount), Programme: "social", Period: "2026-09", Unit: "08001"}
}

func order(id events.PayoutID, p events.ID) events.Fact {
	return &events.PayoutOrdered{Dated: dated, Of: person(p), Sum: dong("500000"), Payout: id, Programme: "social", Period: "2026-09", Unit: "08001", Method: "account"}
}

func entry(list events.ID, id events.PayoutID, p events.ID) events.Fact {
	return &events.ListEntryAdded{Dated: dated, Of: person(p), Sum: dong("500000"), List: list, Payout: id, Unit: "08001", Method: "cash", Kind: "regular"}
}

func batch(id events.PayoutID) events.Fact {
	return &events.BatchOpened{Dated: dated, Batch: id, Account: "main", Method: "account", Currency: "VND", ExecuteOn: "2026-09-10"}
}
