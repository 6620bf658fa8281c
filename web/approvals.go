package web

import (
	"errors"
	"net/http"
	"strconv"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/payouts"
)

// ofIdentity is the source of what is said of people's rights: the ledger takes it
// from nowhere else, and intake from nobody outside.
const ofIdentity = events.OwnSources + "identity"

// approvalsOf leads to the funds for which the visitor says how many approve.
func (s *site) approvalsOf(r *request) (links []crumb, err error) {
	if s.Payouts == nil {
		return nil, nil
	}
	funds, _, err := s.own(r, "fund", identity.ManagePeople)
	for _, o := range funds {
		links = append(links, crumb{o.Name, "/approvals/" + o.Organization})
	}
	return links, err
}

// approvals shows how many persons have to approve a fund's lists, and asks for
// more, or for less. For less the ledger wants two persons who say the same.
func (s *site) approvals(r *request) (*view, error) {
	o, err := s.organization(r, "fund")
	if err != nil {
		return nil, err
	}
	now, err := s.payouts(r).Approvals(r.Context(), o.Organization)
	if err != nil {
		return nil, err
	}
	l := r.language
	id := r.PostFormValue("fact")
	if r.Method != http.MethodPost {
		id = newID()
	}
	many, above := r.ask("approvers", "radio", "off"), r.ask("above", "text", "off")
	for _, n := range []string{"1", "2", "0"} {
		many.Options = append(many.Options, option{Value: n, Label: l.word("approvers", n), Hint: l.word("approvers_hint", n)})
	}
	many.Required, above.Max = true, 20
	if many.Value == "" {
		many.Value = strconv.Itoa(max(now.Approvers, 1))
	}
	if above.Value == "" && now.Approvers > 0 {
		above.Value = strconv.FormatInt(now.Above, 10)
	}
	v, page := r.formView("approvals", "/approvals/"+o.Organization, hidden("fact", id), many, above)
	page.Lead = l.say("approvals.lead", "now", l.approvals(&now))
	if now.Lower != nil {
		page.Lead += " " + l.say("approvals.lower", "wanted", l.approvals(now.Lower), "who", s.whoActed(r, now.By)(now.By))
	}
	page.Form.Cancel = "/people"
	r.underPeople(v)
	if r.Method != http.MethodPost {
		return v, nil
	}
	approvers, err := strconv.Atoi(many.Value)
	if err != nil || approvers < 0 || approvers > 2 {
		return nil, errBad
	}
	sum, ok := readDong(above.Value)
	if !ok || sum == 0 {
		page.Form.Fields[2].Error, v.status = l.say("till.amount.wrong"), http.StatusUnprocessableEntity
		return v, nil
	}
	count := events.Count(approvers)
	d, err := r.draft(o.Organization, id, "organization.approvals_required", &events.ApprovalsRequired{Dated: events.Dated{EffectiveOn: dayOf(id)},
		Sum: events.Sum{Amount: events.Decimal(strconv.FormatInt(sum, 10)), Currency: money.VND}, Approvers: &count}, nil)
	if err != nil {
		return nil, err
	}
	d.Envelope.Source = ofIdentity
	outcomes, err := s.record(r, d)
	var refused *refusedFact
	if errors.As(err, &refused) {
		return r.refuse(v, page, err)
	}
	if err != nil {
		return nil, err
	}
	done := "approvals"
	if outcomes[0].Code != "" {
		done = "approvals_one_more"
	}
	return see("/approvals/"+o.Organization, done), nil
}

// approvals says how many approve, and above what sum two do.
func (l *language) approvals(a *payouts.Approvals) string {
	switch {
	case a.Approvers == 1:
		return l.say("approvals.is.1", "sum", l.minor(a.Above, a.Currency))
	case a.Approvers > 1:
		return l.say("approvals.is.2")
	}
	return l.say("approvals.is.0")
}
