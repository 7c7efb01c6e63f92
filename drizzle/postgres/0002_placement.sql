-- Placement: what operators say of balancing, and where a partition came from. And what stays of the leases of a deleted topic: an
-- epoch floor for its name. Only adds, with defaults, and keeps the floors by triggers, so that programs of earlier releases go on
-- beside this one.
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
--> statement-breakpoint

-- The highest epoch of the leases of this name that were purged (src/domain/README.md, "Release, session end, deletion").
CREATE TABLE epoch_floors (
  group_name text COLLATE "C" NOT NULL,
  -- Roles are never purged.
  kind text COLLATE "C" NOT NULL CHECK (kind = 'partition'),
  name text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL CHECK (epoch BETWEEN 0 AND 9007199254740991),
  PRIMARY KEY (group_name, kind, name)
);
--> statement-breakpoint
CREATE TRIGGER floors_only_rise BEFORE UPDATE ON epoch_floors FOR EACH ROW
  WHEN (NEW.epoch < OLD.epoch OR (NEW.group_name, NEW.kind, NEW.name) IS DISTINCT FROM (OLD.group_name, OLD.kind, OLD.name))
  EXECUTE FUNCTION refuse_lease_change();
--> statement-breakpoint
CREATE TRIGGER floors_are_never_deleted BEFORE DELETE ON epoch_floors FOR EACH ROW EXECUTE FUNCTION refuse_lease_change();
--> statement-breakpoint
CREATE TRIGGER floors_are_never_truncated BEFORE TRUNCATE ON epoch_floors FOR EACH STATEMENT EXECUTE FUNCTION refuse_lease_change();
--> statement-breakpoint

-- A lease may go when a floor keeps its epoch. Judged for all rows of a statement at once.
CREATE FUNCTION refuse_lease_loss() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM deleted d WHERE NOT EXISTS (SELECT 1 FROM epoch_floors f
      WHERE f.group_name = d.group_name AND f.kind = d.kind AND f.name = d.name AND f.epoch >= d.epoch)) THEN
    RAISE EXCEPTION 'streamhouse: delete of a lease that would lose or repeat an epoch is refused'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
DROP TRIGGER leases_are_never_deleted ON leases;
--> statement-breakpoint
CREATE TRIGGER leases_are_deleted_under_a_floor AFTER DELETE ON leases REFERENCING OLD TABLE AS deleted
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_lease_loss();
--> statement-breakpoint

-- A lease that is made anew goes on from its name's floor, whichever program makes it.
CREATE FUNCTION start_at_floor() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  NEW.epoch := greatest(NEW.epoch, (SELECT f.epoch FROM epoch_floors f
    WHERE f.group_name = NEW.group_name AND f.kind = NEW.kind AND f.name = NEW.name));
  RETURN NEW;
END $$;
--> statement-breakpoint
CREATE TRIGGER leases_start_at_the_floor BEFORE INSERT ON leases FOR EACH ROW WHEN (NEW.kind = 'partition')
  EXECUTE FUNCTION start_at_floor();
