-- An account's transfers are found by a chain instead of two indexes: each
-- transfer names the places of the transfers before it on its two accounts, and
-- the balance names the last. A place is log_offset · 1024 + line, and 0 where
-- there is none: record 0 opens the shard and moves no money. Two more inserts
-- at random into indexes as large as the table cost more than all the rest of
-- a transfer.

-- +goose Up

ALTER TABLE transfers ADD COLUMN debit_before bigint NOT NULL DEFAULT 0, ADD COLUMN credit_before bigint NOT NULL DEFAULT 0;
ALTER TABLE balances ADD COLUMN last_transfer bigint NOT NULL DEFAULT 0;

CREATE TEMPORARY TABLE chained ON COMMIT DROP AS
SELECT shard, account, place, lag(place, 1, 0::bigint) OVER (PARTITION BY shard, account ORDER BY place) AS before
FROM (SELECT shard, debit AS account, log_offset * 1024 + line AS place FROM transfers
      UNION ALL SELECT shard, credit, log_offset * 1024 + line FROM transfers) sides;
CREATE INDEX ON chained (shard, place, account);
ANALYZE chained;
UPDATE transfers t SET debit_before = d.before, credit_before = c.before
FROM chained d, chained c
WHERE (d.shard, d.place, d.account) = (t.shard, t.log_offset * 1024 + t.line, t.debit)
  AND (c.shard, c.place, c.account) = (t.shard, t.log_offset * 1024 + t.line, t.credit)
  AND (d.before <> 0 OR c.before <> 0);
UPDATE balances b SET last_transfer = l.place
FROM (SELECT shard, account, max(place) AS place FROM chained GROUP BY shard, account) l
WHERE (l.shard, l.account) = (b.shard, b.account);
DROP TABLE chained;

ALTER TABLE transfers ALTER COLUMN debit_before DROP DEFAULT, ALTER COLUMN credit_before DROP DEFAULT;
DROP INDEX transfers_debit;
DROP INDEX transfers_credit;

-- A balance is rewritten all the time; with room on its page, no index learns of it.
ALTER TABLE balances SET (fillfactor = 50);

-- As before, but each pair of accounts is looked at once.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION check_transfers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT shard, debit, credit FROM added) t
        LEFT JOIN accounts d ON (d.shard, d.account) = (t.shard, t.debit)
        LEFT JOIN accounts c ON (c.shard, c.account) = (t.shard, t.credit)
        WHERE d.account IS NULL OR c.account IS NULL
           OR d.currency <> c.currency OR d.organization <> c.organization
    ) THEN
        RAISE EXCEPTION 'a transfer needs two accounts of one organization and one currency'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
