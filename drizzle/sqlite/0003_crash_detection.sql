-- The schema of both backends is one: where there are no advisory locks, nobody takes any.
ALTER TABLE sessions ADD COLUMN lock_key integer;
--> statement-breakpoint

-- How far a coordinator's work has got, told with its heartbeat; null for everybody else. Changed by heartbeats, too.
ALTER TABLE sessions ADD COLUMN progress integer;
