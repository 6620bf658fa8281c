package api

import (
	"context"
	"math/big"

	"socho/events"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/projections"
)

// signed writes minor units as a decimal string.
func signed(minor int64, c money.Currency) string { return money.FormatSigned(big.NewInt(minor), c) }

// Payout is one payout of a fund with its sums.
type Payout struct {
	Organization string               `json:"organization"`
	Payout       string               `json:"payout"`
	Person       string               `json:"person" doc:"Opaque."`
	Programme    string               `json:"programme"`
	Period       string               `json:"period" doc:"Month."`
	Unit         string               `json:"unit" doc:"Code of the commune."`
	Method       string               `json:"method" doc:"account, ewallet or cash, as ordered."`
	Currency     money.Currency       `json:"currency"`
	Amount       string               `json:"amount" doc:"As ordered."`
	Payable      string               `json:"payable" doc:"Not sent yet."`
	Clearing     string               `json:"clearing" doc:"On its way."`
	Returned     string               `json:"returned" doc:"Came back, and is owed again."`
	Settled      string               `json:"settled" doc:"Left by the bank."`
	CameBack     string               `json:"came_back" doc:"Came in again on a bank line."`
	PaidCash     string               `json:"paid_cash" doc:"Handed over."`
	Recoverable  string               `json:"recoverable" doc:"Left beyond what was owed, and has not come back."`
	Status       string               `json:"status" enum:"ordered,sent,settled,returned,paid_cash,reversed"`
	Reason       string               `json:"reason" doc:"Of the latest return."`
	OrderedOn    events.Date          `json:"ordered_on"`
	SentOn       events.Date          `json:"sent_on" doc:"Empty where it did not happen, likewise below."`
	SettledOn    events.Date          `json:"settled_on"`
	ReturnedOn   events.Date          `json:"returned_on"`
	CashOn       events.Date          `json:"cash_on"`
	First        projections.Position `json:"first"`
	Last         projections.Position `json:"last"`
}

func payoutOf(p *projections.Payout) Payout {
	sum := func(minor int64) string { return signed(minor, p.Currency) }
	return Payout{p.Organization, p.Payout, p.Person, p.Programme, p.Period, p.Unit, p.Method, p.Currency,
		sum(p.Ordered), sum(p.Payable), sum(p.Clearing), sum(p.Returned), sum(p.Settled), sum(p.CameBack), sum(p.PaidCash), sum(p.Recoverable),
		p.Status(), p.Reason, p.OrderedOn, p.SentOn, p.SettledOn, p.ReturnedOn, p.CashOn, p.First, p.Last}
}

type payoutsInput struct {
	InOrganization
	Paging
	Period string `query:"period" maxLength:"7" doc:"Of this month." example:"2026-09"`
	Status string `query:"status" enum:"ordered,sent,settled,returned,paid_cash,reversed"`
	Unit   string `query:"unit" maxLength:"16"`
	Person string `query:"person" maxLength:"64"`
	Method string `query:"method" maxLength:"16"`
}

func (a *API) payouts(ctx context.Context, in *payoutsInput) (*pageOutput[Payout], error) {
	f := readmodel.PayoutFilter{Period: in.Period, Status: in.Status, Unit: in.Unit, Person: in.Person, Method: in.Method}
	found, next, err := a.Readers.Model.Payouts(ctx, in.Organization, f, in.page())
	if err != nil {
		return nil, err
	}
	items := make([]Payout, len(found))
	for i := range found {
		items[i] = payoutOf(&found[i])
	}
	return page(items, next), nil
}

type payoutInput struct {
	InOrganization
	Payout string `path:"payout" minLength:"1" maxLength:"64"`
}

type payoutOutput struct{ Body Payout }

func (a *API) payout(ctx context.Context, in *payoutInput) (*payoutOutput, error) {
	p, err := a.Readers.Model.Payout(ctx, in.Organization, in.Payout)
	return &payoutOutput{payoutOf(&p)}, err
}

// PayoutStatus is where a fund's month stands. Persons are counted once however
// many payouts they have.
type PayoutStatus struct {
	Period         string        `json:"period"`
	Entitled       int64         `json:"entitled" doc:"Persons."`
	PaidAccount    int64         `json:"paid_account" doc:"Persons paid by a bank or wallet."`
	PaidCash       int64         `json:"paid_cash" doc:"Persons paid in cash."`
	Returned       int64         `json:"returned" doc:"Persons whose payout came back and is owed again."`
	CarriedForward int64         `json:"carried_forward" doc:"Persons entitled and not paid."`
	Amounts        PayoutAmounts `json:"amounts" doc:"In đồng."`
	Rate           *string       `json:"rate" doc:"paid_account ÷ entitled in percent, one decimal, half-up; null where nobody is entitled."`
}

// PayoutAmounts are the sums behind a PayoutStatus.
type PayoutAmounts struct {
	Entitled    string `json:"entitled"`
	PaidAccount string `json:"paid_account"`
	PaidCash    string `json:"paid_cash"`
	Returned    string `json:"returned"`
}

type payoutStatusInput struct {
	InOrganization
	Period string `query:"period" required:"true" pattern:"^20[0-9]{2}-(0[1-9]|1[0-2])$" doc:"Month." example:"2026-09"`
}

type payoutStatusOutput struct{ Body PayoutStatus }

func (a *API) payoutStatus(ctx context.Context, in *payoutStatusInput) (*payoutStatusOutput, error) {
	s, err := a.Readers.Model.PayoutSummary(ctx, in.Organization, in.Period)
	return &payoutStatusOutput{PayoutStatus{in.Period, s.Entitled, s.PaidAccount, s.PaidCash, s.Returned, s.CarriedForward,
		PayoutAmounts{s.EntitledSum.Format(money.VND), s.PaidAccountSum.Format(money.VND), s.PaidCashSum.Format(money.VND), s.ReturnedSum.Format(money.VND)}, s.Rate}}, err
}
