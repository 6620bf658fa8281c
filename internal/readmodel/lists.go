package readmodel

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socho/internal/money"
	"socho/projections"
)

const selectLists = `
	SELECT organization, list, programme, period, currency, state, approval, approval_source, coalesce(approved_on::text, ''),
		coalesce(approved_at, 'epoch'), shard, log_offset
	FROM payout_lists `

func scanList(row pgx.CollectableRow) (l projections.PayoutList, err error) {
	err = row.Scan(&l.Organization, &l.List, &l.Programme, &l.Period, &l.Currency, &l.State, &l.Approval, &l.ApprovalSource, &l.ApprovedOn,
		&l.ApprovedAt, &l.At.Shard, &l.At.Offset)
	return l, err
}

// PayoutList finds one list. Errors: ErrNotFound.
func (db *DB) PayoutList(ctx context.Context, organization, list string) (projections.PayoutList, error) {
	rows, err := db.pool.Query(ctx, selectLists+`WHERE organization = $1 AND list = $2`, organization, list)
	return only(rows, err, scanList)
}

// PayoutLists lists a fund's lists of payouts for a month, by list; empty
// arguments do not narrow.
func (db *DB) PayoutLists(ctx context.Context, organization, period, state string) ([]projections.PayoutList, error) {
	rows, err := db.pool.Query(ctx, selectLists+`
		WHERE ($1 = '' OR organization = $1) AND ($2 = '' OR period = $2) AND ($3 = '' OR state = $3)
		ORDER BY organization, list`, organization, period, state)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanList)
}

// Entry is a payout as a list has it, and whether it was ordered.
type Entry struct {
	projections.ListEntry
	Ordered bool
}

// Ordered counts what a list holds, and what of it was ordered.
func (db *DB) Ordered(ctx context.Context, organization, list string) (entries, ordered int64, err error) {
	err = db.pool.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE p.ordered_on IS NOT NULL) FROM list_entries e LEFT JOIN payouts p USING (organization, payout)
		WHERE e.organization = $1 AND e.list = $2 AND NOT e.removed`, organization, list).Scan(&entries, &ordered)
	return entries, ordered, err
}

// Waiting is what of a month waits for the bank, paid in one way.
type Waiting struct {
	Method string
	Back   bool // came back, and may go out again
	Count  int64
	Sum    int64 // đồng
}

// Waits says what of a month waits for the bank.
func (db *DB) Waits(ctx context.Context, organization, period string) ([]Waiting, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT method, status = 'returned', count(*), sum(payable + returned)::bigint FROM payouts
		WHERE organization = $1 AND period = $2 AND ordered_on IS NOT NULL AND status IN ('ordered', 'returned') AND clearing = 0 AND method <> 'cash' AND currency = 'VND'
		GROUP BY 1, 2 ORDER BY 2, 1`, organization, period)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Waiting])
}

