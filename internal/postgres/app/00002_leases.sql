-- Who does what, where several processes share one ledger. A lease only keeps
-- them out of each other's way: what must not be written twice is fenced by the
-- position it starts from.

-- +goose Up

-- A process that has not been seen for a while is gone.
CREATE TABLE processes (
    process    text        PRIMARY KEY,
    host       text        NOT NULL,
    pid        integer     NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON processes TO socho_service;

CREATE TABLE leases (
    task    text        PRIMARY KEY, -- shard:0, …, projections
    process text        NOT NULL,
    until   timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO socho_service;
