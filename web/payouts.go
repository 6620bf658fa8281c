package web

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"socho/internal/chores"
	"socho/internal/identity"
	"socho/internal/payouts"
	"socho/internal/readmodel"
	"socho/projections"
)

// The month of a benefit fund on pages. What these do, and what is refused, is as
// with socho payout: the same process does both.

// PayoutWork is the month of a benefit fund in somebody's name; *payouts.Process
// does it. What the ledger refuses is a *payouts.RefusedError, a file that cannot
// be read a *sheet.FileError.
type PayoutWork interface {
	Lists(ctx context.Context, organization, period string) ([]payouts.ListState, error)
	List(ctx context.Context, organization, list string) (payouts.ListState, error)
	ListsIn(ctx context.Context, organization, state string) ([]projections.PayoutList, error)
	Entries(ctx context.Context, organization, list string, after int64, limit int) ([]readmodel.Entry, error)
	Ordered(ctx context.Context, organization, list string) (entries, ordered int64, err error)
	Batches(ctx context.Context, organization, period string) ([]payouts.BatchState, error)
	Batch(ctx context.Context, organization, batch string) (payouts.BatchState, error)
	Waits(ctx context.Context, organization, period string) ([]readmodel.Waiting, error)
	Refused(ctx context.Context, organization, period string, most int) ([]payouts.NotOrdered, map[string]int, error)
	Acts(ctx context.Context, organization, list string) ([]payouts.Act, error)
	CaughtUp(ctx context.Context) error
	Approvals(ctx context.Context, organization string) (payouts.Approvals, error)

	Examine(ctx context.Context, content []byte, m payouts.Month) (*payouts.Examined, error)
	Take(ctx context.Context, content []byte, m payouts.Month) (*payouts.Imported, error)
	Look(ctx context.Context, organization, list string) (*payouts.Look, error)
	Remove(ctx context.Context, organization, list, reason string, payouts []string) (*payouts.Removed, error)
	Propose(ctx context.Context, organization string, s *payouts.Shown) error
	GiveWord(ctx context.Context, organization string, s *payouts.Shown) (more bool, err error)
	Withdraw(ctx context.Context, organization, list, reason string) error
	OrderAgain(ctx context.Context, organization, period string) (ordered int64, err error)

	Gather(ctx context.Context, o payouts.Export) (*payouts.Exported, error)
	File(ctx context.Context, o payouts.Export) (*payouts.Exported, io.Reader, error)
	Submit(ctx context.Context, src io.ReadSeeker) (*payouts.Submitted, error)
	Cancel(ctx context.Context, organization, batch, reason string) (back int, err error)
	Settle(ctx context.Context, src io.ReadSeeker, o payouts.Results) (*payouts.Settled, error)
	Reissue(ctx context.Context, r payouts.Reissue) (*payouts.Reissued, error)
}

// Payouts begins the month's work in the name of an actor, as intake stamps it.
// progress is told how far long work is; may says in which funds the actor may hand
// files in that say themselves whose they are.
type Payouts func(actor string, progress func(part, whole int64), may func(organization string) bool) PayoutWork

// ChoreKeeper does long work in the background; *chores.Chores does.
type ChoreKeeper interface {
	Keep(ctx context.Context, o chores.Order) (id string, err error)
	Find(ctx context.Context, owner, id string) (chores.Chore, error)
	Latest(ctx context.Context, owner, organization, kind string, about any) (chores.Chore, error)
	Start(ctx context.Context, owner, id string, keep bool, work chores.Work) error
	Drop(ctx context.Context, owner, id string) error
}

