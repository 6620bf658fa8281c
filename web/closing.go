package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/reconcile"
	"socho/projections"
)

// Closing is what an office looks at before it closes a month, and at money that is
// for no bill; *office.Office knows it.
type Closing interface {
	Closed(ctx context.Context, organization string) (events.Period, error)
	Waits(ctx context.Context, organization string) (minor int64, err error)
	CashSince(ctx context.Context, organization, collector string) (events.Date, error)
}

// closing are the routes of who closes months, and of who places money that waits or
// pays credit back in cash.
func (s *site) closing() []route {
	match := rights{identity.MatchPayments}
	// Where approvals are required, the ledger lets only an approver open a month again.
	bills := rights{identity.IssueBills, identity.ApprovePayouts}
	return []route{
		{pattern: "GET /office/{org}/months", rights: bills, where: inPath, show: s.months},
		{pattern: "POST /office/{org}/months", rights: bills, where: inPath, page: true, show: s.months},
		{pattern: "GET /desk/{org}/suspense", rights: match, where: inPath, show: s.suspense},
		{pattern: "POST /desk/{org}/suspense", rights: match, where: inPath, page: true, show: s.suspense},
		{pattern: "GET /collect/{org}/refund", rights: match, where: inPath, show: s.refundCash},
		{pattern: "POST /collect/{org}/refund", rights: match, where: inPath, page: true, show: s.refundCash},
	}
}

type monthsPage struct {
	Organization projections.Organization
	Closed       events.Period
	Waiting      []monthWait // what is not done yet
	Close        *form       // nil: the visitor does not bill, and only opens again
	Reopen       *form       // nil: no month is closed
}

// monthWait is something that an office looks at before it closes a month.
type monthWait struct{ What, Sum, Link string }

// reopenReasons are why a closed month is opened again.
var reopenReasons = []string{"correction", "audit", "mistake"}

// months closes the books of a month, and opens them again.
func (s *site) months(r *request) (*view, error) {
	o, err := s.organization(r, "")
	if err != nil {
		return nil, err
	}
	page := &monthsPage{Organization: o}
	if page.Closed, err = s.financeOf(r).Closed(r.Context(), o.Organization); err != nil {
		return nil, err
	}
	v := &view{template: "months", title: r.language.say("months.title"), section: o.Kind, crumbs: r.crumbs(o), data: page}
	over := r.today().Period().Previous()
	which := formField{Name: "month", Type: "month", Label: r.language.say("months.month"), Value: cmp.Or(r.FormValue("month"), string(over)), Required: true, Max: 7}
	if r.who.May(identity.IssueBills, o.Organization) {
		if page.Waiting, err = s.beforeClosing(r, o); err != nil {
			return nil, err
		}
		page.Close = &form{Action: r.URL.Path, Submit: r.language.say("months.close"), Fields: []formField{which, hidden("do", "close"), hidden("fact", newID())}}
		v = s.underOffice(r, o, v)
	}
	if page.Closed != "" {
		again, why := which, formField{Name: "reason", Type: "select", Label: r.language.say("months.reason"), Options: r.language.options("reopen_reason", reopenReasons), Value: r.FormValue("reason"), Required: true}
		again.Name, again.Value = "again", cmp.Or(r.FormValue("again"), string(page.Closed))
		page.Reopen = &form{Action: r.URL.Path, Submit: r.language.say("months.reopen"), Fields: []formField{again, why, hidden("do", "reopen"), hidden("fact", newID())}}
	}
	if r.Method != http.MethodPost {
		return v, nil
	}
	var fact events.Fact
	asked, name := page.Close, "organization.month_closed"
	period := events.Period(r.PostFormValue("month"))
	reopen := r.PostFormValue("do") == "reopen"
	if reopen {
		if asked, name, period = page.Reopen, "organization.month_reopened", events.Period(r.PostFormValue("again")); asked == nil {
			return v, nil
		}
	} else if asked == nil {
		return nil, errForbidden
	}
	if len(period) != 7 || !period.Valid() {
		asked.Fields[0].Error, v.status = r.language.say("run.bad_period"), http.StatusUnprocessableEntity
		return v, nil
	}
	dated := events.Dated{EffectiveOn: r.today()}
	fact = &events.MonthClosed{Dated: dated, Period: period}
	if reopen {
		reason := r.PostFormValue("reason")
		if !slices.Contains(reopenReasons, reason) {
			return nil, errBad
		}
		fact = &events.MonthReopened{Dated: dated, Period: period, Reason: events.Word(reason)}
	}
	d, err := r.draft(o.Organization, r.PostFormValue("fact"), name, fact, nil)
	if err != nil {
		return nil, err
	}
	if r.PostFormValue("sure") != "yes" {
		outcomes, err := s.Recorder.TrySay(r.Context(), actor(r.who), []events.Draft{d})
		if err != nil {
			return nil, err
		}
		if len(outcomes) == 1 && !outcomes[0].Status.Accepted() {
			return r.refuse(v, &formPage{Form: asked}, &refusedFact{outcomes[0]})
		}
		key, carried := "month_close", []formField{hidden("month", string(period))}
		if reopen {
			key, carried = "month_reopen", []formField{hidden("again", string(period)), hidden("reason", r.PostFormValue("reason"))}
		}
		sure := r.sureOf(key, r.language.say(key+".consequence", "month", month(string(period))), r.URL.Path, append(carried, hidden("do", r.PostFormValue("do")), hidden("fact", r.PostFormValue("fact")))...)
		sure.section, sure.crumbs = v.section, v.crumbs
		return sure, nil
	}
	if _, err := s.record(r, d); err != nil {
		return r.refuse(v, &formPage{Form: asked}, err)
	}
	return see(r.URL.Path, map[bool]string{false: "month_closed", true: "month_reopened"}[reopen]), nil
}

