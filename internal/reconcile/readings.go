package reconcile

import (
	"context"
	"strings"

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

// keep writes readings down, over those of before. Codes, slips and marks are words
// without blanks, and come joined: ragged arrays cannot be sent in one go.
func (r *Readings) keep(ctx context.Context, organization string, some []read) error {
	if len(some) == 0 {
		return nil
	}
	lines, codes, slips, reasons, marks := make([]string, len(some)), make([]string, len(some)), make([]string, len(some)), make([]string, len(some)), make([]string, len(some))
	for i, one := range some {
		var missed, why []string
		for _, s := range one.Slips {
			missed, why = append(missed, string(s.Code)), append(why, string(s.Reason))
		}
		lines[i], codes[i], marks[i] = one.line, strings.Join(one.Codes, " "), strings.Join(one.Marks, " ")
		slips[i], reasons[i] = strings.Join(missed, " "), strings.Join(why, " ")
	}
	_, err := r.pool.Exec(ctx, `INSERT INTO app.line_readings (organization, line, codes, slips, slip_reasons, marks)
		SELECT DISTINCT ON (line) $1, line, string_to_array(codes, ' '), string_to_array(slips, ' '), string_to_array(reasons, ' '), string_to_array(marks, ' ')
		FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS u(line, codes, slips, reasons, marks)
		ON CONFLICT (organization, line) DO UPDATE SET codes = excluded.codes, slips = excluded.slips, slip_reasons = excluded.slip_reasons, marks = excluded.marks, read_at = now()`,
		organization, lines, codes, slips, reasons, marks)
	return err
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
