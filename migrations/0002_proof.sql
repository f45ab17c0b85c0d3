-- What proving, going back and letting go need.

ALTER TABLE runs ADD COLUMN command TEXT NOT NULL DEFAULT 'run';
ALTER TABLE runs ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;   -- complete, and nothing was left out by a filter
ALTER TABLE runs ADD COLUMN changes TEXT;                       -- what it changed, as JSON; null: nothing is known

-- The run whose retention let the bytes go; held_sha256 is null then, and sha256 still says what they were.
ALTER TABLE past_versions ADD COLUMN freed_run INTEGER;

-- Whether somebody still needs an object is asked by its hash.
CREATE INDEX past_versions_by_object ON past_versions (held_sha256) WHERE held_sha256 IS NOT NULL;

-- Documents that were erased on request. The id itself is kept only until everything of it is gone.
CREATE TABLE purges (
    number      INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL,
    document    TEXT,                            -- null: done
    fingerprint BLOB NOT NULL,                   -- SHA-256 of the id: so that the document is not mirrored again
    began_at    INTEGER NOT NULL,
    done_at     INTEGER
);
