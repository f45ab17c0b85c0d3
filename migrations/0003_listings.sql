-- How far a binder's listings can be relied on, for people who look at it.

ALTER TABLE binders ADD COLUMN certified_run INTEGER;   -- the last run that read its listing to the end and found it consistent
ALTER TABLE binders ADD COLUMN lost_run INTEGER;        -- the first run since then that could not get at it; null: accessible
