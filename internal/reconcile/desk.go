package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"socho/bank"
	"socho/internal/money"
	"socho/internal/refcode"
	"socho/projections"
)

// Desk answers what whoever matches payments asks: which lines wait, why, and what
// they may be meant for. It reads tables alone and opens nothing; it asks for no
// right.
type Desk struct {
	*Readings
	pool *pgxpool.Pool
}

// NewDesk reads with the role of the pool.
func NewDesk(pool *pgxpool.Pool) *Desk { return &Desk{NewReadings(pool), pool} }

// Tab is a pile of lines on the desk.
type Tab string

// The tabs. Every line of a payment lies on exactly one.
const (
	Needs      Tab = "needs"      // a person has something to go by
	Unknown    Tab = "unknown"    // money that nothing leads anywhere
	Duplicates Tab = "duplicates" // paid once more for what is paid
	Matched    Tab = "matched"
	Returned   Tab = "returned" // money that left, and lines that were taken back
)

// Tabs are all of them, in the order of the work.
var Tabs = []Tab{Needs, Unknown, Duplicates, Matched, Returned}

// TabTotal is what lies on a tab, in one currency's minor units.
type TabTotal struct {
	Tab          Tab
	Currency     money.Currency
	Lines        int64
	Amount, Left int64
}

// Row is a line on the desk.
type Row struct {
	Line, Direction, Account, Kind, Person, On, State string
	Currency                                          money.Currency
	Amount, Placed, Left                              int64
	Sightings                                         int64
	At                                                projections.Position // of its first sighting
	Tab                                               Tab
	Why                                               string
	Codes                                             []CodeOf
	Slips                                             []bank.Slip
	Alike                                             int // open bills that owe exactly what is left
	Suggestions                                       []Suggestion
	Uses                                              []Use // what its money was placed on
}

// CodeOf is a code of a line's text with what is known of it.
type CodeOf struct {
	Code string
	Known
}

// Use is a part of a line's money that was placed, by the path of the account.
type Use struct {
	Against string
	Amount  int64
}

// ErrNoLine: the organization has no such line.
var ErrNoLine = errors.New("no such bank line")

// tabOf says in SQL on which tab a line l with its reading r lies; null for the
// bank's own charges and interest, and for what is only expected.
const tabOf = `CASE
	WHEN l.kind <> 'payment' OR l.state = 'expected' THEN NULL
	WHEN l.direction = 'out' OR l.state = 'reversed' THEN 'returned'
	WHEN l.state IN ('placed', 'over') THEN 'matched'
	WHEN cardinality(r.codes) = 1 AND EXISTS (SELECT FROM projections.bills b
		WHERE b.organization = l.organization AND b.reference = r.codes[1] AND b.reference <> '' AND b.owed <= 0 AND b.status <> 'reversed') THEN 'duplicates'
	WHEN cardinality(r.codes) > 0 OR cardinality(r.slips) > 0 OR cardinality(r.marks) > 0 OR l.placed > 0 OR l.person <> '' AND EXISTS (
		SELECT FROM projections.bank_lines p JOIN projections.line_uses u USING (organization, line, direction, currency)
		WHERE p.organization = l.organization AND p.person = l.person AND p.line <> l.line AND u.amount > 0 AND u.against LIKE '%:receivable:%') THEN 'needs'
	ELSE 'unknown' END`

const fromLines = ` FROM projections.bank_lines l LEFT JOIN app.line_readings r ON r.organization = l.organization AND r.line = l.line `

const selectRows = `SELECT l.line, l.direction, l.account, l.kind, l.person, coalesce(l.booked_on::text, ''), l.state, l.currency,
	l.amount, l.placed, l.left_over, l.sightings, l.shard, l.seen_offset, coalesce(` + tabOf + `, '')` + fromLines

func scanRow(row pgx.CollectableRow) (l Row, err error) {
	err = row.Scan(&l.Line, &l.Direction, &l.Account, &l.Kind, &l.Person, &l.On, &l.State, &l.Currency,
		&l.Amount, &l.Placed, &l.Left, &l.Sightings, &l.At.Shard, &l.At.Offset, &l.Tab)
	return l, err
}

