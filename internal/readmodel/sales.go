package readmodel

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"socho/events"
	"socho/internal/money"
	"socho/projections"
)

// Trader is whose sales are asked for: a person of an organization, at one stall.
// Every question names her, so that nobody sees what was taken at her stall before
// or after her.
type Trader struct{ Organization, Person, Stall string }

// ofTrader reads in a transaction that shows the rows of one trader alone, as far
// as PostgreSQL decides it (socho_reader).
func (db *DB) ofTrader(ctx context.Context, person string, f func(pgx.Tx) error) error {
	return db.reading(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('socho.trader', $1, true)`, person); err != nil {
			return err
		}
		return f(tx)
	})
}

const selectConnections = `
	SELECT organization, connection, trader, stall, from_on::text, until_on::text, connected_at, coalesce(ended_on::text, ''),
		coalesce(ended_at, '0001-01-01Z'), reason, shard, log_offset
	FROM sale_connections `

func scanConnection(row pgx.CollectableRow) (c projections.SalesConnection, err error) {
	err = row.Scan(&c.Organization, &c.Connection, &c.Trader, &c.Stall, &c.From, &c.Until, &c.ConnectedAt, &c.EndedOn, &c.EndedAt, &c.Reason, &c.At.Shard, &c.At.Offset)
	if c.EndedOn == "" {
		c.EndedAt = time.Time{}
	}
	return c, err
}

// maxConnections bounds how many consents of one trader are listed.
const maxConnections = 50

// SalesConnections lists a trader's consents at a stall, the latest first.
func (db *DB) SalesConnections(ctx context.Context, t Trader) (all []projections.SalesConnection, err error) {
	err = db.ofTrader(ctx, t.Person, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectConnections+`WHERE organization = $1 AND trader = $2 AND stall = $3 ORDER BY log_offset DESC LIMIT $4`,
			t.Organization, t.Person, t.Stall, maxConnections)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, scanConnection)
		return err
	})
	return all, err
}

// SalesConnection returns one consent, whosesoever. It is for the process that
// takes banks' messages in. Errors: ErrNotFound.
func (db *DB) SalesConnection(ctx context.Context, organization, connection string) (projections.SalesConnection, error) {
	rows, err := db.pool.Query(ctx, selectConnections+`WHERE organization = $1 AND connection = $2`, organization, connection)
	return only(rows, err, scanConnection)
}

// MarketSees says whether a consent that stands lets the market hear that receipts
// fell.
func (db *DB) MarketSees(ctx context.Context, organization, connection string) (sees bool, err error) {
	err = db.reading(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM market_consents WHERE organization = $1 AND connection = $2)`, organization, connection).Scan(&sees)
	})
	return sees, err
}

