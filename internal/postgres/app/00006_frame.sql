-- Links of a third kind, what an entry of the trail was about in more words, and
-- the verifications that were started from a page.

-- +goose Up

-- password: sets a new one and leaves the second factor. anew: for who has lost
-- that as well.
ALTER TABLE invitations DROP CONSTRAINT invitations_kind_check;
ALTER TABLE invitations ADD CONSTRAINT invitations_kind_check CHECK (kind IN ('set_up', 'password', 'anew'));

-- Words of closed sets: which fields were read, and what for. Entries of before
-- have none.
ALTER TABLE trail ADD COLUMN detail text COLLATE "C";

-- Who had the ledger verified, and what came of it. One is under way at a time;
-- one whose process has not been heard of for a while is under way no more.
CREATE TABLE verifications (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor      text COLLATE "C" NOT NULL,
    replay     boolean     NOT NULL,
    state      text COLLATE "C" NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'ok', 'problems', 'cancelled', 'failed')),
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz,
    cancelled_by text COLLATE "C" NOT NULL DEFAULT '',
    done       bigint      NOT NULL DEFAULT 0, -- records
    whole      bigint      NOT NULL DEFAULT 0,
    transfers  bigint      NOT NULL DEFAULT 0,
    position   jsonb       NOT NULL DEFAULT '{}', -- next offset by shard
    problems   text[]      NOT NULL DEFAULT '{}', -- the first of them; they name rows, nothing personal
    found      bigint      NOT NULL DEFAULT 0,    -- how many there are
    CHECK ((state = 'running') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX verifications_one ON verifications ((true)) WHERE state = 'running';
GRANT SELECT, INSERT, UPDATE ON verifications TO socho_service;
