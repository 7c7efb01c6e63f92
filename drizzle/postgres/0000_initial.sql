-- The store of one StreamHouse cluster. Runs with search_path set to the configured schema, inside one transaction.
-- Names are compared byte by byte (COLLATE "C"), so that both backends list in the same order.

CREATE TABLE store_info (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  -- The lowest schema level a program must know to use this store. Raised only when an old program would do harm.
  min_compatible integer NOT NULL
);
--> statement-breakpoint
INSERT INTO store_info (min_compatible) VALUES (1);
--> statement-breakpoint

-- The history of the database that epochs belong to: a promoted standby opens a new one (see src/domain/README.md).
CREATE TABLE era (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  number bigint NOT NULL CHECK (number BETWEEN 0 AND 2097151),
  system_identifier bigint,
  timeline bigint,
  since timestamptz NOT NULL DEFAULT clock_timestamp()
);
--> statement-breakpoint
DO $$
DECLARE
  current_timeline bigint := 1;
  current_system bigint;
BEGIN
  BEGIN
    SELECT ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint INTO current_timeline;
    SELECT system_identifier FROM pg_control_system() INTO current_system;
  EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
    -- Some services hide these functions; there a new era is opened by hand.
    NULL;
  END;
  INSERT INTO era (number, system_identifier, timeline) VALUES (current_timeline, current_system, current_timeline);
END $$;
--> statement-breakpoint

CREATE TABLE agent_groups (
  group_name text COLLATE "C" PRIMARY KEY,
  assignment_generation bigint NOT NULL DEFAULT 0
);
--> statement-breakpoint
CREATE TABLE agents (
  group_name text COLLATE "C" NOT NULL REFERENCES agent_groups,
  agent_id text COLLATE "C" NOT NULL,
  address text NOT NULL,
  zone text NOT NULL,
  weight integer NOT NULL CHECK (weight BETWEEN 1 AND 1000),
  managed_topics jsonb NOT NULL,
  metadata jsonb NOT NULL,
  -- When it registered last.
  registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (group_name, agent_id)
);
--> statement-breakpoint

-- The beating row: narrow, with room on its page, and no index on (or index predicate over) a column a heartbeat changes,
-- so that heartbeats are heap-only updates.
CREATE TABLE sessions (
  session_id uuid PRIMARY KEY,
  group_name text COLLATE "C" NOT NULL,
  agent_id text COLLATE "C" NOT NULL,
  process text NOT NULL,
  ttl_ms integer NOT NULL,
  beat bigint NOT NULL DEFAULT 1,
  registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL,
  holdings_version bigint NOT NULL DEFAULT 0,
  end_requested_at timestamptz,
  ended_at timestamptz,
  end_reason text CHECK (end_reason IN ('deregistered', 'reaped', 'removed')),
  CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);
--> statement-breakpoint
CREATE UNIQUE INDEX sessions_one_live_per_agent ON sessions (group_name, agent_id) WHERE ended_at IS NULL;
--> statement-breakpoint
CREATE INDEX sessions_by_agent ON sessions (group_name, agent_id);
--> statement-breakpoint
CREATE INDEX sessions_by_age ON sessions (group_name, registered_at, session_id) WHERE ended_at IS NULL;
--> statement-breakpoint

CREATE TABLE leases (
  group_name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('partition', 'role')),
  -- Topic or role. Rows outlive the topic: epochs belong to the name.
  name text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  epoch bigint NOT NULL DEFAULT 0 CHECK (epoch BETWEEN 0 AND 9007199254740991),
  session_id uuid,
  acquired_at timestamptz,
  PRIMARY KEY (group_name, kind, name, partition)
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE INDEX leases_by_session ON leases (session_id) WHERE session_id IS NOT NULL;
--> statement-breakpoint
CREATE FUNCTION refuse_lease_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'streamhouse: % of a lease that would lose or repeat an epoch is refused', lower(TG_OP)
    USING ERRCODE = 'check_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER leases_epoch_only_grows BEFORE UPDATE ON leases FOR EACH ROW
  WHEN (NEW.epoch < OLD.epoch
    OR (NEW.session_id IS NOT NULL AND NEW.session_id IS DISTINCT FROM OLD.session_id AND NEW.epoch <= OLD.epoch)
    OR (NEW.group_name, NEW.kind, NEW.name, NEW.partition) IS DISTINCT FROM (OLD.group_name, OLD.kind, OLD.name, OLD.partition))
  EXECUTE FUNCTION refuse_lease_change();
