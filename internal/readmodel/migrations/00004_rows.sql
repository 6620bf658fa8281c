-- Who reads for a person sees the rows of that person's organizations alone; see
-- the ledger's migration of the same name. A rebuild asks for it again for the
-- tables that it puts in place.

-- +goose Up

-- +goose StatementBegin
DO $$ BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO socho_reader', current_schema());
END $$;
-- +goose StatementEnd

-- A table that names no organization says nothing of any: places on the log,
-- and bare amounts.
-- +goose StatementBegin
CREATE FUNCTION show_rows(shown regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = shown AND attname = 'organization' AND NOT attisdropped) THEN
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', shown);
        EXECUTE format($policy$CREATE POLICY own_organizations ON %s FOR SELECT TO socho_reader USING (
            (SELECT current_setting('socho.organizations', true)) = '*'
            OR organization = ANY ((SELECT string_to_array(current_setting('socho.organizations', true), ','))::text[]))$policy$, shown);
    END IF;
    EXECUTE format('GRANT SELECT ON %s TO socho_reader', shown);
END $$;
-- +goose StatementEnd

SELECT show_rows('positions'), show_rows('adoption_facts'), show_rows('bills'), show_rows('payouts'), show_rows('entitlements'),
    show_rows('stops'), show_rows('organizations'), show_rows('stalls'), show_rows('holdings'), show_rows('traced_amounts'), show_rows('links');
