-- What a version was announced with, and which versions are only believed for now.

-- What storage announced about the whole of a version while a partial download of it is held: it binds every later answer.
ALTER TABLE partials ADD COLUMN total INTEGER;           -- bytes of the whole; null: not announced
ALTER TABLE partials ADD COLUMN md5 BLOB;                -- MD5 of the whole; null: not announced
