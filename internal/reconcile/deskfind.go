package reconcile

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Sought narrows lines down, on whatever pile they lie; what is left empty narrows
// nothing.
type Sought struct {
	Minor       int64    // of the line, or of what is left of it, in minor units
	From, Until string   // days, YYYY-MM-DD
	Payers      []string // opaque persons
}

// Empty reports whether nothing is asked for.
func (s *Sought) Empty() bool {
	return s.Minor == 0 && s.From == "" && s.Until == "" && len(s.Payers) == 0
}

// Find lists an organization's lines that fit, the latest day first, from behind one
// of them on (next of the page before), with why they wait and what they may be
// meant for. Errors: those of the database.
func (d *Desk) Find(ctx context.Context, organization string, s Sought, after string, limit int) (rows []Row, next string, err error) {
	on, line, _ := strings.Cut(after, "~")
	found, err := d.pool.Query(ctx, `SELECT * FROM (`+selectRows+`WHERE l.organization = $1 AND ($2::bigint = 0 OR l.amount = $2 OR l.left_over = $2)
			AND ($3 = '' OR l.booked_on >= nullif($3, '')::date) AND ($4 = '' OR l.booked_on <= nullif($4, '')::date)
			AND (cardinality($5::text[]) = 0 OR l.person = ANY ($5))) x (line, direction, account, kind, person, booked_on, state, currency, amount, placed, left_over, sightings, shard, seen_offset, tab)
		WHERE state <> 'expected' AND ($6 = '' OR booked_on < $6 OR booked_on = $6 AND line > $7)
		ORDER BY booked_on DESC, line LIMIT $8`, organization, s.Minor, s.From, s.Until, orEmpty(s.Payers), on, line, limit+1)
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
