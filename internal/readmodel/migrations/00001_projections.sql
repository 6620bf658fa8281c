-- The tables of the projections. Names carry no schema: a rebuild makes the
-- same tables in a schema of its own and moves them over.
-- Amounts are whole minor units of the row's currency. Ids compare byte by
-- byte, so that pages come in the same order on every machine.

-- +goose Up

-- How far each projection has folded each shard of the log.
CREATE TABLE positions (
    projection  text     NOT NULL,
    shard       smallint NOT NULL,
    next_offset bigint   NOT NULL CHECK (next_offset >= 0),
    PRIMARY KEY (projection, shard)
);

-- adoption: one row for each event that published figures are made of.
CREATE TABLE adoption_facts (
    shard         smallint    NOT NULL,
    log_offset    bigint      NOT NULL,
    domain        text        COLLATE "C" NOT NULL, -- empty: of all domains
    kind          text        COLLATE "C" NOT NULL,
    effective_on  date        NOT NULL,
    period        text        COLLATE "C" NOT NULL,
    unit          text        COLLATE "C" NOT NULL,
    organization  text        COLLATE "C" NOT NULL,
    subject       text        COLLATE "C" NOT NULL,
    person        text        COLLATE "C" NOT NULL,
    method        text        COLLATE "C" NOT NULL,
    currency      text        COLLATE "C" NOT NULL,
    amount        bigint      NOT NULL CHECK (amount >= 0),
    denominator   bigint      NOT NULL CHECK (denominator >= 0),
    source        text        COLLATE "C" NOT NULL,
    event_id      text        COLLATE "C" NOT NULL,
    target_source text        COLLATE "C" NOT NULL,
    target_id     text        COLLATE "C" NOT NULL,
    recorded_at   timestamptz NOT NULL,
    record_hash   bytea       NOT NULL CHECK (length(record_hash) = 32),
    PRIMARY KEY (shard, log_offset)
);
CREATE INDEX ON adoption_facts (domain, period);
CREATE INDEX ON adoption_facts (domain, effective_on);
CREATE INDEX ON adoption_facts (organization, subject) WHERE kind IN ('settled', 'returned', 'paid_cash');
CREATE INDEX ON adoption_facts (organization, target_id) WHERE kind = 'reversed';
CREATE INDEX ON adoption_facts (organization) WHERE kind = 'organization';

-- bills: status and owed say in SQL what projections.Bill says in Go.
CREATE TABLE bills (
    organization text     COLLATE "C" NOT NULL,
    bill         text     COLLATE "C" NOT NULL,
    kind         text     COLLATE "C" NOT NULL,
    holder       text     COLLATE "C" NOT NULL,
    person       text     COLLATE "C" NOT NULL,
    stall        text     COLLATE "C" NOT NULL,
    class        text     COLLATE "C" NOT NULL,
    period       text     COLLATE "C" NOT NULL,
    reference    text     COLLATE "C" NOT NULL,
    due_on       date,
    issued_on    date,
    currency     text     COLLATE "C" NOT NULL,
    issued       bigint   NOT NULL,
    paid         bigint   NOT NULL,
    waived       bigint   NOT NULL,
    reversed     boolean  NOT NULL,
    shard        smallint NOT NULL,
    first_offset bigint   NOT NULL,
    last_offset  bigint   NOT NULL,
    owed         bigint   NOT NULL GENERATED ALWAYS AS (issued - paid - waived) STORED,
    status       text     COLLATE "C" NOT NULL GENERATED ALWAYS AS (CASE
        WHEN reversed AND issued = 0 THEN 'reversed'
        WHEN issued - paid - waived <= 0 AND waived > 0 AND paid = 0 THEN 'waived'
        WHEN issued - paid - waived <= 0 THEN 'paid'
        WHEN paid > 0 THEN 'part_paid'
        ELSE 'open' END) STORED,
    PRIMARY KEY (organization, bill)
) WITH (fillfactor = 80);
CREATE INDEX ON bills (organization, holder, period, bill);
CREATE INDEX ON bills (organization, period, stall);
CREATE INDEX ON bills (reference) WHERE reference <> '';

