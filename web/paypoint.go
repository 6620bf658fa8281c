package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/payoutreport"
	"socho/internal/readmodel"
	"socho/projections"
)

// PayPointSource says what lies at pay points and who is to be paid there;
// payoutreport.Books does.
type PayPointSource interface {
	PayoutPeriods(ctx context.Context, organization string) ([]string, error)
	CashUnits(ctx context.Context, organization, period string) ([]string, error)
	CashPayouts(ctx context.Context, organization, period, unit string, limit int) ([]readmodel.CashPayout, error)
	Points(ctx context.Context, organization string) ([]payoutreport.Till, error)
	Till(ctx context.Context, organization, point, month string) (payoutreport.Till, error)
	OpenLines(ctx context.Context, organization string, out bool, limit int) ([]payoutreport.OpenLine, error)
	ToRecover(ctx context.Context, organization string, limit int) ([]payoutreport.Owed, error)
	Recoverable(ctx context.Context, organization, person, programme, period string) (int64, error)
}

// Bounds of one page.
const (
	linesAtOnce    = 600 // of one commune's month; a phone keeps them all
	openLinesShown = 200
)

// payPoints are the routes of paying out cash, and of the month's papers.
func (s *site) payPoints() []route {
	pay := rights{identity.PayCash}
	till := rights{identity.PayCash, identity.MatchPayments}
	one := "/paypoints/{org}/{point}/payouts/{payout}"
	return append(s.payoutPapers(), []route{
		{pattern: "GET /paypoints/{org}", rights: till, where: inPath, show: s.choosePoint},
		{pattern: "GET /paypoints/{org}/{point}", rights: pay, where: inPath, show: s.payPoint},
		{pattern: "GET " + one, rights: pay, where: inPath, show: s.handOut},
		{pattern: "POST " + one, rights: rights{identity.UnsealIdentity}, where: inPath, page: true, show: s.handOut},
		{pattern: "POST " + one + "/pay", rights: pay, where: inPath, show: s.payOut},
		{pattern: "POST " + one + "/undo", rights: pay, where: inPath, show: s.takeBack},
		{pattern: "GET /payouts/{org}/{payout}/receipts/{shard}/{offset}", rights: rights{identity.SeePayouts}, where: inPath, show: s.payoutReceipt},
		{pattern: "GET /funds/{org}/recover", rights: till, where: inPath, show: s.toRecover},
		{pattern: "GET /funds/{org}/recover/{programme}/{period}/{person}", rights: till, where: inPath, show: s.recover},
		{pattern: "POST /funds/{org}/recover/{programme}/{period}/{person}", rights: till, where: inPath, page: true, show: s.recover},
		{pattern: "GET /paypoints/{org}/{point}/till", rights: till, where: inPath, show: s.till},
		{pattern: "POST /paypoints/{org}/{point}/till", rights: till, where: inPath, show: s.till},
	}...)
}

// today is the calendar day in Vietnam.
func today() events.Date { return events.Date(time.Now().In(vietnam).Format(time.DateOnly)) }

// cashMonth is the fund, month and commune that a page of cash is about.
type cashMonth struct {
	Organization   projections.Organization
	Periods, Units []string
	Period, Unit   string
}

func (s *site) cashMonth(r *request) (m cashMonth, err error) {
	if m.Organization, err = s.organization(r, "fund"); err != nil {
		return m, err
	}
	if m.Periods, err = s.PayPoints.PayoutPeriods(r.Context(), m.Organization.Organization); err != nil {
		return m, err
	}
	if m.Period = r.FormValue("period"); m.Period == "" && len(m.Periods) > 0 {
		m.Period = m.Periods[0]
	} else if m.Period != "" && (len(m.Period) != 7 || !events.Period(m.Period).Valid()) {
		return m, errBad
	}
	if m.Period != "" {
		if m.Units, err = s.PayPoints.CashUnits(r.Context(), m.Organization.Organization, m.Period); err != nil {
			return m, err
		}
	}
	m.Unit = r.FormValue("unit")
	return m, nil
}

// base is where an organization's pay point has its pages.
func (m cashMonth) base(point string) string {
	return "/paypoints/" + m.Organization.Organization + "/" + point
}

// choosePointPage asks where one pays out, and whom.
type choosePointPage struct {
	cashMonth
	Points  []payoutreport.Till
	Problem string
	Point   string
}

