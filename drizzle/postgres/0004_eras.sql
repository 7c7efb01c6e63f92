-- Eras that open by themselves: for how long after one was opened only agents that trusted a lease may have it. Only adds, with a default,
-- so that programs of earlier releases go on beside this one; they know no quarantine.
-- Why not to wait longer: see 0001_steering.sql.
SET LOCAL lock_timeout = '2s';
--> statement-breakpoint

-- Milliseconds from `since` on; 0 where nobody can believe in a lease of before.
ALTER TABLE era ADD COLUMN quarantine_ms integer NOT NULL DEFAULT 0 CHECK (quarantine_ms >= 0);
