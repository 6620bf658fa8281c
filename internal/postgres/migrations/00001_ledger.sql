-- The ledger's tables. Names carry no schema: the same text builds schema
-- ledger and, for a replay, its successor beside it.
-- Amounts are whole minor units of the account's currency.

-- +goose Up

-- Where each shard of the log stands. Everything in it follows from the log,
-- but epoch: who may write (fencing), which no replay repeats.
CREATE TABLE positions (
    shard        smallint    PRIMARY KEY,
    shards       smallint    NOT NULL CHECK (shards > shard),
    ledger       text        NOT NULL,
    genesis      bytea       NOT NULL,
    next_offset  bigint      NOT NULL CHECK (next_offset >= 0),
    next_account bigint      NOT NULL CHECK (next_account >= 0),
    recorded_at  timestamptz NOT NULL,
    rule_set     integer     NOT NULL,
    last_leaf    bytea       NOT NULL,
    frontier     bytea       NOT NULL,
    digest       bytea       NOT NULL DEFAULT '', -- of all the above once a record is decided; see audit_digests.go
    state_rows   bigint      NOT NULL DEFAULT 0, -- of the shard in rule_state
    epoch        bigint      NOT NULL DEFAULT 0
);

CREATE TABLE accounts (
    shard        smallint NOT NULL,
    account      bigint   NOT NULL, -- in order of first use within the shard
    organization text COLLATE "C"     NOT NULL,
    path         text COLLATE "C"     NOT NULL,
    kind         text     NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense', 'equity')),
    currency     text     NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    bound        text     NOT NULL CHECK (bound IN ('', 'credits_at_most_debits', 'debits_at_most_credits')),
    PRIMARY KEY (shard, account),
    UNIQUE (organization, path)
);

CREATE TABLE balances (
    shard   smallint      NOT NULL,
    account bigint        NOT NULL,
    bound   text          NOT NULL,
    debits  numeric(39,0) NOT NULL CHECK (debits >= 0),
    credits numeric(39,0) NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (shard, account),
    FOREIGN KEY (shard, account) REFERENCES accounts,
    CONSTRAINT limit_kept CHECK (CASE bound
        WHEN 'credits_at_most_debits' THEN credits <= debits
        WHEN 'debits_at_most_credits' THEN debits <= credits
        ELSE true END)
);

CREATE TABLE outcomes (
    shard        smallint    NOT NULL,
    log_offset   bigint      NOT NULL,
    recorded_at  timestamptz NOT NULL,
    organization text COLLATE "C",
    source       text COLLATE "C",
    event_id     text COLLATE "C",
    type         text,
    effective_on date,
    status       smallint    NOT NULL CHECK (status BETWEEN 1 AND 7),
    code         text        NOT NULL,
    detail       text        NOT NULL,
    rule_set     integer     NOT NULL,
    value_hash   bytea       NOT NULL CHECK (length(value_hash) = 32),
    record_hash  bytea       NOT NULL CHECK (length(record_hash) = 32),
    leaf_hash    bytea       NOT NULL CHECK (length(leaf_hash) = 32),
    claims       boolean     NOT NULL,
    PRIMARY KEY (shard, log_offset)
);

-- The idempotency key. The id leads: ids are time-ordered, so the index grows
-- at its right edge.
CREATE UNIQUE INDEX outcomes_claim ON outcomes (event_id, source, organization) WHERE claims;
CREATE INDEX outcomes_unusual ON outcomes (shard, log_offset) WHERE status >= 3;

CREATE TABLE transfers (
    shard        smallint      NOT NULL,
    log_offset   bigint        NOT NULL,
    line         smallint      NOT NULL CHECK (line >= 0),
    debit        bigint        NOT NULL,
    credit       bigint        NOT NULL,
    amount       numeric(20,0) NOT NULL CHECK (amount > 0 AND amount < 1e15),
    code         text          NOT NULL,
    effective_on date          NOT NULL,
    PRIMARY KEY (shard, log_offset, line),
    CHECK (debit <> credit)
);
CREATE INDEX transfers_debit ON transfers (shard, debit, log_offset);
CREATE INDEX transfers_credit ON transfers (shard, credit, log_offset);

CREATE TABLE rule_state (
    organization text COLLATE "C"     NOT NULL,
    key          text COLLATE "C"     NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL, -- of the record that set it last
    value        text     NOT NULL, -- canonical JSON
    digest       bytea    NOT NULL, -- of all the above; see audit_digests.go
    PRIMARY KEY (organization, key)
);

-- Constraints that hold even if the program is wrong, checked once a statement.

-- +goose StatementBegin
CREATE FUNCTION check_transfers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added t
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
CREATE TRIGGER transfers_balanced AFTER INSERT ON transfers
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION check_transfers();

-- +goose StatementBegin
CREATE FUNCTION check_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM after n JOIN before o USING (shard, account) JOIN accounts USING (shard, account)
        GROUP BY shard, currency
        HAVING sum(n.debits - o.debits) <> sum(n.credits - o.credits)
    ) THEN
        RAISE EXCEPTION 'balances of a currency must move by equal debits and credits'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER balances_sum_to_zero AFTER UPDATE ON balances
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION check_balances();

-- The service adds; it changes only what can be rebuilt, and deletes nothing.
GRANT SELECT, INSERT ON positions, accounts, balances, outcomes, transfers, rule_state TO socho_service;
GRANT UPDATE ON positions, balances, rule_state TO socho_service;