// choosePoint begins a day of paying out: at which pay point, for which commune's
// month. A point that nobody has used yet is named by typing it.
func (s *site) choosePoint(r *request) (*view, error) {
	m, err := s.cashMonth(r)
	if err != nil {
		return nil, err
	}
	page := choosePointPage{cashMonth: m, Point: strings.TrimSpace(r.query.Get("point"))}
	if page.Points, err = s.PayPoints.Points(r.Context(), m.Organization.Organization); err != nil {
		return nil, err
	}
	if r.query.Has("point") {
		if events.ValidID(page.Point) {
			to := m.base(page.Point) + "?period=" + m.Period
			if m.Unit != "" {
				to += "&unit=" + m.Unit
			}
			return see(to, ""), nil
		}
		page.Problem = r.language.say("paypoint.name.wrong")
	}
	v := &view{template: "paypoints", title: r.language.say("paypoint.choose.title"), section: "fund", crumbs: m.crumbs(r, ""), data: page}
	if page.Problem != "" {
		v.status = http.StatusUnprocessableEntity
	}
	return v, nil
}

// crumbs lead from the fund to the choice of pay points, and on to one.
func (m cashMonth) crumbs(r *request, point string) []crumb {
	all := append(r.crumbs(m.Organization), crumb{r.language.say("paypoint.choose.title"), ""})
	if point != "" {
		all[len(all)-1].Link = "/paypoints/" + m.Organization.Organization
		all = append(all, crumb{r.language.say("paypoint.title", "point", point), m.base(point) + "?period=" + m.Period + "&unit=" + m.Unit})
	}
	return all
}

// cashLine is one payout at a pay point.
type cashLine struct {
	projections.Payout
	Status string
	Due    int64 // what is to be handed over; 0 once it has been, or left by the bank
	Fact   string
	Label  string // names it while it waits on a telephone
}

// cashLine says what a payout still comes to in cash. What is on its way through
// the bank is not due: it may yet arrive.
func (r *request) cashLine(p projections.Payout) cashLine {
	line := cashLine{Payout: p, Status: p.Status(), Due: p.Payable + p.Returned, Fact: newID()}
	if line.Status == projections.PayoutReversed {
		line.Due = 0
	}
	line.Label = p.Payout + " · " + r.language.minor(line.Due, p.Currency)
	return line
}

// payPointPage is a commune's month at a pay point.
type payPointPage struct {
	cashMonth
	Point        string
	Base         string
	Till         payoutreport.Till
	Month        string // of the till
	Counted      string // what the clerk counted, as typed
	CountedSum   int64
	Difference   int64
	HasCounted   bool
	Problem      string
	Code         string
	Open, Done   []cashLine
	OpenSum      int64
	DoneSum      int64
	More         bool // there are more lines than a page holds
	CountedWrong bool
	Sheets       bool // the visitor may take the signed list along
	Decoder      string
}

// payPoint shows whom to pay here, and what should be in the till. It names
// nobody, so that it may stay on the telephone: names stand on the signed list, or
// are opened one by one.
func (s *site) payPoint(r *request) (*view, error) {
	m, err := s.cashMonth(r)
	if err != nil {
		return nil, err
	}
	organization, point := m.Organization.Organization, r.PathValue("point")
	if !events.ValidID(point) {
		return nil, errNoPage
	}
	page := payPointPage{cashMonth: m, Point: point, Base: m.base(point), Month: string(today())[:7], Code: strings.ToLower(strings.TrimSpace(r.query.Get("code"))), Decoder: s.assets.address("jsqr.js")}
	page.Sheets = r.who.May(identity.ExportPersonal, organization)
	if page.Code != "" {
		if _, err := s.Model.Payout(r.Context(), organization, page.Code); err == nil {
			return see(page.Base+"/payouts/"+page.Code, ""), nil
		}
		page.Problem = r.language.say("paypoint.code.unknown")
	}
	if page.Till, err = s.PayPoints.Till(r.Context(), organization, point, page.Month); err != nil {
		return nil, err
	}
	if page.Counted = r.query.Get("counted"); page.Counted != "" {
		var ok bool
		if page.CountedSum, ok = readDong(page.Counted); ok {
			page.HasCounted, page.Difference = true, page.CountedSum-page.Till.Left()
		}
		page.CountedWrong = !ok
	}
	if m.Period != "" {
		all, err := s.PayPoints.CashPayouts(r.Context(), organization, m.Period, m.Unit, linesAtOnce+1)
		if err != nil {
			return nil, err
		}
		page.More = len(all) > linesAtOnce
		for _, p := range all[:min(len(all), linesAtOnce)] {
			line := r.cashLine(p.Payout)
			switch {
			case line.Due > 0:
				page.Open, page.OpenSum = append(page.Open, line), page.OpenSum+line.Due
			case p.PaidCash > 0:
				page.Done, page.DoneSum = append(page.Done, line), page.DoneSum+p.PaidCash
			}
		}
	}
	v := &view{template: "paypoint", title: r.language.say("paypoint.title", "point", point), section: "fund", crumbs: m.crumbs(r, point), data: page, keep: true, camera: true}
	v.crumbs[len(v.crumbs)-1].Link = ""
	if page.Problem != "" || page.CountedWrong {
		v.status = http.StatusUnprocessableEntity
	}
	return v, nil
}

