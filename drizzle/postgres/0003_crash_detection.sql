-- Crash detection: the advisory lock that a session's connection holds, told with its heartbeat. Only adds, with a default, so that
-- programs of earlier releases go on beside this one: their sessions take none, and their time is the TTL.
-- Why not to wait longer: see 0001_steering.sql.
SET LOCAL lock_timeout = '2s';
--> statement-breakpoint

-- Changed by heartbeats, so that no index may ever be on it.
ALTER TABLE sessions ADD COLUMN lock_key bigint;
--> statement-breakpoint

-- How far a coordinator's work has got, told with its heartbeat; null for everybody else. Changed by heartbeats, too.
ALTER TABLE sessions ADD COLUMN progress bigint;
