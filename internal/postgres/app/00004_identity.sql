-- Who may come in, and what they may do: people, cards, tokens, sessions. No
-- secret stands here that could be used as it is: passwords and PINs are
-- argon2id, tokens of 128 random bits and more are SHA-256, and what has to be
-- read again is sealed under a key that lives outside the database.

-- +goose Up

-- Staff. name is what they sign in with; there is no other personal data.
CREATE TABLE people (
    person     text COLLATE "C" PRIMARY KEY CHECK (person ~ '^u-[a-z2-7]{26}$'),
    name       text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{1,31}$'),
    language   text        NOT NULL DEFAULT 'vi' CHECK (language IN ('vi', 'en')),
    password   text        NOT NULL DEFAULT '', -- argon2id, in PHC form; empty: none set yet
    totp       bytea,                           -- the sealed secret of RFC 6238
    totp_step  bigint      NOT NULL DEFAULT 0,  -- the last 30 seconds' step accepted; none is accepted twice
    recovery   bytea[]     NOT NULL DEFAULT '{}', -- hashes of the recovery codes that are left
    locked_at  timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE ON people TO socho_service;

CREATE TABLE grants (
    person       text COLLATE "C" NOT NULL REFERENCES people,
    role         text COLLATE "C" NOT NULL,
    organization text COLLATE "C" NOT NULL CHECK (organization = '*' OR organization ~ '^[a-z0-9-]{1,64}$'),
    object       text COLLATE "C" NOT NULL DEFAULT '',
    granted_by   text        NOT NULL,
    granted_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person, role, organization, object)
);
GRANT SELECT, INSERT, DELETE ON grants TO socho_service;

-- Accounts at OpenID providers that a person may come in by.
CREATE TABLE logins (
    issuer    text COLLATE "C" NOT NULL,
    subject   text COLLATE "C" NOT NULL,
    person    text COLLATE "C" NOT NULL REFERENCES people,
    linked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
GRANT SELECT, INSERT, DELETE ON logins TO socho_service;

-- Links that are good for one use: the first administrator, a new person, a
-- forgotten password.
CREATE TABLE invitations (
    hash       bytea       PRIMARY KEY CHECK (length(hash) = 32),
    kind       text        NOT NULL CHECK (kind IN ('set_up', 'password')),
    person     text COLLATE "C" REFERENCES people,
    created_by text        NOT NULL,
    expires_at timestamptz NOT NULL,
    CHECK ((kind = 'set_up') = (person IS NULL))
);
GRANT SELECT, INSERT, DELETE ON invitations TO socho_service;

-- A trader's card. Its QR code holds a token, which opens nothing without the
-- PIN.
CREATE TABLE cards (
    card         text COLLATE "C" PRIMARY KEY CHECK (card ~ '^c-[a-z2-7]{26}$'),
    hash         bytea       NOT NULL UNIQUE CHECK (length(hash) = 32),
    organization text COLLATE "C" NOT NULL CHECK (organization ~ '^[a-z0-9-]{1,64}$'),
    stall        text COLLATE "C" NOT NULL,
    holder       text COLLATE "C" NOT NULL, -- the person's id in the organization
    language     text        NOT NULL DEFAULT 'vi' CHECK (language IN ('vi', 'en')),
    pin          text        NOT NULL,      -- argon2id
    pin_is_own   boolean     NOT NULL DEFAULT false, -- chosen by the holder, not given out with the card
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz
);
CREATE INDEX ON cards (organization, stall);
GRANT SELECT, INSERT, UPDATE ON cards TO socho_service;

-- A telephone that was signed in by a card and is remembered.
CREATE TABLE devices (
    device     text COLLATE "C" PRIMARY KEY,
    hash       bytea       NOT NULL UNIQUE CHECK (length(hash) = 32),
    card       text COLLATE "C" NOT NULL REFERENCES cards,
    name       text        NOT NULL, -- what the browser calls itself, shortened
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX ON devices (card);
GRANT SELECT, INSERT, UPDATE ON devices TO socho_service;

-- Tokens of programs.
CREATE TABLE tokens (
    token      text COLLATE "C" PRIMARY KEY CHECK (token ~ '^t-[a-z2-7]{26}$'),
    hash       bytea       NOT NULL UNIQUE CHECK (length(hash) = 32),
    name       text        NOT NULL,
    grants     jsonb       NOT NULL, -- rights and organizations
    created_by text        NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    revoked_at timestamptz
);
GRANT SELECT, INSERT, UPDATE ON tokens TO socho_service;

-- A session is known by the hash of its token. An ended one stays until it
-- would have expired, so that a request that is still running cannot write it
-- back.
CREATE TABLE sessions (
    hash       bytea       PRIMARY KEY CHECK (length(hash) = 32),
    principal  text COLLATE "C", -- person or card; none before the sign-in
    data       jsonb       NOT NULL,
    address    text        NOT NULL, -- the network's part of it
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX ON sessions (principal) WHERE principal IS NOT NULL;
CREATE INDEX ON sessions (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO socho_service;

-- How often an account, a card or an address was tried in vain. The key is a
-- keyed hash, the same for names that exist and names that do not.
CREATE TABLE attempts (
    key      bytea       PRIMARY KEY CHECK (length(key) = 32),
    failures integer     NOT NULL CHECK (failures >= 0),
    last_at  timestamptz NOT NULL,
    until    timestamptz NOT NULL -- nothing is tried before
);
GRANT SELECT, INSERT, UPDATE, DELETE ON attempts TO socho_service;

-- What was done, by whom. Rows are only ever added.
CREATE TABLE trail (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    actor        text COLLATE "C" NOT NULL, -- u-…, c-…, t-…, cli; empty where nobody is known
    action       text COLLATE "C" NOT NULL,
    organization text COLLATE "C" NOT NULL DEFAULT '',
    object       text COLLATE "C" NOT NULL DEFAULT '', -- an opaque id, never personal data
    outcome      text COLLATE "C" NOT NULL,
    address      text        NOT NULL DEFAULT '', -- the network's part of it
    session      bytea                            -- the beginning of the session's hash
);
CREATE INDEX ON trail (actor, id);
CREATE INDEX ON trail (organization, id);
GRANT SELECT, INSERT ON trail TO socho_service;

-- +goose StatementBegin
CREATE FUNCTION trail_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'app.trail: what was done is not undone';
END $$;
-- +goose StatementEnd
CREATE TRIGGER trail_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON trail
    FOR EACH STATEMENT EXECUTE FUNCTION trail_stays();
