-- One row for each person in place of one for each word and beginning: a list of
-- 200,000 persons wrote 1.3 million rows, each into two indexes and each with a look
-- at the person's key.
CREATE TABLE private.name_sets (
    organization text COLLATE "C" NOT NULL,
    person       text COLLATE "C" NOT NULL CHECK (person <> ''),
    class        text COLLATE "C" NOT NULL DEFAULT 'i' CHECK (class = 'i'),
    tokens       bytea[]          NOT NULL CHECK (cardinality(tokens) > 0),
    PRIMARY KEY (organization, person),
    FOREIGN KEY (organization, person, class) REFERENCES private.person_keys
);
INSERT INTO private.name_sets (organization, person, tokens)
SELECT organization, person, array_agg(token ORDER BY token) FROM private.names GROUP BY organization, person;
CREATE INDEX name_sets_tokens ON private.name_sets USING gin (tokens);
DROP TABLE private.names;
