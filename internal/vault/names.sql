-- Who can be found by name: keyed hashes of words and of their beginnings, which
-- die with the person's identity key. Without the master key no word can be tried.
CREATE TABLE private.names (
    organization text COLLATE "C" NOT NULL,
    token        bytea            NOT NULL CHECK (octet_length(token) = 12),
    person       text COLLATE "C" NOT NULL CHECK (person <> ''),
    class        text COLLATE "C" NOT NULL DEFAULT 'i' CHECK (class = 'i'),
    PRIMARY KEY (organization, token, person),
    FOREIGN KEY (organization, person, class) REFERENCES private.person_keys
);
CREATE INDEX ON private.names (organization, person);
