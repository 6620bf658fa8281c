package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/reconcile"
	"socho/projections"
)

// bulkMost bounds the lines that are accepted together: what a person looks
// through before saying yes.
const bulkMost = 100

type bulkPage struct {
	Organization projections.Organization
	Action, Back string
	Rows         []bulkRow
	More         bool
	Sum          int64
	Done         int
	Refused      []bulkRow
	Asked        bool
}

// bulkRow is a line with its one sure suggestion, and what the ledger would say of
// it.
type bulkRow struct {
	Line    deskLine
	Offer   offer
	Link    string
	Refused string // why it would not be taken, or was not
	Unusual string
}

// bulk shows every line whose only suggestion of the strongest kind is its first,
// with what the ledger would make of it, and accepts those that the visitor leaves
// marked. Nothing is taken that was not shown: the form says what is accepted.
func (s *site) bulk(r *request) (*view, error) {
	o, err := s.deskOf(r)
	if err != nil {
		return nil, err
	}
	page := &bulkPage{Organization: o, Action: r.URL.Path, Back: "/desk/" + o.Organization}
	v := &view{template: "deskbulk", title: r.language.say("bulk.title"), section: "desk", crumbs: s.deskCrumbs(r, o), data: page}
	if r.Method == http.MethodPost {
		page.Asked = true
		return v, s.acceptMany(r, page)
	}
	for after, n := "", 0; n < 40; n++ {
		rows, next, err := s.Desk.Lines.Lines(r.Context(), o.Organization, reconcile.Needs, after, 50)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			if !sure(&rows[i]) {
				continue
			}
			if len(page.Rows) == bulkMost {
				page.More = true
				break
			}
			shown := s.deskLine(r, o.Organization, &rows[i])
			page.Rows = append(page.Rows, bulkRow{Line: shown, Offer: shown.Offers[0], Link: lineLink(o.Organization, rows[i].Line)})
			page.Sum += rows[i].Left
		}
		if after = next; next == "" || page.More {
			break
		}
	}
	return v, s.tryMany(r, page)
}

// tryMany asks what the ledger would decide of all rows, in their order.
func (s *site) tryMany(r *request, page *bulkPage) error {
	var drafts []events.Draft
	var row []int
	for i := range page.Rows {
		b := &page.Rows[i]
		for at, p := range b.Offer.Parts {
			fact, err := r.allocation(page.Organization.Organization, b.Offer.IDs[at], &b.Line.Row, p.Bill, p.Amount)
			if err != nil {
				return err
			}
			drafts, row = append(drafts, fact), append(row, i)
		}
	}
	outcomes, err := s.Recorder.TrySay(r.Context(), actor(r.who), drafts)
	if err != nil {
		return err
	}
	for i, o := range outcomes {
		if o == nil {
			continue
		}
		if b := &page.Rows[row[i]]; !o.Status.Accepted() {
			b.Refused = r.language.word("reason", o.Code)
		} else if o.Code != "" {
			b.Unusual = r.language.word("reason", o.Code)
		}
	}
	return nil
}

// acceptMany says what was marked: each choice is the line, and its bills with
// their amounts and ids, as the preview wrote them.
func (s *site) acceptMany(r *request, page *bulkPage) error {
	organization := page.Organization.Organization
	choices := r.PostForm["take"]
	if len(choices) == 0 || len(choices) > bulkMost {
		return nil
	}
	var rows []*reconcile.Row
	var facts []events.Draft
	var rowOf []int // of each fact
	for _, choice := range choices {
		parts := strings.Fields(choice)
		if len(parts) < 4 || len(parts)%3 != 1 {
			return errBad
		}
		l, err := s.Desk.Lines.Line(r.Context(), organization, parts[0], nil)
		if err != nil {
			return deskError(err)
		}
		for p := range slices.Chunk(parts[1:], 3) {
			minor, err := readMinor(p[1], l.Currency)
			if err != nil {
				return err
			}
			fact, err := r.allocation(organization, p[2], l, p[0], minor)
			if err != nil {
				return err
			}
			facts, rowOf = append(facts, fact), append(rowOf, len(rows))
		}
		rows = append(rows, l)
	}
	outcomes, err := s.Recorder.Say(r.Context(), actor(r.who), facts)
	if err != nil {
		return err
	}
	refused := map[int]bool{}
	for i, o := range outcomes {
		l := rows[rowOf[i]]
		switch {
		case o.Status.Accepted():
			amount, _ := facts[i].Fact.(*events.LineAllocated)
			page.Sum += amount.Money().Minor()
		case !refused[rowOf[i]]:
			refused[rowOf[i]] = true
			row := bulkRow{Line: s.deskLine(r, organization, l), Link: lineLink(organization, l.Line), Refused: s.refusedNotice(r, organization, l.Line, &refusedFact{o}).Text}
			page.Refused = append(page.Refused, row)
		}
	}
	page.Done = len(rows) - len(refused)
	return nil
}

