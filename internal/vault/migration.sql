-- The sealing keys, each wrapped under the master key that lives outside the
-- database. Schema private is never touched by a replay.
CREATE SCHEMA IF NOT EXISTS private;

-- One row that only the right master key can read: a wrong one is noticed
-- before it makes keys that the right one could never open.
CREATE TABLE private.vault_check (
    one        boolean     PRIMARY KEY DEFAULT true CHECK (one),
    token      bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A destroyed key keeps its row, so that it is never made anew: the row is how
-- an erased person is known. Person '' with class 'o' is the organization's key.
CREATE TABLE private.person_keys (
    organization text COLLATE "C" NOT NULL CHECK (organization ~ '^[a-z0-9-]{1,64}$'),
    person       text COLLATE "C" NOT NULL CHECK (person ~ '^[A-Za-z0-9._-]{0,64}$'),
    class        text COLLATE "C" NOT NULL CHECK (class IN ('i', 'c', 'o')),
    wrapped      bytea            CHECK (octet_length(wrapped) = 80),
    created_at   timestamptz      NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    PRIMARY KEY (organization, person, class),
    CONSTRAINT person_keys_destroyed CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CONSTRAINT person_keys_owner     CHECK ((person = '') = (class = 'o'))
);

-- Destroyed is for ever, whoever asks.
CREATE FUNCTION private.person_keys_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'private.person_keys: a key is never deleted, and a destroyed one never comes back';
END $$;

CREATE TRIGGER person_keys_stay BEFORE DELETE ON private.person_keys
    FOR EACH ROW EXECUTE FUNCTION private.person_keys_final();
CREATE TRIGGER person_keys_final BEFORE UPDATE ON private.person_keys
    FOR EACH ROW WHEN (OLD.destroyed_at IS NOT NULL) EXECUTE FUNCTION private.person_keys_final();
