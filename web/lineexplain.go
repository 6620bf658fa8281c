package web

import (
	"strings"

	"socho/events"
	"socho/internal/money"
	"socho/internal/reconcile"
)

// What money of the organization's own may be for, by the direction of the line.
var (
	spentFor  = []string{"wages", "food", "electricity", "water", "supplies", "repairs", "treasury", "other"}
	earnedFor = []string{"donation", "support", "rent", "parking", "other"}
)

// purposes are what the money of a line may be for that no bill asked for: what the
// organization takes or spends itself, and what it collected for others and passes
// on.
func (s *site) purposes(r *request, organization string, l *reconcile.Row) (all []option, err error) {
	if l.Direction == "in" {
		for _, item := range earnedFor {
			all = append(all, option{Value: "earned:" + item, Label: r.language.word("item", item)})
		}
		return all, nil
	}
	for _, item := range spentFor {
		all = append(all, option{Value: "spent:" + item, Label: r.language.say("line.explain.spent", "item", r.language.word("item", item))})
	}
	if l.Currency != money.VND {
		return all, nil
	}
	held, err := s.Desk.Lines.Held(r.Context(), organization)
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		all = append(all, option{Value: "passed_on:" + h.Item, Label: r.language.say("line.explain.passed_on", "item", r.language.word("item", h.Item), "sum", r.language.minor(h.Amount, money.VND))})
	}
	return all, nil
}

// explaining says what money was for that came or went without a bill.
func (s *site) explaining(r *request, organization string, l *reconcile.Row) ([]events.Draft, error) {
	purpose := r.PostFormValue("purpose")
	if purpose == "" {
		return nil, &wrongField{r.language.say("line.explain.choose")}
	}
	kind, item, _ := strings.Cut(purpose, ":")
	minor := l.Left
	if text := strings.TrimSpace(r.PostFormValue("amount")); text != "" {
		var err error
		if minor, err = readMinor(text, l.Currency); err != nil {
			return nil, &wrongField{r.language.say("line.no_amount", "amount", text)}
		}
	}
	sum, err := sumOf(minor, l.Currency)
	if err != nil || minor <= 0 {
		return nil, &wrongField{r.language.say("line.nothing_left")}
	}
	dated := events.Dated{EffectiveOn: events.Date(l.On)}
	var f events.Fact
	switch {
	case kind == "earned" && l.Direction == "in":
		f = &events.Earned{Dated: dated, Sum: sum, Item: events.Word(item), Line: events.ID(l.Line)}
	case kind == "spent" && l.Direction == "out":
		f = &events.Spent{Dated: dated, Sum: sum, Item: events.Word(item), Line: events.ID(l.Line)}
	case kind == "passed_on" && l.Direction == "out":
		f = &events.PassedOn{Dated: dated, Sum: sum, Item: events.Word(item), Line: events.ID(l.Line)}
	default:
		return nil, errBad
	}
	fact, err := r.draft(organization, r.PostFormValue("id"), "organization."+kind, f, nil)
	return []events.Draft{fact}, err
}
