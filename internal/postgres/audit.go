package postgres

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"socho/internal/money"
	"socho/ledger"
)

// MaxProblems bounds how many damaged rows an audit names.
const MaxProblems = 100

// Audit is what an examination of the stored ledger found.
type Audit struct {
	OK        bool              `json:"ok"`
	Transfers int64             `json:"transfers"`
	Sum       map[string]string `json:"sum"`      // debits − credits of all balances, per currency
	Position  map[int]int64     `json:"position"` // of each shard, captured once
	Roots     map[int]string    `json:"roots"`
	Problems  []string          `json:"problems"`
}

// problem notes a finding; beyond MaxProblems only their being is kept.
func (a *Audit) problem(format string, args ...any) {
	a.OK = false
	switch n := len(a.Problems); {
	case n < MaxProblems:
		a.Problems = append(a.Problems, fmt.Sprintf(format, args...))
	case n == MaxProblems:
		a.Problems = append(a.Problems, "… and more")
	}
}

// RecordCheck compares a stored outcome with the log; it returns what is wrong,
// or "".
type RecordCheck func(ctx context.Context, o *ledger.Outcome) (string, error)

// Verify examines everything stored as one snapshot saw it: leaves against
// their rows, transfers against leaves, the tree against the position, balances
// against transfers, accounts against the chart, rule state and positions
// against their digests. An outcome's detail is in no leaf: Compare sees it.
// check, if not nil, sees each outcome in order. Problems are in the result;
// errors are faults.
func (db *DB) Verify(ctx context.Context, check RecordCheck) (*Audit, error) {
	return db.verify(ctx, check, pgx.ReadOnly, func(pgx.Tx) error { return nil })
}

func (db *DB) verify(ctx context.Context, check RecordCheck, mode pgx.TxAccessMode, then func(pgx.Tx) error) (*Audit, error) {
	a := &Audit{OK: true, Sum: map[string]string{}, Position: map[int]int64{}, Roots: map[int]string{}, Problems: []string{}}
	err := pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: mode}, func(tx pgx.Tx) error {
		heads, err := heads(ctx, tx)
		if err != nil {
			a.problem("%v", err)
			return then(tx)
		}
		for shard := range heads {
			head := heads[shard]
			if err := a.shard(ctx, tx, db, &head, check); err != nil {
				return err
			}
		}
		if err := a.accounts(ctx, tx); err != nil {
			return err
		}
		if err := a.balances(ctx, tx); err != nil {
			return err
		}
		if err := a.chains(ctx, tx); err != nil {
			return err
		}
		if err := a.state(ctx, tx); err != nil {
			return err
		}
		if err := a.strays(ctx, tx); err != nil {
			return err
		}
		return then(tx)
	})
	return a, err
}

// shard walks one shard's outcomes and transfers side by side.
func (a *Audit) shard(ctx context.Context, tx pgx.Tx, db *DB, head *ledger.Head, check RecordCheck) error {
	a.Position[head.Shard] = head.NextOffset
	var rebuilt ledger.Frontier
	var last *ledger.Outcome
	var genesis ledger.Hash
	const page = 20_000
	for from := int64(0); from < head.NextOffset; from += page {
		transfers := map[int64][]ledger.Transfer{}
		rows, err := tx.Query(ctx, selectTransfers+`WHERE t.shard = $1 AND t.log_offset >= $2 AND t.log_offset < $3 ORDER BY t.log_offset, t.line`, head.Shard, from, from+page)
		if err != nil {
			return err
		}
		if err := eachTransfer(rows, func(_ int, offset int64, t ledger.Transfer) error {
			transfers[offset] = append(transfers[offset], t)
			a.Transfers++
			return nil
		}); err != nil {
			return err
		}
		rows, err = tx.Query(ctx, selectOutcomes+`WHERE shard = $1 AND log_offset >= $2 AND log_offset < $3 ORDER BY log_offset`, head.Shard, from, from+page)
		if err != nil {
			return err
		}
		var outcomes []*ledger.Outcome
		if err := eachOutcome(rows, func(o *ledger.Outcome) error { outcomes = append(outcomes, o); return nil }); err != nil {
			return err
		}
		for _, o := range outcomes {
			for missing := rebuilt.Size; missing < o.Offset && missing < rebuilt.Size+3; missing++ {
				a.problem("outcomes: row %d:%d is missing", head.Shard, missing)
			}
			if o.Offset != rebuilt.Size {
				return nil // nothing behind a hole can be checked against the tree
			}
			if leaf := ledger.LeafHash(o, ledger.TransfersHash(transfers[o.Offset])); leaf != o.LeafHash {
				a.problem("transfers or outcomes: the rows of %d:%d (event %q of %s) are not those that were recorded", o.Shard, o.Offset, o.EventID, o.Organization)
			}
			if o.Status == ledger.Posted && len(transfers[o.Offset]) == 0 {
				a.problem("transfers: %d:%d is posted but has no transfer", o.Shard, o.Offset)
			}
			if claims := o.Status.Accepted() || o.Status == ledger.Refused; claims != o.Claims {
				a.problem("outcomes: whether %d:%d holds its id is not as it was recorded", o.Shard, o.Offset)
			}
			if check != nil {
				found, err := check(ctx, o)
				if err != nil {
					return err
				}
				if found != "" {
					a.problem("outcomes: %d:%d: %s", o.Shard, o.Offset, found)
				}
			}
			rebuilt.Append(o.LeafHash)
			if last = o; o.Offset == 0 {
				genesis = o.RecordHash
			}
		}
	}
	root := rebuilt.Root()
	a.Roots[head.Shard] = hex.EncodeToString(root[:])
	switch {
	case rebuilt.Size != head.NextOffset:
		a.problem("positions: shard %d stands at %d, outcomes end at %d", head.Shard, head.NextOffset, rebuilt.Size)
	case rebuilt.Root() != head.Frontier.Root():
		a.problem("positions: the root of shard %d is not that of its outcomes", head.Shard)
	case head.NextOffset > 0 && last.LeafHash != head.LastLeaf:
		a.problem("positions: the last leaf of shard %d is not that of its last outcome", head.Shard)
	default:
		return a.position(ctx, tx, head, last, genesis)
	}
	return nil
}

