-- Who reads for a person sees the rows of that person's organizations alone,
-- whatever the program asks: the setting socho.organizations names them,
-- separated by commas, or is * for all. Where it is not set, nothing is seen.
-- The service and the owner are not subject to it.

-- +goose Up

-- +goose StatementBegin
DO $$ BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO socho_reader', current_schema());
END $$;
-- +goose StatementEnd

ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_organizations ON accounts FOR SELECT TO socho_reader USING (
    (SELECT current_setting('socho.organizations', true)) = '*'
    OR organization = ANY ((SELECT string_to_array(current_setting('socho.organizations', true), ','))::text[]));

-- What names no organization, since it could not be read, is for those who see
-- every one.
ALTER TABLE outcomes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_organizations ON outcomes FOR SELECT TO socho_reader USING (
    (SELECT current_setting('socho.organizations', true)) = '*'
    OR organization = ANY ((SELECT string_to_array(current_setting('socho.organizations', true), ','))::text[]));

-- Whose these are, their accounts say, which are seen under their own policy. A
-- transfer's two accounts are of one organization.
ALTER TABLE balances ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_organizations ON balances FOR SELECT TO socho_reader USING (
    (SELECT current_setting('socho.organizations', true)) = '*'
    OR EXISTS (SELECT FROM accounts a WHERE a.shard = balances.shard AND a.account = balances.account));

ALTER TABLE transfers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_organizations ON transfers FOR SELECT TO socho_reader USING (
    (SELECT current_setting('socho.organizations', true)) = '*'
    OR EXISTS (SELECT FROM accounts a WHERE a.shard = transfers.shard AND a.account = transfers.debit));

-- How far each shard is, is nobody's secret; what rules keep is no page's
-- business.
GRANT SELECT ON positions, accounts, balances, outcomes, transfers TO socho_reader;
