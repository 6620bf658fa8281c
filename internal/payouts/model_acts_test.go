package payouts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"pgregory.net/rapid"

	"socho/internal/intake"
	"socho/internal/payouts"
	"socho/internal/readmodel"
	"socho/ledger"
	"socho/projections"
)

// crashing takes records in, and dies behind so many of them: of a run of facts, some
// are on the log then, and whoever said them never learns of it.
type crashing struct {
	payouts.Service
	left int
}

func (c *crashing) Publish(ctx context.Context, r io.Reader, o intake.Options) (intake.Report, error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return intake.Report{}, err
	}
	lines := bytes.SplitAfter(bytes.TrimSpace(all), []byte("\n"))
	some := lines[:min(len(lines), c.left)]
	if c.left -= len(some); c.left > 0 {
		return c.Service.Publish(ctx, bytes.NewReader(all), o)
	}
	if len(some) > 0 {
		report, err := c.Service.Publish(ctx, bytes.NewReader(bytes.Join(some, nil)), o)
		if err != nil {
			return report, err
		}
		if _, err := c.Service.Decided(ctx, report); err != nil {
			return report, err
		}
	}
	return intake.Report{}, errDied
}

// unfinished is an act whose process has died: somebody does it once more, later.
type unfinished struct {
	actor string
	act   func(*payouts.Process) error
	done  func()
}

// try does something in somebody's name. Its process may die on the way, and what was
// begun then is completed by another one, at once or after other things have happened.
func (m *funding) try(r *rapid.T, actor string, act func(*payouts.Process) error, done func()) {
	m.t.Helper()
	p := m.as(actor)
	if rapid.IntRange(0, 2).Draw(r, "dies") == 0 {
		p.Service = &crashing{p.Service, rapid.IntRange(0, 9).Draw(r, "records")}
	}
	err := act(p)
	if errors.Is(err, errDied) {
		if rapid.IntRange(0, 9).Draw(r, "restarts") == 0 {
			m.restart()
		}
		m.pending = append(m.pending, unfinished{actor, act, done})
		return
	}
	m.must(err)
	done()
}

// resume completes what was begun first.
func (m *funding) resume(r *rapid.T) {
	if len(m.pending) > 0 {
		first := m.pending[0]
		m.pending = m.pending[1:]
		m.try(r, first.actor, first.act, first.done)
	}
}

// finish completes all that was begun.
func (m *funding) finish(r *rapid.T) {
	for len(m.pending) > 0 {
		first := m.pending[0]
		m.pending = m.pending[1:]
		m.must(first.act(m.as(first.actor)))
		first.done()
	}
	m.ordered()
}

// ordered waits until the service has ordered what was approved.
func (m *funding) ordered() {
	m.t.Helper()
	for _, l := range m.allLists() {
		if l.State == projections.ListApproved {
			p := m.as(payouts.Orders)
			_, err := p.Order(m.t.Context(), l, false)
			m.must(err)
		}
	}
	m.caughtUp()
}

func (m *funding) allLists() []projections.PayoutList {
	m.t.Helper()
	m.caughtUp()
	all, err := m.s.Read.PayoutLists(m.t.Context(), m.fund, month, "")
	m.must(err)
	return all
}

func (m *funding) payouts() []projections.Payout {
	m.t.Helper()
	m.caughtUp()
	all, next, err := m.s.Read.Payouts(m.t.Context(), m.fund, readmodel.PayoutFilter{}, readmodel.Page{Limit: readmodel.MaxLimit})
	m.must(err)
	if next != "" {
		m.t.Fatal("more payouts than a page holds")
	}
	return all
}

// due is a line of the pay point's page.
type due struct {
	payout string
	amount int64
}

// handed is cash that somebody was given, and the fact that says so.
type handed struct {
	due
	id     string
	told   bool
	marked bool // the ledger knows that it is not as it should be
}

// dues are the lines that are to be paid at the counter now.
func (m *funding) dues() (all []due) {
	for _, o := range m.payouts() {
		if n := o.Payable + o.Returned; n > 0 && o.Status() != projections.PayoutReversed {
			all = append(all, due{o.Payout, n})
		}
	}
	slices.SortFunc(all, func(a, b due) int { return slices.Compare([]string{a.payout}, []string{b.payout}) })
	return all
}

// counter pays one line out that is due, with network.
func (m *funding) counter(r *rapid.T) {
	all := m.dues()
	if len(all) == 0 || len(m.pending) > 0 {
		return
	}
	h := m.hand(rapid.SampledFrom(all).Draw(r, "line"))
	for range rapid.IntRange(1, 2).Draw(r, "times") { // the button is pressed twice
		m.tellCash(h)
	}
}

// leave goes out of the network with the page as it is.
func (m *funding) leave(*rapid.T) { m.kept = m.dues() }

// handOver pays a line of the kept page out, whatever has become of it since; the
// telephone does not offer it a second time.
func (m *funding) handOver(r *rapid.T) {
	if len(m.kept) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.kept)-1).Draw(r, "line")
	m.hand(m.kept[i])
	m.kept = slices.Delete(m.kept, i, i+1)
}

func (m *funding) hand(d due) *handed {
	h := &handed{due: d, id: fmt.Sprintf("cash-%d", len(m.cash))}
	m.cash = append(m.cash, h)
	return h
}

// sync sends what waits on the telephone, some of it twice; the answer to the first
// sending was lost.
func (m *funding) sync(r *rapid.T) {
	for _, h := range m.cash {
		if !h.told || rapid.IntRange(0, 3).Draw(r, "again") == 0 {
			m.tellCash(h)
		}
	}
}

func (m *funding) tellCash(h *handed) {
	m.t.Helper()
	counts := m.publish(m.fact(h.id, "benefit.paid_in_cash", fmt.Sprintf(`"amount":"%d","currency":"VND","payout":%q,"pay_point":"dong-van"`, h.amount, h.payout)))
	if h.told != (counts[ledger.Duplicate] == 1) || !h.told && counts[ledger.Posted] != 1 {
		m.t.Fatalf("%s: %v", h.id, counts)
	}
	found, err := m.s.DB.Claims(m.t.Context(), m.fund, "urn:test", []string{h.id})
	m.must(err)
	h.told = true
	h.marked = found[h.id].Code != "" && found[h.id].Code != "more_than_held"
}
