-- Steering: what operators say of agents and leases, and what a session says of itself. Only adds, with defaults, so that
-- programs of the first release go on beside this one.
-- An ALTER TABLE that waits behind somebody's long transaction (a dump, say) holds up every heartbeat that comes after it.
-- Giving up after this time lets them pass; the migration is then tried again.
SET LOCAL lock_timeout = '2s';
--> statement-breakpoint

-- An operator asked the holder of that term to give it up. Void by itself: the next grant has another epoch.
ALTER TABLE leases ADD COLUMN release_requested_epoch bigint;
--> statement-breakpoint
-- The operator's word on the agent. Registering never changes it.
ALTER TABLE agents ADD COLUMN placement text NOT NULL DEFAULT 'open'
  CHECK (placement IN ('open', 'cordoned', 'draining'));
--> statement-breakpoint
-- The session's own word. No index on it, as on nothing in this table that changes.
ALTER TABLE sessions ADD COLUMN serving text NOT NULL DEFAULT 'serving'
  CHECK (serving IN ('serving', 'broker_down', 'stopping'));
