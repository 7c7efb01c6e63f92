-- For how long after an era was opened, in milliseconds, only agents that trusted a lease may have it; 0 where nobody can believe in a
-- lease of before. On a file an era is opened by hand, or by an agent that finds an older file in its place.
ALTER TABLE era ADD COLUMN quarantine_ms integer NOT NULL DEFAULT 0 CHECK (quarantine_ms >= 0);
