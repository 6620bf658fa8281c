-- Payments are most of what figures are made of, and a row with its indexes for
-- each was the dearest thing that a payment left behind. Those of one stretch of
-- the log that differ in bill, payer, amount, id and time alone are one row now.
-- Rows from before stay in adoption_facts and count as well; a rebuild of
-- adoption brings them here.

-- +goose Up

CREATE TABLE payment_runs (
    shard         smallint      NOT NULL,
    log_offset    bigint        NOT NULL, -- of the first one
    organization  text          COLLATE "C" NOT NULL,
    effective_on  date          NOT NULL,
    period        text          COLLATE "C" NOT NULL,
    method        text          COLLATE "C" NOT NULL,
    currency      text          COLLATE "C" NOT NULL,
    source        text          COLLATE "C" NOT NULL,
    recorded_at   timestamptz   NOT NULL, -- of the first one
    -- One element for each payment, in the order of the log.
    log_offsets   bigint[]      NOT NULL,
    bills         text[]        COLLATE "C" NOT NULL,
    persons       text[]        COLLATE "C" NOT NULL, -- none where no payment of the run names one
    amounts       bigint[]      NOT NULL CHECK (0 <= ALL (amounts)),
    event_ids     text[]        COLLATE "C" NOT NULL,
    recorded_ats  timestamptz[] NOT NULL,
    record_hashes bytea[]       NOT NULL,
    PRIMARY KEY (shard, log_offset),
    CHECK (log_offsets[1] = log_offset AND recorded_ats[1] = recorded_at),
    CHECK (cardinality(bills) = cardinality(log_offsets) AND cardinality(persons) IN (0, cardinality(log_offsets))
        AND cardinality(amounts) = cardinality(log_offsets) AND cardinality(event_ids) = cardinality(log_offsets)
        AND cardinality(recorded_ats) = cardinality(log_offsets) AND cardinality(record_hashes) = cardinality(log_offsets))
);
CREATE INDEX ON payment_runs (period);
-- Compressing ids and hashes saves little and costs much.
ALTER TABLE payment_runs
    ALTER log_offsets SET STORAGE EXTERNAL, ALTER bills SET STORAGE EXTERNAL, ALTER persons SET STORAGE EXTERNAL, ALTER amounts SET STORAGE EXTERNAL,
    ALTER event_ids SET STORAGE EXTERNAL, ALTER recorded_ats SET STORAGE EXTERNAL, ALTER record_hashes SET STORAGE EXTERNAL;

GRANT SELECT, INSERT, UPDATE, DELETE ON payment_runs TO socho_service;
SELECT show_rows('payment_runs');
