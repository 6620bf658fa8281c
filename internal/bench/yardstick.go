package bench

import (
	"context"
	"encoding/binary"
	"math/big"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"socho/internal/pgcopy"
)

// The yardstick's batches and connections are part of its definition.
const (
	yardstickRows        = 8000
	yardstickConnections = 2
)

// yardstick is what every rate is held against: bare rows into one table with
// a key, by binary COPY, committed durably batch by batch. Rows are copied as a
// Go program ordinarily does it, with pgx's CopyFrom; prepared says how fast it
// is where the rows' bytes are made the cheapest way there is.
type yardstick struct {
	pool     *pgxpool.Pool
	ordinary pace
	prepared pace
}

// pace is so many in so much time.
type pace struct {
	n    int64
	took time.Duration
}

func (p *pace) rate() float64 { return perSecond(p.n, p.took) }

func newYardstick(ctx context.Context, pool *pgxpool.Pool) (*yardstick, error) {
	_, err := pool.Exec(ctx, `
		CREATE SCHEMA bench_yardstick;
		CREATE TABLE bench_yardstick.rows (shard smallint, off bigint, line smallint, debit bigint, credit bigint, amount numeric,
			at timestamptz, event uuid, PRIMARY KEY (shard, off, line))`)
	return &yardstick{pool: pool}, err
}

// run copies rows both ways, each for about that long.
func (y *yardstick) run(ctx context.Context, length time.Duration) error {
	err := y.copy(ctx, length, &y.ordinary, func(conn *pgx.Conn, shard int16) func(from int64) error {
		return func(from int64) error {
			_, err := conn.CopyFrom(ctx, pgx.Identifier{"bench_yardstick", "rows"},
				[]string{"shard", "off", "line", "debit", "credit", "amount", "at", "event"}, yardstickBatch(shard, from))
			return err
		}
	})
	if err != nil {
		return err
	}
	return y.copy(ctx, length, &y.prepared, func(conn *pgx.Conn, shard int16) func(from int64) error {
		rows := pgcopy.New(8)
		return func(from int64) error {
			prepare(rows, shard, from)
			_, err := rows.CopyTo(ctx, conn.PgConn(), "bench_yardstick.rows", "shard, off, line, debit, credit, amount, at, event")
			return err
		}
	})
}

// copy writes batches on both connections, each into a shard of its own.
func (y *yardstick) copy(ctx context.Context, length time.Duration, p *pace, batches func(conn *pgx.Conn, shard int16) func(from int64) error) error {
	if _, err := y.pool.Exec(ctx, `TRUNCATE bench_yardstick.rows`); err != nil {
		return err
	}
	conns := make([]*pgxpool.Conn, yardstickConnections)
	for i := range conns {
		conn, err := y.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		conns[i] = conn
	}
	counts := make([]int64, len(conns))
	began := time.Now()
	var group errgroup.Group
	for i, conn := range conns {
		write := batches(conn.Conn(), int16(i))
		group.Go(func() error {
			for ; time.Since(began) < length; counts[i] += yardstickRows {
				// COPY is a transaction of its own.
				if err := write(counts[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	p.took += time.Since(began)
	for _, n := range counts {
		p.n += n
	}
	return err
}

var yardstickTime = time.Date(2026, 9, 2, 1, 15, 0, 0, time.UTC)

func yardstickEvent(off int64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], uint64(off))
	binary.BigEndian.PutUint64(id[8:], uint64(off)*0x9e3779b97f4a7c15)
	return id
}

func yardstickAmount(off int64) int64 { return payLeast * (1 + off%paySteps) }

func yardstickBatch(shard int16, from int64) pgx.CopyFromSource {
	return pgx.CopyFromSlice(yardstickRows, func(i int) ([]any, error) {
		off := from + int64(i)
		return []any{shard, off, int16(0), off % 10_000, off % 64, pgtype.Numeric{Int: big.NewInt(yardstickAmount(off)), Valid: true},
			yardstickTime.Add(time.Duration(off) * time.Microsecond), pgtype.UUID{Bytes: yardstickEvent(off), Valid: true}}, nil
	})
}

func prepare(rows *pgcopy.Rows, shard int16, from int64) {
	rows.Reset()
	for off := from; off < from+yardstickRows; off++ {
		event := yardstickEvent(off)
		rows.Row()
		rows.Int16(shard)
		rows.Int64(off)
		rows.Int16(0)
		rows.Int64(off % 10_000)
		rows.Int64(off % 64)
		rows.Whole(0, uint64(yardstickAmount(off)))
		rows.Time(yardstickTime.Add(time.Duration(off) * time.Microsecond))
		rows.Bytes(event[:])
	}
}
