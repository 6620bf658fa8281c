-- A trace is read from the ledger's own tables: what became of a record from its
-- outcome, its amount from its transfers, and whose it is from the chains of the
-- accounts that they moved. Kept here is only what those do not say.

-- +goose Up

-- The amount that a record's fact speaks of, where it is not the sum of the
-- record's transfers; empty where it speaks of none. Rows from before, and links
-- to subjects whose accounts say as much, are right as well; a rebuild of the
-- trace leaves them out.
ALTER TABLE traced_events RENAME TO traced_amounts;
ALTER INDEX traced_events_pkey RENAME TO traced_amounts_pkey;
ALTER TABLE traced_amounts DROP COLUMN organization, DROP COLUMN source, DROP COLUMN event_id, DROP COLUMN type, DROP COLUMN status,
    DROP COLUMN code, DROP COLUMN effective_on, DROP COLUMN recorded_at;

-- A bill is updated with every payment; with room on its page, no index learns
-- of it.
ALTER TABLE bills SET (fillfactor = 50);