// EntriesOf finds the places that a payout has or had on lists, the latest first.
func (db *DB) EntriesOf(ctx context.Context, organization, payout string) ([]PlacedEntry, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT e.list, l.state, e.removed, e.person, coalesce(nullif(e.programme, ''), l.programme), coalesce(nullif(e.period, ''), l.period), e.unit, e.method, e.kind, e.amount, e.shard, e.log_offset
		FROM list_entries e JOIN payout_lists l USING (organization, list)
		WHERE e.organization = $1 AND e.payout = $2 ORDER BY e.log_offset DESC`, organization, payout)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e PlacedEntry, err error) {
		err = row.Scan(&e.List, &e.State, &e.Removed, &e.Person, &e.Programme, &e.Period, &e.Unit, &e.Method, &e.Kind, &e.Amount, &e.At.Shard, &e.At.Offset)
		return e, err
	})
}

// PlacedEntry is one place of a payout on a list.
type PlacedEntry struct {
	List, State                                   string
	Removed                                       bool
	Person, Programme, Period, Unit, Method, Kind string
	Amount                                        int64
	At                                            projections.Position
}

// ListEntries lists what a list holds, in the order of the log, from behind an
// offset on, at most limit of them.
func (db *DB) ListEntries(ctx context.Context, organization, list string, after int64, limit int) ([]Entry, error) {
	rows, err := db.pool.Query(ctx, selectEntries+`
		WHERE e.organization = $1 AND e.list = $2 AND e.log_offset > $3 AND NOT e.removed ORDER BY e.log_offset LIMIT $4`, organization, list, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanEntry)
}

// NotOrdered is ListEntries of those alone that are not ordered, nor were taken back
// since.
func (db *DB) NotOrdered(ctx context.Context, organization, list string, after int64, limit int) ([]Entry, error) {
	rows, err := db.pool.Query(ctx, selectEntries+`
		WHERE e.organization = $1 AND e.list = $2 AND e.log_offset > $3 AND NOT e.removed
			AND NOT EXISTS (SELECT FROM payouts p WHERE p.organization = e.organization AND p.payout = e.payout AND p.ordered_on IS NOT NULL)
		ORDER BY e.log_offset LIMIT $4`, organization, list, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanEntry)
}

const selectEntries = `
	SELECT e.organization, e.list, e.payout, e.person, coalesce(nullif(e.programme, ''), l.programme), coalesce(nullif(e.period, ''), l.period), e.unit, e.method, e.kind, e.currency, e.amount, e.shard, e.log_offset,
		EXISTS (SELECT FROM payouts p WHERE p.organization = e.organization AND p.payout = e.payout AND p.ordered_on IS NOT NULL AND p.status <> 'reversed')
	FROM list_entries e JOIN payout_lists l USING (organization, list) `

func scanEntry(row pgx.CollectableRow) (e Entry, err error) {
	err = row.Scan(&e.Organization, &e.List, &e.Payout, &e.Person, &e.Programme, &e.Period, &e.Unit, &e.Method, &e.Kind, &e.Currency, &e.Amount, &e.At.Shard, &e.At.Offset, &e.Ordered)
	return e, err
}

// fromElsewhere are the entries that stand on other lists of a programme's month than
// one: of lists that were withdrawn, those that had been ordered by then.
const fromElsewhere = `FROM payout_lists l JOIN list_entries e USING (organization, list)
	WHERE l.organization = $1 AND coalesce(nullif(e.programme, ''), l.programme) = $2 AND coalesce(nullif(e.period, ''), l.period) = $3
		AND l.list <> $4 AND NOT e.removed
		AND (l.state <> 'withdrawn' OR EXISTS (SELECT FROM payouts p WHERE p.organization = e.organization AND p.payout = e.payout AND p.ordered > 0))`

// ListedElsewhere sums, by person, what other lists of a programme's month say
// that were not withdrawn before they were ordered. What was ordered and taken
// back since, to be issued again under another id, counts there alone; what stands on
// another list since its first one was withdrawn counts once. It is for setting what
// persons are entitled to.
func (db *DB) ListedElsewhere(ctx context.Context, organization, programme, period, list string) (map[string]int64, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT person, sum(amount)::bigint FROM (
			SELECT DISTINCT ON (e.payout) e.person, e.amount `+fromElsewhere+`
				AND NOT EXISTS (SELECT FROM payouts p WHERE p.organization = e.organization AND p.payout = e.payout AND p.status = 'reversed')
			ORDER BY e.payout, l.state = 'withdrawn') AS once
		GROUP BY person`,
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

// StandElsewhere names the payouts that stand on other lists of a programme's month:
// they can stand on this one no more.
func (db *DB) StandElsewhere(ctx context.Context, organization, programme, period, list string) (map[string]bool, error) {
	rows, err := db.pool.Query(ctx, `SELECT e.payout `+fromElsewhere,
		organization, programme, period, list)
	if err != nil {
		return nil, err
	}
	standing := map[string]bool{}
	var payout string
	_, err = pgx.ForEachRow(rows, []any{&payout}, func() error {
		standing[payout] = true
		return nil
	})
	return standing, err
}

// ListedOf sums what one person is to get of a programme's month by lists, as
// ListedElsewhere does.
func (db *DB) ListedOf(ctx context.Context, organization, person, programme, period string) (sum int64, err error) {
	err = db.pool.QueryRow(ctx, `
		SELECT coalesce(sum(amount), 0)::bigint FROM (
			SELECT DISTINCT ON (e.payout) e.amount FROM payout_lists l JOIN list_entries e USING (organization, list)
			LEFT JOIN payouts p ON p.organization = e.organization AND p.payout = e.payout
			WHERE l.organization = $1 AND e.person = $2 AND coalesce(nullif(e.programme, ''), l.programme) = $3 AND coalesce(nullif(e.period, ''), l.period) = $4
				AND NOT e.removed AND (l.state <> 'withdrawn' OR p.ordered > 0) AND p.status IS DISTINCT FROM 'reversed'
			ORDER BY e.payout, l.state = 'withdrawn') AS once`,
		organization, person, programme, period).Scan(&sum)
	return sum, err
}

// EntitlementOf is what counts of a person's entitlement. Errors: ErrNotFound.
func (db *DB) EntitlementOf(ctx context.Context, organization, person, programme, period string) (projections.Entitlement, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT organization, person, programme, period, unit, currency, amount, shard, log_offset, source, event_id FROM entitlements
		WHERE organization = $1 AND person = $2 AND programme = $3 AND period = $4 AND NOT withdrawn ORDER BY log_offset DESC LIMIT 1`, organization, person, programme, period)
	return only(rows, err, scanEntitlement)
}

// RemovedFrom names the payouts that were taken off a list and are not on it.
func (db *DB) RemovedFrom(ctx context.Context, organization, list string) (map[string]bool, error) {
	rows, err := db.pool.Query(ctx, `SELECT payout FROM list_entries WHERE organization = $1 AND list = $2 GROUP BY payout HAVING bool_and(removed)`, organization, list)
	if err != nil {
		return nil, err
	}
	removed := map[string]bool{}
	var payout string
	_, err = pgx.ForEachRow(rows, []any{&payout}, func() error {
		removed[payout] = true
		return nil
	})
	return removed, err
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

// EntitlementsBack says by person where the last entitlement to a programme's month
// stands that was taken back.
func (db *DB) EntitlementsBack(ctx context.Context, organization, programme, period string) (map[string]int64, error) {
	rows, err := db.pool.Query(ctx, `SELECT person, max(log_offset) FROM entitlements WHERE organization = $1 AND period = $2 AND programme = $3 AND withdrawn GROUP BY person`,
		organization, period, programme)
	if err != nil {
		return nil, err
	}
	back := map[string]int64{}
	var person string
	var offset int64
	_, err = pgx.ForEachRow(rows, []any{&person, &offset}, func() error {
		back[person] = offset
		return nil
	})
	return back, err
}

// StoppedBy lists the persons whose payments of a programme are stopped in a month:
// what was said last and reaches it counts, as it does for the ledger.
func (db *DB) StoppedBy(ctx context.Context, organization, programme, period string) (map[string]bool, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT person FROM (SELECT DISTINCT ON (person) person, resumed FROM stops
			WHERE organization = $1 AND programme = $2 AND from_period <= $3 AND NOT withdrawn ORDER BY person, log_offset DESC) x WHERE NOT resumed`,
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

// CameBack lists the persons of a month whose money came back, whatever became of
// it since.
func (db *DB) CameBack(ctx context.Context, organization, period string) (map[string]bool, error) {
	rows, err := db.pool.Query(ctx, `SELECT DISTINCT person FROM payouts WHERE organization = $1 AND period = $2 AND returned_on IS NOT NULL`, organization, period)
	if err != nil {
		return nil, err
	}
	back := map[string]bool{}
	var person string
	_, err = pgx.ForEachRow(rows, []any{&person}, func() error {
		back[person] = true
		return nil
	})
	return back, err
}

// EntitledAt calls each for the records of a month that say what persons are
// entitled to, in the order of the log.
func (db *DB) EntitledAt(ctx context.Context, organization, period string, each func(person string, at projections.Position) error) error {
	rows, err := db.pool.Query(ctx, `SELECT person, shard, log_offset FROM entitlements WHERE organization = $1 AND period = $2 AND NOT withdrawn ORDER BY log_offset`, organization, period)
	if err != nil {
		return err
	}
	type said struct {
		Person string
		Shard  int
		Offset int64
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[said]) // before each asks for more: a connection is not held meanwhile
	for _, s := range all {
		if err == nil {
			err = each(s.Person, projections.Position{Shard: s.Shard, Offset: s.Offset})
		}
	}
	return err
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

// BatchIn finds a batch of an organization. Errors: ErrNotFound.
func (db *DB) BatchIn(ctx context.Context, organization, batch string) (projections.Batch, error) {
	rows, err := db.pool.Query(ctx, selectBatches+`WHERE organization = $1 AND batch = $2`, organization, batch)
	return only(rows, err, scanBatch)
}

// BatchFiles lists the files that were made of a batch, by format.
func (db *DB) BatchFiles(ctx context.Context, organization, batch string) ([]projections.BatchFile, error) {
	rows, err := db.pool.Query(ctx, `SELECT organization, batch, format, digest FROM batch_files WHERE organization = $1 AND batch = $2 ORDER BY format`, organization, batch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[projections.BatchFile])
}

// BatchStands counts where the payouts of a batch stand now, by status.
func (db *DB) BatchStands(ctx context.Context, organization, batch string) (map[string]int64, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT p.status, count(*) FROM payout_moves m JOIN payouts p USING (organization, payout)
		WHERE m.organization = $1 AND m.batch = $2 AND m.batch <> '' GROUP BY p.status`, organization, batch)
	if err != nil {
		return nil, err
	}
	stands := map[string]int64{}
	var status string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&status, &n}, func() error {
		stands[status] = n
		return nil
	})
	return stands, err
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
// their way, in the order of their lists, at most limit of them: those never sent,
// or those that came back, with all that is owed of them. A batch so goes through
// the log in the order in which its accounts lie there.
func (db *DB) Unsent(ctx context.Context, organization, period, method string, returned bool, limit int) ([]InstructedPayout, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT p.payout, p.person, p.unit, p.payable + p.returned, p.shard, `+entryOf+` AS entry, 0 FROM payouts p
		WHERE p.organization = $1 AND p.period = $2 AND p.method = $3 AND p.status = CASE WHEN $4 THEN 'returned' ELSE 'ordered' END
			AND p.currency = 'VND' AND p.clearing = 0 AND p.ordered_on IS NOT NULL
		ORDER BY entry, p.payout LIMIT $5`, organization, period, method, returned, limit)
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