--> statement-breakpoint
CREATE TRIGGER leases_are_never_deleted BEFORE DELETE ON leases FOR EACH ROW EXECUTE FUNCTION refuse_lease_change();
--> statement-breakpoint
CREATE TRIGGER leases_are_never_truncated BEFORE TRUNCATE ON leases FOR EACH STATEMENT EXECUTE FUNCTION refuse_lease_change();
--> statement-breakpoint
CREATE TABLE lease_history (
  group_name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  partition integer NOT NULL,
  epoch bigint NOT NULL,
  session_id uuid NOT NULL,
  agent_id text COLLATE "C" NOT NULL,
  acquired_at timestamptz NOT NULL,
  ended_at timestamptz,
  end_reason text,
  PRIMARY KEY (group_name, kind, name, partition, epoch)
);
--> statement-breakpoint

CREATE TABLE topics (
  topic_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  group_name text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  partition_count integer NOT NULL CHECK (partition_count BETWEEN 1 AND 100000),
  retention_ms bigint CHECK (retention_ms BETWEEN 0 AND 9007199254740991),
  config jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (group_name, name)
);
--> statement-breakpoint
CREATE TABLE partitions (
  topic_id bigint NOT NULL REFERENCES topics ON DELETE CASCADE,
  partition integer NOT NULL,
  high_watermark bigint NOT NULL DEFAULT 0 CHECK (high_watermark BETWEEN 0 AND 9007199254740991),
  start_offset bigint NOT NULL DEFAULT 0 CHECK (start_offset BETWEEN 0 AND high_watermark),
  PRIMARY KEY (topic_id, partition)
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE FUNCTION refuse_offset_regression() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'streamhouse: a high watermark never decreases' USING ERRCODE = 'check_violation';
END $$;
--> statement-breakpoint
CREATE TRIGGER partitions_high_watermark_only_grows BEFORE UPDATE ON partitions FOR EACH ROW
  WHEN (NEW.high_watermark < OLD.high_watermark OR NEW.start_offset < OLD.start_offset)
  EXECUTE FUNCTION refuse_offset_regression();
--> statement-breakpoint
CREATE TABLE segments (
  topic_id bigint NOT NULL,
  partition integer NOT NULL,
  base_offset bigint NOT NULL CHECK (base_offset >= 0),
  end_offset bigint NOT NULL CHECK (end_offset BETWEEN base_offset AND 9007199254740990),
  segment_id text NOT NULL,
  record_count bigint NOT NULL CHECK (record_count BETWEEN 0 AND 9007199254740991),
  size_bytes bigint NOT NULL CHECK (size_bytes BETWEEN 0 AND 9007199254740991),
  bucket text NOT NULL,
  object_key text NOT NULL,
  epoch bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (topic_id, partition, base_offset),
  UNIQUE (topic_id, partition, segment_id),
  FOREIGN KEY (topic_id, partition) REFERENCES partitions ON DELETE CASCADE
);
--> statement-breakpoint

CREATE TABLE consumer_groups (
  group_name text COLLATE "C" NOT NULL,
  consumer_group text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (group_name, consumer_group)
);
--> statement-breakpoint
CREATE TABLE committed_offsets (
  group_name text COLLATE "C" NOT NULL,
  consumer_group text COLLATE "C" NOT NULL,
  topic_id bigint NOT NULL,
  partition integer NOT NULL,
  committed_offset bigint NOT NULL CHECK (committed_offset BETWEEN 0 AND 9007199254740991),
  metadata text,
  committed_at timestamptz NOT NULL,
  PRIMARY KEY (group_name, consumer_group, topic_id, partition),
  FOREIGN KEY (group_name, consumer_group) REFERENCES consumer_groups ON DELETE CASCADE,
  FOREIGN KEY (topic_id, partition) REFERENCES partitions ON DELETE CASCADE
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE INDEX committed_offsets_by_partition ON committed_offsets (topic_id, partition);
--> statement-breakpoint

-- Desired partition → agent. No row: nobody is wanted (no willing agent).
CREATE TABLE assignments (
  topic_id bigint NOT NULL,
  partition integer NOT NULL,
  group_name text COLLATE "C" NOT NULL,
  agent_id text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  assigned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (topic_id, partition),
  FOREIGN KEY (topic_id, partition) REFERENCES partitions ON DELETE CASCADE
);
--> statement-breakpoint
CREATE INDEX assignments_by_agent ON assignments (group_name, agent_id);
