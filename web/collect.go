package web

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/print"
	"socho/internal/readmodel"
	"socho/internal/reconcile"
	"socho/ledger"
	"socho/projections"
)

// collecting are the routes of those who go round and take cash, and of those who
// bank it.
func (s *site) collecting() []route {
	cash := rights{identity.TakeCash}
	return []route{
		{pattern: "GET /collect/{org}", rights: cash, where: inPath, show: s.collect},
		{pattern: "POST /collect/{org}", rights: cash, where: inPath, show: s.takeCash},
		{pattern: "GET /collect/{org}/taken/{event}", rights: cash, where: inPath, show: s.taken},
		{pattern: "GET /collect/{org}/paper/{event}", rights: cash, where: inPath, show: s.takenPaper},
		{pattern: "GET /collect/{org}/cash", rights: rights{identity.MatchPayments, identity.TakeCash}, where: inPath, show: s.cashHeld},
		{pattern: "POST /collect/{org}/cash", rights: rights{identity.MatchPayments}, where: inPath, page: true, show: s.bankCash},
	}
}

// fillCash says of cash that it is cash, and that whoever says so holds it.
// Errors: errBad where the fact says anything else.
func fillCash(_ *site, ctx context.Context, f *queuedFact) error {
	who := identity.From(ctx)
	if who == nil {
		return errBad
	}
	for name, value := range map[string]string{"method": "cash", "collector": who.ID, "currency": string(money.VND)} {
		b, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if said, ok := f.Data[name]; ok && string(said) != string(b) {
			return errBad
		}
		f.Data[name] = b
	}
	return nil
}

type collectPage struct {
	Organization projections.Organization
	Stall        string // those that begin so
	Stalls       []dueStall
	More         bool
	Held         string // what the collector holds
	Board        bool   // the visitor banks cash as well
	Tickets      bool   // and sells tickets
	Me           string // the visitor's id as a collector
}

// dueStall is a stall with what it owes.
type dueStall struct {
	Stall string
	Bills []dueBill
}

// dueBill is one open bill, with the id that its payment will have: pressing twice
// is one payment.
type dueBill struct {
	projections.Bill
	Owed int64
	Fact string
}

// maxDues bounds the bills on one page: a telephone keeps it.
const maxDues = 400

// collect lists what stalls owe, to be taken in cash.
func (s *site) collect(r *request) (*view, error) {
	v, _, err := s.collectView(r)
	return v, err
}

func (s *site) collectView(r *request) (*view, *collectPage, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, nil, err
	}
	page := &collectPage{Organization: o, Stall: strings.TrimSpace(r.FormValue("stall")), Board: r.who.May(identity.MatchPayments, o.Organization), Tickets: s.Finance != nil, Me: r.who.ID}
	at := readmodel.Page{Limit: readmodel.MaxLimit}
	n := 0
	for n < maxDues {
		bills, next, err := s.Model.Bills(r.Context(), o.Organization, readmodel.BillFilter{Unpaid: true}, at)
		if err != nil {
			return nil, nil, err
		}
		for _, b := range bills {
			if b.Owed() <= 0 || b.Currency != money.VND || b.Stall == "" || !strings.HasPrefix(strings.ToUpper(b.Stall), strings.ToUpper(page.Stall)) {
				continue
			}
			if n == maxDues {
				page.More = true
				break
			}
			i := slices.IndexFunc(page.Stalls, func(d dueStall) bool { return d.Stall == b.Stall })
			if i < 0 {
				i, page.Stalls = len(page.Stalls), append(page.Stalls, dueStall{Stall: b.Stall})
			}
			page.Stalls[i].Bills = append(page.Stalls[i].Bills, dueBill{b, b.Owed(), newID()})
			n++
		}
		if next == "" || next == at.Cursor {
			break
		}
		at.Cursor = next
	}
	held, err := s.heldBy(r, o.Organization, r.who.ID)
	if err != nil {
		return nil, nil, err
	}
	page.Held = r.language.vnd(held)
	return &view{template: "collect", title: r.language.say("collect.title", "market", o.Name), section: "market", crumbs: r.crumbs(o), data: page, keep: true}, page, nil
}

