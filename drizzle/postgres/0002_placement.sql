-- Placement: what operators say of balancing, and where a partition came from. Only adds, with defaults, so that programs of
-- earlier releases go on beside this one.
-- Why not to wait longer: see 0001_steering.sql.
SET LOCAL lock_timeout = '2s';
--> statement-breakpoint

ALTER TABLE agent_groups
  -- Balancing is paused since then; null: it is not.
  ADD COLUMN paused_at timestamptz,
  -- The last request for a plan without pins, pause and threshold, and the last one that was carried out.
  ADD COLUMN apply_requested_at timestamptz,
  ADD COLUMN applied_at timestamptz;
--> statement-breakpoint
-- Who led the partition before it left, while the partition has moved for nothing else since. An agent may be forgotten meanwhile.
ALTER TABLE assignments ADD COLUMN home_agent text COLLATE "C";