type creditsPage struct {
	Organization projections.Organization
	Credits      []creditRow
	Action       string
	Overpaid     string
	Sum          int64
	Notice       *deskNotice
}

type creditRow struct {
	Holder, Label string
	Amount        string
	ID            string
	Link          string
	Bill          string // the oldest that the payer owes
	Owes          string // on it
}

// credits lists money that payers have above what they owe, and carries it over to
// a bill.
func (s *site) credits(r *request) (*view, error) {
	o, err := s.deskOf(r)
	if err != nil {
		return nil, err
	}
	page := &creditsPage{Organization: o, Action: r.URL.Path}
	v := &view{template: "credits", title: r.language.say("credits.title"), section: "desk", crumbs: s.deskCrumbs(r, o), data: page}
	if r.Method == http.MethodPost {
		to, err := s.applyCredit(r, page)
		if to != nil || err != nil {
			return to, err
		}
	} else if ids := r.query.Get("act"); ids != "" {
		page.Notice = s.doneNotice(r, o.Organization, strings.Split(ids, ","))
	}
	if page.Overpaid, err = s.Desk.Lines.Overpaid(r.Context(), o.Organization); err != nil {
		return nil, err
	}
	all, err := s.Desk.Lines.Credits(r.Context(), o.Organization, mostCredits)
	if err != nil {
		return nil, err
	}
	holders := make([]string, len(all))
	for i := range all {
		holders[i] = all[i].Holder
	}
	oldest, err := s.Desk.Lines.Oldest(r.Context(), o.Organization, holders)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		row := creditRow{Holder: c.Holder, Label: r.language.holder(c.Holder), Amount: r.language.minor(c.Amount, c.Currency), ID: newID()}
		if b, ok := oldest[c.Holder]; ok && c.Currency == money.VND {
			row.Bill, row.Owes = b.Bill, r.language.minor(b.Owed, money.VND)
			if b.Reference != "" {
				row.Bill = b.Reference
			}
		}
		if stall, ok := strings.CutPrefix(c.Holder, "stall:"); ok && r.who.May(identity.SeeBills, o.Organization) {
			row.Link = "/stalls/" + o.Organization + "/" + stall
		}
		if c.Currency == money.VND {
			page.Sum += c.Amount
		}
		page.Credits = append(page.Credits, row)
	}
	return v, nil
}

// applyCredit pays a bill with a payer's credit.
func (s *site) applyCredit(r *request, page *creditsPage) (*view, error) {
	organization := page.Organization.Organization
	if r.PostFormValue("do") == "undo" {
		facts, err := s.undoing(r, organization)
		if err != nil {
			return nil, err
		}
		return s.creditSaid(r, page, facts)
	}
	wrong := func(key string, values ...any) (*view, error) {
		page.Notice = &deskNotice{Kind: "bad", Text: r.language.say(key, values...)}
		return nil, nil
	}
	kind, holder, _ := strings.Cut(r.PostFormValue("holder"), ":")
	name := strings.TrimSpace(r.PostFormValue("bill"))
	b, err := s.Desk.Lines.OpenBill(r.Context(), organization, strings.ToUpper(strings.Join(strings.Fields(name), "")))
	if errors.Is(err, reconcile.ErrNoBill) {
		b, err = s.Desk.Lines.OpenBill(r.Context(), organization, name)
	}
	if errors.Is(err, reconcile.ErrNoBill) {
		return wrong("line.no_bill", "bill", name)
	}
	if err != nil {
		return nil, err
	}
	all, err := s.Desk.Lines.Credits(r.Context(), organization, mostCredits)
	if err != nil {
		return nil, err
	}
	minor := int64(0)
	for _, c := range all {
		if c.Holder == kind+":"+holder && c.Currency == money.VND {
			minor = min(c.Amount, b.Owed)
		}
	}
	if text := strings.TrimSpace(r.PostFormValue("amount")); text != "" {
		if minor, err = readMinor(text, money.VND); err != nil {
			return wrong("line.no_amount", "amount", text)
		}
	}
	sum, err := sumOf(minor, money.VND)
	if err != nil || minor == 0 {
		return wrong("line.nothing_left")
	}
	f := &events.CreditApplied{Dated: events.Dated{EffectiveOn: today()}, Sum: sum, Bill: events.ID(b.Bill)}
	switch kind {
	case "pupil":
		f.Person = events.ID(holder)
	case "stall":
		f.Stall = events.ID(holder)
	default:
		return nil, errBad
	}
	fact, err := r.draft(organization, r.PostFormValue("id"), "organization.credit_applied", f, nil)
	if err != nil {
		return nil, err
	}
	return s.creditSaid(r, page, []events.Draft{fact})
}

func (s *site) creditSaid(r *request, page *creditsPage, facts []events.Draft) (*view, error) {
	_, err := s.record(r, facts...)
	var refused *refusedFact
	if errors.As(err, &refused) {
		page.Notice = s.refusedNotice(r, page.Organization.Organization, "", refused)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return see(asking(page.Action, "act", string(facts[0].Envelope.ID)), ""), nil
}