// accounts holds every account against the chart and its shard's numbering.
func (a *Audit) accounts(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		SELECT a.shard, a.account, a.organization, a.path, a.kind, a.currency, a.bound, coalesce(b.bound, '-'),
			a.account < p.next_account
		FROM accounts a LEFT JOIN balances b USING (shard, account) LEFT JOIN positions p USING (shard)
		ORDER BY a.shard, a.account`)
	if err != nil {
		return err
	}
	var shard int
	var number int64
	var organization, path, kind, currency, bound, balanceBound string
	var inRange *bool
	_, err = pgx.ForEachRow(rows, []any{&shard, &number, &organization, &path, &kind, &currency, &bound, &balanceBound, &inRange}, func() error {
		wantKind, wantLimit, ok := ledger.Chart(path)
		switch {
		case !ok || string(wantKind) != kind || string(wantLimit) != bound:
			a.problem("accounts: %d:%d %s:%s is not as the chart has it", shard, number, organization, path)
		case balanceBound == "-":
			a.problem("balances: row of account %d:%d %s:%s is missing", shard, number, organization, path)
		case balanceBound != bound:
			a.problem("balances: limit of account %d:%d %s:%s is not as the chart has it", shard, number, organization, path)
		case inRange == nil || !*inRange:
			a.problem("accounts: %d:%d is numbered beyond its shard's position", shard, number)
		}
		return nil
	})
	return err
}

// balances compares every account's sums with its transfers.
func (a *Audit) balances(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		WITH moved AS (
			SELECT shard, account, sum(debit) AS debits, sum(credit) AS credits, max(place) AS place FROM (
				SELECT shard, debit AS account, amount AS debit, 0::numeric AS credit, log_offset * 1024 + line AS place FROM transfers
				UNION ALL
				SELECT shard, credit, 0, amount, log_offset * 1024 + line FROM transfers) m
			GROUP BY shard, account)
		SELECT coalesce(a.organization || ':' || a.path, b.shard || ':' || b.account, m.shard || ':' || m.account)
		FROM balances b
		FULL JOIN moved m USING (shard, account)
		LEFT JOIN accounts a USING (shard, account)
		WHERE b.debits IS DISTINCT FROM coalesce(m.debits, 0) OR b.credits IS DISTINCT FROM coalesce(m.credits, 0)
			OR b.last_transfer IS DISTINCT FROM coalesce(m.place, 0)
		ORDER BY 1 LIMIT $1`, MaxProblems)
	if err != nil {
		return err
	}
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&name}, func() error {
		a.problem("balances: %s is not the sum of its transfers, or does not name the last of them", name)
		return nil
	}); err != nil {
		return err
	}
	rows, err = tx.Query(ctx, `
		SELECT currency, sum(debits - credits) FROM balances JOIN accounts USING (shard, account) GROUP BY currency ORDER BY currency`)
	if err != nil {
		return err
	}
	var currency money.Currency
	var sum pgtype.Numeric
	_, err = pgx.ForEachRow(rows, []any{&currency, &sum}, func() error {
		a.Sum[string(currency)] = money.FormatSigned(sum.Int, currency)
		if sum.Int.Sign() != 0 {
			a.problem("balances: debits and credits in %s differ by %s", currency, money.FormatSigned(sum.Int, currency))
		}
		return nil
	})
	return err
}

