-- Links by which a family sees its child's bills without signing in. A link's text
-- is kept nowhere: it comes out of a key and the generation each time a slip is
-- printed, and only its hash is compared.

-- +goose Up

CREATE TABLE parent_links (
    organization text COLLATE "C" NOT NULL CHECK (organization ~ '^[a-z0-9-]{1,64}$'),
    person       text COLLATE "C" NOT NULL CHECK (length(person) BETWEEN 1 AND 64),
    generation   integer     NOT NULL CHECK (generation > 0),
    hash         bytea       NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_by   text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz,
    PRIMARY KEY (organization, person, generation)
);
GRANT SELECT, INSERT, UPDATE ON parent_links TO socho_service;
