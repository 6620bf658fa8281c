-- The desk of whoever matches payments: what sealed texts of lines say of bills,
-- statements on their way in, and how an organization wants it done.

-- +goose Up

-- Codes, slips and places that a line's text names; nothing of the payer, and not
-- the text. It can be read again at any time.
CREATE TABLE line_readings (
    organization text COLLATE "C" NOT NULL,
    line         text COLLATE "C" NOT NULL,
    codes        text[]      NOT NULL, -- well-formed, in the order of the text
    slips        text[]      NOT NULL, -- codes of bills that the text misses by one character
    slip_reasons text[]      NOT NULL,
    marks        text[]      NOT NULL, -- stalls and classes
    read_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization, line),
    CHECK (cardinality(slips) = cardinality(slip_reasons))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON line_readings TO socho_service;

-- A statement that somebody handed in on a page: looked at first, taken after.
-- Name and content are sealed, and gone once it is taken.
CREATE TABLE statement_files (
    file         text COLLATE "C" PRIMARY KEY,
    organization text COLLATE "C" NOT NULL,
    digest       bytea       NOT NULL CHECK (length(digest) = 32),
    name         bytea       NOT NULL,
    content      bytea,
    bytes        bigint      NOT NULL,
    state        text COLLATE "C" NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'taking', 'taken', 'failed')),
    uploaded_by  text COLLATE "C" NOT NULL,
    uploaded_at  timestamptz NOT NULL DEFAULT now(),
    seen_at      timestamptz NOT NULL DEFAULT now(), -- of whoever takes it
    done         bigint      NOT NULL DEFAULT 0,     -- bytes
    whole        bigint      NOT NULL DEFAULT 0,
    opening      boolean     NOT NULL DEFAULT false,
    account      text COLLATE "C" NOT NULL DEFAULT '', -- the organization's own name for it; empty: by its number
    report       jsonb,
    problem      text        NOT NULL DEFAULT ''
);
CREATE INDEX ON statement_files (organization, uploaded_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON statement_files TO socho_service;

-- Which columns an organization's bank prints, where no built-in layout says it.
CREATE TABLE bank_layouts (
    organization text COLLATE "C" NOT NULL,
    name         text        NOT NULL,
    layout       jsonb       NOT NULL,
    created_by   text COLLATE "C" NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization, name)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON bank_layouts TO socho_service;

-- What becomes of money above a bill: kept as the payer's credit, or to be paid
-- back. Either way it is credit until somebody does something with it.
CREATE TABLE desks (
    organization text COLLATE "C" PRIMARY KEY,
    overpaid     text COLLATE "C" NOT NULL CHECK (overpaid IN ('keep', 'refund')),
    chosen_by    text COLLATE "C" NOT NULL,
    chosen_at    timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE ON desks TO socho_service;
