package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/internal/reconcile"
	"socho/projections"
)

type linePage struct {
	deskPage
	Line     deskLine
	Events   []projections.TracedEvent
	Traced   bool // the visitor may see the events
	Seen     []sighting
	Undo     []undoRow
	Reveal   *reveal
	Place    []formField // of the form that places what is left
	PlaceIDs []string
	Credits  []option // whom money may be paid back to, of a line that left
	Others   []option // lines that left, of a line that came
	Purposes []option // what else the money may be for
	Reasons  []option
	Market   []marketUse // what the line may be for at a market, without a bill
	Marks    []option
	Mark     string // of the last note
	NewID    string
	Find     bool // persons may be looked for by the payer's name
	Named    bool // and were
}

// sighting is one fact that shows the line.
type sighting struct {
	By, Record string
	At         time.Time
}

// undoRow is a fact about the line's money that can be taken back.
type undoRow struct {
	What, Record, Event, ID, By string
	Amount                      string
	At                          time.Time
	Undone                      bool
}

// splitRows is how many bills the form of a line offers at once.
const splitRows = 3

// line is the page of one line: its money, where it went, who has seen it, and
// everything that can be done with it.
func (s *site) line(r *request) (*view, error) {
	o, err := s.deskOf(r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("line")
	l, err := s.Desk.Lines.Line(r.Context(), o.Organization, id, nil)
	if err != nil {
		return nil, deskError(err)
	}
	page := &linePage{deskPage: deskPage{Organization: o, Action: r.URL.Path}}
	v := &view{template: "line", title: r.language.say("line.title", "day", date(events.Date(l.On)), "amount", r.language.minor(l.Amount, l.Currency)), section: "desk",
		crumbs: []crumb{{r.language.say("desk.title", "organization", o.Name), "/desk/" + o.Organization}}, data: page}
	var named map[string]bool
	if r.Method == http.MethodPost {
		var to *view
		if to, named, err = s.lineAct(r, page, l); to != nil || err != nil {
			return to, err
		}
	} else if ids := r.query.Get("act"); ids != "" {
		page.Notice = s.doneNotice(r, o.Organization, strings.Split(ids, ","))
	}
	if l, err = s.Desk.Lines.Line(r.Context(), o.Organization, id, named); err != nil {
		return nil, deskError(err)
	}
	page.Line, page.Named = s.deskLine(r, o.Organization, l), named != nil
	if err := s.lineHistory(r, page, l); err != nil {
		return nil, err
	}
	page.MayOpen = s.People != nil && s.Unsealer != nil && r.who.May(identity.UnsealContact, o.Organization)
	page.Find = page.MayOpen && s.mayFind(r, o.Organization) && l.Person != "" && l.Left > 0 && l.Direction == "in"
	page.NewID = newID()
	page.Marks = r.language.options("line.mark", []string{"open", "waiting", "done"})
	if err := s.marketForms(r, page, l); err != nil {
		return nil, err
	}
	return v, s.lineForms(r, page, l)
}

// lineHistory reads what was said of the line.
func (s *site) lineHistory(r *request, page *linePage, l *reconcile.Row) error {
	organization := page.Organization.Organization
	traced, err := s.traceAll(r, organization, projections.SubjectLine, l.Line)
	if err != nil {
		return err
	}
	undone := map[string]bool{}
	page.Traced = r.who.May(identity.SeeEvents, organization)
	if page.Traced {
		page.Events = traced
	}
	for _, t := range traced {
		record, err := s.Records.At(r.Context(), t.Shard, t.Offset)
		if err != nil {
			return err
		}
		e, err := events.Decode(record.Value)
		if err != nil {
			continue
		}
		where := ""
		if page.Traced {
			where = "/events/" + positionPath(t.Position)
		}
		by := s.colleague(r, &record)
		switch f := e.Fact.(type) {
		case *events.LineReceived:
			page.Seen = append(page.Seen, sighting{by, where, t.RecordedAt})
			continue
		case *events.LineNoted:
			page.Mark = string(f.Mark)
			continue
		case *events.Reversed:
			undone[string(f.ReversesSource)+" "+string(f.Reverses)] = true
			continue
		}
		name := events.Name(t.Type)
		if !slices.Contains(undoable, name) {
			continue
		}
		row := undoRow{What: r.language.word("fact", name), Record: where, Event: t.Source + " " + t.EventID, ID: newID(), By: by, At: t.RecordedAt, Amount: r.language.decimal(t.Amount, t.Currency)}
		if f, ok := e.Fact.(*events.LineAllocated); ok && f.Bill != "" {
			row.What += " · " + r.language.say("find.bill", "id", f.Bill)
		}
		page.Undo = append(page.Undo, row)
	}
	for i := range page.Undo {
		u := &page.Undo[i]
		from, _, _ := strings.Cut(u.Event, " ")
		u.Undone = undone[u.Event]
		if from != source && from != bankSource {
			u.Event = "" // somebody else's to take back
		}
	}
	return nil
}

func positionPath(p projections.Position) string { return fmt.Sprintf("%d/%d", p.Shard, p.Offset) }

// traceAll reads the trace of a subject to its end, as far as a page bears.
func (s *site) traceAll(r *request, organization, kind, id string) (all []projections.TracedEvent, err error) {
	p := readmodel.Page{Limit: readmodel.MaxLimit}
	for range 3 {
		some, next, err := s.Traces.Trace(r.Context(), readmodel.Subject{Organization: organization, Kind: kind, ID: id}, p)
		if errors.Is(err, readmodel.ErrNotFound) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if all = append(all, some...); next == "" {
			break
		}
		p.Cursor = next
	}
	return all, nil
}

// lineForms prepares what may be done with what is left.
func (s *site) lineForms(r *request, page *linePage, l *reconcile.Row) error {
	organization := page.Organization.Organization
	if l.Left <= 0 {
		return nil
	}
	var err error
	if page.Purposes, err = s.purposes(r, organization, l); err != nil {
		return err
	}
	if l.Direction == "out" {
		credits, err := s.Desk.Lines.Credits(r.Context(), organization, mostCredits)
		if err != nil {
			return err
		}
		for _, c := range credits {
			if c.Currency == l.Currency {
				page.Credits = append(page.Credits, option{Value: c.Holder, Label: r.language.holder(c.Holder) + ": " + r.language.minor(c.Amount, c.Currency)})
			}
		}
		return nil
	}
	for range splitRows {
		page.PlaceIDs = append(page.PlaceIDs, newID())
	}
	if l.Currency != money.VND {
		return nil
	}
	out, err := s.Desk.Lines.Outgoing(r.Context(), organization, l.Left)
	if err != nil {
		return err
	}
	for _, o := range out {
		page.Others = append(page.Others, option{Value: o.Line, Label: date(events.Date(o.On)) + " · " + r.language.minor(o.Left, o.Currency)})
	}
	page.Reasons = r.language.options("line.offset", []string{"refund", "bounced", "own_transfer"})
	return nil
}

// mostCredits bounds the payers with credit that a page lists.
const mostCredits = 500

// lineAct does what a form of the line's page asks for; named are persons whose
// names were found, where that was asked for.
func (s *site) lineAct(r *request, page *linePage, l *reconcile.Row) (to *view, named map[string]bool, err error) {
	organization := page.Organization.Organization
	var facts []events.Draft
	switch r.PostFormValue("do") {
	case "open":
		return nil, nil, s.openLine(r, page, l)
	case "names":
		named, err = s.namesOf(r, organization, l)
		return nil, named, err
	case "accept":
		facts, err = s.accepting(r, organization, l)
	case "place":
		facts, err = s.placing(r, organization, l)
	case "refund":
		facts, err = s.refunding(r, organization, l)
	case "offset":
		facts, err = s.offsetting(r, organization, l)
	case "explain":
		facts, err = s.explaining(r, organization, l)
	case "market":
		facts, err = s.marketUsed(r, page, l)
	case "note":
		facts, err = s.noting(r, organization, l)
	case "undo":
		facts, err = s.undoing(r, organization)
	default:
		err = errBad
	}
	var wrong *wrongField
	if errors.As(err, &wrong) {
		page.Notice = &deskNotice{Kind: "bad", Text: wrong.text}
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	to, err = s.acted(r, &page.deskPage, l.Line, page.Action, facts)
	return to, nil, err
}

// wrongField is an answer that cannot be taken, in the visitor's words.
type wrongField struct{ text string }

func (e *wrongField) Error() string { return "an answer that cannot be taken" }

// readMinor reads an amount as people type it, in minor units.
func readMinor(text string, c money.Currency) (int64, error) {
	text = strings.TrimSpace(text)
	if c == money.VND {
		text = strings.TrimRight(strings.NewReplacer(".", "", ",", "", " ", "", noBreak, "").Replace(text), "đdĐ")
	}
	a, err := money.Parse(text, c)
	if err != nil || a.IsZero() {
		return 0, errBad
	}
	return a.Minor(), nil
}

// placing shares what is left of a line among bills that the visitor names by id
// or code. An amount that is left blank is what the bill owes, as far as the money
// goes, or all of it where the bill is paid; what is above a bill becomes its payer's
// credit.
func (s *site) placing(r *request, organization string, l *reconcile.Row) (facts []events.Draft, err error) {
	names, amounts, ids := r.PostForm["bill"], r.PostForm["amount"], r.PostForm["id"]
	if len(names) != len(amounts) || len(names) != len(ids) || len(names) > maxParts {
		return nil, errBad
	}
	left := l.Left
	for i, name := range names {
		if name = strings.ToUpper(strings.Join(strings.Fields(name), "")); name == "" {
			continue
		}
		b, err := s.Desk.Lines.StandingBill(r.Context(), organization, name)
		if errors.Is(err, reconcile.ErrNoBill) {
			b, err = s.Desk.Lines.StandingBill(r.Context(), organization, strings.TrimSpace(names[i]))
		}
		if errors.Is(err, reconcile.ErrNoBill) {
			return nil, &wrongField{r.language.say("line.no_bill", "bill", strings.TrimSpace(names[i]))}
		}
		if err != nil {
			return nil, err
		}
		minor := left
		if b.Owed > 0 {
			minor = min(b.Owed, left)
		}
		if text := strings.TrimSpace(amounts[i]); text != "" {
			if minor, err = readMinor(text, l.Currency); err != nil {
				return nil, &wrongField{r.language.say("line.no_amount", "amount", text)}
			}
		}
		if minor <= 0 || minor > left {
			return nil, &wrongField{r.language.say("line.too_much", "left", r.language.minor(l.Left, l.Currency))}
		}
		left -= minor
		fact, err := r.allocation(organization, ids[i], l, b.Bill, minor)
		if err != nil {
			return nil, err
		}
		facts = append(facts, fact)
	}
	if len(facts) == 0 {
		return nil, &wrongField{r.language.say("line.no_bill_given")}
	}
	return facts, nil
}

// refunding says that a line that left paid a payer's credit back.
func (s *site) refunding(r *request, organization string, l *reconcile.Row) ([]events.Draft, error) {
	kind, holder, _ := strings.Cut(r.PostFormValue("holder"), ":")
	minor, err := readMinor(cmp.Or(strings.TrimSpace(r.PostFormValue("amount")), strconv.FormatInt(l.Left, 10)), l.Currency)
	if err != nil {
		return nil, &wrongField{r.language.say("line.no_amount", "amount", r.PostFormValue("amount"))}
	}
	sum, err := sumOf(minor, l.Currency)
	if err != nil {
		return nil, err
	}
	f := &events.Refunded{Dated: events.Dated{EffectiveOn: events.Date(l.On)}, Sum: sum, Line: events.ID(l.Line)}
	switch kind {
	case "pupil":
		f.Person = events.ID(holder)
	case "stall":
		f.Stall = events.ID(holder)
	default:
		return nil, errBad
	}
	fact, err := r.draft(organization, r.PostFormValue("id"), "school.refunded", f, nil)
	return []events.Draft{fact}, err
}

// offsetting says that money of this line left again by another.
func (s *site) offsetting(r *request, organization string, l *reconcile.Row) ([]events.Draft, error) {
	out, err := s.Desk.Lines.Line(r.Context(), organization, r.PostFormValue("out"), nil)
	if err != nil {
		return nil, deskError(err)
	}
	sum, err := sumOf(min(l.Left, out.Left), l.Currency)
	if err != nil {
		return nil, &wrongField{r.language.say("line.nothing_left")}
	}
	fact, err := r.draft(organization, r.PostFormValue("id"), "bank.lines_offset", &events.LinesOffset{Dated: events.Dated{EffectiveOn: events.Date(max(l.On, out.On))}, Sum: sum,
		In: events.ID(l.Line), Out: events.ID(out.Line), Reason: events.Word(r.PostFormValue("reason"))}, nil)
	return []events.Draft{fact}, err
}

// maxNote is how much a note may say, in characters.
const maxNote = 500

// noting says how far somebody is with a line. What they write is the payer's, and
// goes when the payer's contact data go.
func (s *site) noting(r *request, organization string, l *reconcile.Row) ([]events.Draft, error) {
	text := strings.TrimSpace(r.PostFormValue("note"))
	if len([]rune(text)) > maxNote {
		return nil, &wrongField{r.language.say("line.long_note", "n", maxNote)}
	}
	person := l.Person
	if person == "" {
		person = "ln-" + l.Line
	}
	personal := map[string]string{}
	if text != "" {
		personal["note"] = text
	}
	fact, err := r.draft(organization, r.PostFormValue("id"), "bank.line_noted", &events.LineNoted{Dated: events.Dated{EffectiveOn: today()},
		MaybeOf: events.MaybeOf{Person: events.ID(person)}, Line: events.ID(l.Line), Mark: events.Word(r.PostFormValue("mark"))}, personal)
	return []events.Draft{fact}, err
}

// openLine opens everything that is sealed in what was said of the line, as far as
// the visitor has the right.
func (s *site) openLine(r *request, page *linePage, l *reconcile.Row) error {
	organization := page.Organization.Organization
	if err := s.mayOpen(r, organization); err != nil {
		return err
	}
	traced, err := s.traceAll(r, organization, projections.SubjectLine, l.Line)
	if err != nil {
		return err
	}
	var sealed []sealedField
	for _, t := range traced {
		if name := events.Name(t.Type); name != "bank.line_received" && name != "bank.line_noted" || len(sealed) > recordsRead {
			continue
		}
		record, err := s.Records.At(r.Context(), t.Shard, t.Offset)
		if err != nil {
			return err
		}
		for _, f := range sealedIn(&record) {
			if r.who.May(rightOf(f.at.Field), organization) && f.at.Organization == organization {
				sealed = append(sealed, f)
			}
		}
	}
	page.Reveal, page.Opened = &reveal{Action: r.URL.Path, Asked: true}, true
	return s.open(r, page.Reveal, organization, cmp.Or(l.Person, l.Line), "check", sealed)
}

// namesOf finds persons whose name is the payer's or stands in the text. What was
// looked for is shown to nobody; that it was is in the trail.
func (s *site) namesOf(r *request, organization string, l *reconcile.Row) (map[string]bool, error) {
	if !s.mayFind(r, organization) {
		return nil, errForbidden
	}
	if err := s.Access.Require(r.Context(), identity.UnsealIdentity, organization); err != nil {
		return nil, err
	}
	entry := identity.Entry{Action: identity.Searched, Organization: organization, Object: l.Line, Outcome: identity.OK}
	if err := s.People.Spend(r.Context(), entry, searchesMost, searchesWithin); err != nil {
		return nil, err
	}
	texts, err := s.Desk.Texts.Of(r.Context(), []projections.Position{l.At})
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, name := range reconcile.Names(texts[l.At].Clear["payer_name"], texts[l.At].Clear["content"]) {
		if err := s.findNamed(r.Context(), organization, name, named); err != nil {
			return nil, err
		}
	}
	return named, nil
}

func (s *site) findNamed(ctx context.Context, organization, name string, named map[string]bool) error {
	persons, err := s.Names.Find(ctx, organization, name, foundMost)
	for _, p := range persons {
		named[p] = true
	}
	return err
}

// lineLink is where a line has its page.
func lineLink(organization, line string) string {
	return "/lines/" + organization + "/" + url.PathEscape(line)
}
