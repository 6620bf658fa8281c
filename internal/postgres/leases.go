package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Process is one running socho that works on a ledger.
type Process struct {
	ID   string // unique, new at each start
	Host string
	PID  int
}

// Beat says that a process is alive, extends the leases it holds for ttl, and
// takes those that it wants and nobody holds. wanted is given the ids of all
// living processes, sorted, itself among them. Beat returns the tasks held from
// now on; a task that is missing there belongs to somebody else. All times are
// the database's, so the clocks of the processes do not matter.
func (db *DB) Beat(ctx context.Context, p Process, ttl time.Duration, wanted func(living []string) []string) (held map[string]bool, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('socho.leases'))`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			INSERT INTO app.processes (process, host, pid) VALUES ($1, $2, $3)
			ON CONFLICT (process) DO UPDATE SET seen_at = clock_timestamp()`, p.ID, p.Host, p.PID); err != nil {
			return err
		}
		// Whoever beats is alive, however long the statement before took.
		if _, err := tx.Exec(ctx, `DELETE FROM app.processes WHERE seen_at < clock_timestamp() - $1::interval AND process <> $2`, ttl, p.ID); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT process FROM app.processes ORDER BY process COLLATE "C"`)
		if err != nil {
			return err
		}
		living, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			INSERT INTO app.leases (task, process, until) SELECT task, $1, clock_timestamp() + $2::interval FROM unnest($3::text[]) AS task ORDER BY task
			ON CONFLICT (task) DO UPDATE SET process = EXCLUDED.process, until = EXCLUDED.until WHERE leases.until < clock_timestamp()`,
			p.ID, ttl, wanted(living)); err != nil {
			return err
		}
		rows, err = tx.Query(ctx, `UPDATE app.leases SET until = clock_timestamp() + $2::interval WHERE process = $1 RETURNING task`, p.ID, ttl)
		if err != nil {
			return err
		}
		tasks, err := pgx.CollectRows(rows, pgx.RowTo[string])
		held = make(map[string]bool, len(tasks))
		for _, task := range tasks {
			held[task] = true
		}
		return err
	})
	return held, err
}

// Release gives a task to whoever wants it next.
func (db *DB) Release(ctx context.Context, p Process, task string) error {
	_, err := db.Exec(ctx, `DELETE FROM app.leases WHERE process = $1 AND task = $2`, p.ID, task)
	return err
}

// Leave ends a process: its leases are free at once.
func (db *DB) Leave(ctx context.Context, p Process) error {
	_, err := db.Exec(ctx, `
		WITH gone AS (DELETE FROM app.processes WHERE process = $1)
		DELETE FROM app.leases WHERE process = $1`, p.ID)
	return err
}

// ForgetProcesses frees every lease. Only for whoever knows that nobody else
// works on this ledger: the owner of the embedded stack, after a crash.
func (db *DB) ForgetProcesses(ctx context.Context) error {
	_, err := db.Exec(ctx, `WITH gone AS (DELETE FROM app.processes) DELETE FROM app.leases`)
	return err
}

// Leases tells which process does what, by task.
func (db *DB) Leases(ctx context.Context) (map[string]Process, error) {
	rows, err := db.Query(ctx, `SELECT task, process, coalesce(host, ''), coalesce(pid, 0) FROM app.leases LEFT JOIN app.processes USING (process) WHERE until >= clock_timestamp()`)
	if err != nil {
		return nil, err
	}
	found := map[string]Process{}
	var task string
	var p Process
	_, err = pgx.ForEachRow(rows, []any{&task, &p.ID, &p.Host, &p.PID}, func() error {
		found[task] = p
		return nil
	})
	return found, err
}
