-- What people ask is answered from indexes. An older state is read in place without them, so this file adds nothing else.

-- Documents and bytes of each binder. Entries of one binder lie side by side, so a first mirror appends to them.
CREATE INDEX documents_by_size ON documents (binder, size);

-- Which documents were at a path, or below a folder.
CREATE INDEX past_versions_by_path ON past_versions (path);
CREATE INDEX past_places_by_path ON past_places (path);