// payoutMonth are the routes of those who draw up, approve and pay a fund's month.
func (s *site) payoutMonth() []route {
	if s.Payouts == nil || s.Chores == nil {
		return nil
	}
	see, propose, export, results := rights{identity.SeePayouts}, rights{identity.ProposePayouts}, rights{identity.ExportPersonal}, rights{identity.MatchPayments}
	return []route{
		{pattern: "GET /funds/{org}/month", rights: see, where: inPath, show: s.fundMonth},
		{pattern: "POST /funds/{org}/order", rights: propose, where: inPath, show: s.orderAgain},
		{pattern: "GET /funds/{org}/import", rights: propose, where: inPath, show: s.importList},
		{pattern: "POST /funds/{org}/import", rights: propose, where: inPath, page: true, upload: chores.MaxFile, show: s.importList},
		{pattern: "GET /funds/{org}/work/{chore}", rights: see, where: inPath, show: s.chore},
		{pattern: "POST /funds/{org}/work/{chore}", rights: see, where: inPath, page: true, show: s.changeChore},
		{pattern: "GET /funds/{org}/lists/{list}", rights: see, where: inPath, show: s.payoutList},
		{pattern: "POST /funds/{org}/lists/{list}", rights: rights{identity.UnsealIdentity}, where: inPath, page: true, show: s.payoutList},
		{pattern: "POST /funds/{org}/lists/{list}/remove", rights: propose, where: inPath, show: s.removeEntries},
		{pattern: "GET /funds/{org}/lists/{list}/propose", rights: propose, where: inPath, show: s.proposeList},
		{pattern: "POST /funds/{org}/lists/{list}/propose", rights: propose, where: inPath, page: true, show: s.proposeList},
		{pattern: "GET /funds/{org}/lists/{list}/withdraw", rights: see, where: inPath, show: s.withdrawList},
		{pattern: "POST /funds/{org}/lists/{list}/withdraw", rights: see, where: inPath, page: true, show: s.withdrawList},
		// Withdrawing asks for the right to propose or to approve, by itself.
		// Who may approve is the ledger's to decide, so that what it refuses is on the log.
		{pattern: "GET /funds/{org}/lists/{list}/approve", rights: see, where: inPath, show: s.approveList},
		{pattern: "POST /funds/{org}/lists/{list}/approve", rights: see, where: inPath, page: true, show: s.approveList},
		{pattern: "GET /funds/{org}/batches/{batch}", rights: see, where: inPath, show: s.payoutBatch},
		{pattern: "GET /funds/{org}/export", rights: export, where: inPath, show: s.makeBatch},
		{pattern: "POST /funds/{org}/export", rights: export, where: inPath, page: true, show: s.makeBatch},
		{pattern: "GET /funds/{org}/batches/{batch}/file", rights: export, where: inPath, show: s.batchFile},
		{pattern: "POST /funds/{org}/batches/{batch}/file", rights: export, where: inPath, page: true, slow: true, show: s.batchFile},
		{pattern: "GET /funds/{org}/submit", rights: propose, where: inPath, show: s.submitFile},
		{pattern: "POST /funds/{org}/submit", rights: propose, where: inPath, page: true, upload: chores.MaxFile, slow: true, show: s.submitFile},
		{pattern: "GET /funds/{org}/batches/{batch}/cancel", rights: propose, where: inPath, show: s.cancelBatch},
		{pattern: "POST /funds/{org}/batches/{batch}/cancel", rights: propose, where: inPath, page: true, show: s.cancelBatch},
		{pattern: "GET /funds/{org}/results", rights: results, where: inPath, show: s.takeResults},
		{pattern: "POST /funds/{org}/results", rights: results, where: inPath, page: true, upload: chores.MaxFile, show: s.takeResults},
		{pattern: "GET /funds/{org}/returned", rights: see, where: inPath, show: s.returned},
		{pattern: "GET /approvals/{org}", rights: rights{identity.ManagePeople}, where: inPath, show: s.approvals},
		{pattern: "POST /approvals/{org}", rights: rights{identity.ManagePeople}, where: inPath, page: true, show: s.approvals},
		{pattern: "GET /payouts/{org}/{payout}/reissue", rights: propose, where: inPath, show: s.reissue},
		{pattern: "POST /payouts/{org}/{payout}/reissue", rights: propose, where: inPath, page: true, show: s.reissue},
	}
}

// work is the month in the visitor's name.
func (s *site) payouts(r *request) PayoutWork { return s.workOf(r.who, nil) }

func (s *site) workOf(who *identity.Principal, progress func(part, whole int64)) PayoutWork {
	return s.Payouts(actor(who), progress, func(organization string) bool { return who.May(identity.ProposePayouts, organization) })
}

// refusal turns what the ledger refused into what pages show of it.
func refusal(err error) error {
	var refused *payouts.RefusedError
	if errors.As(err, &refused) {
		return &refusedFact{refused.Outcome}
	}
	return err
}

// monthAsked is the month that an address names, or else this one.
func (r *request) monthAsked() (string, error) {
	period := r.FormValue("period")
	if period == "" {
		return time.Now().In(vietnam).Format("2006-01"), nil
	}
	if months, err := projections.Months(period); err != nil || len(months) != 1 {
		return "", errBad
	}
	return period, nil
}

// monthsShown is how many months before and behind one may be chosen.
const monthsShown = 12

// monthOptions are the months around one.
func (r *request) monthOptions(period string) (all []option) {
	at, err := time.Parse("2006-01", period)
	if err != nil {
		return nil
	}
	now, _ := time.Parse("2006-01", time.Now().In(vietnam).Format("2006-01"))
	seen := []time.Time{at}
	for i := 1; i > -monthsShown; i-- {
		seen = append(seen, now.AddDate(0, i, 0))
	}
	slices.SortFunc(seen, func(a, b time.Time) int { return b.Compare(a) })
	for _, m := range slices.Compact(seen) {
		value := m.Format("2006-01")
		all = append(all, option{Value: value, Label: r.language.period(value)})
	}
	return all
}

// monthLink is a fund's month.
func monthLink(organization, period string) string {
	return "/funds/" + organization + "/month?period=" + period
}

// underMonth leads back to a fund's month.
func (s *site) underMonth(r *request, v *view, o projections.Organization, period string) *view {
	v.section = "fund"
	v.crumbs = append(r.crumbs(o), crumb{r.language.say("payouts.month", "month", month(period)), monthLink(o.Organization, period)})
	return v
}

// whoActed names whom intake stamped: people as they sign in.
func (s *site) whoActed(r *request, actors ...string) func(actor string) string {
	const person = string(identity.Person) + ":"
	ids := make([]string, 0, len(actors))
	for _, a := range actors {
		if id, ok := strings.CutPrefix(a, person); ok {
			ids = append(ids, id)
		}
	}
	var names map[string]string
	if s.People != nil && len(ids) > 0 {
		var err error
		if names, err = s.People.Names(r.Context(), ids); err != nil {
			s.Log.WarnContext(r.Context(), "names of staff not known", "error", err) // no reason to withhold the page
		}
	}
	return func(actor string) string {
		if name := names[strings.TrimPrefix(actor, person)]; name != "" {
			return name
		}
		return actor
	}
}