// where narrows to the lines that a tab can hold at all, by what is indexed.
var where = map[Tab]string{
	Needs:      `l.direction = 'in' AND l.state = 'open'`,
	Unknown:    `l.direction = 'in' AND l.state = 'open'`,
	Duplicates: `l.direction = 'in' AND l.state = 'open'`,
	Matched:    `l.direction = 'in' AND l.state IN ('placed', 'over')`,
	Returned:   `(l.direction = 'out' OR l.state = 'reversed')`,
}

// Totals sums the tabs of an organization up.
func (d *Desk) Totals(ctx context.Context, organization string) ([]TabTotal, error) {
	rows, err := d.pool.Query(ctx, `SELECT tab, currency, count(*), sum(amount)::bigint, sum(left_over)::bigint FROM (
		SELECT l.currency, l.amount, l.left_over, `+tabOf+` AS tab`+fromLines+`WHERE l.organization = $1) x
		WHERE tab IS NOT NULL GROUP BY tab, currency ORDER BY tab, currency`, organization)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[TabTotal])
}

// Lines lists a tab's lines, the latest day first, from behind one of them on
// (Next of the page before). Each comes with why it waits and what it may be
// meant for. Errors: those of the database.
func (d *Desk) Lines(ctx context.Context, organization string, tab Tab, after string, limit int) (rows []Row, next string, err error) {
	narrowed, ok := where[tab]
	if !ok {
		return nil, "", fmt.Errorf("no tab %q", tab)
	}
	on, line, _ := strings.Cut(after, "~")
	found, err := d.pool.Query(ctx, `SELECT * FROM (`+selectRows+`WHERE l.organization = $1 AND `+narrowed+`) x (line, direction, account, kind, person, booked_on, state, currency, amount, placed, left_over, sightings, shard, seen_offset, tab)
		WHERE tab = $2 AND ($3 = '' OR booked_on < $3 OR booked_on = $3 AND line > $4)
		ORDER BY booked_on DESC, line LIMIT $5`, organization, string(tab), on, line, limit+1)
	if err != nil {
		return nil, "", err
	}
	if rows, err = pgx.CollectRows(found, scanRow); err != nil {
		return nil, "", err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].On + "~" + rows[limit-1].Line
	}
	return rows, next, d.explain(ctx, organization, rows, nil)
}

// Line finds one line. named are persons whose names were found in it, if anybody
// may know. Errors: ErrNoLine.
func (d *Desk) Line(ctx context.Context, organization, line string, named map[string]bool) (*Row, error) {
	found, err := d.pool.Query(ctx, selectRows+`WHERE l.organization = $1 AND l.line = $2 ORDER BY l.sightings DESC LIMIT 1`, organization, line)
	if err != nil {
		return nil, err
	}
	rows, err := pgx.CollectRows(found, scanRow)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, ErrNoLine
	}
	return &rows[0], d.explain(ctx, organization, rows, named)
}

