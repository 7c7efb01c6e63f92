-- Placement: what operators say of balancing, and where a partition came from. Only adds, with defaults, so that programs of
-- earlier releases go on beside this one.

-- Balancing is paused since then; null: it is not.
ALTER TABLE agent_groups ADD COLUMN paused_at integer;
--> statement-breakpoint
-- The last request for a plan without pins, pause and threshold, and the last one that was carried out.
ALTER TABLE agent_groups ADD COLUMN apply_requested_at integer;
--> statement-breakpoint
ALTER TABLE agent_groups ADD COLUMN applied_at integer;
--> statement-breakpoint
-- Who led the partition before it left, while the partition has moved for nothing else since. An agent may be forgotten meanwhile.
ALTER TABLE assignments ADD COLUMN home_agent text;
