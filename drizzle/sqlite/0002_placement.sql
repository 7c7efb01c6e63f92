-- Placement: what operators say of balancing, and where a partition came from. And what stays of the leases of a deleted topic: an
-- epoch floor for its name. Only adds, with defaults, and keeps the floors by triggers, so that programs of earlier releases go on
-- beside this one.

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
--> statement-breakpoint

-- The highest epoch of the leases of this name that were purged (src/domain/README.md, "Release, session end, deletion").
CREATE TABLE epoch_floors (
  group_name text NOT NULL,
  -- Roles are never purged.
  kind text NOT NULL CHECK (kind = 'partition'),
  name text NOT NULL,
  epoch integer NOT NULL CHECK (epoch BETWEEN 0 AND 9007199254740991),
  PRIMARY KEY (group_name, kind, name)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TRIGGER floors_only_rise BEFORE UPDATE ON epoch_floors FOR EACH ROW
  WHEN NEW.epoch < OLD.epoch OR (NEW.group_name, NEW.kind, NEW.name) IS NOT (OLD.group_name, OLD.kind, OLD.name)
BEGIN
  SELECT RAISE(ABORT, 'streamhouse: update of a floor that would lose or repeat an epoch is refused');
END;
--> statement-breakpoint
CREATE TRIGGER floors_are_never_deleted BEFORE DELETE ON epoch_floors FOR EACH ROW
BEGIN
  SELECT RAISE(ABORT, 'streamhouse: delete of a floor that would lose or repeat an epoch is refused');
END;
--> statement-breakpoint
-- INSERT OR REPLACE deletes without asking the trigger above; an insert over a higher floor does nothing at all.
CREATE TRIGGER floors_are_never_replaced BEFORE INSERT ON epoch_floors FOR EACH ROW
  WHEN EXISTS (SELECT 1 FROM epoch_floors f WHERE f.group_name = NEW.group_name AND f.kind = NEW.kind AND f.name = NEW.name
    AND f.epoch > NEW.epoch)
BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint

-- A lease may go when a floor keeps its epoch.
DROP TRIGGER leases_are_never_deleted;
--> statement-breakpoint
CREATE TRIGGER leases_are_deleted_under_a_floor BEFORE DELETE ON leases FOR EACH ROW
  WHEN NOT EXISTS (SELECT 1 FROM epoch_floors f
    WHERE f.group_name = OLD.group_name AND f.kind = OLD.kind AND f.name = OLD.name AND f.epoch >= OLD.epoch)
BEGIN
  SELECT RAISE(ABORT, 'streamhouse: delete of a lease that would lose or repeat an epoch is refused');
END;
--> statement-breakpoint
-- A lease that is made anew goes on from its name's floor, whichever program makes it.
CREATE TRIGGER leases_start_at_the_floor AFTER INSERT ON leases FOR EACH ROW
  WHEN NEW.epoch < (SELECT f.epoch FROM epoch_floors f
    WHERE f.group_name = NEW.group_name AND f.kind = NEW.kind AND f.name = NEW.name)
BEGIN
  UPDATE leases SET epoch = (SELECT f.epoch FROM epoch_floors f
      WHERE f.group_name = NEW.group_name AND f.kind = NEW.kind AND f.name = NEW.name)
    WHERE group_name = NEW.group_name AND kind = NEW.kind AND name = NEW.name AND partition = NEW.partition;
END;