// beforeClosing lists what waits for somebody.
func (s *site) beforeClosing(r *request, o projections.Organization) (all []monthWait, err error) {
	l := r.language
	if s.Desk != nil {
		tabs, err := s.deskTabs(r, o.Organization, "")
		if err != nil {
			return nil, err
		}
		for _, t := range tabs {
			if t.Count > 0 && (t.Tab == reconcile.Needs || t.Tab == reconcile.Unknown || t.Tab == reconcile.Duplicates) {
				all = append(all, monthWait{l.word("desk.tab", string(t.Tab)), t.Sum, t.Link})
			}
		}
	}
	waits, err := s.financeOf(r).Waits(r.Context(), o.Organization)
	if err != nil {
		return nil, err
	}
	if waits != 0 {
		all = append(all, monthWait{l.say("suspense.title"), l.vnd(waits), "/desk/" + o.Organization + "/suspense"})
	}
	if o.Kind == "market" {
		held, err := s.allHeld(r, o.Organization)
		if err != nil {
			return nil, err
		}
		sum := int64(0)
		for _, h := range held {
			if h.Currency == money.VND {
				sum += h.Amount
			}
		}
		if sum != 0 {
			all = append(all, monthWait{l.say("cash.title"), l.vnd(sum), "/collect/" + o.Organization + "/cash"})
		}
	}
	return all, nil
}

// waitPage is a page on which money is placed by one form, and what was done is
// taken back.
type waitPage struct {
	Lead   string
	Notice *deskNotice
	Action string
	Empty  string
	Form   *form
}

// placed finishes an act of such a page: it takes back what was asked to be, or asks
// whether what a draft says is meant, and says it.
func (s *site) placed(r *request, v *view, page *waitPage, sure, consequence string, d events.Draft, carried ...string) (*view, error) {
	if r.PostFormValue("sure") != "yes" {
		outcomes, err := s.Recorder.TrySay(r.Context(), actor(r.who), []events.Draft{d})
		if err != nil {
			return nil, err
		}
		if len(outcomes) == 1 && !outcomes[0].Status.Accepted() {
			return r.refuse(v, &formPage{Form: page.Form}, &refusedFact{outcomes[0]})
		}
		fields := []formField{hidden("fact", r.PostFormValue("fact"))}
		for _, name := range carried {
			fields = append(fields, hidden(name, r.PostFormValue(name)))
		}
		asked := r.sureOf(sure, consequence, r.URL.Path, fields...)
		asked.section, asked.crumbs = v.section, v.crumbs
		return asked, nil
	}
	if _, err := s.record(r, d); err != nil {
		return r.refuse(v, &formPage{Form: page.Form}, err)
	}
	return see(asking(r.URL.Path, "act", string(d.Envelope.ID)), ""), nil
}

