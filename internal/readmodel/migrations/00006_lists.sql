-- Lists of payouts and what they hold, and the batches that go to the bank: what
-- is needed to order and pay what was approved. Filled by a projection of its
-- own, from the first record on.

-- +goose Up

CREATE TABLE payout_lists (
    organization    text     COLLATE "C" NOT NULL,
    list            text     COLLATE "C" NOT NULL,
    programme       text     COLLATE "C" NOT NULL,
    period          text     COLLATE "C" NOT NULL,
    currency        text     COLLATE "C" NOT NULL,
    state           text     COLLATE "C" NOT NULL,
    approval        text     COLLATE "C" NOT NULL, -- the event of the last word that was needed
    approval_source text     COLLATE "C" NOT NULL,
    approved_on     date,
    approved_at     timestamptz,
    shard           smallint NOT NULL,
    log_offset      bigint   NOT NULL, -- of the record that changed it last
    PRIMARY KEY (organization, list)
);

-- The record of an entry holds the account that was approved, sealed.
CREATE TABLE list_entries (
    organization text     COLLATE "C" NOT NULL,
    list         text     COLLATE "C" NOT NULL,
    payout       text     COLLATE "C" NOT NULL,
    person       text     COLLATE "C" NOT NULL,
    programme    text     COLLATE "C" NOT NULL, -- empty: the list's
    period       text     COLLATE "C" NOT NULL, -- likewise
    unit         text     COLLATE "C" NOT NULL,
    method       text     COLLATE "C" NOT NULL,
    kind         text     COLLATE "C" NOT NULL,
    currency     text     COLLATE "C" NOT NULL,
    amount       bigint   NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL,
    removed      boolean  NOT NULL DEFAULT false, -- taken off again
    PRIMARY KEY (organization, list, log_offset)
);
CREATE INDEX ON list_entries (organization, payout, log_offset);

CREATE TABLE batches (
    organization text     COLLATE "C" NOT NULL,
    batch        text     COLLATE "C" NOT NULL,
    account      text     COLLATE "C" NOT NULL,
    method       text     COLLATE "C" NOT NULL,
    currency     text     COLLATE "C" NOT NULL,
    execute_on   date,
    opened_on    date,
    opened_at    timestamptz,
    state        text     COLLATE "C" NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL, -- of the record that changed it last
    PRIMARY KEY (organization, batch)
);
CREATE INDEX ON batches (batch);

CREATE TABLE batch_files (
    organization text COLLATE "C" NOT NULL,
    batch        text COLLATE "C" NOT NULL,
    format       text COLLATE "C" NOT NULL,
    digest       text COLLATE "C" NOT NULL,
    PRIMARY KEY (organization, batch, format)
);
CREATE INDEX ON batch_files (digest);

CREATE TABLE payout_moves (
    organization text     COLLATE "C" NOT NULL,
    payout       text     COLLATE "C" NOT NULL,
    kind         text     COLLATE "C" NOT NULL,
    batch        text     COLLATE "C" NOT NULL,
    line         text     COLLATE "C" NOT NULL,
    amount       bigint   NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL,
    PRIMARY KEY (organization, payout, log_offset)
);
CREATE INDEX ON payout_moves (organization, batch, log_offset) WHERE batch <> '';

GRANT SELECT, INSERT, UPDATE, DELETE ON payout_lists, list_entries, batches, batch_files, payout_moves TO socho_service;
SELECT show_rows('payout_lists'), show_rows('list_entries'), show_rows('batches'), show_rows('batch_files'), show_rows('payout_moves');
