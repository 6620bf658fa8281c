package readmodel

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"socho/events"
	"socho/internal/money"
	"socho/projections"
)

const selectBills = `
	SELECT organization, bill, kind, holder, person, stall, class, period, reference, COALESCE(due_on::text, ''), COALESCE(issued_on::text, ''),
		currency, issued, paid, waived, reversed, shard, first_offset, last_offset
	FROM bills `

func scanBill(row pgx.CollectableRow) (b projections.Bill, err error) {
	err = row.Scan(&b.Organization, &b.Bill, &b.Kind, &b.Holder, &b.Person, &b.Stall, &b.Class, &b.Period, &b.Reference, &b.DueOn, &b.IssuedOn,
		&b.Currency, &b.Issued, &b.Paid, &b.Waived, &b.Reversed, &b.First.Shard, &b.First.Offset, &b.Last.Offset)
	b.Last.Shard = b.First.Shard
	return b, err
}

// billsWhere is a BillFilter in SQL, as arguments $1 to $10.
const billsWhere = `
	organization = $1 AND ($2 = '' OR period = $2) AND ($3 = '' OR status = $3) AND (NOT $4 OR owed > 0)
	AND ($5 = '' OR holder = $5) AND ($6 = '' OR stall = $6) AND ($7 = '' OR class = $7) AND ($8 = '' OR person = $8)
	AND ($9 = '' OR reference = $9) AND ($10 = '' OR due_on < NULLIF($10, '')::date)`

func (f BillFilter) args(organization string) []any {
	if f.Stall != "" && f.Holder == "" {
		f.Holder = "stall:" + f.Stall // whose bills all are; they are found by their holder
	}
	return []any{organization, f.Period, f.Status, f.Unpaid, f.Holder, f.Stall, f.Class, f.Person, f.Reference, f.DueBefore}
}

// check refuses what PostgreSQL could not read.
func (f BillFilter) check() error {
	if f.DueBefore != "" && !events.Date(f.DueBefore).Valid() {
		return projections.ErrPeriod
	}
	return nil
}

// Bills lists an organization's bills, by holder, period and bill. Errors:
// ErrCursor; projections.ErrPeriod for a DueBefore that is no day.
func (db *DB) Bills(ctx context.Context, organization string, f BillFilter, p Page) ([]projections.Bill, string, error) {
	page, err := p.read("bills", 3)
	if err != nil {
		return nil, "", err
	}
	if err := f.check(); err != nil {
		return nil, "", err
	}
	rows, err := db.pool.Query(ctx, selectBills+`WHERE`+billsWhere+`
		AND (holder, period, bill) > ($11, $12, $13) ORDER BY holder, period, bill LIMIT $14`,
		append(f.args(organization), page.key(0), page.key(1), page.key(2), page.limit+1)...)
	if err != nil {
		return nil, "", err
	}
	bills, err := pgx.CollectRows(rows, scanBill)
	bills, next := cut(bills, page.limit, "bills", func(b *projections.Bill) []string { return []string{b.Holder, b.Period, b.Bill} })
	return bills, next, err
}

// MaxBills bounds AllBills: a large market's bills of some twenty years.
const MaxBills = 500_000

// ErrTooMany: more rows than one answer holds; ask for a part, such as a month.
var ErrTooMany = errors.New("more bills than one sheet holds; ask for a month")

// AllBills returns every bill of a filter, by holder, period and bill, all of one
// moment, and which records are folded into them. Errors: projections.ErrPeriod for
// a DueBefore that is no day; ErrTooMany.
func (db *DB) AllBills(ctx context.Context, organization string, f BillFilter) (bills []projections.Bill, at map[int]int64, err error) {
	if err := f.check(); err != nil {
		return nil, nil, err
	}
	err = db.reading(ctx, func(tx pgx.Tx) error {
		all, err := positions(ctx, tx)
		if err != nil {
			return err
		}
		at = all["bills"]
		rows, err := tx.Query(ctx, selectBills+`WHERE`+billsWhere+` ORDER BY holder, period, bill LIMIT $11`, append(f.args(organization), MaxBills+1)...)
		if err != nil {
			return err
		}
		bills, err = pgx.CollectRows(rows, scanBill)
		return err
	})
	if len(bills) > MaxBills {
		return nil, nil, ErrTooMany
	}
	return bills, at, err
}

// Bill returns one bill. Errors: ErrNotFound.
func (db *DB) Bill(ctx context.Context, organization, bill string) (projections.Bill, error) {
	rows, err := db.pool.Query(ctx, selectBills+`WHERE organization = $1 AND bill = $2`, organization, bill)
	return only(rows, err, scanBill)
}

// BillPeriods lists the months for which an organization has bills, the latest
// first, at most MaxMonths.
func (db *DB) BillPeriods(ctx context.Context, organization string) ([]string, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT DISTINCT period FROM bills WHERE organization = $1 AND period <> '' ORDER BY period DESC LIMIT $2`, organization, MaxMonths)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// BillTotals sums an organization's bills, a row for each currency. Errors:
// projections.ErrPeriod for a DueBefore that is no day.
func (db *DB) BillTotals(ctx context.Context, organization string, f BillFilter) ([]BillTotal, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	rows, err := db.pool.Query(ctx, `
		SELECT currency, count(*), count(*) FILTER (WHERE status = 'open'), count(*) FILTER (WHERE status = 'part_paid'),
			count(*) FILTER (WHERE status = 'paid'), count(*) FILTER (WHERE status = 'waived'),
			sum(issued), sum(paid), sum(waived), sum(owed)
		FROM bills WHERE`+billsWhere+` GROUP BY currency ORDER BY currency`, f.args(organization)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t BillTotal, err error) {
		var issued, paid, waived, owed pgtype.Numeric
		if err := row.Scan(&t.Currency, &t.Bills, &t.Open, &t.PartPaid, &t.Paid, &t.Waived, &issued, &paid, &waived, &owed); err != nil {
			return t, err
		}
		err = totals([]pgtype.Numeric{issued, paid, waived, owed}, &t.IssuedSum, &t.PaidSum, &t.WaivedSum, &t.OwedSum)
		return t, err
	})
}

// totals reads sums of numeric columns; a sum of no rows is zero.
func totals(from []pgtype.Numeric, to ...*money.Total) error {
	for i, n := range from {
		if n.Int == nil {
			continue
		}
		n.Int.Mul(n.Int, tenTo(n.Exp))
		var err error
		if *to[i], err = money.TotalFromBig(n.Int); err != nil {
			return err
		}
	}
	return nil
}
