-- What bills are made from: tariffs, pupils and their classes, reductions, stalls,
-- tickets. Every fact is kept, since a run asks what was true on a day. Filled by a
-- projection of its own, from the first record on.

-- +goose Up

CREATE TABLE terms (
    organization text     COLLATE "C" NOT NULL,
    type         text     COLLATE "C" NOT NULL,
    subject      text     COLLATE "C" NOT NULL,
    effective_on date     NOT NULL,
    source       text     COLLATE "C" NOT NULL,
    event_id     text     COLLATE "C" NOT NULL,
    data         text     NOT NULL, -- with what is sealed in it
    shard        smallint NOT NULL,
    log_offset   bigint   NOT NULL,
    withdrawn    boolean  NOT NULL DEFAULT false,
    PRIMARY KEY (organization, log_offset)
);
CREATE INDEX ON terms (organization, type, subject);
CREATE INDEX ON terms (organization, event_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON terms TO socho_service;
SELECT show_rows('terms');