// heldBy is what a collector holds in đồng.
func (s *site) heldBy(r *request, organization, collector string) (int64, error) {
	all, err := s.allHeld(r, organization)
	for _, h := range all {
		if h.Holder == collector && h.Currency == money.VND {
			return h.Amount, err
		}
	}
	return 0, err
}

func (s *site) allHeld(r *request, organization string) (all []projections.Holding, err error) {
	at := readmodel.Page{Limit: readmodel.MaxLimit}
	for range maxCreditPages {
		some, next, err := s.Model.Holdings(r.Context(), organization, projections.HoldingCollector, at)
		if err != nil {
			return nil, err
		}
		if all = append(all, some...); next == "" {
			break
		}
		at.Cursor = next
	}
	return all, nil
}

// dongOf reads whole đồng as people type them: 61000, 61.000.
func dongOf(text string) (events.Decimal, bool) {
	text = strings.NewReplacer(".", "", " ", "", noBreak, "", "đ", "").Replace(strings.TrimSpace(text))
	n, err := strconv.ParseInt(text, 10, 64)
	return events.Decimal(strconv.FormatInt(n, 10)), err == nil && n > 0 && n <= money.MaxMinor
}

// takeCash writes down that a stall paid in cash, or takes that back the same day.
func (s *site) takeCash(r *request) (*view, error) {
	org := r.PathValue("org")
	if back := r.PostFormValue("back"); back != "" {
		return s.giveBack(r, org, back)
	}
	amount, ok := dongOf(r.PostFormValue("amount"))
	if !ok {
		v, _, err := s.collectView(r)
		if err == nil {
			v.status = http.StatusUnprocessableEntity
		}
		return v, err
	}
	fact := &events.PaymentReceived{Payment: events.Payment{Dated: events.Dated{EffectiveOn: r.today()}, Sum: events.Sum{Amount: amount, Currency: money.VND},
		Bill: events.ID(r.PostFormValue("bill")), Method: "cash", Collector: events.ID(r.who.ID)}}
	b, err := s.Model.Bill(r.Context(), org, string(fact.Bill))
	if err != nil {
		return nil, err
	}
	fact.Person = events.ID(b.Person)
	id := r.PostFormValue("fact")
	d, err := r.draft(org, id, "market.payment_received", fact, nil)
	if err != nil {
		return nil, err
	}
	if _, err := s.record(r, d); err != nil {
		return nil, err
	}
	return see("/collect/"+org+"/taken/"+id, "cash_taken"), nil
}

// takenCash is a payment in cash as the log has it.
type takenCash struct {
	*events.PaymentReceived
	At     projections.Position
	Code   string
	Event  string
	Bill   projections.Bill
	Amount int64
	Mine   bool // the visitor took it, today
}

// cashOf finds a payment that was taken on these pages. Errors: readmodel.ErrNotFound.
func (s *site) cashOf(r *request, organization, event string) (*takenCash, error) {
	claims, err := s.Outcomes.Claimants(r.Context(), event, organization, source)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(claims, func(o *ledger.Outcome) bool {
		return o.Organization == organization && o.Status.Accepted() && events.Name(o.Type) == "market.payment_received"
	})
	if i < 0 {
		return nil, readmodel.ErrNotFound
	}
	record, err := s.Records.At(r.Context(), claims[i].Shard, claims[i].Offset)
	if err != nil {
		return nil, err
	}
	e, err := events.Decode(record.Value)
	if err != nil {
		return nil, err
	}
	f, ok := e.Fact.(*events.PaymentReceived)
	if !ok || f.Method != "cash" {
		return nil, readmodel.ErrNotFound
	}
	t := &takenCash{PaymentReceived: f, At: projections.Position{Shard: claims[i].Shard, Offset: claims[i].Offset}, Code: claims[i].Code, Event: event, Amount: f.Money().Minor()}
	t.Mine = string(f.Collector) == r.who.ID && f.EffectiveOn == r.today()
	t.Bill, err = s.Model.Bill(r.Context(), organization, string(f.Payment.Bill))
	if errors.Is(err, readmodel.ErrNotFound) { // money for a bill that nobody knows was taken all the same
		err = nil
	}
	return t, err
}

