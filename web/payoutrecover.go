package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/payoutreport"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
)

// What somebody got beyond what was due is owed back. When it is paid back, over the
// bank or at a pay point, that is written down here; what is left bars what the
// person is owed for the same month.

// owedShown bounds the list.
const owedShown = 100

// mayRecover says whether the visitor may write down what was paid back.
func (s *site) mayRecover(r *request, organization string) bool {
	return s.PayPoints != nil && s.Recorder != nil && (r.who.May(identity.MatchPayments, organization) || r.who.May(identity.PayCash, organization))
}

type toRecoverPage struct {
	Organization projections.Organization
	Owed         []payoutreport.Owed
	More         bool
}

// toRecover lists who owes something back.
func (s *site) toRecover(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	page := toRecoverPage{Organization: o}
	if page.Owed, err = s.PayPoints.ToRecover(r.Context(), o.Organization, owedShown+1); err != nil {
		return nil, err
	}
	page.More = len(page.Owed) > owedShown
	page.Owed = page.Owed[:min(len(page.Owed), owedShown)]
	return &view{template: "recover", title: r.language.say("recover.title"), section: "fund", crumbs: r.crumbs(o), data: page}, nil
}

type recoverPage struct {
	Organization projections.Organization
	Owed         payoutreport.Owed
	Fact         string
	Amount       string // as typed
	AmountWrong  bool
	Lines        []payoutreport.OpenLine // of money in that nothing says the use of; for those who match payments
	Points       []payoutreport.Till     // for those who pay cash
	Paid         []paidFact
	Problem      string
}

// recover shows what somebody owes back for a month, and writes down what was paid
// back, or takes that back again.
func (s *site) recover(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	owed := payoutreport.Owed{Person: r.PathValue("person"), Programme: r.PathValue("programme"), Period: r.PathValue("period")}
	if !events.ValidID(owed.Person) || !events.Period(owed.Period).Valid() {
		return nil, errNoPage
	}
	at := "/funds/" + o.Organization + "/recover"
	page := &recoverPage{Organization: o, Owed: owed, Fact: newID(), Amount: r.PostFormValue("amount")}
	status := 0
	if page.Owed.Due, err = s.PayPoints.Recoverable(r.Context(), o.Organization, owed.Person, owed.Programme, owed.Period); err != nil {
		return nil, err
	}
	if page.Paid, err = s.recovered(r, o.Organization, &page.Owed); err != nil {
		return nil, err
	}
	if page.Owed.Due == 0 && len(page.Paid) == 0 {
		return nil, readmodel.ErrNotFound
	}
	if r.Method == http.MethodPost {
		v, err := s.paidBack(r, page)
		var refused *refusedFact
		switch {
		case errors.As(err, &refused):
			page.Problem, status = r.language.say("problem.refused", "reason", r.language.word("reason", refused.Code)), http.StatusConflict
		case errors.Is(err, errAmount):
			page.AmountWrong, status = true, http.StatusUnprocessableEntity
		case err != nil || v != nil:
			return v, err
		}
	}
	if r.who.May(identity.MatchPayments, o.Organization) {
		if page.Lines, err = s.PayPoints.OpenLines(r.Context(), o.Organization, false, openLinesShown); err != nil {
			return nil, err
		}
	}
	if r.who.May(identity.PayCash, o.Organization) {
		if page.Points, err = s.PayPoints.Points(r.Context(), o.Organization); err != nil {
			return nil, err
		}
	}
	return &view{template: "recover_one", title: r.language.say("recover.one.title"), section: "fund", status: status, data: page,
		crumbs: append(r.crumbs(o), crumb{r.language.say("recover.title"), at})}, nil
}

// recovered are the times that something was paid back of a person's month.
func (s *site) recovered(r *request, organization string, owed *payoutreport.Owed) ([]paidFact, error) {
	all, err := s.paidFacts(r, readmodel.Subject{Organization: organization, Kind: projections.SubjectPerson, ID: owed.Person}, "benefit.recovered")
	if errors.Is(err, readmodel.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var failed error
	all = slices.DeleteFunc(all, func(f paidFact) bool {
		record, err := s.Records.At(r.Context(), f.Shard, f.Offset)
		if err != nil {
			failed = cmp.Or(failed, err)
			return true
		}
		e, err := events.Decode(record.Value)
		if err != nil {
			return true
		}
		fact, ok := e.Fact.(*events.Recovered)
		return !ok || string(fact.Programme) != owed.Programme || string(fact.Period) != owed.Period
	})
	return all, failed
}

// paidBack records what a form says. What the ledger would mark, more than is owed
// above all, is asked about first.
func (s *site) paidBack(r *request, page *recoverPage) (*view, error) {
	organization, id, owed := page.Organization.Organization, r.PostFormValue("fact"), &page.Owed
	at := r.URL.Path
	if r.PostFormValue("do") == "undo" {
		event := r.PostFormValue("reverses")
		if !slices.ContainsFunc(page.Paid, func(f paidFact) bool { return f.EventID == event && f.Undo != "" }) {
			return nil, errBad
		}
		d, err := r.reverse(organization, id, event)
		if err == nil {
			_, err = s.record(r, d)
		}
		if err != nil {
			return nil, err
		}
		return see(at, "recover_undone"), nil
	}
	amount, ok := readDong(page.Amount)
	if !ok || amount == 0 {
		return nil, errAmount
	}
	fact := &events.Recovered{Dated: events.Dated{EffectiveOn: dayOf(id)}, Of: events.Of{Person: events.ID(owed.Person)}, Programme: events.Word(owed.Programme), Period: events.Period(owed.Period),
		Sum: events.Sum{Amount: events.Decimal(strconv.FormatInt(amount, 10)), Currency: money.VND}}
	kind, to, _ := strings.Cut(r.PostFormValue("by"), ":")
	switch {
	case !events.ValidID(to):
		return nil, errBad
	case kind == "line" && r.who.May(identity.MatchPayments, organization):
		fact.Line = events.ID(to)
	case kind == "point" && r.who.May(identity.PayCash, organization):
		fact.PayPoint = events.ID(to)
	default:
		return nil, errBad
	}
	d, err := r.draft(organization, id, "benefit.recovered", fact, nil)
	if err != nil {
		return nil, err
	}
	if r.PostFormValue("sure") != "yes" {
		tried, err := s.Recorder.TrySay(r.Context(), actor(r.who), []events.Draft{d})
		if err != nil {
			return nil, err
		}
		if o := tried[0]; o != nil && o.Status == ledger.Posted && o.Code != "" {
			v := r.sure("recover.sure", at, hidden("fact", id), hidden("amount", page.Amount), hidden("by", r.PostFormValue("by")))
			confirm := v.data.(*formPage).Confirm
			confirm.Consequence = r.language.reasonWords(o.Code) + ". " + confirm.Consequence
			return v, nil
		}
	}
	if _, err := s.record(r, d); err != nil {
		return nil, err
	}
	return see(at, "recovered"), nil
}