// chains holds what each transfer names as the one before it on its accounts
// against the transfers themselves.
func (a *Audit) chains(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		SELECT DISTINCT shard, place / 1024, place % 1024 FROM (
			SELECT shard, place, before, lag(place, 1, 0::bigint) OVER (PARTITION BY shard, account ORDER BY place) AS want FROM (
				SELECT shard, debit AS account, log_offset * 1024 + line AS place, debit_before AS before FROM transfers
				UNION ALL
				SELECT shard, credit, log_offset * 1024 + line, credit_before FROM transfers) sides) chained
		WHERE before <> want ORDER BY 1, 2, 3 LIMIT $1`, MaxProblems)
	if err != nil {
		return err
	}
	var shard int
	var offset, line int64
	_, err = pgx.ForEachRow(rows, []any{&shard, &offset, &line}, func() error {
		a.problem("transfers: %d:%d:%d does not name the transfers before it", shard, offset, line)
		return nil
	})
	return err
}

// strays looks for rows that no shard's walk has met.
func (a *Audit) strays(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `
		SELECT 'transfers: ' || t.shard || ':' || t.log_offset || ':' || t.line || ' belongs to no record or account'
		FROM transfers t LEFT JOIN outcomes o USING (shard, log_offset)
		LEFT JOIN accounts d ON (d.shard, d.account) = (t.shard, t.debit)
		LEFT JOIN accounts c ON (c.shard, c.account) = (t.shard, t.credit)
		WHERE o.shard IS NULL OR d.shard IS NULL OR c.shard IS NULL OR d.organization <> c.organization OR o.organization <> d.organization
		UNION ALL
		SELECT 'outcomes: ' || o.shard || ':' || o.log_offset || ' is beyond its shard''s position'
		FROM outcomes o LEFT JOIN positions p USING (shard) WHERE p.shard IS NULL OR o.log_offset >= p.next_offset
		LIMIT $1`, MaxProblems)
	if err != nil {
		return err
	}
	var text string
	_, err = pgx.ForEachRow(rows, []any{&text}, func() error { a.problem("%s", text); return nil })
	return err
}

// compared lists the tables of a ledger and the columns in which a replay must
// agree to the letter; the first columns name a row.
var compared = []struct{ table, name, columns string }{
	{"positions", `shard::text`, `shard, shards, ledger, genesis, next_offset, next_account, recorded_at, rule_set, last_leaf, frontier, digest, state_rows`},
	{"accounts", `shard || ':' || account || ' ' || organization || ':' || path`, `shard, account, organization, path, kind, currency, bound`},
	{"balances", `shard || ':' || account`, `shard, account, bound, debits, credits, last_transfer`},
	{"outcomes", `shard || ':' || log_offset`, `shard, log_offset, recorded_at, organization, source, event_id, type, effective_on, status, code, detail, rule_set, value_hash, record_hash, leaf_hash, claims`},
	{"transfers", `shard || ':' || log_offset || ':' || line`, `shard, log_offset, line, debit, credit, amount, code, effective_on, debit_before, credit_before`},
	{"rule_state", `organization || ' ' || key`, `organization, key, shard, log_offset, value, digest`},
}

// Capture is Verify, and copies the tables that change in place into a schema
// as the same snapshot saw them, for Compare. What the result says of position,
// roots and transfers is so what Compare compares.
func (db *DB) Capture(ctx context.Context, into string, check RecordCheck) (*Audit, error) {
	return db.verify(ctx, check, pgx.ReadWrite, func(tx pgx.Tx) error {
		for _, table := range []string{"positions", "accounts", "balances", "rule_state"} {
			if _, err := tx.Exec(ctx, `CREATE TABLE `+pgx.Identifier{into, "captured_" + table}.Sanitize()+` AS TABLE `+pgx.Identifier{db.Schema, table}.Sanitize()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Compare holds a replay in another schema against what was captured there and
// against the outcomes and transfers up to the captured position.
func (db *DB) Compare(ctx context.Context, replayed string, a *Audit) error {
	for _, c := range compared {
		live := pgx.Identifier{replayed, "captured_" + c.table}.Sanitize()
		if c.table == "outcomes" || c.table == "transfers" {
			live = `(SELECT l.* FROM ` + pgx.Identifier{db.Schema, c.table}.Sanitize() + ` l JOIN ` +
				pgx.Identifier{replayed, "captured_positions"}.Sanitize() + ` p USING (shard) WHERE l.log_offset < p.next_offset)`
		}
		mine := pgx.Identifier{replayed, c.table}.Sanitize()
		rows, err := db.Query(ctx, `
			SELECT DISTINCT `+c.name+` FROM (
				(SELECT `+c.columns+` FROM `+live+` x EXCEPT ALL SELECT `+c.columns+` FROM `+mine+`)
				UNION ALL
				(SELECT `+c.columns+` FROM `+mine+` EXCEPT ALL SELECT `+c.columns+` FROM `+live+` y)) d
			ORDER BY 1 LIMIT $1`, MaxProblems)
		if err != nil {
			return fmt.Errorf("compare %s: %w", c.table, err)
		}
		var row string
		if _, err := pgx.ForEachRow(rows, []any{&row}, func() error {
			a.problem("%s: row %s differs from the replay", c.table, row)
			return nil
		}); err != nil {
			return fmt.Errorf("compare %s: %w", c.table, err)
		}
	}
	return nil
}
