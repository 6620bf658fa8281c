package readmodel

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"socho/projections"
)

// tables says which tables a projection writes.
var tables = map[string][]string{
	"adoption": {"adoption_facts", "payment_runs"},
	"bills":    {"bills"},
	"board":    {"organizations", "stalls", "holdings"},
	"cards":    {"stall_cards", "card_inspections", "alerts", "stall_receipts", "market_consents"},
	"lines":    {"bank_lines", "line_uses"},
	"lists":    {"payout_lists", "list_entries", "batches", "batch_files", "payout_moves"},
	"payouts":  {"payouts", "entitlements", "stops"},
	"sales":    {"sale_connections", "sales"},
	"terms":    {"terms"},
	"trace":    {"traced_amounts", "links"},
}

func beside(projection string) string { return "projections_rebuild_" + projection }

// Begin implements projections.Rebuilder: a schema of its own with empty
// tables like the live ones. It needs OpenMaintenance. A crash afterwards
// leaves that schema, which the next Begin throws away.
func (db *DB) Begin(ctx context.Context, projection string) (projections.Store, error) {
	if tables[projection] == nil {
		return nil, fmt.Errorf("rebuild: no projection %q", projection)
	}
	schema := beside(projection)
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DROP SCHEMA IF EXISTS `+schema+` CASCADE`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `CREATE SCHEMA `+schema); err != nil {
			return err
		}
		for _, t := range append([]string{"positions"}, tables[projection]...) {
			if _, err := tx.Exec(ctx, `CREATE TABLE `+schema+`.`+t+` (LIKE `+db.schema+`.`+t+` INCLUDING ALL)`); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("rebuild %s: %w", projection, err)
	}
	if db.part != nil {
		db.part.Close()
	}
	db.part, err = open(ctx, db.url, schema, "", nil)
	if err != nil {
		return nil, err
	}
	return db.part, nil
}

// Switch implements projections.Rebuilder. Whoever folds the live projection
// waits at its position meanwhile, then finds it moved and looks again; who
// reads waits for the moment of the exchange.
func (db *DB) Switch(ctx context.Context, projection string) (switched bool, err error) {
	schema := beside(projection)
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `LOCK TABLE `+db.schema+`.positions IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		var behind bool
		if err := tx.QueryRow(ctx, `
			SELECT EXISTS (SELECT FROM `+db.schema+`.positions l LEFT JOIN `+schema+`.positions r USING (projection, shard)
			WHERE l.projection = $1 AND l.next_offset > COALESCE(r.next_offset, 0))`, projection).Scan(&behind); err != nil {
			return err
		}
		if behind {
			return nil
		}
		for _, t := range tables[projection] {
			for _, sql := range []string{
				`DROP TABLE ` + db.schema + `.` + t,
				`ALTER TABLE ` + schema + `.` + t + ` SET SCHEMA ` + db.schema,
				`GRANT SELECT, INSERT, UPDATE, DELETE ON ` + db.schema + `.` + t + ` TO socho_service`,
				`SELECT ` + db.schema + `.show_rows('` + db.schema + `.` + t + `')`,
			} {
				if _, err := tx.Exec(ctx, sql); err != nil {
					return err
				}
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM `+db.schema+`.positions WHERE projection = $1`, projection); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO `+db.schema+`.positions SELECT * FROM `+schema+`.positions WHERE projection = $1`, projection); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DROP SCHEMA `+schema+` CASCADE`); err != nil {
			return err
		}
		switched = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("switch %s: %w", projection, err)
	}
	if !switched {
		return false, nil
	}
	if db.part != nil {
		db.part.Close()
		db.part = nil
	}
	// The planner knows nothing of new tables. Where this fails, PostgreSQL looks
	// at them by itself a little later.
	for _, t := range tables[projection] {
		if _, err := db.pool.Exec(ctx, `ANALYZE `+db.schema+`.`+t); err != nil {
			break
		}
	}
	return true, nil
}
