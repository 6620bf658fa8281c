-- What is true of the running service and follows from no log.

-- +goose Up

-- What each shard's worker last said of itself. A stopped shard says why.
CREATE TABLE shards (
    shard   smallint    PRIMARY KEY,
    state   text        NOT NULL CHECK (state IN ('running', 'stopped')),
    code    text        NOT NULL DEFAULT '',
    reason  text        NOT NULL DEFAULT '',
    since   timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE ON shards TO socho_service;

-- Tasks that are done once in the life of a database.
CREATE TABLE done (
    task text        PRIMARY KEY,
    at   timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT ON done TO socho_service;
