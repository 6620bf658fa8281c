-- Requests to publish that bear an Idempotency-Key, and what they were answered.
-- An answer names events, and nothing personal.

-- +goose Up
CREATE TABLE requests (
    principal     text        NOT NULL,
    key           text        NOT NULL CHECK (length(key) <= 128),
    request       bytea       NOT NULL CHECK (length(request) = 32),
    status        integer     NOT NULL DEFAULT 0, -- HTTP; 0 while under way
    response      bytea       NOT NULL DEFAULT '',
    response_hash bytea       NOT NULL DEFAULT '' CHECK (status = 0 OR length(response_hash) = 32),
    at            timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, key)
);
CREATE INDEX requests_at ON requests (at);
GRANT SELECT, INSERT, UPDATE, DELETE ON requests TO socho_service;
