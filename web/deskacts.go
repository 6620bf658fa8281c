package web

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/reconcile"
	"socho/ledger"
	"socho/projections"
)

// deskAct does what a form of the desk asks for. It returns a view where the
// visitor is led away, and else leaves in the page what to say of it.
func (s *site) deskAct(r *request, page *deskPage) (*view, error) {
	organization := page.Organization.Organization
	back := page.Action
	switch r.PostFormValue("do") {
	case "open":
		page.Opened = true
		return nil, s.mayOpen(r, organization)
	case "accept":
		l, err := s.Desk.Lines.Line(r.Context(), organization, r.PostFormValue("line"), nil)
		if err != nil {
			return nil, deskError(err)
		}
		facts, err := s.accepting(r, organization, l)
		if err != nil {
			return nil, err
		}
		return s.acted(r, page, l.Line, back, facts)
	case "undo":
		facts, err := s.undoing(r, organization)
		if err != nil {
			return nil, err
		}
		return s.acted(r, page, "", back, facts)
	case "rematch":
		result, err := s.Desk.Rematch(r.Context(), organization, actor(r.who))
		if err != nil {
			return nil, err
		}
		page.Rematched = result
		return nil, nil
	case "overpaid":
		choice := r.PostFormValue("overpaid")
		if choice != "keep" && choice != "refund" {
			return nil, errBad
		}
		return see(back, "desk_choice"), s.Desk.Lines.ChooseOverpaid(r.Context(), organization, choice, r.who.ID)
	}
	return nil, errBad
}

func (s *site) mayOpen(r *request, organization string) error {
	if s.People == nil {
		return errNoPage
	}
	return s.Access.Require(r.Context(), identity.UnsealContact, organization)
}

// acted says facts and leads back, or, where the texts of the page are open, stays
// with them open: whoever works through a page opens it once. A fact that the
// ledger did not take is told, with who was faster.
func (s *site) acted(r *request, page *deskPage, line, back string, facts []events.Draft) (*view, error) {
	ids := make([]string, len(facts))
	for i := range facts {
		ids[i] = string(facts[i].Envelope.ID)
	}
	_, err := s.record(r, facts...)
	var refused *refusedFact
	switch {
	case errors.As(err, &refused):
		page.Notice = s.refusedNotice(r, page.Organization.Organization, line, refused)
	case err != nil:
		return nil, err
	}
	if r.PostFormValue("open") == "yes" && s.mayOpen(r, page.Organization.Organization) == nil {
		page.Opened = true
	}
	if page.Notice != nil {
		return nil, nil
	}
	if !page.Opened {
		return see(asking(back, "act", strings.Join(ids, ",")), ""), nil
	}
	page.Notice = s.doneNotice(r, page.Organization.Organization, ids)
	return nil, nil
}

// asking sets one part of an address's query.
func asking(address, name, value string) string {
	path, query, _ := strings.Cut(address, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		q = url.Values{}
	}
	q.Set(name, value)
	return path + "?" + q.Encode()
}

// allocation is the fact that money of a line pays a bill, true from the line's
// day on.
func (r *request) allocation(organization, id string, l *reconcile.Row, bill string, minor int64) (events.Draft, error) {
	sum, err := sumOf(minor, l.Currency)
	if err != nil {
		return events.Draft{}, err
	}
	return r.draft(organization, id, "bank.line_allocated", &events.LineAllocated{
		Dated: events.Dated{EffectiveOn: events.Date(l.On)}, Sum: sum, Line: events.ID(l.Line), Bill: events.ID(bill)}, nil)
}

// accepting makes the facts of a suggestion that the visitor has seen. They say
// what the form says, which is what the visitor saw: what has changed since, the
// ledger finds.
func (s *site) accepting(r *request, organization string, l *reconcile.Row) (facts []events.Draft, err error) {
	bills, amounts, ids := r.PostForm["bill"], r.PostForm["amount"], r.PostForm["id"]
	if len(bills) == 0 || len(bills) != len(amounts) || len(bills) != len(ids) || len(bills) > maxParts {
		return nil, errBad
	}
	for i := range bills {
		minor, err := readMinor(amounts[i], l.Currency)
		if err != nil {
			return nil, err
		}
		fact, err := r.allocation(organization, ids[i], l, bills[i], minor)
		if err != nil {
			return nil, err
		}
		facts = append(facts, fact)
	}
	return facts, nil
}

// maxParts is how many bills one line is split over at once.
const maxParts = 20

// undoing makes the reversals of facts that pages or matching said.
func (s *site) undoing(r *request, organization string) (facts []events.Draft, err error) {
	targets, ids := r.PostForm["event"], r.PostForm["id"]
	if len(targets) == 0 || len(targets) != len(ids) || len(targets) > maxParts {
		return nil, errBad
	}
	for i, target := range targets {
		from, id, ok := strings.Cut(target, " ")
		if !ok {
			from, id = source, target
		}
		if from != source && from != bankSource {
			return nil, errBad
		}
		o, err := s.claimed(r, organization, from, id)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(undoable, events.Name(o.Type)) {
			return nil, errBad
		}
		if !r.who.May(undoRight(events.Name(o.Type)), organization) {
			return nil, errForbidden
		}
		// Of the day on which it is said: a closed month stays as it was read. One
		// that is of a later day is taken back as of that day.
		at, err := askedAt(ids[i])
		if err != nil {
			return nil, err
		}
		on := max(o.EffectiveOn, events.Date(at.Format(time.DateOnly)))
		fact, err := r.draft(organization, ids[i], "ledger.reversed", &events.Reversed{Dated: events.Dated{EffectiveOn: on},
			Reverses: events.EventID(id), ReversesSource: events.URI(from), Reason: "desk"}, nil)
		if err != nil {
			return nil, err
		}
		facts = append(facts, fact)
	}
	return facts, nil
}

