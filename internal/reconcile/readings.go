package reconcile

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"socho/bank"
	"socho/internal/refcode"
)

// Readings keeps what texts of lines say of bills, so that the desk can say why a
// line waits without opening anything. It can be thrown away and read again.
type Readings struct{ pool *pgxpool.Pool }

// NewReadings is the table of readings.
func NewReadings(pool *pgxpool.Pool) *Readings { return &Readings{pool} }

// mostOpen bounds the open bills that a text is held against.
const mostOpen = 100_000

const (
	selectBills = `SELECT bill, holder, person, stall, class, period, coalesce(due_on::text, ''), reference, owed FROM projections.bills
	WHERE organization = $1 AND currency = 'VND' `
	selectOpen = selectBills + `AND owed > 0 `
)

func scanOpen(row pgx.CollectableRow) (b Bill, err error) {
	err = row.Scan(&b.Bill, &b.Holder, &b.Person, &b.Stall, &b.Class, &b.Period, &b.DueOn, &b.Reference, &b.Owed)
	return b, err
}

// Open lists an organization's open bills in đồng, by bill.
func (r *Readings) Open(ctx context.Context, organization string) (*Open, error) {
	rows, err := r.pool.Query(ctx, selectOpen+`ORDER BY bill LIMIT $2`, organization, mostOpen)
	if err != nil {
		return nil, err
	}
	bills, err := pgx.CollectRows(rows, scanOpen)
	if err != nil {
		return nil, err
	}
	return NewOpen(bills), nil
}

// read is what was read of one line.
type read struct {
	line string
	Reading
}

// keep writes readings down, over those of before.
func (r *Readings) keep(ctx context.Context, organization string, some []read) error {
	batch := &pgx.Batch{}
	for _, one := range some {
		codes, reasons := []string{}, []string{}
		for _, s := range one.Slips {
			codes, reasons = append(codes, string(s.Code)), append(reasons, string(s.Reason))
		}
		batch.Queue(`INSERT INTO app.line_readings (organization, line, codes, slips, slip_reasons, marks) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (organization, line) DO UPDATE SET codes = $3, slips = $4, slip_reasons = $5, marks = $6, read_at = now()`,
			organization, one.line, orEmpty(one.Codes), codes, reasons, orEmpty(one.Marks))
	}
	if batch.Len() == 0 {
		return nil
	}
	return r.pool.SendBatch(ctx, batch).Close()
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// of returns the readings of lines, by line.
func (r *Readings) of(ctx context.Context, organization string, lines []string) (map[string]Reading, error) {
	rows, err := r.pool.Query(ctx, `SELECT line, codes, slips, slip_reasons, marks FROM app.line_readings WHERE organization = $1 AND line = ANY ($2)`, organization, lines)
	if err != nil {
		return nil, err
	}
	found := map[string]Reading{}
	var line string
	var codes, slips, reasons, marks []string
	_, err = pgx.ForEachRow(rows, []any{&line, &codes, &slips, &reasons, &marks}, func() error {
		one := Reading{Codes: codes, Marks: marks}
		for i := range slips {
			one.Slips = append(one.Slips, bank.Slip{Code: refcode.Code(slips[i]), Reason: bank.Reason(reasons[i])})
		}
		found[line] = one
		codes, slips, reasons, marks = nil, nil, nil, nil
		return nil
	})
	return found, err
}
