package reconcile

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"socho/events"
	"socho/internal/money"
	"socho/internal/refcode"
	"socho/projections"
)

// Rematched is what matching again has come to.
type Rematched struct {
	Matched int64 `json:"matched"` // lines placed on the one bill whose code they carry
	Cases   int64 `json:"cases"`   // lines that wait for a person
}

// rematchLines are opened, placed and read together.
const rematchLines = 1000

// Rematch looks at every incoming line of which something waits as import does:
// once bills were issued that it may be meant for. It opens the texts inside the
// process and shows nobody any. What a person took back is not placed again, since
// the id of a placement is of line and bill; and a run that was cut off is run
// again. progress hears of lines, done of all.
func (im *Importer) Rematch(ctx context.Context, texts *Texts, progress func(done, of int64)) (*Rematched, error) {
	all, err := im.Readings.waiting(ctx, im.Organization)
	if err != nil {
		return nil, err
	}
	result := &Rematched{}
	r := run{Importer: im, report: &Report{}}
	done := int64(0)
	for some := range slices.Chunk(all, rematchLines) {
		at := make([]projections.Position, len(some))
		for i := range some {
			at[i] = some[i].at
		}
		opened, err := texts.Of(ctx, at)
		if err != nil {
			return result, err
		}
		r.lines = r.lines[:0]
		for _, w := range some {
			text, ok := opened[w.at]
			if !ok || text.Clear["content"] == "" {
				continue // nothing is to be read of it, or no more
			}
			r.lines = append(r.lines, again(w.line, &text))
		}
		placed, err := r.place(ctx)
		if err != nil {
			return result, err
		}
		if err := r.read(ctx, placed); err != nil {
			return result, err
		}
		result.Matched += int64(len(placed))
		result.Cases += int64(len(some) - len(placed))
		if done += int64(len(some)); progress != nil {
			progress(done, int64(len(all)))
		}
	}
	return result, nil
}

// again is a line as it was when it came.
func again(id string, text *Text) line {
	l := line{id: id, minor: text.Line.Money().Minor(), at: string(text.Event.Time), on: string(text.Line.EffectiveOn),
		currency: text.Line.Currency, incoming: text.Line.Direction == "in", payment: text.Line.Kind == "payment"}
	if text.Event.Source == source { // else it is no cause that we could name
		l.event = string(text.Event.ID)
	}
	l.content = text.Clear["content"]
	l.codes, l.cut = refcode.Find(l.content), utf8.RuneCountInString(l.content) >= events.MaxPersonalChars
	return l
}

// waits is an incoming line of which something is not placed.
type waits struct {
	line string
	at   projections.Position
}

// waiting lists them by day and line. What is in other money than đồng is for a
// person in any case.
func (r *Readings) waiting(ctx context.Context, organization string) ([]waits, error) {
	rows, err := r.pool.Query(ctx, `SELECT line, shard, seen_offset FROM projections.bank_lines
		WHERE organization = $1 AND state = 'open' AND direction = 'in' AND currency = $2 ORDER BY booked_on, line`, organization, string(money.VND))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (w waits, err error) {
		err = row.Scan(&w.line, &w.at.Shard, &w.at.Offset)
		return w, err
	})
}
