package readmodel

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/projections"
)

const cardColumns = `c.organization, c.card, c.stall, c.person, c.pays_to, c.state, coalesce(c.issued_on::text, ''), c.issued_by, c.copies, coalesce(c.printed_on::text, ''),
	coalesce(c.printed_at, 'epoch'), c.printed_by, coalesce(c.posted_on::text, ''), c.posted_by, coalesce(c.ended_on::text, ''), c.ended_by, c.reason, c.replaced_by,
	c.shard, c.log_offset, c.last_offset`

func cardFields(c *projections.StallCard) []any {
	return []any{&c.Organization, &c.Card, &c.Stall, &c.Person, &c.PaysTo, &c.State, &c.IssuedOn, &c.IssuedBy, &c.Copies, &c.PrintedOn,
		&c.PrintedAt, &c.PrintedBy, &c.PostedOn, &c.PostedBy, &c.EndedOn, &c.EndedBy, &c.Reason, &c.ReplacedBy,
		&c.First.Shard, &c.First.Offset, &c.Last.Offset}
}

func scanCard(row pgx.CollectableRow) (c projections.StallCard, err error) {
	err = row.Scan(cardFields(&c)...)
	c.Last.Shard = c.First.Shard
	return c, err
}

// MaxCards bounds the cards of one market that are read at once.
const MaxCards = 20_000

// StallCards lists a market's cards by stall, the newest of a stall first; stall
// "" stands for all.
func (db *DB) StallCards(ctx context.Context, organization, stall string) ([]projections.StallCard, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+cardColumns+` FROM stall_cards c WHERE c.organization = $1 AND ($2 = '' OR c.stall = $2)
		ORDER BY c.stall, c.log_offset DESC LIMIT $3`, organization, stall, MaxCards)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanCard)
}

// CardsOf lists the cards of that serial: one, but for markets whose short names
// have met.
func (db *DB) CardsOf(ctx context.Context, serial string) ([]projections.StallCard, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+cardColumns+` FROM stall_cards c WHERE c.card = $1 ORDER BY c.organization LIMIT 8`, serial)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanCard)
}

const inspectionColumns = `i.organization, i.stall, i.card, i.result, i.code, i.person, i.inspected_on::text, i.recorded_at, i.inspected_by, i.event_id, i.source, i.shard, i.log_offset`

func scanInspection(row pgx.CollectableRow) (i projections.Inspection, err error) {
	err = row.Scan(&i.Organization, &i.Stall, &i.Card, &i.Result, &i.Code, &i.Person, &i.On, &i.RecordedAt, &i.By, &i.EventID, &i.Source, &i.At.Shard, &i.At.Offset)
	return i, err
}

// LastInspections lists the latest look at each stall of a market.
func (db *DB) LastInspections(ctx context.Context, organization string) ([]projections.Inspection, error) {
	rows, err := db.pool.Query(ctx, `SELECT DISTINCT ON (i.stall) `+inspectionColumns+` FROM card_inspections i WHERE i.organization = $1
		ORDER BY i.stall, i.inspected_on DESC, i.log_offset DESC`, organization)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanInspection)
}

// maxInspections bounds how many looks at one stall are listed.
const maxInspections = 10

// Inspections lists the latest looks at a stall, the one that counts first: a look
// that was recorded by mistake stays, and is set right by another.
func (db *DB) Inspections(ctx context.Context, organization, stall string) ([]projections.Inspection, error) {
	rows, err := db.pool.Query(ctx, `SELECT `+inspectionColumns+` FROM card_inspections i WHERE i.organization = $1 AND i.stall = $2
		ORDER BY i.inspected_on DESC, i.log_offset DESC LIMIT $3`, organization, stall, maxInspections)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanInspection)
}

// OtherAccounts lists, across all markets, inspections that found another account
// and that no alert speaks of: none of their stall was open then or raised since.
func (db *DB) OtherAccounts(ctx context.Context) ([]projections.Inspection, error) {
	rows, err := db.pool.Query(ctx, `SELECT DISTINCT ON (i.organization, i.stall) `+inspectionColumns+` FROM card_inspections i
		WHERE i.result = 'other_account' AND NOT EXISTS (
			SELECT FROM alerts a WHERE a.organization = i.organization AND a.kind = 'other_account' AND a.stall = i.stall
				AND (a.log_offset > i.log_offset OR a.closed_offset IS NULL OR a.closed_offset > i.log_offset))
		ORDER BY i.organization, i.stall, i.log_offset`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanInspection)
}

// ForeignLine is money for a bill of ours that a bank booked to another account.
type ForeignLine struct {
	Organization, Line string
	On                 events.Date
}

