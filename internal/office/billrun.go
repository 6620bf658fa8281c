package office

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"socho/events"
	"socho/internal/billing"
	"socho/internal/money"
	"socho/internal/readmodel"
	"socho/internal/refcode"
	"socho/projections"
)

// ErrBillless: neither a school nor a market, so nobody to bill.
var ErrBillless = errors.New("only a school or a market bills")

// PlanRun works out what a run bills, and issues nothing. Errors:
// ErrNoOrganization; ErrBillless; refcode.ErrPrefix for a series that is none.
func (o *Office) PlanRun(ctx context.Context, r billing.Run) (*billing.Plan, projections.Organization, error) {
	org, err := o.organization(ctx, r.Organization)
	if err != nil {
		return nil, org, err
	}
	if r.Series == "" {
		if r.Series = string(refcode.HP); org.Kind == "market" {
			r.Series = string(refcode.CH)
		}
	}
	if _, err := seriesPeriod(refcode.Prefix(r.Series), r.Period); err != nil {
		return nil, org, err
	}
	terms, _, err := o.Model.Terms(ctx, r.Organization)
	if err != nil {
		return nil, org, err
	}
	book, err := billing.Read(terms)
	if err != nil {
		return nil, org, err
	}
	bills, _, err := o.Model.AllBills(ctx, r.Organization, readmodel.BillFilter{Period: string(r.Period)})
	if err != nil {
		return nil, org, err
	}
	stands := make(map[string]bool, len(bills))
	for i := range bills {
		stands[bills[i].Bill] = bills[i].Status() != projections.BillReversed
	}
	billed := func(bill string) (known, still bool) {
		still, known = stands[bill]
		return known, still
	}
	if org.Kind != "school" && org.Kind != "market" {
		return nil, org, fmt.Errorf("%s: %w", r.Organization, ErrBillless)
	}
	if r.Asked, err = o.asked(ctx, book, &r, org.Kind == "school"); err != nil {
		return nil, org, err
	}
	if org.Kind == "school" {
		return book.School(r, billed), org, nil
	}
	return book.Market(r, billed), org, nil
}

// asked finds what bills that stand have asked for in the times of the tariffs in
// force. Only the facts say items, so no more bills are read than those times hold:
// of a month alone, those of its other series.
func (o *Office) asked(ctx context.Context, book *billing.Terms, r *billing.Run, school bool) (billing.Asked, error) {
	spans, filter := map[events.Word]string{"month": string(r.Period)}, readmodel.BillFilter{Period: string(r.Period)}
	for _, t := range book.Tariffs(r.On) {
		if span := billing.Span(t.Every, r.Period, school); span != string(r.Period) {
			spans[t.Every] = span
			filter.Period = "" // of other months as well
		}
	}
	found, _, err := o.Model.AllBills(ctx, r.Organization, filter)
	if err != nil {
		return nil, err
	}
	own := r.BillPrefix()
	var within []projections.Bill
	for i := range found {
		b := &found[i]
		if b.Status() == projections.BillReversed || strings.HasPrefix(b.Bill, own) {
			continue // whose bill of this run stands gets none
		}
		for every, span := range spans {
			if billing.Span(every, events.Period(b.Period), school) == span {
				within = append(within, *b)
				break
			}
		}
	}
	issued, err := o.issued(ctx, within, false, nil)
	if err != nil {
		return nil, err
	}
	asked := billing.Asked{}
	for i := range issued {
		b := &issued[i]
		whose := cmp.Or(b.Stall, b.Person)
		for _, it := range b.Items {
			asked[whose] = append(asked[whose], billing.AskedItem{Item: it.Item, Period: events.Period(b.Period), Person: b.Person})
		}
	}
	return asked, nil
}

// seriesPeriod is the part of a reference code that says the period: the school
// year of HP, which begins in August, the month of the others.
func seriesPeriod(series refcode.Prefix, period events.Period) (string, error) {
	year, err1 := strconv.Atoi(string(period[2:4]))
	month, err2 := strconv.Atoi(string(period[5:]))
	if err := errors.Join(err1, err2); err != nil {
		return "", err
	}
	switch series {
	case refcode.HP:
		if month < 8 {
			year--
		}
		return fmt.Sprintf("%02d%02d", year, (year+1)%100), nil
	case refcode.BT, refcode.CH, refcode.VE:
		return fmt.Sprintf("%02d%02d", year, month), nil
	}
	return "", refcode.ErrPrefix
}

