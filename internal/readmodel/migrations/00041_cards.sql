-- Cards at stalls, what was seen of them, what asks for a person, and how often
-- each stall is paid. Filled by a projection of its own, from the first record on.

-- +goose Up

CREATE TABLE stall_cards (
    organization text     COLLATE "C" NOT NULL,
    card         text     COLLATE "C" NOT NULL, -- its serial
    stall        text     COLLATE "C" NOT NULL,
    person       text     COLLATE "C" NOT NULL, -- empty: it pays to the market
    pays_to      text     COLLATE "C" NOT NULL,
    state        text     COLLATE "C" NOT NULL,
    issued_on    date,
    issued_by    text     COLLATE "C" NOT NULL,
    copies       bigint   NOT NULL,
    printed_on   date,
    printed_at   timestamptz,
    printed_by   text     COLLATE "C" NOT NULL,
    posted_on    date,
    posted_by    text     COLLATE "C" NOT NULL,
    ended_on     date,
    ended_by     text     COLLATE "C" NOT NULL,
    reason       text     COLLATE "C" NOT NULL,
    replaced_by  text     COLLATE "C" NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL, -- of the record that issued it
    last_offset  bigint   NOT NULL,
    PRIMARY KEY (organization, card)
);
CREATE INDEX ON stall_cards (card);
CREATE INDEX ON stall_cards (organization, stall);

CREATE TABLE card_inspections (
    organization text     COLLATE "C" NOT NULL,
    stall        text     COLLATE "C" NOT NULL,
    card         text     COLLATE "C" NOT NULL, -- empty: none could be read
    result       text     COLLATE "C" NOT NULL,
    code         text     COLLATE "C" NOT NULL,
    person       text     COLLATE "C" NOT NULL, -- stands for the account that was found instead
    inspected_on date  NOT NULL,
    recorded_at  timestamptz NOT NULL,
    inspected_by text     COLLATE "C" NOT NULL,
    event_id     text     COLLATE "C" NOT NULL,
    source       text     COLLATE "C" NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL,
    PRIMARY KEY (organization, log_offset)
);
CREATE INDEX ON card_inspections (organization, stall, inspected_on);
CREATE INDEX ON card_inspections (organization, log_offset) WHERE result = 'other_account';

CREATE TABLE alerts (
    organization text     COLLATE "C" NOT NULL,
    alert        text     COLLATE "C" NOT NULL,
    kind         text     COLLATE "C" NOT NULL,
    stall        text     COLLATE "C" NOT NULL,
    card         text     COLLATE "C" NOT NULL,
    line         text     COLLATE "C" NOT NULL,
    since        date,
    expected     bigint   NOT NULL,
    seen         bigint   NOT NULL,
    raised_on    date     NOT NULL,
    closed_on    date,
    closed_by    text     COLLATE "C" NOT NULL,
    reason       text     COLLATE "C" NOT NULL,
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL, -- of the record that raised it
    closed_offset bigint,           -- of the record that closed it
    PRIMARY KEY (organization, alert)
);
CREATE INDEX ON alerts (organization, log_offset) WHERE closed_offset IS NULL;

CREATE TABLE stall_receipts (
    organization text   COLLATE "C" NOT NULL,
    stall        text   COLLATE "C" NOT NULL,
    connection   text   COLLATE "C" NOT NULL,
    week         date   NOT NULL, -- its Monday
    payments     bigint NOT NULL,
    PRIMARY KEY (organization, stall, connection, week)
);

-- Connections that the market may see, each until a day.
CREATE TABLE market_consents (
    organization text COLLATE "C" NOT NULL,
    connection   text COLLATE "C" NOT NULL,
    until_on     date NOT NULL,
    PRIMARY KEY (organization, connection)
);

-- Lines of accounts that the registry does not know; see internal/reconcile.
CREATE INDEX ON bank_lines (organization, line) WHERE account LIKE 'tk-%';

GRANT SELECT, INSERT, UPDATE, DELETE ON stall_cards, card_inspections, alerts, stall_receipts, market_consents TO socho_service;
SELECT show_rows('stall_cards'), show_rows('card_inspections'), show_rows('alerts'), show_rows('stall_receipts'), show_rows('market_consents');
