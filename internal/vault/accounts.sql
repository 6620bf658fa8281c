-- By which of a person's own accounts a bank's message finds them: keyed hashes,
-- which die with the person's identity key, and go at once when the person says so.
CREATE TABLE private.accounts (
    organization text COLLATE "C" NOT NULL,
    token        bytea            NOT NULL CHECK (octet_length(token) = 32),
    object       text COLLATE "C" NOT NULL CHECK (object ~ '^[A-Za-z0-9._-]{1,64}$'), -- what the person gave it for
    person       text COLLATE "C" NOT NULL CHECK (person <> ''),
    class        text COLLATE "C" NOT NULL DEFAULT 'i' CHECK (class = 'i'),
    proved       boolean          NOT NULL DEFAULT false, -- that the account is the person's
    PRIMARY KEY (organization, token),
    UNIQUE (organization, object),
    FOREIGN KEY (organization, person, class) REFERENCES private.person_keys
);
