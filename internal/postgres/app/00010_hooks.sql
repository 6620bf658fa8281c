-- Bank webhooks: whose messages are taken for whom, and which were.

-- +goose Up

CREATE TABLE hooks (
    organization text COLLATE "C" NOT NULL CHECK (organization ~ '^[a-z0-9-]{1,64}$'),
    provider     text COLLATE "C" NOT NULL CHECK (provider ~ '^[a-z]{1,16}$'),
    account      text COLLATE "C" NOT NULL DEFAULT '', -- the organization's own name for it; empty: by its number
    secrets      bytea[]     NOT NULL CHECK (cardinality(secrets) BETWEEN 1 AND 2), -- sealed, the newest first
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    used_at      timestamptz, -- of the last message that was taken
    PRIMARY KEY (organization, provider)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON hooks TO socho_service;

-- Each message once, by a hash of the sender's id for it. Equal movements of one
-- sender are told apart by the order in which they came.
CREATE TABLE hook_notices (
    organization text COLLATE "C" NOT NULL,
    provider     text COLLATE "C" NOT NULL,
    notice       bytea       NOT NULL CHECK (length(notice) = 32),
    key          bytea       NOT NULL CHECK (length(key) = 32),
    ordinal      integer     NOT NULL CHECK (ordinal > 0),
    taken_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization, provider, notice),
    UNIQUE (organization, provider, key, ordinal)
);
GRANT SELECT, INSERT ON hook_notices TO socho_service;
