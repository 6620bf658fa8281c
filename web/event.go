package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"

	"socho/events"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
)

// OutcomeSource says what the ledger decided.
type OutcomeSource interface {
	// OutcomeAt returns one record's outcome and transfers; found is false where
	// the record is not decided yet.
	OutcomeAt(ctx context.Context, shard int, offset int64) (o *ledger.Outcome, transfers []ledger.Transfer, found bool, err error)
	// RecentOutcomes lists outcomes of the given unusual statuses, the latest
	// recorded first, from behind one of them on. Organizations nil means all.
	RecentOutcomes(ctx context.Context, statuses []ledger.Status, organizations []string, behind *ledger.Outcome, limit int) ([]*ledger.Outcome, error)
	// Claimants lists the records that own an event's id, at most 10; organization
	// and source may be empty for any.
	Claimants(ctx context.Context, eventID, organization, source string) ([]*ledger.Outcome, error)
}

// RecordSource reads one record of the log.
type RecordSource interface {
	At(ctx context.Context, shard int, offset int64) (events.Record, error)
}

// field is one entry of an event's data as it stands on the log.
type field struct {
	Name, Value string
	Sealed      bool
}

type eventPage struct {
	Outcome      *ledger.Outcome
	Transfers    []ledger.Transfer
	Record       *events.Record // nil where it cannot be read at present
	Event        *events.Event  // nil where it is no event of the catalogue
	Organization *projections.Organization
	Base         string
	Sentence     string
	Fields       []field
	Items        []events.Item
	Currency     money.Currency
	Actor        string
	Raw          string
	Related      []projections.TracedEvent
	Figures      []crumb // published figures that count the event
	Receipt      string  // where its receipt is
	Previous     int64   // −1 for none
	Reveal       *reveal
}

func (s *site) event(r *request) (*view, error) {
	shard, offset, ok := readRecord(r.PathValue("shard"), r.PathValue("offset"))
	if !ok {
		return nil, errNoPage
	}
	o, transfers, found, err := s.Outcomes.OutcomeAt(r.Context(), shard, offset)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, &failure{http.StatusNotFound, "undecided"}
	}
	page := eventPage{Outcome: o, Transfers: transfers, Previous: offset - 1}
	if record, err := s.Records.At(r.Context(), shard, offset); err == nil {
		page.Record = &record
		page.open(r.language)
		if page.Event != nil && o.Status.Accepted() {
			page.Figures = r.language.figuresOf(page.Event)
		}
	} else {
		// The ledger's own word is shown even while the log cannot be read.
		s.Log.WarnContext(r.Context(), "record cannot be read", "shard", shard, "offset", offset, "error", err)
	}
	if s.Receipt != nil {
		page.Receipt = s.Receipt(shard, offset)
	}
	if o.Organization != "" {
		organization, err := s.Model.Organization(r.Context(), o.Organization)
		if err == nil {
			page.Organization, page.Base = &organization, baseOf(organization.Kind)
		} else if !errors.Is(err, readmodel.ErrNotFound) {
			return nil, err
		}
		if page.Related, err = s.related(r, o); err != nil {
			return nil, err
		}
	}
	if page.Record != nil {
		if page.Reveal, err = s.revealRecord(r, page.Record); err != nil {
			return nil, err
		}
	}
	v := &view{template: "event", title: r.language.say("event.title", "shard", shard, "offset", offset), data: page}
	if page.Organization != nil {
		v.crumbs = r.crumbs(*page.Organization)
	}
	return v, nil
}

// countedIn is the domain whose figures count a fact; the registry's facts name
// theirs.
var countedIn = map[string]string{
	"benefit.person_entitled": projections.Benefits, "benefit.payout_settled": projections.Benefits,
	"benefit.payout_returned": projections.Benefits, "benefit.paid_in_cash": projections.Benefits,
	"market.payment_received": projections.Fees, "school.bill_paid": projections.Fees,
}