type takenPage struct {
	*takenCash
	Organization string
	Words        string
	Left         int64
	Receipt      string // where the proof is; empty where none is handed out
	Back         string // the id that taking it back will have
}

// taken is the receipt of a payment in cash, on the screen.
func (s *site) taken(r *request) (*view, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	t, err := s.cashOf(r, o.Organization, r.PathValue("event"))
	if err != nil {
		return nil, err
	}
	page := takenPage{takenCash: t, Organization: o.Organization, Words: money.InWords(t.Amount), Left: max(t.Bill.Owed(), 0), Back: newID()}
	v := &view{template: "taken", title: r.language.say("taken.title"), section: "market", data: page}
	v.crumbs = append(r.crumbs(o), crumb{r.language.say("collect.short"), "/collect/" + o.Organization})
	return v, nil
}

// takenPaper is the same on paper.
func (s *site) takenPaper(r *request) (*view, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	t, err := s.cashOf(r, o.Organization, r.PathValue("event"))
	if err != nil {
		return nil, err
	}
	l := s.languages["vi"] // paper is Vietnamese whoever prints it
	serial := strconv.Itoa(t.At.Shard) + ":" + strconv.FormatInt(t.At.Offset, 10)
	document, err := print.Vouchers([]print.Voucher{{Issuer: o.Name, Place: l.say("taken.stall", "stall", t.Bill.Stall), What: l.say("taken.what", "month", month(t.Bill.Period)),
		Amount: t.Amount, Left: max(t.Bill.Owed(), 0), How: l.say("taken.how", "collector", string(t.Collector)), On: date(t.EffectiveOn), Serial: serial}},
		print.Options{Title: l.say("taken.title"), At: time.Now().UTC()})
	return &view{file: &file{name: "bien-nhan-" + t.Event + ".pdf", kind: "application/pdf", content: document}}, err
}

// giveBack takes a payment back that the visitor wrote down today: a typo, or cash
// that was handed back at once.
func (s *site) giveBack(r *request, org, event string) (*view, error) {
	t, err := s.cashOf(r, org, event)
	if err != nil {
		return nil, err
	}
	if !t.Mine {
		return nil, errForbidden
	}
	d, err := r.draft(org, r.PostFormValue("fact"), "ledger.reversed", &events.Reversed{Dated: events.Dated{EffectiveOn: r.today()}, Reverses: events.EventID(event), ReversesSource: source, Reason: "typo"}, nil)
	if err != nil {
		return nil, err
	}
	if _, err := s.record(r, d); err != nil {
		return nil, err
	}
	return see("/collect/"+org, "cash_back"), nil
}

type cashPage struct {
	Organization projections.Organization
	Held         []heldCash
	Bank         *form // nil: the visitor banks nothing
	Total        string
	Refund       bool // the visitor pays credit back in cash
}

// heldCash is what one collector holds.
type heldCash struct {
	projections.Holding
	Name  string
	Since events.Date // some of it; empty where that is not known
}

// cashHeld says who holds how much.
func (s *site) cashHeld(r *request) (*view, error) {
	v, _, err := s.cashView(r)
	return v, err
}