// ForeignLines lists, across all organizations, the first line in that paid a bill,
// whose reference it carries, on each account that is not the registered one and that
// no alert has spoken of. One alert is enough for an account: whoever closes it has
// looked. An account that nobody here has named is called tk-, its last digits and a
// hash by whoever takes its lines in (internal/reconcile).
func (db *DB) ForeignLines(ctx context.Context) ([]ForeignLine, error) {
	rows, err := db.pool.Query(ctx, `SELECT DISTINCT ON (l.organization, l.account) l.organization, l.line, l.booked_on::text FROM bank_lines l JOIN organizations o USING (organization)
		WHERE l.account ~ '^tk-[^-]*-[0-9a-f]{8}$' AND l.direction = 'in' AND l.booked_on IS NOT NULL AND o.account <> ''
			AND EXISTS (SELECT FROM line_uses u WHERE u.organization = l.organization AND u.line = l.line AND u.direction = 'in' AND u.amount > 0 AND u.against LIKE '%:receivable:%')
			AND NOT EXISTS (SELECT FROM alerts a JOIN bank_lines b ON b.organization = a.organization AND b.line = a.line
				WHERE a.organization = l.organization AND a.kind = 'foreign_account' AND b.account = l.account)
		ORDER BY l.organization, l.account, l.booked_on, l.line LIMIT 1000`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ForeignLine])
}

// Alerts lists what asks for a person in an organization, the latest first: what
// is open, or also what was closed.
func (db *DB) Alerts(ctx context.Context, organization string, closed bool) ([]projections.Alert, error) {
	rows, err := db.pool.Query(ctx, `SELECT organization, alert, kind, stall, card, line, coalesce(since::text, ''), expected, seen, raised_on::text,
			coalesce(closed_on::text, ''), closed_by, reason, shard, log_offset FROM alerts
		WHERE organization = $1 AND ($2 OR closed_offset IS NULL) ORDER BY closed_offset IS NOT NULL, log_offset DESC LIMIT $3`, organization, closed, MaxLimit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a projections.Alert, err error) {
		err = row.Scan(&a.Organization, &a.Alert, &a.Kind, &a.Stall, &a.Card, &a.Line, &a.Since, &a.Expected, &a.Seen, &a.RaisedOn,
			&a.ClosedOn, &a.ClosedBy, &a.Reason, &a.At.Shard, &a.At.Offset)
		return a, err
	})
}

// OpenAlerts counts what asks for a person in an organization.
func (db *DB) OpenAlerts(ctx context.Context, organization string) (n int64, err error) {
	err = db.pool.QueryRow(ctx, `SELECT count(*) FROM alerts WHERE organization = $1 AND closed_offset IS NULL`, organization).Scan(&n)
	return n, err
}

// WeeksPaid calls each for every stall that was paid lately: with the last week
// that is over, and its counts by week as far back as they tell anything. A week is
// over for a market once the market has a receipt of a later one: so nothing is
// judged by a clock, and where all receipts stop coming in, nothing is. Only what
// traders let the market see is counted, as long as they do. A stall that was closed
// on any day of that week, as its trader told the market, is not judged by it: an
// absence that is told later, or taken back, is not asked about again.
func (db *DB) WeeksPaid(ctx context.Context, each func(organization, stall string, since events.Date, counts map[events.Date]int64) error) error {
	rows, err := db.pool.Query(ctx, `
		WITH over AS (SELECT organization, max(week) - 7 AS since FROM stall_receipts GROUP BY organization),
		closed AS (SELECT DISTINCT organization, t.subject AS stall FROM terms t JOIN over o USING (organization)
			WHERE t.type = 'market.trader_absent' AND NOT t.withdrawn AND t.effective_on <= o.since + 6 AND (t.data::jsonb ->> 'until')::date >= o.since)
		SELECT r.organization, r.stall, o.since::text, r.week::text, sum(r.payments)::bigint
		FROM stall_receipts r JOIN over o USING (organization) JOIN market_consents c USING (organization, connection)
		WHERE r.week BETWEEN o.since - 7 * $1::int AND o.since AND c.until_on >= o.since + 6
			AND NOT EXISTS (SELECT FROM closed x WHERE x.organization = r.organization AND x.stall = r.stall)
		GROUP BY r.organization, r.stall, o.since, r.week
		ORDER BY r.organization, r.stall, r.week`, projections.FellWeeks)
	if err != nil {
		return err
	}
	type stallWeek struct {
		organization, stall string
		since               events.Date
	}
	var at stallWeek
	counts := map[events.Date]int64{}
	tell := func() error {
		if len(counts) == 0 {
			return nil
		}
		return each(at.organization, at.stall, at.since, counts)
	}
	var next stallWeek
	var week events.Date
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&next.organization, &next.stall, &next.since, &week, &n}, func() error {
		if next != at {
			if err := tell(); err != nil {
				return err
			}
			at, counts = next, map[events.Date]int64{}
		}
		counts[week] = n
		return nil
	})
	if err != nil {
		return err
	}
	return tell()
}