// figuresOf links to the figures, over the month that the event is effective
// in or speaks of, that count it.
func (l *language) figuresOf(e *events.Event) (links []crumb) {
	domain, period := countedIn[events.Name(e.Type)], string(e.Fact.Effective())
	switch f := e.Fact.(type) {
	case *events.InstitutionReported:
		domain = string(f.Domain)
	case *events.FigureReported:
		domain = string(f.Domain)
	case *events.PersonEntitled:
		period = string(f.Period)
	}
	if domain == "" || len(period) < len("2006-01") {
		return nil
	}
	for _, by := range projections.Bys(domain) {
		links = append(links, crumb{l.say("figure." + domain + "." + by + ".title"), figureLink(projections.Query{Domain: domain, By: by, Period: period[:len("2006-01")]})})
	}
	return links
}

// related lists records that reverse this event or take it up again.
func (s *site) related(r *request, o *ledger.Outcome) ([]projections.TracedEvent, error) {
	traced, _, err := s.Traces.Trace(r.Context(), readmodel.Subject{Organization: o.Organization, Kind: projections.SubjectEvent, ID: o.EventID}, readmodel.Page{Limit: eventsPerPage})
	if errors.Is(err, readmodel.ErrNotFound) {
		return nil, nil
	}
	return slices.DeleteFunc(traced, func(t projections.TracedEvent) bool {
		return t.Shard == o.Shard && t.Offset == o.Offset
	}), err
}

// open takes the record apart. What does not decode is not shown: it has not
// come through intake, and personal data may stand in it in clear.
func (p *eventPage) open(l *language) {
	e, err := events.Decode(p.Record.Value)
	if err != nil {
		return
	}
	p.Event, p.Raw = e, string(p.Record.Value)
	p.Sentence = l.sentence(e)
	p.Fields = l.fieldsOf(e)
	if actor, ok := p.Record.Header(events.HeaderActor); ok {
		p.Actor = string(actor)
	}
	p.Items, p.Currency = itemsOf(e)
}

func itemsOf(e *events.Event) ([]events.Item, money.Currency) {
	switch f := e.Fact.(type) {
	case *events.FeeAssessed:
		return f.Items, f.Currency
	case *events.BillIssued:
		return f.Items, f.Currency
	}
	return nil, ""
}

// fieldsOf lists an event's data by name. Sealed fields are named only.
func (l *language) fieldsOf(e *events.Event) []field {
	var data map[string]json.RawMessage
	if json.Unmarshal(e.Data, &data) != nil {
		return nil
	}
	var fields []field
	for _, name := range slices.Sorted(maps.Keys(data)) {
		value := data[name]
		if name == "sealed" {
			var sealed map[string]json.RawMessage
			if json.Unmarshal(value, &sealed) == nil {
				for _, personal := range slices.Sorted(maps.Keys(sealed)) {
					fields = append(fields, field{Name: personal, Sealed: true})
				}
			}
			continue
		}
		if name == "items" {
			continue // a table of their own
		}
		if _, undecodable := e.Fact.(*events.Undecodable); undecodable && name == "input" {
			fields = append(fields, field{Name: name, Sealed: true})
			continue
		}
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(bytes.TrimSpace(value))
		}
		switch name {
		case "effective_on", "due_on":
			text = date(events.Date(text))
		case "period", "from_period":
			text = month(text)
		case "amount", "numerator", "denominator":
			text = l.number(text)
		case "unit":
			if place := unit(text); place != text {
				text = place + " (" + text + ")"
			}
		}
		fields = append(fields, field{Name: name, Value: text})
	}
	return fields
}

// issuedItems reads the lines of a bill from the record that issued it; none
// where that cannot be read now.
func (s *site) issuedItems(r *request, b *projections.Bill) []events.Item {
	record, err := s.Records.At(r.Context(), b.First.Shard, b.First.Offset)
	if err != nil {
		s.Log.WarnContext(r.Context(), "record cannot be read", "shard", b.First.Shard, "offset", b.First.Offset, "error", err)
		return nil
	}
	e, err := events.Decode(record.Value)
	if err != nil {
		return nil
	}
	items, _ := itemsOf(e)
	return items
}
