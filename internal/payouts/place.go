package payouts

import (
	"context"

	"socho/events"
	"socho/projections"
)

// verdict is what a result comes to beside what is known of its payout.
type verdict string

const (
	isNew     verdict = "new"
	isKnown   verdict = "known"
	isPending verdict = "pending"
	isLate    verdict = "late"
	isUnknown verdict = "no payout of this organization has that id"
	otherSent verdict = "the payout was in no batch of that id"
	several   verdict = "the payout was in several batches; say which with --batch"
	noReturn  verdict = "money that came back is on a bank line; name it, or take it from the statement"
)

// verdictCodes are words for those verdicts that a person has to look at.
var verdictCodes = map[verdict]string{isUnknown: "payout_unknown", otherSent: "other_batch", several: "which_batch", noReturn: "which_line"}

// place decides what a result comes to, and fills in what it leaves out: the
// batch, the amount, the line.
//
// A payout is settled once for each time that it was sent. Where the bank's report
// named no line, the batch stands for it; the statement's line that comes later is
// the same money. A second line of the bank is money that left twice, and is
// written down as well.
//
// A rejection says that nothing moved for one batch: it holds only while the payout
// is still on its way in that batch. Anything else would let it be sent a second
// time while a first is under way.
func place(r *result, moves []projections.PayoutMove) verdict {
	if len(moves) == 0 {
		return isUnknown
	}
	if r.what == pending || r.what == 0 {
		return isPending
	}
	var sent []projections.PayoutMove
	for _, m := range moves {
		if m.Kind == projections.MoveBatched {
			sent = append(sent, m)
		}
	}
	if r.what == returned {
		if r.bankLine == "" {
			return noReturn
		}
		if r.amount == 0 && len(sent) > 0 {
			r.amount = sent[len(sent)-1].Amount
		}
		for _, m := range moves {
			if m.Kind == projections.MoveReturned && m.Line == r.bankLine {
				return isKnown
			}
		}
		return isNew
	}
	if len(sent) == 0 {
		return otherSent
	}
	if v := chooseBatch(r, sent, moves); v != isNew {
		return v
	}
	inside := within(moves, r.batch)
	if len(inside) == 0 {
		return otherSent
	}
	if r.amount == 0 {
		r.amount = inside[0].Amount
	}
	last := sent[len(sent)-1]
	if r.what == rejected {
		for _, m := range inside[1:] {
			if m.Kind == projections.MoveReturned {
				return isKnown
			}
		}
		if last.Batch != r.batch {
			return isLate
		}
		r.bankLine = ""
		return isNew
	}
	if r.bankLine == "" {
		r.bankLine = r.batch
	}
	for _, m := range moves {
		if m.Kind == projections.MoveSettled && m.Line == r.bankLine {
			return isKnown
		}
	}
	for _, m := range inside {
		if m.Kind == projections.MoveSettled && (m.Line == r.batch || r.bankLine == r.batch) {
			return isKnown
		}
	}
	return isNew
}

// chooseBatch finds which sending a result is about, where it does not say: of
// several, the first that nothing is known of yet.
func chooseBatch(r *result, sent, moves []projections.PayoutMove) verdict {
	if r.batch != "" {
		return isNew
	}
	if len(sent) > 1 && r.bankLine == "" {
		return several
	}
	r.batch = sent[len(sent)-1].Batch
	for _, s := range sent {
		if len(within(moves, s.Batch)) == 1 {
			r.batch = s.Batch
			break
		}
	}
	return isNew
}

// settle writes down what some results come to.
func (p *Process) settle(ctx context.Context, o Results, some []result, out *Settled) error {
	if len(some) == 0 {
		return nil
	}
	names := make([]string, len(some))
	for i := range some {
		names[i] = some[i].payout
	}
	moves, err := p.Read.PayoutMoves(ctx, o.Organization, names)
	if err != nil {
		return err
	}
	var taken []result
	for i := range some {
		r := &some[i]
		if r.batch == "" {
			r.batch = o.Batch
		}
		if r.bankLine == "" && r.what != rejected {
			r.bankLine = o.Line
		}
		switch v := place(r, moves[r.payout]); v {
		case isNew:
			kind := projections.MoveReturned
			if r.what == settled {
				kind, out.Settled = projections.MoveSettled, out.Settled+1
			} else {
				out.Returned++
			}
			moves[r.payout] = append(moves[r.payout], projections.PayoutMove{Payout: r.payout, Kind: kind, Line: r.bankLine, Amount: r.amount})
			taken = append(taken, *r)
		case isKnown:
			out.Known++
		case isPending:
			out.Pending++
		case isLate:
			out.Late++
		default:
			out.problem(Fault{Line: r.line, Code: verdictCodes[v], Problem: string(v)})
		}
	}
	if len(taken) == 0 {
		return nil
	}
	done, err := p.publish(ctx, o.Organization, func(say func(events.Envelope, events.Fact, map[string]string) error) error {
		for _, r := range taken {
			amount, err := sum(r.amount)
			if err != nil {
				return err
			}
			on := events.Dated{EffectiveOn: p.today()}
			if r.on != "" {
				on.EffectiveOn = events.Date(r.on)
			}
			kind := "settled"
			if r.what != settled {
				kind = "returned"
			}
			e := p.envelope(o.Organization, kind+"-"+hashed(40, kind, r.payout, r.batch, r.bankLine), "benefit.payout_"+kind)
			e.Time = events.Time(string(on.EffectiveOn) + "T00:00:00+07:00")
			if r.what == settled {
				err = say(e, &events.PayoutSettled{Dated: on, Sum: amount, Payout: events.PayoutID(r.payout), Line: events.ID(r.bankLine)}, nil)
			} else {
				err = say(e, &events.PayoutReturned{Dated: on, Sum: amount, Payout: events.PayoutID(r.payout), Line: events.ID(r.bankLine), Reason: events.Word(r.reason)}, nil)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	for code, n := range done.codes {
		out.Refused[code] += n
	}
	return err
}
