package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"socho/events"
	"socho/internal/money"
	"socho/internal/payoutreport"
	"socho/ledger"
	"socho/projections"
)

// dayOf is the day, in Vietnam, that a form's id was made on: the same form is the
// same fact also after midnight.
func dayOf(id string) events.Date {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return today() // draft refuses the id
	}
	sec, nsec := parsed.Time().UnixTime()
	return events.Date(time.Unix(sec, nsec).In(vietnam).Format(time.DateOnly))
}

// payOut records that money was handed over. What the ledger would mark, a second
// payment above all, is asked about first: it is recorded only if it has happened.
func (s *site) payOut(r *request) (*view, error) {
	page, err := s.handOutPage(r)
	if err != nil {
		return nil, err
	}
	p, id := page.Line.Payout, r.PostFormValue("fact")
	amount, ok := readDong(r.PostFormValue("amount"))
	if !ok || amount == 0 {
		return nil, errBad
	}
	personal := map[string]string{}
	for _, name := range []string{"receiver_name", "receiver_id"} {
		if text := r.PostFormValue(name); text != "" {
			personal[name] = text
		}
	}
	person, err := s.receiver(r.Context(), p.Organization, p.Payout, personal)
	if errors.Is(err, errBad) {
		page.Problem = r.language.say("handout.receiver.wrong")
		v := r.handOutView(page)
		v.status = http.StatusUnprocessableEntity
		return v, nil
	} else if err != nil {
		return nil, err
	}
	fact := &events.PaidInCash{Dated: events.Dated{EffectiveOn: dayOf(id)}, MaybeOf: events.MaybeOf{Person: events.ID(person)},
		Sum: events.Sum{Amount: events.Decimal(strconv.FormatInt(amount, 10)), Currency: money.VND}, Payout: events.PayoutID(p.Payout), PayPoint: events.ID(page.Point)}
	d, err := r.draft(p.Organization, id, "benefit.paid_in_cash", fact, personal)
	if err != nil {
		return nil, err
	}
	if r.PostFormValue("sure") != "yes" {
		tried, err := s.Recorder.TrySay(r.Context(), actor(r.who), []events.Draft{d})
		if err != nil {
			return nil, err
		}
		if o := tried[0]; o != nil && o.Status == ledger.Posted && o.Code != "" && o.Code != "more_than_held" {
			v := r.sure("handout.sure", page.Base+"/payouts/"+p.Payout, hidden("fact", id), hidden("amount", r.PostFormValue("amount")),
				hidden("receiver_name", personal["receiver_name"]), hidden("receiver_id", personal["receiver_id"]))
			confirm := v.data.(*formPage).Confirm
			confirm.Consequence = r.language.reasonWords(o.Code) + ". " + confirm.Consequence
			return v, nil
		}
	}
	return s.recorded(r, page, d, "paid_cash")
}