// undoPlaced reverses what such a page said.
func (s *site) undoPlaced(r *request, page *waitPage, organization string) (*view, error) {
	facts, err := s.undoing(r, organization)
	if err != nil {
		return nil, err
	}
	_, err = s.record(r, facts...)
	var refused *refusedFact
	if errors.As(err, &refused) {
		page.Notice = s.refusedNotice(r, organization, "", refused)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return see(asking(r.URL.Path, "act", string(facts[0].Envelope.ID)), ""), nil
}

// suspense places money that waits, for what nobody knew, on a bill.
func (s *site) suspense(r *request) (*view, error) {
	o, err := s.deskOf(r)
	if err != nil {
		return nil, err
	}
	page := &waitPage{Action: r.URL.Path, Empty: "suspense"}
	v := &view{template: "waiting", title: r.language.say("suspense.title"), section: "desk", crumbs: s.deskCrumbs(r, o), data: page}
	if r.Method == http.MethodPost && r.PostFormValue("do") == "undo" {
		if to, err := s.undoPlaced(r, page, o.Organization); to != nil || err != nil {
			return to, err
		}
	} else if ids := r.query.Get("act"); ids != "" {
		page.Notice = s.doneNotice(r, o.Organization, strings.Split(ids, ","))
	}
	waits, err := s.financeOf(r).Waits(r.Context(), o.Organization)
	if err != nil {
		return nil, err
	}
	if page.Lead = r.language.say("suspense.lead", "sum", r.language.vnd(waits)); waits <= 0 {
		return v, nil
	}
	bill, amount := r.ask("open_bill", "text", "off"), r.ask("placed", "text", "off")
	bill.Max, amount.Max, amount.Required = 64, 24, false
	page.Form = &form{Action: r.URL.Path, Submit: r.language.say("suspense.do"), Fields: []formField{bill, amount, hidden("fact", newID())}}
	if r.Method != http.MethodPost || r.PostFormValue("do") == "undo" {
		return v, nil
	}
	wrong := func(field int, text string) (*view, error) {
		page.Form.Fields[field].Error, v.status = text, http.StatusUnprocessableEntity
		return v, nil
	}
	name := strings.TrimSpace(r.PostFormValue("open_bill"))
	b, err := s.Desk.Lines.OpenBill(r.Context(), o.Organization, strings.ToUpper(strings.Join(strings.Fields(name), "")))
	if errors.Is(err, reconcile.ErrNoBill) {
		b, err = s.Desk.Lines.OpenBill(r.Context(), o.Organization, name)
	}
	if errors.Is(err, reconcile.ErrNoBill) {
		return wrong(0, r.language.say("line.no_bill", "bill", name))
	}
	if err != nil {
		return nil, err
	}
	minor, err := readMinor(cmp.Or(strings.TrimSpace(r.PostFormValue("placed")), strconv.FormatInt(min(b.Owed, waits), 10)), money.VND)
	if err != nil {
		return wrong(1, r.language.say("cash.amount"))
	}
	sum, err := sumOf(minor, money.VND)
	if err != nil {
		return nil, err
	}
	d, err := r.draft(o.Organization, r.PostFormValue("fact"), "organization.suspense_placed", &events.SuspensePlaced{Dated: events.Dated{EffectiveOn: r.today()}, Sum: sum, Bill: events.ID(b.Bill)}, nil)
	if err != nil {
		return nil, err
	}
	consequence := r.language.say("suspense.consequence", "sum", r.language.vnd(minor), "holder", r.language.holder(b.Holder), "owed", r.language.vnd(b.Owed))
	return s.placed(r, v, page, "suspense", consequence, d, "open_bill", "placed")
}

// refundCash pays credit back in cash that a collector holds.
func (s *site) refundCash(r *request) (*view, error) {
	o, err := s.organization(r, "market")
	if err != nil {
		return nil, err
	}
	page := &waitPage{Action: r.URL.Path, Empty: "cashback", Lead: r.language.say("cashback.lead")}
	v := &view{template: "waiting", title: r.language.say("cashback.title"), section: "market", data: page}
	v.crumbs = append(r.crumbs(o), crumb{r.language.say("cash.title"), "/collect/" + o.Organization + "/cash"})
	if r.Method == http.MethodPost && r.PostFormValue("do") == "undo" {
		if to, err := s.undoPlaced(r, page, o.Organization); to != nil || err != nil {
			return to, err
		}
	} else if ids := r.query.Get("act"); ids != "" {
		page.Notice = s.doneNotice(r, o.Organization, strings.Split(ids, ","))
	}
	if s.Desk == nil {
		return nil, errNoPage
	}
	credits, err := s.Desk.Lines.Credits(r.Context(), o.Organization, mostCredits)
	if err != nil {
		return nil, err
	}
	held, err := s.allHeld(r, o.Organization)
	if err != nil {
		return nil, err
	}
	whose, who, amount := r.ask("credit_of", "select", ""), r.ask("collector", "select", ""), r.ask("handed", "text", "off")
	amount.Max = 24
	most := map[string]int64{}
	for _, c := range credits {
		if c.Currency == money.VND {
			most[c.Holder] = c.Amount
			whose.Options = append(whose.Options, option{Value: c.Holder, Label: r.language.holder(c.Holder) + " · " + r.language.vnd(c.Amount)})
		}
	}
	for _, h := range held {
		if h.Currency == money.VND && h.Amount > 0 {
			who.Options = append(who.Options, option{Value: h.Holder, Label: s.collectorName(r, h.Holder) + " · " + r.language.vnd(h.Amount)})
		}
	}
	if len(whose.Options) == 0 || len(who.Options) == 0 {
		return v, nil
	}
	page.Form = &form{Action: r.URL.Path, Submit: r.language.say("cashback.do"), Fields: []formField{whose, who, amount, hidden("fact", newID())}}
	if r.Method != http.MethodPost || r.PostFormValue("do") == "undo" {
		return v, nil
	}
	kind, holder, _ := strings.Cut(r.PostFormValue("credit_of"), ":")
	minor, err := readMinor(r.PostFormValue("handed"), money.VND)
	if err != nil || minor > most[r.PostFormValue("credit_of")] {
		page.Form.Fields[2].Error, v.status = r.language.say("cashback.amount", "most", r.language.vnd(most[r.PostFormValue("credit_of")])), http.StatusUnprocessableEntity
		return v, nil
	}
	sum, err := sumOf(minor, money.VND)
	if err != nil {
		return nil, err
	}
	f := &events.RefundedInCash{Dated: events.Dated{EffectiveOn: r.today()}, Sum: sum, Collector: events.ID(r.PostFormValue("collector"))}
	switch kind {
	case "stall":
		f.Stall = events.ID(holder)
	case "pupil":
		f.Person = events.ID(holder)
	default:
		return nil, errBad
	}
	d, err := r.draft(o.Organization, r.PostFormValue("fact"), "organization.refunded_in_cash", f, nil)
	if err != nil {
		return nil, err
	}
	consequence := r.language.say("cashback.consequence", "sum", r.language.vnd(minor), "holder", r.language.holder(r.PostFormValue("credit_of")), "collector", s.collectorName(r, string(f.Collector)))
	return s.placed(r, v, page, "cashback", consequence, d, "credit_of", "collector", "handed")
}

// collectorName is what a collector is called, where the visitor may know; else the
// id.
func (s *site) collectorName(r *request, collector string) string {
	if s.Desk != nil && s.Desk.Colleague != nil {
		return cmp.Or(s.Desk.Colleague(r.Context(), collector), collector)
	}
	return collector
}
