-- What moved on each account within one stretch of its shard's log, by the day
-- that it is true of. A question about a moment of the past adds stretches up
-- and reads only the last, unfinished one from the transfers.

-- +goose Up

-- The stretches: each ends before next_offset and begins where the one before
-- it ends.
CREATE TABLE history (
    shard       smallint NOT NULL,
    next_offset bigint   NOT NULL,
    PRIMARY KEY (shard, next_offset)
);
GRANT SELECT, INSERT ON history TO socho_service;

CREATE TABLE account_history (
    shard         smallint      NOT NULL,
    account       bigint        NOT NULL,
    next_offset   bigint        NOT NULL,
    effective_on  date          NOT NULL,
    debits        numeric(39,0) NOT NULL,
    credits       numeric(39,0) NOT NULL,
    last_transfer bigint        NOT NULL, -- its place: log_offset · 1024 + line
    PRIMARY KEY (shard, account, next_offset, effective_on)
);
GRANT SELECT, INSERT ON account_history TO socho_service;
