package readmodel

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/internal/money"
	"socho/projections"
)

// PayoutLists lists a fund's lists of payouts for a month, by list; empty
// arguments do not narrow.
func (db *DB) PayoutLists(ctx context.Context, organization, period, state string) ([]projections.PayoutList, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT organization, list, programme, period, currency, state, approval, approval_source, coalesce(approved_on::text, ''),
			coalesce(approved_at, 'epoch'), shard, log_offset
		FROM payout_lists WHERE ($1 = '' OR organization = $1) AND ($2 = '' OR period = $2) AND ($3 = '' OR state = $3)
		ORDER BY organization, list`, organization, period, state)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l projections.PayoutList, err error) {
		err = row.Scan(&l.Organization, &l.List, &l.Programme, &l.Period, &l.Currency, &l.State, &l.Approval, &l.ApprovalSource, &l.ApprovedOn,
			&l.ApprovedAt, &l.At.Shard, &l.At.Offset)
		return l, err
	})
}

// Entry is a payout as a list has it, and whether it was ordered.
type Entry struct {
	projections.ListEntry
	Ordered bool
}

// ListEntries lists what a list holds, in the order of the log, from behind an
// offset on, at most limit of them.
func (db *DB) ListEntries(ctx context.Context, organization, list string, after int64, limit int) ([]Entry, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT e.organization, e.list, e.payout, e.person, coalesce(nullif(e.programme, ''), l.programme), coalesce(nullif(e.period, ''), l.period), e.unit, e.method, e.kind, e.currency, e.amount, e.shard, e.log_offset,
			EXISTS (SELECT FROM payouts p WHERE p.organization = e.organization AND p.payout = e.payout AND p.ordered_on IS NOT NULL AND p.status <> 'reversed')
		FROM list_entries e JOIN payout_lists l USING (organization, list)
		WHERE e.organization = $1 AND e.list = $2 AND e.log_offset > $3 AND NOT e.removed ORDER BY e.log_offset LIMIT $4`,
		organization, list, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Entry, err error) {
		err = row.Scan(&e.Organization, &e.List, &e.Payout, &e.Person, &e.Programme, &e.Period, &e.Unit, &e.Method, &e.Kind, &e.Currency, &e.Amount, &e.At.Shard, &e.At.Offset, &e.Ordered)
		return e, err
	})
}

