package reconcile

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"socho/internal/money"
)

// Book is a bank account with where its money stands, in minor units: what is in
// the bank is what was brought along, and what came in less what left; and what
// came in is placed or waits. Every đồng is on one side of it.
type Book struct {
	Account           string
	Currency          money.Currency
	Bank              int64 // what the ledger has
	In, Out           int64 // lines of payments
	Placed, Waiting   int64 // of In
	Explained, Left   int64 // of Out
	Interest, Charges int64
	Expected          int64 // placed by facts that name lines which no statement has shown
}

// Before is what was there before the first line: the opening balance.
func (b *Book) Before() int64 { return b.Bank - b.In + b.Out - b.Interest + b.Charges }

// Books are the organization's accounts, by name.
func (d *Desk) Books(ctx context.Context, organization string) ([]Book, error) {
	rows, err := d.pool.Query(ctx, `
		WITH sums AS (
			SELECT account, currency,
				coalesce(sum(amount) FILTER (WHERE direction = 'in' AND kind = 'payment'), 0)::bigint AS came,
				coalesce(sum(amount) FILTER (WHERE direction = 'out' AND kind = 'payment'), 0)::bigint AS gone,
				coalesce(sum(placed) FILTER (WHERE direction = 'in' AND kind = 'payment'), 0)::bigint AS placed,
				coalesce(sum(placed) FILTER (WHERE direction = 'out' AND kind = 'payment'), 0)::bigint AS explained,
				coalesce(sum(CASE direction WHEN 'in' THEN amount ELSE -amount END) FILTER (WHERE kind = 'interest'), 0)::bigint AS interest,
				coalesce(sum(CASE direction WHEN 'out' THEN amount ELSE -amount END) FILTER (WHERE kind = 'charge'), 0)::bigint AS charges,
				coalesce(sum(placed) FILTER (WHERE state = 'expected'), 0)::bigint AS expected
			FROM projections.bank_lines WHERE organization = $1 GROUP BY account, currency),
		held AS (
			SELECT split_part(a.path, ':', 2) AS account, a.currency, (b.debits - b.credits)::bigint AS bank
			FROM ledger.accounts a JOIN ledger.balances b USING (shard, account)
			WHERE a.organization = $1 AND a.path ^@ 'bank:')
		SELECT coalesce(h.account, s.account), coalesce(h.currency, s.currency), coalesce(h.bank, 0), coalesce(came, 0), coalesce(gone, 0),
			coalesce(placed, 0), coalesce(came - placed, 0), coalesce(explained, 0), coalesce(gone - explained, 0), coalesce(interest, 0), coalesce(charges, 0), coalesce(expected, 0)
		FROM held h FULL JOIN sums s USING (account, currency) ORDER BY 1, 2`, organization)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Book])
}

// Credit is money that a payer has above what was owed.
type Credit struct {
	Holder   string
	Currency money.Currency
	Amount   int64
}

// Credits lists them, by holder, at most limit.
func (d *Desk) Credits(ctx context.Context, organization string, limit int) ([]Credit, error) {
	rows, err := d.pool.Query(ctx, `SELECT holder, currency, amount FROM projections.holdings
		WHERE organization = $1 AND kind = 'credit' AND amount > 0 ORDER BY holder, currency LIMIT $2`, organization, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Credit])
}

// OpenBill finds an open bill by its id or its reference code. Errors:
// pgx.ErrNoRows becomes ErrNoBill.
func (d *Desk) OpenBill(ctx context.Context, organization, name string) (Bill, error) {
	rows, err := d.pool.Query(ctx, selectOpen+`AND (bill = $2 OR reference = $3) ORDER BY bill LIMIT 1`, organization, name, name)
	if err != nil {
		return Bill{}, err
	}
	b, err := pgx.CollectExactlyOneRow(rows, scanOpen)
	if errors.Is(err, pgx.ErrNoRows) {
		return b, ErrNoBill
	}
	return b, err
}

// StandingBill finds a bill by its id or its reference code, paid or not. Errors:
// ErrNoBill.
func (d *Desk) StandingBill(ctx context.Context, organization, name string) (Bill, error) {
	rows, err := d.pool.Query(ctx, selectBills+`AND status <> 'reversed' AND (bill = $2 OR reference = $2) ORDER BY bill LIMIT 1`, organization, name)
	if err != nil {
		return Bill{}, err
	}
	b, err := pgx.CollectExactlyOneRow(rows, scanOpen)
	if errors.Is(err, pgx.ErrNoRows) {
		return b, ErrNoBill
	}
	return b, err
}

// Held is what was collected for others, by item.
type Held struct {
	Item   string
	Amount int64 // đồng billed and not passed on
}

// Held lists what may be passed on, by item.
func (d *Desk) Held(ctx context.Context, organization string) ([]Held, error) {
	rows, err := d.pool.Query(ctx, `SELECT split_part(a.path, ':', 2), (b.credits - b.debits)::bigint
		FROM ledger.accounts a JOIN ledger.balances b USING (shard, account)
		WHERE a.organization = $1 AND a.path ^@ 'held:' AND a.currency = $2 AND b.credits > b.debits ORDER BY 1`, organization, string(money.VND))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Held])
}

// Oldest finds the oldest open bill of each of some stalls or pupils that have one.
func (d *Desk) Oldest(ctx context.Context, organization string, holders []string) (map[string]Bill, error) {
	rows, err := d.pool.Query(ctx, selectOpen+`AND holder = ANY ($2) ORDER BY holder, period, bill`, organization, holders)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, scanOpen)
	if err != nil {
		return nil, err
	}
	oldest := map[string]Bill{}
	for _, b := range all {
		if _, ok := oldest[b.Holder]; !ok {
			oldest[b.Holder] = b
		}
	}
	return oldest, nil
}

// ErrNoBill: no open bill of this organization has that id or code.
var ErrNoBill = errors.New("no open bill has this id or code")

// Overpaid says what an organization wants to become of money above a bill: keep
// or refund.
func (d *Desk) Overpaid(ctx context.Context, organization string) (choice string, err error) {
	err = d.pool.QueryRow(ctx, `SELECT overpaid FROM app.desks WHERE organization = $1`, organization).Scan(&choice)
	if errors.Is(err, pgx.ErrNoRows) {
		return "keep", nil
	}
	return choice, err
}

// ChooseOverpaid sets it.
func (d *Desk) ChooseOverpaid(ctx context.Context, organization, choice, by string) error {
	_, err := d.pool.Exec(ctx, `INSERT INTO app.desks (organization, overpaid, chosen_by) VALUES ($1, $2, $3)
		ON CONFLICT (organization) DO UPDATE SET overpaid = $2, chosen_by = $3, chosen_at = now()`, organization, choice, by)
	return err
}

// mostOutgoing bounds the lines that a refund is looked for among.
const mostOutgoing = 50

// Outgoing lists lines in đồng that left and that nothing explains, as far as what
// is left of them is at most so much: the latest day first.
func (d *Desk) Outgoing(ctx context.Context, organization string, most int64) ([]Row, error) {
	found, err := d.pool.Query(ctx, selectRows+`WHERE l.organization = $1 AND l.direction = 'out' AND l.state = 'open' AND l.currency = $2 AND l.left_over <= $3
		ORDER BY l.booked_on DESC, l.line LIMIT $4`, organization, string(money.VND), most, mostOutgoing)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, scanRow)
}