// ErrProblems: the run cannot work with a tariff; nothing is issued before that is
// mended.
var ErrProblems = errors.New("a tariff cannot be charged: two say what one item costs for the same class, or its days are not said (--days), or it goes by a term or coefficient that nobody has here")

// IssueRun issues the bills of a plan, each with a reference code that its
// receiving account has never seen, and takes off what was reduced. A run that was
// interrupted, or is begun twice, issues nothing twice: who asks again plans again,
// and a bill keeps its id. Errors: ErrProblems; *RefusedError; those of refcode.New.
func (o *Office) IssueRun(ctx context.Context, p *billing.Plan, org projections.Organization, progress Progress) error {
	if len(p.Problems) > 0 {
		return ErrProblems
	}
	series := refcode.Prefix(p.Series)
	period, err := seriesPeriod(series, p.Period)
	if err != nil {
		return err
	}
	taken, err := o.Everything.References(ctx, org.Organization, org.BankBIN, org.Account, p.Series+period)
	if err != nil {
		return err
	}
	var drafts []events.Draft
	for i := range p.Bills {
		b := &p.Bills[i]
		code, err := refcode.New(series, period, o.drawing(org, b.ID), func(c refcode.Code) (bool, error) { return taken[string(c)], nil })
		if err != nil {
			return err
		}
		taken[string(code)] = true
		drafts = append(drafts, o.billDraft(p, b, code))
		for _, w := range b.Waivers {
			reduction := events.Reduction{Dated: events.Dated{EffectiveOn: p.On}, Sum: events.Sum{Amount: events.Decimal(strconv.FormatInt(w.Amount, 10)), Currency: money.VND},
				Bill: events.ID(b.ID), Reason: events.Word(w.Reason)}
			if b.Stall != "" {
				drafts = append(drafts, o.draft(p.Organization, "x-"+b.ID+"-"+w.Reason, "market.fee_waived", p.On, &events.FeeWaived{Reduction: reduction}, nil))
				continue
			}
			drafts = append(drafts, o.draft(p.Organization, "x-"+b.ID+"-"+w.Reason, "school.bill_exempted", p.On, &events.BillExempted{Reduction: reduction}, nil))
		}
	}
	return o.say(ctx, drafts, progress)
}

func (o *Office) billDraft(p *billing.Plan, b *billing.Bill, code refcode.Code) events.Draft {
	dated, of := events.Dated{EffectiveOn: p.On}, events.Of{Person: events.ID(b.Person)}
	if b.Stall != "" {
		return o.draft(p.Organization, "i-"+b.ID+"-"+string(code), "market.fee_assessed", p.On, &events.FeeAssessed{Dated: dated, Of: of, Bill: events.ID(b.ID), Stall: events.ID(b.Stall),
			Period: p.Period, DueOn: p.DueOn, Reference: events.Reference(code), Currency: money.VND, Items: b.Items}, nil)
	}
	return o.draft(p.Organization, "i-"+b.ID+"-"+string(code), "school.bill_issued", p.On, &events.BillIssued{Dated: dated, Of: of, Bill: events.ID(b.ID), Class: events.ID(b.Class),
		Period: p.Period, DueOn: p.DueOn, Reference: events.Reference(code), Currency: money.VND, Items: b.Items}, nil)
}

// drawing is a source of randomness for a bill's code that only who has the key can
// foresee: two officers who issue the same bill at once say the same fact.
func (o *Office) drawing(org projections.Organization, bill string) io.Reader {
	return &drawing{key: o.References, seed: org.BankBIN + "|" + org.Account + "|" + org.Organization + "|" + bill}
}

type drawing struct {
	key  []byte
	seed string
	n    uint64
	left []byte
}

// Read implements io.Reader.
func (d *drawing) Read(p []byte) (int, error) {
	if len(d.left) == 0 {
		mac := hmac.New(sha256.New, d.key)
		mac.Write([]byte("reference|" + d.seed))
		mac.Write(binary.BigEndian.AppendUint64(nil, d.n))
		d.left, d.n = mac.Sum(nil), d.n+1
	}
	n := copy(p, d.left)
	d.left = d.left[n:]
	return n, nil
}
