-- What was taken back is as if it had never been said: a line that is shown anew has
-- the words of that fact, a move that was taken back can be made again, and who was
-- stopped may be paid again. The three projections are folded anew, from the first
-- record on.

-- +goose Up

TRUNCATE bank_lines, line_uses, payouts, entitlements, stops, payout_lists, list_entries, batches, batch_files, payout_moves;
DELETE FROM positions WHERE projection IN ('lines', 'lists', 'payouts');

-- state says in SQL what projections.BankLine says in Go.
ALTER TABLE bank_lines DROP COLUMN state;
ALTER TABLE bank_lines ADD COLUMN state text COLLATE "C" NOT NULL GENERATED ALWAYS AS (CASE
    WHEN amount = 0 AND placed <> 0 THEN 'expected'
    WHEN amount = 0 THEN 'reversed'
    WHEN kind <> 'payment' THEN 'bank'
    WHEN amount > placed THEN 'open'
    WHEN amount < placed THEN 'over'
    ELSE 'placed' END) STORED;
CREATE INDEX ON bank_lines (organization, state, direction, booked_on, line);

-- None has a default: a process of an older release would fold the old way, and
-- fails instead.
ALTER TABLE payout_moves ADD COLUMN source text COLLATE "C" NOT NULL, ADD COLUMN event_id text COLLATE "C" NOT NULL;
ALTER TABLE stops ADD COLUMN resumed boolean NOT NULL;