func (s *site) cashView(r *request) (*view, *cashPage, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, nil, err
	}
	page := &cashPage{Organization: o}
	held, err := s.allHeld(r, o.Organization)
	if err != nil {
		return nil, nil, err
	}
	total := new(big.Int)
	var holders []option
	for _, h := range held {
		one := heldCash{Holding: h, Name: s.collectorName(r, h.Holder)}
		if s.Finance != nil && h.Currency == money.VND && h.Amount > 0 {
			if one.Since, err = s.financeOf(r).CashSince(r.Context(), o.Organization, h.Holder); err != nil {
				return nil, nil, err
			}
		}
		page.Held = append(page.Held, one)
		holders = append(holders, option{Value: h.Holder, Label: one.Name + " · " + r.language.minor(h.Amount, h.Currency)})
		if h.Currency == money.VND {
			total.Add(total, big.NewInt(h.Amount))
		}
	}
	page.Total = r.language.decimal(total.String(), money.VND)
	page.Refund = r.who.May(identity.MatchPayments, o.Organization) && s.Finance != nil && s.Desk != nil
	if r.who.May(identity.MatchPayments, o.Organization) && len(holders) > 0 {
		who, line, amount := r.ask("collector", "select", ""), r.ask("bank_line", "text", "off"), r.ask("banked", "text", "off")
		who.Options, line.Max, amount.Max = holders, 64, 24
		if lines, err := s.bankingLines(r, o.Organization); err != nil {
			return nil, nil, err
		} else if lines != nil {
			line.Type, line.Hint, line.Options = "select", "", lines
		}
		page.Bank = &form{Action: r.URL.Path, Submit: r.language.say("cash.do"), Fields: []formField{who, amount, line, hidden("fact", newID())}}
		if id := r.PostFormValue("fact"); id != "" {
			page.Bank.Fields[3].Value = id
		}
	}
	return &view{template: "cashheld", title: r.language.say("cash.title"), section: "market", crumbs: append(r.crumbs(o), crumb{r.language.say("collect.short"), "/collect/" + o.Organization}), data: page}, page, nil
}

// mostBankingLines bounds the lines that a deposit is chosen from.
const mostBankingLines = 100

// bankingLines are lines that came in and that nothing is placed on, the latest
// first: nil where there are none, and the id is typed.
func (s *site) bankingLines(r *request, organization string) (lines []option, err error) {
	if s.Desk == nil {
		return nil, nil
	}
	for _, tab := range []reconcile.Tab{reconcile.Unknown, reconcile.Needs} {
		rows, _, err := s.Desk.Lines.Lines(r.Context(), organization, tab, "", mostBankingLines)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if l := &rows[i]; l.Currency == money.VND && l.Left > 0 {
				lines = append(lines, option{Value: l.Line, Label: date(events.Date(l.On)) + " · " + r.language.vnd(l.Left)})
			}
		}
	}
	return lines, nil
}

// bankCash writes down that a collector's cash came to the bank, by a line of it.
func (s *site) bankCash(r *request) (*view, error) {
	v, page, err := s.cashView(r)
	if err != nil || page.Bank == nil {
		return v, err
	}
	shown := &formPage{Form: page.Bank}
	amount, ok := dongOf(r.PostFormValue("banked"))
	line := strings.TrimSpace(r.PostFormValue("bank_line"))
	for i, wrong := range []string{1: map[bool]string{false: r.language.say("cash.amount")}[ok], 2: map[bool]string{false: r.language.say("cash.line")}[events.ValidID(line)]} {
		if wrong != "" {
			page.Bank.Fields[i].Error, v.status = wrong, http.StatusUnprocessableEntity
		}
	}
	if v.status != 0 {
		return v, nil
	}
	fact := &events.CashBanked{Dated: events.Dated{EffectiveOn: r.today()}, Sum: events.Sum{Amount: amount, Currency: money.VND}, Collector: events.ID(r.PostFormValue("collector")), Line: events.ID(line)}
	d, err := r.draft(page.Organization.Organization, r.PostFormValue("fact"), "market.cash_banked", fact, nil)
	if err != nil {
		return nil, err
	}
	if _, err := s.record(r, d); err != nil {
		return r.refuse(v, shown, err)
	}
	return see(r.URL.Path, "cash_banked"), nil
}
