-- What a version was announced with, and which versions are only believed for now.

-- What storage announced about the whole of a version while a partial download of it is held: it binds every later answer.
ALTER TABLE partials ADD COLUMN total INTEGER;           -- bytes of the whole; null: not announced
ALTER TABLE partials ADD COLUMN md5 BLOB;                -- MD5 of the whole; null: not announced
ALTER TABLE partials ADD COLUMN content_type TEXT;       -- what its bytes were said to be; null: not announced

-- Bytes that are kept back: they may be a stand-in. They become the version when an independent night gives them again.
CREATE TABLE suspects (
    document TEXT PRIMARY KEY,
    version  TEXT NOT NULL,
    sha256   BLOB NOT NULL,
    first_at INTEGER NOT NULL,                   -- by this machine's clock
    first_at_service INTEGER,                    -- by the service's clock; null: its answers had no date
    last_run INTEGER NOT NULL
) WITHOUT ROWID;

-- Versions that are accepted for now: they are fetched again later, and what they replaced is kept until then.
CREATE TABLE provisional (
    document    TEXT PRIMARY KEY,
    version     TEXT NOT NULL,
    sha256      BLOB NOT NULL,
    accepted_at INTEGER NOT NULL,                -- by this machine's clock
    accepted_at_service INTEGER,                 -- by the service's clock; null: its answers had no date
    passed      INTEGER NOT NULL DEFAULT 0       -- how often they were fetched again and were the same
) WITHOUT ROWID;

-- Ids that are no GUIDs and that earlier versions may have put into lower case: matched without regard to case until they are
-- listed, and then rewritten as they came.
CREATE TABLE folded_ids (
    id TEXT PRIMARY KEY
) WITHOUT ROWID;
INSERT OR IGNORE INTO folded_ids
    SELECT id FROM (
        SELECT id FROM documents UNION SELECT version FROM documents
        UNION SELECT folder FROM documents UNION SELECT id FROM folders
        UNION SELECT parent FROM folders UNION SELECT document FROM past_versions
    )
    WHERE id GLOB '*[a-z]*' AND NOT (
        length(id) = 36 AND substr(id, 9, 1) = '-' AND substr(id, 14, 1) = '-' AND substr(id, 19, 1) = '-'
        AND substr(id, 24, 1) = '-' AND NOT id GLOB '*[^-0-9a-f]*'
    );

-- Versions that are listed and not to be had, and that somebody acknowledged as missing until the document has another one.
CREATE TABLE acknowledged (
    document        TEXT PRIMARY KEY,
    version         TEXT NOT NULL,
    run             INTEGER NOT NULL,
    acknowledged_at INTEGER NOT NULL
) WITHOUT ROWID;
