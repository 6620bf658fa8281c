package api

import (
	"context"

	"socho/events"
	"socho/internal/identity"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/projections"
)

// Bill is one bill with its sums.
type Bill struct {
	Organization string               `json:"organization"`
	Bill         string               `json:"bill"`
	Kind         string               `json:"kind" enum:"market,school"`
	Holder       string               `json:"holder" doc:"stall:<id> or pupil:<person>."`
	Person       string               `json:"person" doc:"Opaque; empty where not known."`
	Stall        string               `json:"stall" doc:"Of a market."`
	Class        string               `json:"class" doc:"Of a school."`
	Period       string               `json:"period" doc:"Month."`
	Reference    string               `json:"reference" doc:"What a payment names it by; empty for none."`
	DueOn        events.Date          `json:"due_on" doc:"Empty where not known."`
	IssuedOn     events.Date          `json:"issued_on"`
	Currency     money.Currency       `json:"currency"`
	Issued       string               `json:"issued"`
	Paid         string               `json:"paid"`
	Waived       string               `json:"waived"`
	Owed         string               `json:"owed" doc:"issued − paid − waived."`
	Status       string               `json:"status" enum:"open,part_paid,paid,waived,reversed"`
	First        projections.Position `json:"first" doc:"The record that issued it."`
	Last         projections.Position `json:"last" doc:"The latest record that touched it."`
}

func billOf(b *projections.Bill) Bill {
	sum := func(minor int64) string { return signed(minor, b.Currency) }
	return Bill{b.Organization, b.Bill, b.Kind, b.Holder, b.Person, b.Stall, b.Class, b.Period, b.Reference, b.DueOn, b.IssuedOn,
		b.Currency, sum(b.Issued), sum(b.Paid), sum(b.Waived), sum(b.Owed()), b.Status(), b.First, b.Last}
}

type billsInput struct {
	InOrganization
	Paging
	Period    string `query:"period" maxLength:"7" doc:"Of this month." example:"2026-09"`
	Status    string `query:"status" enum:"open,part_paid,paid,waived,reversed"`
	Unpaid    bool   `query:"unpaid" doc:"Only what owes something."`
	Holder    string `query:"holder" maxLength:"128"`
	Stall     string `query:"stall" maxLength:"64"`
	Class     string `query:"class" maxLength:"64"`
	Person    string `query:"person" maxLength:"64"`
	Reference string `query:"reference" maxLength:"64"`
	DueBefore string `query:"due_before" maxLength:"10" doc:"Due before this day." example:"2026-09-30"`
}

func (a *API) bills(ctx context.Context, in *billsInput) (*pageOutput[Bill], error) {
	if in.DueBefore != "" && !events.Date(in.DueBefore).Valid() {
		return nil, wrong("query.due_before", "Expected a day such as 2026-09-30.")
	}
	f := readmodel.BillFilter{Period: in.Period, Status: in.Status, Unpaid: in.Unpaid, Holder: in.Holder, Stall: in.Stall, Class: in.Class,
		Person: in.Person, Reference: in.Reference, DueBefore: in.DueBefore}
	found, next, err := a.Readers.Model.Bills(ctx, in.Organization, f, in.page())
	if err != nil {
		return nil, err
	}
	items := make([]Bill, len(found))
	for i := range found {
		items[i] = billOf(&found[i])
	}
	return page(items, next), nil
}

type billInput struct {
	InOrganization
	Bill string `path:"bill" minLength:"1" maxLength:"64"`
}

type billOutput struct{ Body Bill }

func (a *API) bill(ctx context.Context, in *billInput) (*billOutput, error) {
	b, err := a.Readers.Model.Bill(ctx, in.Organization, in.Bill)
	if err != nil {
		return nil, err
	}
	// A right that is bound to a stall is one to its bills alone.
	if !identity.From(ctx).May(identity.SeeBills, in.Organization, b.Stall) {
		return nil, readmodel.ErrNotFound
	}
	return &billOutput{billOf(&b)}, nil
}