// ListedElsewhere sums, by person, what other lists of a programme's month say
// that were not withdrawn before they were ordered. It is for setting what persons are entitled to.
func (db *DB) ListedElsewhere(ctx context.Context, organization, programme, period, list string) (map[string]int64, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT e.person, sum(e.amount)::bigint FROM payout_lists l JOIN list_entries e USING (organization, list)
		WHERE l.organization = $1 AND coalesce(nullif(e.programme, ''), l.programme) = $2 AND coalesce(nullif(e.period, ''), l.period) = $3
			AND l.list <> $4 AND NOT e.removed
			AND (l.state <> 'withdrawn' OR EXISTS (SELECT FROM payouts p WHERE p.organization = e.organization AND p.payout = e.payout AND p.ordered > 0))
		GROUP BY e.person`,
		organization, programme, period, list)
	if err != nil {
		return nil, err
	}
	sums := map[string]int64{}
	var person string
	var sum int64
	_, err = pgx.ForEachRow(rows, []any{&person, &sum}, func() error {
		sums[person] = sum
		return nil
	})
	return sums, err
}

// EntitledTo calls each for what counts of a programme's month.
func (db *DB) EntitledTo(ctx context.Context, organization, programme, period string, each func(person, unit string, currency money.Currency, amount, offset int64) error) error {
	rows, err := db.pool.Query(ctx, `
		SELECT DISTINCT ON (person) person, unit, currency, amount, log_offset FROM entitlements
		WHERE organization = $1 AND period = $2 AND programme = $3 AND NOT withdrawn ORDER BY person, log_offset DESC`, organization, period, programme)
	if err != nil {
		return err
	}
	var person, unit string
	var currency money.Currency
	var amount, offset int64
	_, err = pgx.ForEachRow(rows, []any{&person, &unit, &currency, &amount, &offset}, func() error { return each(person, unit, currency, amount, offset) })
	return err
}

// StoppedBy lists the persons whose payments of a programme stop in a month or
// before.
func (db *DB) StoppedBy(ctx context.Context, organization, programme, period string) (map[string]bool, error) {
	rows, err := db.pool.Query(ctx, `SELECT DISTINCT person FROM stops WHERE organization = $1 AND programme = $2 AND from_period <= $3 AND NOT withdrawn`,
		organization, programme, period)
	if err != nil {
		return nil, err
	}
	stopped := map[string]bool{}
	var person string
	_, err = pgx.ForEachRow(rows, []any{&person}, func() error {
		stopped[person] = true
		return nil
	})
	return stopped, err
}

// Batches lists an organization's batches whose id begins so, by id.
func (db *DB) Batches(ctx context.Context, organization, prefix string) ([]projections.Batch, error) {
	rows, err := db.pool.Query(ctx, selectBatches+`WHERE organization = $1 AND batch ^@ $2 ORDER BY batch`, organization, prefix)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanBatch)
}

// Batch finds a batch by its id, in any organization that may be seen.
// Errors: ErrNotFound.
func (db *DB) Batch(ctx context.Context, batch string) (projections.Batch, error) {
	rows, err := db.pool.Query(ctx, selectBatches+`WHERE batch = $1 ORDER BY organization LIMIT 1`, batch)
	return only(rows, err, scanBatch)
}

// BatchOfFile finds the batch that a file was made of, by the file's digest.
// Errors: ErrNotFound.
func (db *DB) BatchOfFile(ctx context.Context, digest string) (projections.Batch, error) {
	rows, err := db.pool.Query(ctx, selectBatches+`JOIN batch_files f USING (organization, batch) WHERE f.digest = $1 ORDER BY organization LIMIT 1`, digest)
	return only(rows, err, scanBatch)
}

const selectBatches = `
	SELECT organization, batch, b.account, b.method, b.currency, coalesce(b.execute_on::text, ''), coalesce(b.opened_on::text, ''),
		coalesce(b.opened_at, 'epoch'), b.state, b.shard, b.log_offset FROM batches b `

func scanBatch(row pgx.CollectableRow) (b projections.Batch, err error) {
	err = row.Scan(&b.Organization, &b.Batch, &b.Account, &b.Method, &b.Currency, &b.ExecuteOn, &b.OpenedOn, &b.OpenedAt, &b.State, &b.At.Shard, &b.At.Offset)
	return b, err
}

// InstructedPayout is a payout to instruct the bank about. Entry is the record
// that holds the account it goes to, sealed: that of the list, and of the order
// where it stands on no list.
type InstructedPayout struct {
	Payout, Person, Unit string
	Amount               int64 // minor units
	Entry                projections.Position
	At                   int64 // offset of the record that batched it
}

const entryOf = `coalesce((SELECT e.log_offset FROM list_entries e WHERE e.organization = p.organization AND e.payout = p.payout AND NOT e.removed ORDER BY e.log_offset DESC LIMIT 1), p.first_offset)`

// Unsent lists payouts of a month and method in đồng that are owed and not on
// their way, by id, from behind one on, at most limit of them: those never sent,
// or those that came back, with all that is owed of them.
func (db *DB) Unsent(ctx context.Context, organization, period, method string, returned bool, after string, limit int) ([]InstructedPayout, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT p.payout, p.person, p.unit, p.payable + p.returned, p.shard, `+entryOf+`, 0 FROM payouts p
		WHERE p.organization = $1 AND p.period = $2 AND p.method = $3 AND p.status = CASE WHEN $4 THEN 'returned' ELSE 'ordered' END
			AND p.currency = 'VND' AND p.clearing = 0 AND p.ordered_on IS NOT NULL AND p.payout > $5
		ORDER BY p.payout LIMIT $6`, organization, period, method, returned, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanInstructed)
}

// BatchedPayouts lists what a batch holds, in the order of the log, from behind
// an offset on, at most limit of them.
func (db *DB) BatchedPayouts(ctx context.Context, organization, batch string, after int64, limit int) ([]InstructedPayout, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT p.payout, p.person, p.unit, m.amount, p.shard, `+entryOf+`, m.log_offset
		FROM payout_moves m JOIN payouts p USING (organization, payout)
		WHERE m.organization = $1 AND m.batch = $2 AND m.batch <> '' AND m.log_offset > $3 ORDER BY m.log_offset LIMIT $4`, organization, batch, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanInstructed)
}

func scanInstructed(row pgx.CollectableRow) (p InstructedPayout, err error) {
	err = row.Scan(&p.Payout, &p.Person, &p.Unit, &p.Amount, &p.Entry.Shard, &p.Entry.Offset, &p.At)
	return p, err
}

// PayoutMoves gives the moves of payouts, each payout's in the order of the log;
// payouts without any are absent.
func (db *DB) PayoutMoves(ctx context.Context, organization string, payouts []string) (map[string][]projections.PayoutMove, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT payout, kind, batch, line, amount, shard, log_offset FROM payout_moves
		WHERE organization = $1 AND payout = ANY ($2) ORDER BY payout, log_offset`, organization, payouts)
	if err != nil {
		return nil, err
	}
	moves := map[string][]projections.PayoutMove{}
	m := projections.PayoutMove{Organization: organization}
	_, err = pgx.ForEachRow(rows, []any{&m.Payout, &m.Kind, &m.Batch, &m.Line, &m.Amount, &m.At.Shard, &m.At.Offset}, func() error {
		moves[m.Payout] = append(moves[m.Payout], m)
		return nil
	})
	return moves, err
}
