-- Bank lines and what their money was placed on: the desk of whoever matches
-- payments. Filled by a projection of its own, from the first record on.

-- +goose Up

-- left_over and state say in SQL what projections.BankLine says in Go.
CREATE TABLE bank_lines (
    organization text     COLLATE "C" NOT NULL,
    line         text     COLLATE "C" NOT NULL,
    direction    text     COLLATE "C" NOT NULL,
    currency     text     COLLATE "C" NOT NULL,
    account      text     COLLATE "C" NOT NULL,
    kind         text     COLLATE "C" NOT NULL,
    person       text     COLLATE "C" NOT NULL,
    booked_on    date, -- missing: no statement has shown it yet
    amount       bigint   NOT NULL,
    placed       bigint   NOT NULL,
    sightings    bigint   NOT NULL,
    shard        smallint NOT NULL,
    seen_offset  bigint   NOT NULL, -- of the record of the first sighting; 0: none yet
    last_offset  bigint   NOT NULL,
    left_over    bigint   NOT NULL GENERATED ALWAYS AS (amount - placed) STORED,
    state        text     COLLATE "C" NOT NULL GENERATED ALWAYS AS (CASE
        WHEN sightings = 0 THEN 'expected'
        WHEN amount = 0 AND placed = 0 THEN 'reversed'
        WHEN kind <> 'payment' THEN 'bank'
        WHEN amount > placed THEN 'open'
        WHEN amount < placed THEN 'over'
        ELSE 'placed' END) STORED,
    PRIMARY KEY (organization, line, direction, currency)
) WITH (fillfactor = 70);
CREATE INDEX ON bank_lines (organization, state, direction, booked_on, line);
CREATE INDEX ON bank_lines (organization, person) WHERE person <> '';

CREATE TABLE line_uses (
    organization text     COLLATE "C" NOT NULL,
    line         text     COLLATE "C" NOT NULL,
    direction    text     COLLATE "C" NOT NULL,
    currency     text     COLLATE "C" NOT NULL,
    against      text     COLLATE "C" NOT NULL, -- the path of the account on the other side
    amount       bigint   NOT NULL,
    shard        smallint NOT NULL,
    last_offset  bigint   NOT NULL,
    PRIMARY KEY (organization, line, direction, currency, against)
) WITH (fillfactor = 80);

GRANT SELECT, INSERT, UPDATE, DELETE ON bank_lines, line_uses TO socho_service;
SELECT show_rows('bank_lines'), show_rows('line_uses');
