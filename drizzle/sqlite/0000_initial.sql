-- The store of one StreamHouse cluster in one SQLite file: the same tables and the same refusals as on PostgreSQL. Times are
-- integer milliseconds since 1970, JSON is text, names compare byte by byte (SQLite's own order).

CREATE TABLE store_info (
  one integer PRIMARY KEY DEFAULT 1 CHECK (one = 1),
  -- The lowest schema level a program must know to use this store. Raised only when an old program would do harm.
  min_compatible integer NOT NULL
) STRICT;
--> statement-breakpoint
INSERT INTO store_info (min_compatible) VALUES (1);
--> statement-breakpoint

-- The history of the database that epochs belong to. A file has no standby that could lose grants: era 0, until somebody
-- restores a copy and opens a new one by hand.
CREATE TABLE era (
  one integer PRIMARY KEY DEFAULT 1 CHECK (one = 1),
  number integer NOT NULL CHECK (number BETWEEN 0 AND 2097151),
  system_identifier integer,
  timeline integer,
  since integer NOT NULL DEFAULT (cast(round(unixepoch('subsec') * 1000) AS integer))
) STRICT;
--> statement-breakpoint
INSERT INTO era (number) VALUES (0);
--> statement-breakpoint

CREATE TABLE agent_groups (
  group_name text PRIMARY KEY,
  assignment_generation integer NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE agents (
  group_name text NOT NULL REFERENCES agent_groups,
  agent_id text NOT NULL,
  address text NOT NULL,
  zone text NOT NULL,
  weight integer NOT NULL CHECK (weight BETWEEN 1 AND 1000),
  managed_topics text NOT NULL CHECK (json_valid(managed_topics)),
  metadata text NOT NULL CHECK (json_valid(metadata)),
  -- When it registered last.
  registered_at integer NOT NULL DEFAULT (cast(round(unixepoch('subsec') * 1000) AS integer)),
  PRIMARY KEY (group_name, agent_id)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint

-- The beating row. No index on a column a heartbeat changes: a heartbeat writes one page.
CREATE TABLE sessions (
  session_id text PRIMARY KEY,
  group_name text NOT NULL,
  agent_id text NOT NULL,
  process text NOT NULL,
  ttl_ms integer NOT NULL CHECK (ttl_ms BETWEEN 0 AND 2147483647),
  beat integer NOT NULL DEFAULT 1,
  registered_at integer NOT NULL DEFAULT (cast(round(unixepoch('subsec') * 1000) AS integer)),
  last_heartbeat_at integer NOT NULL DEFAULT (cast(round(unixepoch('subsec') * 1000) AS integer)),
  expires_at integer NOT NULL,
  holdings_version integer NOT NULL DEFAULT 0,
  end_requested_at integer,
  ended_at integer,
  end_reason text CHECK (end_reason IN ('deregistered', 'reaped', 'removed')),
  CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX sessions_one_live_per_agent ON sessions (group_name, agent_id) WHERE ended_at IS NULL;
--> statement-breakpoint
CREATE INDEX sessions_by_agent ON sessions (group_name, agent_id);
--> statement-breakpoint
-- The order in which sessions are observed; registering never changes, so a heartbeat leaves it alone.
CREATE INDEX sessions_by_age ON sessions (group_name, registered_at, session_id) WHERE ended_at IS NULL;
--> statement-breakpoint

CREATE TABLE leases (
  group_name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('partition', 'role')),
  -- Topic or role. Rows outlive the topic: epochs belong to the name.
  name text NOT NULL,
  partition integer NOT NULL,
  epoch integer NOT NULL DEFAULT 0 CHECK (epoch BETWEEN 0 AND 9007199254740991),
  session_id text,
  acquired_at integer,
  PRIMARY KEY (group_name, kind, name, partition)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX leases_by_session ON leases (session_id) WHERE session_id IS NOT NULL;
--> statement-breakpoint
CREATE TRIGGER leases_epoch_only_grows BEFORE UPDATE ON leases FOR EACH ROW
  WHEN NEW.epoch < OLD.epoch
    OR (NEW.session_id IS NOT NULL AND NEW.session_id IS NOT OLD.session_id AND NEW.epoch <= OLD.epoch)
    OR (NEW.group_name, NEW.kind, NEW.name, NEW.partition) IS NOT (OLD.group_name, OLD.kind, OLD.name, OLD.partition)
BEGIN
  SELECT RAISE(ABORT, 'streamhouse: update of a lease that would lose or repeat an epoch is refused');
END;
--> statement-breakpoint
CREATE TRIGGER leases_are_never_deleted BEFORE DELETE ON leases FOR EACH ROW
BEGIN
  SELECT RAISE(ABORT, 'streamhouse: delete of a lease that would lose or repeat an epoch is refused');
END;
--> statement-breakpoint
-- INSERT OR REPLACE deletes without asking the trigger above; an insert over a lease that exists does nothing at all.
CREATE TRIGGER leases_are_never_replaced BEFORE INSERT ON leases FOR EACH ROW
  WHEN EXISTS (SELECT 1 FROM leases l WHERE l.group_name = NEW.group_name AND l.kind = NEW.kind AND l.name = NEW.name
    AND l.partition = NEW.partition)
BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TABLE lease_history (
  group_name text NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  partition integer NOT NULL,
  epoch integer NOT NULL,
  session_id text NOT NULL,
  agent_id text NOT NULL,
  acquired_at integer NOT NULL,
  ended_at integer,
  end_reason text,
  PRIMARY KEY (group_name, kind, name, partition, epoch)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint

-- AUTOINCREMENT: the id of a deleted topic is never given to another.
CREATE TABLE topics (
  topic_id integer PRIMARY KEY AUTOINCREMENT,
  group_name text NOT NULL,
  name text NOT NULL,
  partition_count integer NOT NULL CHECK (partition_count BETWEEN 1 AND 100000),
  retention_ms integer CHECK (retention_ms BETWEEN 0 AND 9007199254740991),
  config text NOT NULL CHECK (json_valid(config)),
  created_at integer NOT NULL DEFAULT (cast(round(unixepoch('subsec') * 1000) AS integer)),
  UNIQUE (group_name, name)
) STRICT;
--> statement-breakpoint
CREATE TABLE partitions (
  topic_id integer NOT NULL REFERENCES topics ON DELETE CASCADE,
  partition integer NOT NULL,
  high_watermark integer NOT NULL DEFAULT 0 CHECK (high_watermark BETWEEN 0 AND 9007199254740991),
  start_offset integer NOT NULL DEFAULT 0 CHECK (start_offset BETWEEN 0 AND high_watermark),
  PRIMARY KEY (topic_id, partition)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TRIGGER partitions_high_watermark_only_grows BEFORE UPDATE ON partitions FOR EACH ROW
  WHEN NEW.high_watermark < OLD.high_watermark OR NEW.start_offset < OLD.start_offset
BEGIN
  SELECT RAISE(ABORT, 'streamhouse: a high watermark never decreases');
END;
--> statement-breakpoint
CREATE TABLE segments (
  topic_id integer NOT NULL,
  partition integer NOT NULL,
  base_offset integer NOT NULL CHECK (base_offset >= 0),
  end_offset integer NOT NULL CHECK (end_offset BETWEEN base_offset AND 9007199254740990),
  segment_id text NOT NULL,
  record_count integer NOT NULL CHECK (record_count BETWEEN 0 AND 9007199254740991),
  size_bytes integer NOT NULL CHECK (size_bytes BETWEEN 0 AND 9007199254740991),
  bucket text NOT NULL,
  object_key text NOT NULL,
  epoch integer NOT NULL,
  created_at integer NOT NULL DEFAULT (cast(round(unixepoch('subsec') * 1000) AS integer)),
  PRIMARY KEY (topic_id, partition, base_offset),
  UNIQUE (topic_id, partition, segment_id),
  FOREIGN KEY (topic_id, partition) REFERENCES partitions ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
--> statement-breakpoint

CREATE TABLE consumer_groups (
  group_name text NOT NULL,
  consumer_group text NOT NULL,
  created_at integer NOT NULL DEFAULT (cast(round(unixepoch('subsec') * 1000) AS integer)),
  PRIMARY KEY (group_name, consumer_group)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE committed_offsets (
  group_name text NOT NULL,
  consumer_group text NOT NULL,
  topic_id integer NOT NULL,
  partition integer NOT NULL,
  committed_offset integer NOT NULL CHECK (committed_offset BETWEEN 0 AND 9007199254740991),
  metadata text,
  committed_at integer NOT NULL,
  PRIMARY KEY (group_name, consumer_group, topic_id, partition),
  FOREIGN KEY (group_name, consumer_group) REFERENCES consumer_groups ON DELETE CASCADE,
  FOREIGN KEY (topic_id, partition) REFERENCES partitions ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX committed_offsets_by_partition ON committed_offsets (topic_id, partition);
--> statement-breakpoint

-- Desired partition → agent. No row: nobody is wanted (no willing agent).
CREATE TABLE assignments (
  topic_id integer NOT NULL,
  partition integer NOT NULL,
  group_name text NOT NULL,
  agent_id text NOT NULL,
  reason text NOT NULL,
  assigned_at integer NOT NULL DEFAULT (cast(round(unixepoch('subsec') * 1000) AS integer)),
  PRIMARY KEY (topic_id, partition),
  FOREIGN KEY (topic_id, partition) REFERENCES partitions ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX assignments_by_agent ON assignments (group_name, agent_id);
--> statement-breakpoint

-- What the planner is to expect: a large cluster. Without it SQLite takes every table for a small one and reads all leases of
-- a group where it should look up one by its key. ANALYZE makes the table that holds these numbers (rows in all, then rows
-- per distinct value of 1, 2, … columns of the index).
ANALYZE;
--> statement-breakpoint
DELETE FROM sqlite_stat1;
--> statement-breakpoint
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('leases', 'leases', '100000 10000 10000 1000 1'),
  ('leases', 'leases_by_session', '100000 100'),
  ('lease_history', 'lease_history', '1000000 100000 100000 10000 10 1'),
  ('partitions', 'partitions', '100000 1000 1'),
  ('assignments', 'assignments', '100000 1000 1'),
  ('assignments', 'assignments_by_agent', '100000 10000 100'),
  ('committed_offsets', 'committed_offsets', '1000000 100000 10000 100 1'),
  ('committed_offsets', 'committed_offsets_by_partition', '1000000 1000 10'),
  ('segments', 'segments', '10000000 1000000 1000 1');
--> statement-breakpoint
ANALYZE sqlite_schema;
