-- Documents that are missing in iBinder and that the cap on removals keeps, and which of these removals somebody confirmed.
CREATE TABLE withheld (
    document      TEXT PRIMARY KEY,
    since_run     INTEGER NOT NULL,              -- the first run that withheld it, seen by none since
    last_run      INTEGER NOT NULL,              -- the last run that found it missing
    lists_nothing INTEGER NOT NULL,              -- 1: its binder listed nothing at all, so that this can't be confirmed
    confirmed_run INTEGER                        -- the command that confirmed its removal; null: not confirmed
) WITHOUT ROWID;
