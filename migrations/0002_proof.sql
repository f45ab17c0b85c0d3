-- What proving, going back and letting go need.

ALTER TABLE runs ADD COLUMN command TEXT NOT NULL DEFAULT 'run';
ALTER TABLE runs ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;   -- complete, and nothing was left out by a filter
ALTER TABLE runs ADD COLUMN changes TEXT;                       -- what it changed, as JSON; null: nothing is known

-- The run whose retention let the bytes go; held_sha256 is null then, and sha256 still says what they were.
ALTER TABLE past_versions ADD COLUMN freed_run INTEGER;

-- Bytes of the version where its file held others when it left (somebody had edited it), and size counts those.
ALTER TABLE past_versions ADD COLUMN version_size INTEGER;

-- Whether somebody still needs an object is asked by its hash.
CREATE INDEX past_versions_by_object ON past_versions (held_sha256) WHERE held_sha256 IS NOT NULL;

-- A night on which nothing is due must not read the history: what is old is found by its age, and what is
-- too much by how many past versions of a document are held, which triggers count.
CREATE INDEX past_versions_by_age ON past_versions (binder, ended_at) WHERE held_sha256 IS NOT NULL;

CREATE TABLE held_counts (
    document TEXT PRIMARY KEY,
    held     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX held_counts_by_held ON held_counts (held);
INSERT INTO held_counts SELECT document, count(*) FROM past_versions WHERE held_sha256 IS NOT NULL GROUP BY document;

CREATE TRIGGER past_version_came AFTER INSERT ON past_versions WHEN new.held_sha256 IS NOT NULL BEGIN
    INSERT INTO held_counts VALUES (new.document, 1) ON CONFLICT (document) DO UPDATE SET held = held + 1;
END;
CREATE TRIGGER past_version_went AFTER DELETE ON past_versions WHEN old.held_sha256 IS NOT NULL BEGIN
    UPDATE held_counts SET held = held - 1 WHERE document = old.document;
    DELETE FROM held_counts WHERE document = old.document AND held <= 0;
END;
CREATE TRIGGER past_version_freed AFTER UPDATE OF held_sha256 ON past_versions
WHEN old.held_sha256 IS NOT NULL AND new.held_sha256 IS NULL BEGIN
    UPDATE held_counts SET held = held - 1 WHERE document = old.document;
    DELETE FROM held_counts WHERE document = old.document AND held <= 0;
END;

-- Objects that nobody needs any more, until they are unlinked.
CREATE TABLE unlinks (
    sha256 BLOB PRIMARY KEY
) WITHOUT ROWID;

-- Documents that were erased on request. The id itself is kept only until everything of it is gone.
CREATE TABLE purges (
    number      INTEGER PRIMARY KEY,
    run         INTEGER NOT NULL,
    document    TEXT,                            -- null: done
    fingerprint BLOB NOT NULL,                   -- SHA-256 of the id: so that the document is not mirrored again
    began_at    INTEGER NOT NULL,
    done_at     INTEGER
);
