-- Long work that somebody asked for at a page: how far it is, what came of it,
-- and the file that it works on, sealed, until it is done or its time is over.

-- +goose Up

CREATE TABLE chores (
    id           text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[a-z2-7]{26}$'),
    kind         text COLLATE "C" NOT NULL,
    owner        text COLLATE "C" NOT NULL, -- who asked for it, and alone may see it
    organization text COLLATE "C" NOT NULL,
    about        jsonb       NOT NULL,      -- what was asked for; nothing personal
    state        text COLLATE "C" NOT NULL DEFAULT 'kept' CHECK (state IN ('kept', 'working', 'done', 'failed')),
    part         bigint      NOT NULL DEFAULT 0,
    whole        bigint      NOT NULL DEFAULT 0,
    result       jsonb,                     -- counts, line numbers and opaque ids; nothing personal
    problem      text        NOT NULL DEFAULT '',
    bytes        bigint      NOT NULL DEFAULT 0, -- of the file, in clear
    seen_at      timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL
);
CREATE INDEX ON chores (owner, expires_at);
CREATE INDEX ON chores (expires_at);

CREATE TABLE chore_parts (
    chore  text COLLATE "C" NOT NULL REFERENCES chores ON DELETE CASCADE,
    part   integer NOT NULL,
    sealed bytea   NOT NULL,
    PRIMARY KEY (chore, part)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON chores, chore_parts TO socho_service;