// explain fills in what is known beyond the sums.
func (d *Desk) explain(ctx context.Context, organization string, rows []Row, named map[string]bool) error {
	var ids, persons []string
	waiting := false
	for i := range rows {
		ids = append(ids, rows[i].Line)
		if l := &rows[i]; l.State == projections.LineOpen && l.Direction == "in" {
			waiting = true
			if l.Person != "" {
				persons = append(persons, l.Person)
			}
		}
	}
	if err := d.uses(ctx, organization, ids, rows); err != nil {
		return err
	}
	if !waiting {
		for i := range rows {
			if rows[i].State == projections.LineOpen {
				rows[i].Why = WhyOut
			}
		}
		return nil
	}
	readings, err := d.of(ctx, organization, ids)
	if err != nil {
		return err
	}
	open, err := d.Open(ctx, organization)
	if err != nil {
		return err
	}
	alike := map[int64]int{}
	for i := range open.Bills {
		alike[open.Bills[i].Owed]++
	}
	paid, err := d.paidBefore(ctx, organization, persons)
	if err != nil {
		return err
	}
	var codes []string
	for _, r := range readings {
		codes = append(codes, r.Codes...)
	}
	known, err := d.known(ctx, organization, codes)
	if err != nil {
		return err
	}
	for i := range rows {
		l := &rows[i]
		switch {
		case l.State != projections.LineOpen:
			continue
		case l.Direction == "out":
			l.Why = WhyOut
			continue
		case l.Currency != money.VND:
			l.Why = WhyCurrency
			continue
		}
		reading, read := readings[l.Line]
		e := Evidence{On: l.On, Left: l.Left, Reading: reading, Paid: paid[l.Person], Named: named}
		var states []Known
		for _, code := range reading.Codes {
			states = append(states, known[code])
			l.Codes = append(l.Codes, CodeOf{code, known[code]})
		}
		l.Slips, l.Alike = reading.Slips, alike[l.Left]
		l.Suggestions = Suggest(e, open.Bills)
		if again, ok := e.again(states); ok {
			l.Suggestions = append([]Suggestion{again}, l.Suggestions...)
		}
		if l.Why = Why(e, read, states, l.Alike); l.Placed > 0 {
			l.Why = WhyPartly
		}
	}
	return nil
}

// uses fills in what lines' money was placed on.
func (d *Desk) uses(ctx context.Context, organization string, ids []string, rows []Row) error {
	found, err := d.pool.Query(ctx, `SELECT line, direction, currency, against, amount FROM projections.line_uses
		WHERE organization = $1 AND line = ANY ($2) AND amount <> 0 ORDER BY line, against`, organization, ids)
	if err != nil {
		return err
	}
	var line, direction, currency string
	var use Use
	_, err = pgx.ForEachRow(found, []any{&line, &direction, &currency, &use.Against, &use.Amount}, func() error {
		if i := slices.IndexFunc(rows, func(r Row) bool { return r.Line == line && r.Direction == direction && string(r.Currency) == currency }); i >= 0 {
			rows[i].Uses = append(rows[i].Uses, use)
		}
		return nil
	})
	return err
}

// paidBefore says, by payer, for whom the same payer's money was placed before.
func (d *Desk) paidBefore(ctx context.Context, organization string, persons []string) (map[string]map[string]bool, error) {
	rows, err := d.pool.Query(ctx, `SELECT DISTINCT p.person, split_part(u.against, ':receivable:', 1)
		FROM projections.bank_lines p JOIN projections.line_uses u USING (organization, line, direction, currency)
		WHERE p.organization = $1 AND p.person = ANY ($2) AND p.person <> '' AND u.amount > 0 AND u.against LIKE '%:receivable:%'`, organization, persons)
	if err != nil {
		return nil, err
	}
	found := map[string]map[string]bool{}
	var person, holder string
	_, err = pgx.ForEachRow(rows, []any{&person, &holder}, func() error {
		if found[person] == nil {
			found[person] = map[string]bool{}
		}
		found[person][holder] = true
		return nil
	})
	return found, err
}

// known says what there is of codes, here and elsewhere. Of another organization's
// it says that there is one, and no more.
func (d *Desk) known(ctx context.Context, organization string, codes []string) (map[string]Known, error) {
	slices.Sort(codes)
	codes = slices.DeleteFunc(slices.Compact(codes), func(c string) bool { return !refcode.WellFormed(c) })
	rows, err := d.pool.Query(ctx, `SELECT reference, organization = $1, bill, owed, holder, class, period FROM projections.bills
		WHERE reference = ANY ($2) AND reference <> '' AND status <> 'reversed' ORDER BY reference, organization = $1, bill`, organization, codes)
	if err != nil {
		return nil, err
	}
	found := map[string]Known{}
	var code, bill, holder, class, period string
	var here bool
	var owed int64
	_, err = pgx.ForEachRow(rows, []any{&code, &here, &bill, &owed, &holder, &class, &period}, func() error {
		k := found[code]
		if here {
			k.Bill, k.Owed, k.Holder, k.Class, k.Period = bill, owed, holder, class, period
		} else {
			k.Elsewhere = true
		}
		found[code] = k
		return nil
	})
	return found, err
}