// recorded says a fact about a payout and leads back to the list.
func (s *site) recorded(r *request, page *handOutPage, d events.Draft, done string) (*view, error) {
	_, err := s.record(r, d)
	var refused *refusedFact
	if errors.As(err, &refused) {
		page.Problem = r.language.say("problem.refused", "reason", r.language.word("reason", refused.Code))
		v := r.handOutView(page)
		v.status = http.StatusConflict
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	return see(page.Base+"?period="+page.Period+"&unit="+page.Unit, done), nil
}

// takeBack takes a payment back that was recorded on pages by mistake.
func (s *site) takeBack(r *request) (*view, error) {
	page, err := s.handOutPage(r)
	if err != nil {
		return nil, err
	}
	event := r.PostFormValue("reverses")
	if !slices.ContainsFunc(page.Paid, func(f paidFact) bool { return f.EventID == event && f.Undo != "" }) {
		return nil, errBad
	}
	d, err := r.reverse(page.Organization.Organization, r.PostFormValue("fact"), event)
	if err != nil {
		return nil, err
	}
	return s.recorded(r, page, d, "cash_taken_back")
}

// reverse takes back a fact that pages have said.
func (r *request) reverse(organization, id, event string) (events.Draft, error) {
	return r.draft(organization, id, reversal, &events.Reversed{Dated: events.Dated{EffectiveOn: dayOf(id)}, Reverses: events.EventID(event),
		ReversesSource: source, Reason: "entered_wrongly"}, nil)
}

// tillPage is where cash comes to a pay point from the bank, and goes back.
type tillPage struct {
	Organization  projections.Organization
	Point, Base   string
	Month         string
	Till          payoutreport.Till
	Out, In       []payoutreport.OpenLine
	Drawn, Banked string            // ids of the facts that the forms are about
	Undo          map[string]string // by what may be taken back: the id of the fact that does
	Problem       string
}

// till shows a pay point's month, and records cash that was drawn for it, or
// brought back. A paying agent is a pay point: what is handed over to it is drawn,
// what it returns is banked. Each names the bank line that moved the money.
func (s *site) till(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	page := tillPage{Organization: o, Point: r.PathValue("point"), Month: r.query.Get("month"), Drawn: newID(), Banked: newID(), Undo: map[string]string{}}
	if page.Month == "" {
		page.Month = string(today())[:7]
	}
	if !events.ValidID(page.Point) || len(page.Month) != 7 || !events.Period(page.Month).Valid() {
		return nil, errBad
	}
	m := cashMonth{Organization: o}
	page.Base = m.base(page.Point)
	status := 0
	if r.Method == http.MethodPost {
		done, err := s.moveCash(r, o.Organization, page.Point)
		var refused *refusedFact
		switch {
		case errors.As(err, &refused):
			page.Problem, status = r.language.say("problem.refused", "reason", r.language.word("reason", refused.Code)), http.StatusConflict
		case errors.Is(err, errAmount):
			page.Problem, status = r.language.say("till.amount.wrong"), http.StatusUnprocessableEntity
		case err != nil:
			return nil, err
		default:
			return see(page.Base+"/till", done), nil
		}
	}
	if page.Till, err = s.PayPoints.Till(r.Context(), o.Organization, page.Point, page.Month); err != nil {
		return nil, err
	}
	page.Till.Moves = page.Till.Moves[max(len(page.Till.Moves)-movesShown, 0):]
	for _, of := range page.Till.Moves {
		if of.Back {
			continue
		}
		found, err := s.Outcomes.Claimants(r.Context(), of.EventID, o.Organization, source)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			page.Undo[of.EventID] = newID()
		}
	}
	if page.Out, err = s.PayPoints.OpenLines(r.Context(), o.Organization, true, openLinesShown); err != nil {
		return nil, err
	}
	if page.In, err = s.PayPoints.OpenLines(r.Context(), o.Organization, false, openLinesShown); err != nil {
		return nil, err
	}
	return &view{template: "till", title: r.language.say("till.title", "point", page.Point), section: "fund", crumbs: m.crumbs(r, page.Point), data: page, status: status}, nil
}

// movesShown bounds the list of what came and went.
const movesShown = 40

// errAmount: what was typed is no amount.
var errAmount = errors.New("web: no amount")

// moveCash records what a form of the till says.
func (s *site) moveCash(r *request, organization, point string) (done string, err error) {
	id, do := r.PostFormValue("fact"), r.PostFormValue("do")
	var d events.Draft
	switch do {
	case "undo":
		event := r.PostFormValue("reverses")
		found, err := s.Outcomes.Claimants(r.Context(), event, organization, source)
		if err != nil {
			return "", err
		}
		if len(found) == 0 || !slices.Contains([]string{"benefit.cash_drawn", "market.cash_banked"}, events.Name(found[0].Type)) {
			return "", errBad
		}
		d, err = r.reverse(organization, id, event)
		if err != nil {
			return "", err
		}
	case "drawn", "banked":
		amount, ok := readDong(r.PostFormValue("amount"))
		if !ok || amount == 0 {
			return "", errAmount
		}
		line := r.PostFormValue("line")
		if !events.ValidID(line) {
			return "", errBad
		}
		dated := events.Dated{EffectiveOn: dayOf(id)}
		sum := events.Sum{Amount: events.Decimal(strconv.FormatInt(amount, 10)), Currency: money.VND}
		name, fact := "benefit.cash_drawn", events.Fact(&events.CashDrawn{Dated: dated, Sum: sum, PayPoint: events.ID(point), Line: events.ID(line)})
		if do == "banked" {
			name, fact = "market.cash_banked", &events.CashBanked{Dated: dated, Sum: sum, PayPoint: events.ID(point), Line: events.ID(line)}
		}
		if d, err = r.draft(organization, id, name, fact, nil); err != nil {
			return "", err
		}
	default:
		return "", errBad
	}
	_, err = s.record(r, d)
	return "till_" + do, err
}
