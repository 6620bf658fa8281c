-- Tokens by which a person works with commands, for an hour at most. They carry
-- the person's own rights as they are at the moment of use, and end with the
-- person's sessions.

-- +goose Up

CREATE TABLE person_tokens (
    token      text COLLATE "C" PRIMARY KEY CHECK (token ~ '^k-[a-z2-7]{26}$'),
    hash       bytea       NOT NULL UNIQUE CHECK (length(hash) = 32),
    person     text COLLATE "C" NOT NULL REFERENCES people,
    created_by text        NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at <= created_at + interval '1 hour'),
    used_at    timestamptz,
    revoked_at timestamptz
);
CREATE INDEX ON person_tokens (person, created_at);
GRANT SELECT, INSERT, UPDATE ON person_tokens TO socho_service;
