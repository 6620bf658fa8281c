-- Rights that rules ask for are few among all rows of rule state, and are looked
-- for in every organization.

-- +goose Up

CREATE INDEX rule_state_rights ON rule_state (organization, key) WHERE key >= 'right:' AND key < 'right;';