-- payouts: likewise.
CREATE TABLE payouts (
    organization text     COLLATE "C" NOT NULL,
    payout       text     COLLATE "C" NOT NULL,
    person       text     COLLATE "C" NOT NULL,
    programme    text     COLLATE "C" NOT NULL,
    period       text     COLLATE "C" NOT NULL,
    unit         text     COLLATE "C" NOT NULL,
    method       text     COLLATE "C" NOT NULL,
    currency     text     COLLATE "C" NOT NULL,
    ordered      bigint   NOT NULL,
    payable      bigint   NOT NULL,
    clearing     bigint   NOT NULL,
    returned     bigint   NOT NULL,
    settled      bigint   NOT NULL,
    came_back    bigint   NOT NULL,
    paid_cash    bigint   NOT NULL,
    recoverable  bigint   NOT NULL,
    reason       text     COLLATE "C" NOT NULL,
    ordered_on   date, -- missing: facts about a payout that nobody has ordered
    sent_on      date,
    settled_on   date,
    returned_on  date,
    cash_on      date,
    shard        smallint NOT NULL,
    first_offset bigint   NOT NULL,
    last_offset  bigint   NOT NULL,
    status       text     COLLATE "C" NOT NULL GENERATED ALWAYS AS (CASE
        WHEN ordered = 0 AND payable = 0 AND clearing = 0 AND returned = 0 THEN 'reversed'
        WHEN returned > 0 THEN 'returned'
        WHEN clearing > 0 THEN 'sent'
        WHEN payable > 0 THEN 'ordered'
        WHEN paid_cash > 0 THEN 'paid_cash'
        ELSE 'settled' END) STORED,
    PRIMARY KEY (organization, payout)
) WITH (fillfactor = 70);
CREATE INDEX ON payouts (organization, period, person, payout);

CREATE TABLE entitlements (
    organization text     COLLATE "C" NOT NULL,
    period       text     COLLATE "C" NOT NULL,
    person       text     COLLATE "C" NOT NULL,
    programme    text     COLLATE "C" NOT NULL,
    unit         text     COLLATE "C" NOT NULL,
    currency     text     COLLATE "C" NOT NULL,
    amount       bigint   NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL,
    source       text     COLLATE "C" NOT NULL,
    event_id     text     COLLATE "C" NOT NULL,
    withdrawn    boolean  NOT NULL DEFAULT false,
    PRIMARY KEY (organization, period, person, programme, log_offset)
);
CREATE INDEX ON entitlements (organization, event_id);

CREATE TABLE stops (
    organization text     COLLATE "C" NOT NULL,
    person       text     COLLATE "C" NOT NULL,
    programme    text     COLLATE "C" NOT NULL,
    from_period  text     COLLATE "C" NOT NULL,
    reason       text     COLLATE "C" NOT NULL,
    effective_on date     NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL,
    source       text     COLLATE "C" NOT NULL,
    event_id     text     COLLATE "C" NOT NULL,
    withdrawn    boolean  NOT NULL DEFAULT false,
    PRIMARY KEY (organization, person, programme, log_offset)
);
CREATE INDEX ON stops (organization, event_id);

-- board
CREATE TABLE organizations (
    organization text     COLLATE "C" PRIMARY KEY,
    kind         text     COLLATE "C" NOT NULL,
    name         text     NOT NULL,
    unit         text     COLLATE "C" NOT NULL,
    bank_bin     text     COLLATE "C" NOT NULL,
    account      text     COLLATE "C" NOT NULL,
    since        date     NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL
);

CREATE TABLE stalls (
    organization text     COLLATE "C" NOT NULL,
    stall        text     COLLATE "C" NOT NULL,
    person       text     COLLATE "C" NOT NULL,
    since        date     NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL,
    PRIMARY KEY (organization, stall)
);

CREATE TABLE holdings (
    organization text   COLLATE "C" NOT NULL,
    kind         text   COLLATE "C" NOT NULL,
    holder       text   COLLATE "C" NOT NULL,
    currency     text   COLLATE "C" NOT NULL,
    amount       bigint NOT NULL,
    PRIMARY KEY (organization, kind, holder, currency)
);

-- trace
CREATE TABLE traced_events (
    shard        smallint    NOT NULL,
    log_offset   bigint      NOT NULL,
    organization text        COLLATE "C" NOT NULL,
    source       text        COLLATE "C" NOT NULL,
    event_id     text        COLLATE "C" NOT NULL,
    type         text        COLLATE "C" NOT NULL,
    status       text        COLLATE "C" NOT NULL,
    code         text        COLLATE "C" NOT NULL,
    effective_on date,
    recorded_at  timestamptz NOT NULL,
    currency     text        COLLATE "C" NOT NULL,
    amount       text        COLLATE "C" NOT NULL,
    PRIMARY KEY (shard, log_offset)
);
CREATE INDEX ON traced_events (event_id);

CREATE TABLE links (
    subject      text     COLLATE "C" NOT NULL,
    kind         text     COLLATE "C" NOT NULL,
    organization text     COLLATE "C" NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL,
    PRIMARY KEY (subject, kind, organization, shard, log_offset)
);

-- Everything here can be built again, so the service may change all of it.
GRANT SELECT, INSERT, UPDATE, DELETE ON positions, adoption_facts, bills, payouts, entitlements, stops,
    organizations, stalls, holdings, traced_events, links TO socho_service;
