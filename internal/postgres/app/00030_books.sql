-- What a finance office settles for itself beside the book: under which codes of
-- its own chart an account is handed on.

-- +goose Up

CREATE TABLE account_codes (
    organization text COLLATE "C" NOT NULL CHECK (organization ~ '^[a-z0-9-]{1,64}$'),
    place        integer NOT NULL CHECK (place >= 0), -- the first that fits counts
    account      text COLLATE "C" NOT NULL CHECK (length(account) BETWEEN 1 AND 120),
    code         text COLLATE "C" NOT NULL CHECK (code ~ '^[A-Za-z0-9.]{1,16}$'),
    name         text NOT NULL CHECK (length(name) <= 120),
    PRIMARY KEY (organization, place)
);
GRANT SELECT, INSERT, DELETE ON account_codes TO socho_service;
