package payoutreport

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/projections"
)

// Report is a month of benefits as the office reports it by the 20th (Decree
// 20/2021/NĐ-CP, Article 34): commune by commune, who was entitled and how they were
// paid, and where the cash is. Persons count once; the whole is what socho payout
// status and socho adoption say.
type Report struct {
	Organization string
	Fund         string
	Period       string
	Definition   string // of the rate
	Units        []Row
	Whole        Row
	Tills        []Till // of the calendar month
	Cash         Till   // all of them together
	At           time.Time
}

// Row is one commune, or the whole. Persons are counted, amounts are in đồng.
// Carried are those who were entitled and not paid, and what of their due has not
// been paid.
type Row struct {
	Unit                                                           string
	Entitled, HasAccount, PaidAccount, PaidCash, Returned, Carried int64
	EntitledSum, AccountSum, PaidAccountSum, PaidCashSum           int64
	ReturnedSum, CarriedSum                                        int64
	Rate                                                           *string // PaidAccount ÷ Entitled in percent, half-up to one decimal
}

// RateMeans says how the rate is made.
const RateMeans = "Tỷ lệ = số người có khoản chi tháng này được ngân hàng hoặc ví chi xong và không bị trả về, chia cho số người được hưởng tháng này; mỗi người tính một lần; phần trăm, làm tròn nửa lên đến một chữ số."

// Report makes the report of a fund's month. Errors: readmodel.ErrNotFound where
// there is no such fund.
func (b Books) Report(ctx context.Context, organization, period string, at time.Time) (*Report, error) {
	o, err := b.Read.Organization(ctx, organization)
	if err != nil {
		return nil, err
	}
	r := &Report{Organization: organization, Fund: o.Name, Period: period, Definition: projections.Definition(projections.Benefits, projections.ByPersons), At: at}
	units, err := b.Read.PayoutUnits(ctx, organization, period)
	if err != nil {
		return nil, err
	}
	for i := range units {
		row, err := rowOf(&units[i])
		if err != nil {
			return nil, err
		}
		r.Whole.add(&row)
		if row.Unit != "" || row.PaidAccountSum != 0 || row.PaidCashSum != 0 || row.ReturnedSum != 0 {
			r.Units = append(r.Units, row)
		}
	}
	// What the month's summary says of the whole is what is reported; the communes
	// have to add up to it.
	s, err := b.Read.PayoutSummary(ctx, organization, period)
	if err != nil {
		return nil, err
	}
	w := &r.Whole
	if w.Entitled != s.Entitled || w.PaidAccount != s.PaidAccount || w.PaidCash != s.PaidCash || w.Returned != s.Returned || w.Carried != s.CarriedForward ||
		money.Total.Compare(money.Total{}.Plus(w.PaidAccountSum), s.PaidAccountSum) != 0 || money.Total.Compare(money.Total{}.Plus(w.PaidCashSum), s.PaidCashSum) != 0 ||
		money.Total.Compare(money.Total{}.Plus(w.EntitledSum), s.EntitledSum) != 0 {
		return nil, fmt.Errorf("the communes of %s do not add up to its month %s; facts are coming in, or the projection is damaged: try again, then socho project rebuild payouts", organization, period)
	}
	w.CarriedSum = max(w.EntitledSum-w.PaidAccountSum-w.PaidCashSum, 0)
	w.Rate = s.Rate
	if r.Tills, err = b.Tills(ctx, organization, period); err != nil {
		return nil, err
	}
	for _, t := range r.Tills {
		r.Cash.Before, r.Cash.Drawn, r.Cash.Paid, r.Cash.Banked = r.Cash.Before+t.Before, r.Cash.Drawn+t.Drawn, r.Cash.Paid+t.Paid, r.Cash.Banked+t.Banked
	}
	return r, nil
}

func rowOf(u *readmodel.PayoutUnit) (row Row, err error) {
	row = Row{Unit: u.Unit, Entitled: u.Entitled, HasAccount: u.HasAccount, PaidAccount: u.PaidAccount, PaidCash: u.PaidCash, Returned: u.Returned, Carried: u.Carried}
	for _, s := range []struct {
		from money.Total
		to   *int64
	}{{u.EntitledSum, &row.EntitledSum}, {u.AccountSum, &row.AccountSum}, {u.PaidAccountSum, &row.PaidAccountSum}, {u.PaidCashSum, &row.PaidCashSum}, {u.ReturnedSum, &row.ReturnedSum}} {
		n := s.from.Big()
		if !n.IsInt64() {
			return row, fmt.Errorf("commune %s: a sum is too large to be reported", u.Unit)
		}
		*s.to = n.Int64()
	}
	row.CarriedSum = max(row.EntitledSum-row.PaidAccountSum-row.PaidCashSum, 0)
	row.Rate = projections.Rate(big.NewInt(row.PaidAccount), big.NewInt(row.Entitled))
	return row, nil
}

func (w *Row) add(r *Row) {
	w.Entitled, w.HasAccount, w.PaidAccount, w.PaidCash = w.Entitled+r.Entitled, w.HasAccount+r.HasAccount, w.PaidAccount+r.PaidAccount, w.PaidCash+r.PaidCash
	w.Returned, w.Carried = w.Returned+r.Returned, w.Carried+r.Carried
	w.EntitledSum, w.AccountSum, w.PaidAccountSum = w.EntitledSum+r.EntitledSum, w.AccountSum+r.AccountSum, w.PaidAccountSum+r.PaidAccountSum
	w.PaidCashSum, w.ReturnedSum = w.PaidCashSum+r.PaidCashSum, w.ReturnedSum+r.ReturnedSum
}
