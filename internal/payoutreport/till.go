package payoutreport

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/money"
	"socho/internal/postgres"
	"socho/internal/readmodel"
)

// Books are what everything here is read from.
type Books struct {
	Ledger *postgres.DB
	Read   *readmodel.DB
}

// Till is the cash of one pay point in a calendar month, in đồng: what lay there
// before, what was drawn for it by bank lines, paid out, and brought back by bank
// lines. A paying agent, such as the post office, is a pay point: what is handed
// over to it is drawn, what it gives back is banked. What was taken back again does
// not count.
type Till struct {
	Point                       string
	Before, Drawn, Paid, Banked int64
	Moves                       []Move // what was drawn and banked in the month, in the order of the log
}

// Move is cash that came to a pay point or went back to the bank. Amount is below
// zero for what went; Back is set where it takes an earlier one back, or was taken
// back itself.
type Move struct {
	On      events.Date
	Amount  int64
	Line    string
	Shard   int
	Offset  int64
	EventID string
	Back    bool
}

// Left is what lies there: below zero where less was drawn than paid out so far.
func (t Till) Left() int64 { return t.Before + t.Drawn - t.Paid - t.Banked }

// tillPrefix begins the accounts of pay points.
const tillPrefix = "cash:paypoint:"

// Points lists an organization's pay points, with what lies there now, sorted by
// name. Only đồng are looked at.
func (b Books) Points(ctx context.Context, organization string) (points []Till, err error) {
	err = b.Ledger.Balances(ctx, organization+":"+tillPrefix, postgres.AsOf{}, func(of postgres.Balance) error {
		point := strings.TrimPrefix(of.Account, organization+":"+tillPrefix)
		if of.Currency != money.VND || strings.Contains(point, ":") {
			return nil
		}
		left, err := strconv.ParseInt(of.Balance, 10, 64)
		points = append(points, Till{Point: point, Before: left})
		return err
	})
	return points, err
}

// Till reads one pay point's month. One that was never used is empty.
func (b Books) Till(ctx context.Context, organization, point, month string) (Till, error) {
	t := Till{Point: point}
	account := organization + ":" + tillPrefix + point
	err := b.Ledger.Postings(ctx, account, postgres.AsOf{}, func(p postgres.Posting) error {
		amount, err := strconv.ParseInt(p.Amount, 10, 64)
		if err != nil || p.Currency != money.VND || string(p.EffectiveOn)[:7] > month {
			return err
		}
		// What a posting did is told by the account on the other side, so that a
		// reversal takes off what it reverses.
		other := p.Credit
		if p.Credit == account {
			other, amount = p.Debit, -amount
		}
		_, path, _ := strings.Cut(other, ":")
		switch {
		case string(p.EffectiveOn)[:7] < month:
			t.Before += amount
		case strings.HasPrefix(path, "unallocated:out:"):
			t.Drawn += amount
			t.move(p, amount, path)
		case strings.HasPrefix(path, "unallocated:in:"):
			t.Banked -= amount
			t.move(p, amount, path)
		default:
			t.Paid -= amount
		}
		return nil
	})
	if errors.Is(err, postgres.ErrNoAccount) {
		err = nil
	}
	return t, err
}

// move keeps a posting of money from or to the bank. One that takes another back
// has the same line and the opposite amount.
func (t *Till) move(p postgres.Posting, amount int64, path string) {
	line := strings.Split(path, ":")[2]
	m := Move{On: p.EffectiveOn, Amount: amount, Line: line, Shard: p.Shard, Offset: p.Offset, EventID: p.EventID}
	if m.Back = p.Code == "reversal"; m.Back {
		for i := range t.Moves {
			if o := &t.Moves[i]; !o.Back && o.Line == line && o.Amount == -amount {
				o.Back = true
				break
			}
		}
	}
	t.Moves = append(t.Moves, m)
}

// Tills reads all pay points of a month that have anything in it or before it.
func (b Books) Tills(ctx context.Context, organization, month string) ([]Till, error) {
	points, err := b.Points(ctx, organization)
	if err != nil {
		return nil, err
	}
	tills := points[:0]
	for _, p := range points {
		t, err := b.Till(ctx, organization, p.Point, month)
		if err != nil {
			return nil, err
		}
		if t.Before != 0 || t.Drawn != 0 || t.Paid != 0 || t.Banked != 0 {
			tills = append(tills, t)
		}
	}
	return tills, nil
}

// OpenLine is a bank line of which something is left that no fact says the use of.
type OpenLine struct {
	Line string
	Left int64
}

// OpenLines lists lines of money out, or in, that wait for a use, in đồng, at most
// limit of them.
func (b Books) OpenLines(ctx context.Context, organization string, out bool, limit int) (lines []OpenLine, err error) {
	prefix := organization + ":unallocated:in:"
	if out {
		prefix = organization + ":unallocated:out:"
	}
	err = b.Ledger.Balances(ctx, prefix, postgres.AsOf{}, func(of postgres.Balance) error {
		line := strings.TrimPrefix(of.Account, prefix)
		if of.Currency != money.VND || of.Balance == "0" || strings.Contains(line, ":") || len(lines) == limit {
			return nil
		}
		left, err := strconv.ParseInt(of.Balance, 10, 64)
		lines = append(lines, OpenLine{line, max(left, -left)})
		return err
	})
	return lines, err
}

// CashPayouts lists the cash payouts of a month, of one commune or all.
func (b Books) CashPayouts(ctx context.Context, organization, period, unit string, limit int) (all []readmodel.CashPayout, err error) {
	for after := ""; len(all) < limit; {
		some, err := b.Read.CashPayouts(ctx, organization, period, unit, after, min(limit-len(all), 500))
		if err != nil || len(some) == 0 {
			return all, err
		}
		all, after = append(all, some...), some[len(some)-1].Payout.Payout
	}
	return all, nil
}

// CashUnits lists the communes that have any.
func (b Books) CashUnits(ctx context.Context, organization, period string) ([]string, error) {
	return b.Read.CashUnits(ctx, organization, period)
}

// PayoutPeriods lists the months that anybody is entitled for, the latest first.
func (b Books) PayoutPeriods(ctx context.Context, organization string) ([]string, error) {
	return b.Read.PayoutPeriods(ctx, organization)
}
