-- Banks' messages that are about a trader's account, or nobody's.

-- +goose Up

-- How many were answered and not kept: about an account that is neither the
-- organization's nor that of a trader who consents. Nothing else is known of them.
ALTER TABLE hooks ADD COLUMN passed_over bigint NOT NULL DEFAULT 0;

-- Further accounts of an organization beside the registered one, by keyed hashes of
-- their numbers.
CREATE TABLE hook_accounts (
    organization text COLLATE "C" NOT NULL CHECK (organization ~ '^[a-z0-9-]{1,64}$'),
    token        bytea NOT NULL CHECK (length(token) = 32),
    PRIMARY KEY (organization, token)
);
GRANT SELECT, INSERT, DELETE ON hook_accounts TO socho_service;