// AnySalesConnection reports whether anybody of an organization has ever connected
// an account.
func (db *DB) AnySalesConnection(ctx context.Context, organization string) (any bool, err error) {
	err = db.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM sale_connections WHERE organization = $1)`, organization).Scan(&any)
	return any, err
}

const selectSales = `
	SELECT organization, trader, stall, effective_on::text, said_at, method, connection, currency, amount, source, event_id,
		coalesce(undone_on::text, ''), shard, log_offset, changed
	FROM sales WHERE organization = $1 AND trader = $2 AND stall = $3 `

func scanSale(row pgx.CollectableRow) (s projections.Sale, err error) {
	err = row.Scan(&s.Organization, &s.Trader, &s.Stall, &s.EffectiveOn, &s.SaidAt, &s.Method, &s.Connection, &s.Currency, &s.Amount, &s.Source, &s.EventID,
		&s.UndoneOn, &s.At.Shard, &s.At.Offset, &s.Changed)
	return s, err
}

func (db *DB) sales(ctx context.Context, t Trader, rest string, args ...any) (all []projections.Sale, err error) {
	err = db.ofTrader(ctx, t.Person, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectSales+rest, append([]any{t.Organization, t.Person, t.Stall}, args...)...)
		if err != nil {
			return err
		}
		all, err = pgx.CollectRows(rows, scanSale)
		return err
	})
	return all, err
}

// SalesOfDay lists what a trader took in on a day, the latest first, at most limit.
func (db *DB) SalesOfDay(ctx context.Context, t Trader, on events.Date, limit int) ([]projections.Sale, error) {
	return db.sales(ctx, t, `AND effective_on = $4::date ORDER BY log_offset DESC LIMIT $5`, string(on), min(limit, MaxLimit))
}

// SalesAfter lists what has changed behind an offset of the trader's shard, in the
// order of the log, at most limit.
func (db *DB) SalesAfter(ctx context.Context, t Trader, after int64, limit int) ([]projections.Sale, error) {
	return db.sales(ctx, t, `AND changed > $4 ORDER BY changed LIMIT $5`, after, min(limit, MaxLimit))
}

// MaxBookSales bounds the sales of one book: some hundred a day for a year.
const MaxBookSales = 50_000

// SalesBetween lists what belongs into a book of the days from..until: sales of
// those days, and those taken back on one of them; in the order of their days, then
// of the log. A book that would hold more than MaxBookSales gives one more than
// that.
func (db *DB) SalesBetween(ctx context.Context, t Trader, from, until events.Date) ([]projections.Sale, error) {
	return db.sales(ctx, t, `AND (effective_on BETWEEN $4::date AND $5::date OR undone_on BETWEEN $4::date AND $5::date)
		ORDER BY effective_on, log_offset LIMIT $6`, string(from), string(until), MaxBookSales+1)
}

// Sale finds a trader's sale by the event that said it. Errors: ErrNotFound.
func (db *DB) Sale(ctx context.Context, t Trader, source, event string) (s projections.Sale, err error) {
	all, err := db.sales(ctx, t, `AND source = $4 AND event_id = $5`, source, event)
	if err == nil && len(all) != 1 {
		err = ErrNotFound
	}
	if err != nil {
		return s, err
	}
	return all[0], nil
}

// DaySum is what a trader took in on a day: in all, and how much of it in cash. At
// is the offset as of which that is so.
type DaySum struct {
	Count      int64
	Sum, Cash  money.Total
	At         int64
	OtherMoney bool // there are sales in another currency, which no sum holds
}

// SumOfDay adds a day's sales in đồng up; what was taken back does not count.
func (db *DB) SumOfDay(ctx context.Context, t Trader, on events.Date) (s DaySum, err error) {
	err = db.ofTrader(ctx, t.Person, func(tx pgx.Tx) error {
		var sum, cash pgtype.Numeric
		if err := tx.QueryRow(ctx, `
			SELECT count(*) FILTER (WHERE undone_on IS NULL AND currency = 'VND'), sum(amount) FILTER (WHERE undone_on IS NULL AND currency = 'VND'),
				sum(amount) FILTER (WHERE undone_on IS NULL AND currency = 'VND' AND method = 'cash'), coalesce(bool_or(currency <> 'VND'), false),
				coalesce((SELECT max(changed) FROM sales WHERE organization = $1 AND trader = $2 AND stall = $3), -1)
			FROM sales WHERE organization = $1 AND trader = $2 AND stall = $3 AND effective_on = $4::date`,
			t.Organization, t.Person, t.Stall, string(on)).Scan(&s.Count, &sum, &cash, &s.OtherMoney, &s.At); err != nil {
			return err
		}
		return totals([]pgtype.Numeric{sum, cash}, &s.Sum, &s.Cash)
	})
	return s, err
}

// SalesTouched lists whose sales have changed in a shard from an offset on. It is
// for the process that tells those who look on.
func (db *DB) SalesTouched(ctx context.Context, shard int, from int64) (touched []Trader, err error) {
	rows, err := db.pool.Query(ctx, `SELECT DISTINCT organization, trader, stall FROM sales WHERE shard = $1 AND changed >= $2`, shard, from)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Trader])
}

// FindTrader fills in what is missing of a trader: who holds the stall now, or at
// which stall the person has sold. Errors: ErrNotFound where that is nobody, or not
// one alone.
func (db *DB) FindTrader(ctx context.Context, t Trader) (Trader, error) {
	switch {
	case t.Person == "":
		rows, err := db.pool.Query(ctx, `SELECT person FROM stalls WHERE organization = $1 AND stall = $2`, t.Organization, t.Stall)
		t.Person, err = only(rows, err, pgx.RowTo[string])
		return t, err
	case t.Stall == "":
		var stalls []string
		err := db.ofTrader(ctx, t.Person, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `SELECT DISTINCT stall FROM sales WHERE organization = $1 AND trader = $2 LIMIT 2`, t.Organization, t.Person)
			if err != nil {
				return err
			}
			stalls, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		if err == nil && len(stalls) != 1 {
			err = ErrNotFound
		}
		if err != nil {
			return t, err
		}
		t.Stall = stalls[0]
	}
	return t, nil
}
