-- What the mirror knows. Append-only: a released file is never changed, a new one is added.
-- Times are seconds since the epoch; runs are ordered by their number, never by a clock.

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE runs (
    number      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    outcome     TEXT
);

CREATE TABLE binders (
    id                   TEXT PRIMARY KEY,
    name                 TEXT NOT NULL,
    segment              TEXT NOT NULL,          -- its folder below the destination
    segment_key          TEXT NOT NULL UNIQUE,
    listed_run           INTEGER NOT NULL,
    folders_refreshed_at INTEGER,                -- null: never
    folder_requests      INTEGER NOT NULL DEFAULT 1,
    schema               TEXT,                   -- metadata elements, as the service sent them
    schema_changed_at    INTEGER
) WITHOUT ROWID;

-- Tabs and folders. One that is not listed any more keeps its row as long as documents lie in it.
CREATE TABLE folders (
    binder   TEXT NOT NULL,
    id       TEXT NOT NULL,
    parent   TEXT,
    name     TEXT NOT NULL,
    segment  TEXT,                               -- null: its documents lie in its parent's folder
    known    INTEGER NOT NULL,                   -- 0: seen on documents only, never listed
    asked_at INTEGER NOT NULL,
    PRIMARY KEY (binder, id)
) WITHOUT ROWID;

CREATE TABLE documents (
    number        INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    binder        TEXT NOT NULL,
    folder        TEXT,
    file_name     TEXT NOT NULL,                 -- as the service has it
    path          TEXT NOT NULL,                 -- where its file is
    path_key      TEXT NOT NULL UNIQUE,          -- the path after case folding and normalisation
    version       TEXT NOT NULL,
    size          INTEGER NOT NULL,
    sha256        BLOB NOT NULL,
    inode         INTEGER NOT NULL,
    mtime         INTEGER NOT NULL,              -- nanoseconds
    metadata_hash BLOB,
    first_run     INTEGER NOT NULL,              -- the run that mirrored it first
    version_run   INTEGER NOT NULL,              -- the run that brought this version
    place_run     INTEGER NOT NULL,              -- the run that put it here, under this name
    mirrored_at   INTEGER NOT NULL               -- when this version came
);
-- A page names documents of one binder: with the id behind it, a page's rows are found side by side.
CREATE INDEX documents_by_binder ON documents (binder, id);

-- metadata[] as the service sent it. By the document's number, so that a first mirror appends.
CREATE TABLE metadata (
    document   INTEGER PRIMARY KEY,              -- documents.number
    run        INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    json       TEXT NOT NULL
);

-- What they were before: from one run up to another.
CREATE TABLE past_metadata (
    number     INTEGER PRIMARY KEY,
    document   TEXT NOT NULL,
    first_run  INTEGER NOT NULL,
    ended_run  INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    json       TEXT NOT NULL
);
CREATE INDEX past_metadata_by_document ON past_metadata (document);

-- Where a document was before, and what it was called there: from one run up to another.
CREATE TABLE past_places (
    number    INTEGER PRIMARY KEY,
    document  TEXT NOT NULL,
    binder    TEXT NOT NULL,
    folder    TEXT,
    file_name TEXT NOT NULL,
    path      TEXT NOT NULL,
    first_run INTEGER NOT NULL,
    ended_run INTEGER NOT NULL
);
CREATE INDEX past_places_by_document ON past_places (document);

-- Versions that left the tree; the bytes of most of them are in objects/.
CREATE TABLE past_versions (
    number      INTEGER PRIMARY KEY,
    document    TEXT NOT NULL,
    version     TEXT NOT NULL,
    binder      TEXT NOT NULL,
    folder      TEXT,
    file_name   TEXT NOT NULL,
    path        TEXT NOT NULL,
    sha256      BLOB NOT NULL,                   -- what the service had
    held_sha256 BLOB,                            -- what the file held: the object's name; null: nothing is held
    size        INTEGER NOT NULL,
    mtime       INTEGER NOT NULL,
    place_run   INTEGER NOT NULL,
    first_run   INTEGER NOT NULL,
    mirrored_at INTEGER NOT NULL,
    ended_run   INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    cause       TEXT NOT NULL                    -- replaced or removed
);
CREATE INDEX past_versions_by_document ON past_versions (document, version);

-- Publishes that were begun: written before the tree changes, deleted with the row they lead to.
CREATE TABLE intents (
    number INTEGER PRIMARY KEY,
    body   TEXT NOT NULL
);

CREATE TABLE partials (
    document TEXT NOT NULL,
    version  TEXT NOT NULL,
    name     TEXT NOT NULL,                      -- below tmp/
    etag     TEXT NOT NULL,
    PRIMARY KEY (document, version)
) WITHOUT ROWID;

CREATE TABLE failures (
    document  TEXT PRIMARY KEY,
    binder    TEXT NOT NULL,
    version   TEXT,
    file_name TEXT NOT NULL,
    error     TEXT NOT NULL,
    attempts  INTEGER NOT NULL,
    trace_id  TEXT,
    first_run INTEGER NOT NULL,
    last_run  INTEGER NOT NULL
) WITHOUT ROWID;
