-- What traders let us see of their own sales: consents, and what came in. Filled by
-- a projection of its own, from the first record on.

-- +goose Up

CREATE TABLE sale_connections (
    organization text        COLLATE "C" NOT NULL,
    connection   text        COLLATE "C" NOT NULL,
    trader       text        COLLATE "C" NOT NULL,
    stall        text        COLLATE "C" NOT NULL,
    from_on      date        NOT NULL,
    until_on     date        NOT NULL,
    connected_at timestamptz NOT NULL,
    ended_on     date,
    ended_at     timestamptz,
    reason       text        COLLATE "C" NOT NULL DEFAULT '',
    shard        smallint    NOT NULL,
    log_offset   bigint      NOT NULL, -- of the consent, whose record holds the account, sealed
    PRIMARY KEY (organization, connection)
);
CREATE INDEX ON sale_connections (organization, trader);

CREATE TABLE sales (
    organization  text        COLLATE "C" NOT NULL,
    trader        text        COLLATE "C" NOT NULL,
    stall         text        COLLATE "C" NOT NULL,
    effective_on  date        NOT NULL,
    said_at       timestamptz NOT NULL,
    method        text        COLLATE "C" NOT NULL,
    connection    text        COLLATE "C" NOT NULL,
    currency      text        COLLATE "C" NOT NULL,
    amount        bigint      NOT NULL,
    source        text        COLLATE "C" NOT NULL,
    event_id      text        COLLATE "C" NOT NULL,
    shard         smallint    NOT NULL,
    log_offset    bigint      NOT NULL,
    undone_on     date,
    undone_offset bigint, -- of the record that took it back
    changed       bigint      NOT NULL GENERATED ALWAYS AS (coalesce(undone_offset, log_offset)) STORED,
    PRIMARY KEY (organization, log_offset)
);
CREATE INDEX ON sales (organization, trader, stall, effective_on, log_offset);
CREATE INDEX ON sales (organization, trader, stall, changed);
CREATE INDEX ON sales (organization, event_id);
CREATE INDEX ON sales (shard, changed);

-- A row that names a trader is hers alone: whoever reads for a person sees those of
-- one trader, and whose, is said for each question anew.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION show_rows(shown regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = shown AND attname = 'organization' AND NOT attisdropped) THEN
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', shown);
        EXECUTE format($policy$CREATE POLICY own_organizations ON %s FOR SELECT TO socho_reader USING (
            (SELECT current_setting('socho.organizations', true)) = '*'
            OR organization = ANY ((SELECT string_to_array(current_setting('socho.organizations', true), ','))::text[]))$policy$, shown);
    END IF;
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = shown AND attname = 'trader' AND NOT attisdropped) THEN
        EXECUTE format($policy$CREATE POLICY one_trader ON %s AS RESTRICTIVE FOR SELECT TO socho_reader USING (
            trader = (SELECT current_setting('socho.trader', true)))$policy$, shown);
    END IF;
    EXECUTE format('GRANT SELECT ON %s TO socho_reader', shown);
END $$;
-- +goose StatementEnd

GRANT SELECT, INSERT, UPDATE, DELETE ON sale_connections, sales TO socho_service;
SELECT show_rows('sale_connections'), show_rows('sales');