// undoable is what the desk takes back: what it said itself, and what matching
// did.
var undoable = []string{"bank.line_allocated", "bank.lines_offset", "school.refunded", "organization.credit_applied",
	"organization.earned", "organization.spent", "organization.passed_on",
	"organization.suspense_placed", "organization.refunded_in_cash", "market.cash_banked", "market.tickets_sold",
	"market.trader_absent", "market.stall_described", "market.stall_vacated"}

// undoRight is what it takes to take a fact back: what it took to say it.
func undoRight(name string) identity.Right {
	switch name {
	case "market.trader_absent", "market.stall_described", "market.stall_vacated":
		return identity.IssueBills
	}
	return identity.MatchPayments
}

// bankSource names what import and matching say.
const bankSource = events.OwnSources + "bank"

// claimed finds the record that holds an id of ours. Errors: not found.
func (s *site) claimed(r *request, organization, from, id string) (*ledger.Outcome, error) {
	found, err := s.Outcomes.Claimants(r.Context(), id, organization, from)
	if err != nil {
		return nil, err
	}
	for _, o := range found {
		if o.Organization == organization && o.Source == from && o.EventID == id {
			return o, nil
		}
	}
	return nil, &failure{404, "thing"}
}

// doneNotice says what was just done, and how it is taken back; nil where nothing
// of it is known.
func (s *site) doneNotice(r *request, organization string, ids []string) *deskNotice {
	if len(ids) > maxParts {
		return nil
	}
	n := &deskNotice{Kind: "good"}
	for _, id := range ids {
		o, err := s.claimed(r, organization, source, id)
		if err != nil || !o.Status.Accepted() {
			continue
		}
		name := events.Name(o.Type)
		n.Text = r.language.say("desk.done." + doneKey(name))
		if o.Code != "" {
			n.Text += " " + r.language.word("reason", o.Code) + "."
		}
		if slices.Contains(undoable, name) {
			n.Undo, n.IDs = append(n.Undo, id), append(n.IDs, newID())
		}
	}
	if n.Text == "" {
		return nil
	}
	return n
}

func doneKey(name string) string {
	switch name {
	case "bank.line_allocated", "organization.suspense_placed":
		return "placed"
	case "ledger.reversed":
		return "undone"
	case "bank.lines_offset":
		return "offset"
	case "school.refunded", "organization.refunded_in_cash":
		return "refunded"
	case "market.cash_banked", "market.tickets_sold":
		return "own"
	case "organization.credit_applied":
		return "applied"
	case "organization.earned", "organization.spent", "organization.passed_on":
		return "explained"
	case "bank.line_noted":
		return "noted"
	}
	return "other"
}

// refusedNotice says why the ledger did not take a fact, and, where somebody else
// was faster, who.
func (s *site) refusedNotice(r *request, organization, line string, refused *refusedFact) *deskNotice {
	l := r.language
	n := &deskNotice{Kind: "bad", Text: l.say("problem.refused", "reason", l.word("reason", refused.Code))}
	if line == "" {
		return n
	}
	n.Link, n.LinkText = "/lines/"+organization+"/"+url.PathEscape(line), l.say("desk.see_line")
	if refused.Code != "more_than_line" {
		return n
	}
	who, at := s.fastest(r, organization, line)
	if who != "" {
		n.Text = l.say("desk.faster", "who", who, "at", at)
	}
	return n
}

// fastest is who placed a line's money last, and when.
func (s *site) fastest(r *request, organization, line string) (who, at string) {
	traced, err := s.traceAll(r, organization, projections.SubjectLine, line)
	if err != nil {
		return "", ""
	}
	for _, t := range slices.Backward(traced) {
		if !slices.Contains(undoable, events.Name(t.Type)) {
			continue
		}
		record, err := s.Records.At(r.Context(), t.Shard, t.Offset)
		if err != nil {
			return "", ""
		}
		return s.colleague(r, &record), moment(t.RecordedAt)
	}
	return "", ""
}

// colleague names whoever handed a record in, as far as that is known.
func (s *site) colleague(r *request, record *events.Record) string {
	stamp, _ := record.Header(events.HeaderActor)
	kind, id, _ := strings.Cut(string(stamp), ":")
	switch {
	case id == r.who.ID:
		return r.language.say("desk.you")
	case kind == "person" && s.Desk.Colleague != nil:
		if name := s.Desk.Colleague(r.Context(), id); name != "" {
			return name
		}
	}
	if kind == "person" {
		return r.language.say("desk.somebody")
	}
	return r.language.say("desk.machine")
}
