-- How far each partition of the partners' inbox has been handed to intake, and
-- what intake would not publish. The records themselves stay in the inbox.

-- +goose Up
CREATE TABLE inbox (
    partition   integer PRIMARY KEY,
    next_offset bigint  NOT NULL CHECK (next_offset >= 0)
);
GRANT SELECT, INSERT, UPDATE ON inbox TO socho_service;

CREATE TABLE inbox_refused (
    partition  integer     NOT NULL,
    log_offset bigint      NOT NULL,
    code       text        NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, log_offset)
);
GRANT SELECT, INSERT ON inbox_refused TO socho_service;
