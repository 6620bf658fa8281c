-- A trader's own accounts are no part of her market's book: whoever reads for a
-- person of the market sees none of them, nor, through them, what moved them. Who
-- sees every organization audits them.

-- +goose Up

CREATE POLICY not_of_traders ON accounts AS RESTRICTIVE FOR SELECT TO socho_reader USING (
    (SELECT current_setting('socho.organizations', true)) = '*' OR NOT starts_with(path, 'trader:'));