// readDong reads an amount as people type it: 1.250.000, with or without đ. A point,
// comma or blank stands before three digits, so that 12,5 is no amount.
func readDong(text string) (n int64, ok bool) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(strings.ToLower(text)), "đ"))
	groups := strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(". ,\u00a0", c) })
	for i, group := range groups {
		if i > 0 && len(group) != 3 {
			return 0, false
		}
	}
	digits := strings.Join(groups, "")
	if len(digits) == 0 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}

// handOutPage is one payout at the counter.
type handOutPage struct {
	cashMonth
	Point, Base string
	Line        cashLine
	Paid        []paidFact
	Reveal      *reveal
	Problem     string
}

// paidFact is one time that the payout was handed over, and whether that was taken
// back.
type paidFact struct {
	projections.TracedEvent
	Paper string // where its receipt is, on paper
	Back  bool
	Undo  string // id of the fact that takes it back; empty where it may not be
}

// receiverOf is what identifies whoever is to be paid: it is held against the card
// that they show.
var receiverOf = group{key: "receiver", fields: []string{"name", "full_name", "citizen_id", "guardian_name"}}

// handOut shows one payout, and opens who may receive it when asked.
func (s *site) handOut(r *request) (*view, error) {
	page, err := s.handOutPage(r)
	if err != nil {
		return nil, err
	}
	p := page.Line.Payout
	if page.Reveal, err = s.reveal(r, p.Organization, p.Person, []readmodel.Subject{{Organization: p.Organization, Kind: projections.SubjectPayout, ID: p.Payout},
		{Organization: p.Organization, Kind: projections.SubjectPerson, ID: p.Person}}, receiverOf); err != nil {
		return nil, err
	}
	return r.handOutView(page), nil
}

func (r *request) handOutView(page *handOutPage) *view {
	return &view{template: "handout", title: r.language.say("handout.title", "payout", page.Line.Payout.Payout), section: "fund",
		crumbs: page.crumbs(r, page.Point), data: page, keep: true}
}

func (s *site) handOutPage(r *request) (*handOutPage, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	p, err := s.Model.Payout(r.Context(), o.Organization, r.PathValue("payout"))
	if err != nil {
		return nil, err
	}
	page := &handOutPage{cashMonth: cashMonth{Organization: o, Period: p.Period, Unit: p.Unit}, Point: r.PathValue("point"), Line: r.cashLine(p)}
	if !events.ValidID(page.Point) {
		return nil, errNoPage
	}
	page.Base = page.base(page.Point)
	subject := readmodel.Subject{Organization: o.Organization, Kind: projections.SubjectPayout, ID: p.Payout}
	if page.Paid, err = s.paidFacts(r, subject, "benefit.paid_in_cash"); err != nil {
		return nil, err
	}
	for i := range page.Paid {
		page.Paid[i].Paper = s.receiptAt(o.Organization, p.Payout, &page.Paid[i].TracedEvent)
	}
	return page, nil
}

// paidFacts lists the facts of a kind about something, the latest last: the times
// that a payout was handed over, say.
func (s *site) paidFacts(r *request, subject readmodel.Subject, name string) ([]paidFact, error) {
	traced, _, err := s.Traces.Trace(r.Context(), subject, readmodel.Page{Limit: recordsRead})
	if err != nil {
		return nil, err
	}
	var paid []paidFact
	for _, t := range traced {
		switch events.Name(t.Type) {
		case name:
			f := paidFact{TracedEvent: t}
			if t.Source == source {
				f.Undo = newID()
			}
			paid = append(paid, f)
		case reversal:
			record, err := s.Records.At(r.Context(), t.Shard, t.Offset)
			if err != nil {
				return nil, err
			}
			e, err := events.Decode(record.Value)
			if err != nil {
				continue
			}
			back, ok := e.Fact.(*events.Reversed)
			for i := range paid {
				if ok && paid[i].EventID == string(back.Reverses) && paid[i].Source == string(back.ReversesSource) {
					paid[i].Back, paid[i].Undo = true, ""
				}
			}
		}
	}
	slices.SortFunc(paid, func(a, b paidFact) int { return int(a.Offset - b.Offset) })
	return paid, nil
}
