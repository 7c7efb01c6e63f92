// An SQLite store with something in every table and column, of any size, written past all code of ours.
import Libsql from 'libsql';
import { SqliteSchema } from '../../src/store/sqlite/migrate.ts';

export interface StoreSize {
  readonly topics: number;
  readonly partitionsPerTopic: number;
  readonly segmentsPerPartition: number;
  /** Committed offsets in all; at most one per partition. */
  readonly offsets: number;
}

export const silentSession = '00000000-0000-4000-8000-000000000001';
const endedSession = '00000000-0000-4000-8000-000000000002';
/** Terms may name a session that has been purged long since. */
const purgedSession = '00000000-0000-4000-8000-000000000003';

/** Milliseconds since 1970, long ago. */
const then = 1_790_000_000_123;

/** Makes the file. Its agents have been silent for long; leases are held, vacant and requested back. */
export async function fillSqliteStore(file: string, size: StoreSize): Promise<void> {
  await new SqliteSchema(file, 20_000).migrate();
  const database = new Libsql(file);
  try {
    database.exec('begin');
    for (const statement of statementsFor(size)) database.exec(statement);
    fillEmptyColumns(database);
    database.exec('commit');
  } finally {
    database.close();
  }
}

function statementsFor({ topics, partitionsPerTopic, segmentsPerPartition, offsets }: StoreSize): string[] {
  const partitions = topics * partitionsPerTopic;
  const series = (name: string, count: number) =>
    `${name}(n) as (select 0 union all select n + 1 from ${name} where n + 1 < ${count})`;
  const eachPartition = `with recursive ${series('t', topics)}, ${series('p', partitionsPerTopic)}`;
  const ofSession = (
    id: string,
    reason: string,
  ) => `('${id}', 'default', 'broker-1', 'host pid 1', 10000, ${then},
      ${then + 5}, ${then + 10_000}, ${reason === 'null' ? 'null' : then + 7}, ${reason})`;
  return [
    `insert into agent_groups (group_name, assignment_generation) values ('default', 42), ('other', 7)`,
    `insert into agents (group_name, agent_id, address, zone, weight, managed_topics, metadata, registered_at, placement)
     values ('default', 'broker-1', '10.0.0.1:9092', 'a', 3, '["orders.*"]', '{"rack": {"z": 1, "a": [1.50, "é\\"\\\\"]}, "b": null}', ${then}, 'cordoned'),
       ('default', 'broker-2', '10.0.0.2:9092', 'b', 1, '[]', '{}', ${then}, 'draining'),
       ('other', 'broker-1', '10.0.0.3:9092', 'c', 1, '[]', '{}', ${then}, 'open')`,
    `insert into sessions (session_id, group_name, agent_id, process, ttl_ms, registered_at, last_heartbeat_at, expires_at, ended_at, end_reason)
     values ${ofSession(silentSession, 'null')}, ${ofSession(endedSession, `'reaped'`)}`,
    // The names of topics do not follow their ids.
    `with recursive ${series('t', topics)}
     insert into topics (topic_id, group_name, name, partition_count, retention_ms, config, created_at)
     select n * 3 + 5, iif(n % 5 = 4, 'other', 'default'), 'topic-' || (${topics} - n), ${partitionsPerTopic},
       iif(n % 2 = 0, 86400000, null), '{"z": "ü", "a": 1}', ${then} + n from t`,
    `${eachPartition} insert into partitions (topic_id, partition, high_watermark, start_offset)
     select t.n * 3 + 5, p.n, ${segmentsPerPartition * 100} + 9000000000, p.n % 2 from t, p`,
    `with recursive ${series('t', topics)}, ${series('p', partitionsPerTopic)}, ${series('s', segmentsPerPartition)}
     insert into segments (topic_id, partition, base_offset, end_offset, segment_id, record_count, size_bytes, bucket, object_key, epoch, created_at)
     select t.n * 3 + 5, p.n, s.n * 100, s.n * 100 + 99, 'seg-' || s.n, 100, 4096, 'log', t.n || '/' || p.n || '/' || s.n, 3 + s.n, ${then} + s.n
     from t, p, s`,
    `insert into epoch_floors (group_name, kind, name, epoch) values ('default', 'partition', 'purged', 4711)`,
    `insert into consumer_groups (group_name, consumer_group, created_at) values ('default', 'readers', ${then}), ('other', 'readers', ${then})`,
    `insert into committed_offsets (group_name, consumer_group, topic_id, partition, committed_offset, metadata, committed_at)
     select t.group_name, 'readers', p.topic_id, p.partition, p.partition + 1, iif(p.partition % 2 = 0, 'note ''ß''', null), ${then} + p.partition
     from partitions p join topics t on t.topic_id = p.topic_id limit ${offsets}`,
    `insert into assignments (topic_id, partition, group_name, agent_id, reason, assigned_at)
     select p.topic_id, p.partition, t.group_name, 'broker-1', 'balance', ${then} from partitions p join topics t on t.topic_id = p.topic_id
     limit ${Math.ceil(partitions / 2)}`,
    `insert into leases (group_name, kind, name, partition, epoch, session_id, acquired_at, release_requested_epoch)
     select t.group_name, 'partition', t.name, p.partition, p.partition % 7 + 1,
       case p.partition % 3 when 0 then '${silentSession}' when 1 then '${endedSession}' end,
       iif(p.partition % 3 < 2, ${then}, null), iif(p.partition % 3 = 0, p.partition % 7 + 1, null)
     from partitions p join topics t on t.topic_id = p.topic_id`,
    `insert into leases (group_name, kind, name, partition, epoch, session_id, acquired_at)
     values ('default', 'role', 'compactor', 0, 5000000000, '${silentSession}', ${then}), ('default', 'partition', 'deleted', 3, 99, null, null)`,
    `insert into lease_history (group_name, kind, name, partition, epoch, session_id, agent_id, acquired_at, ended_at, end_reason)
     select group_name, kind, name, partition, epoch,
       case partition % 3 when 0 then '${silentSession}' when 1 then '${endedSession}' else '${purgedSession}' end, 'broker-1',
       ${then}, iif(partition % 4 = 0, ${then} + 9, null), iif(partition % 4 = 0, 'released', null) from leases`,
  ];
}

/** Columns that a later migration adds without a default: whoever adds one need not think of this file. */
function fillEmptyColumns(database: Libsql.Database): void {
  for (const [table, column, type] of columnsOf(database)) {
    const isEmpty = valueOf(database, `select count("${column}") = 0 and count(*) > 0 from "${table}"`) === 1;
    if (isEmpty)
      database.exec(`update "${table}" set "${column}" = ${type === 'INTEGER' ? then : `'filled'`}`);
  }
}

function columnsOf(database: Libsql.Database): string[][] {
  return database
    .prepare(
      `select m.name, c.name, c.type from sqlite_schema m, pragma_table_info(m.name) c
       where m.type = 'table' and m.name not like 'sqlite!_%' escape '!' and m.name <> 'era'`,
    )
    .raw()
    .all()
    .map((row) => (Array.isArray(row) ? row.map(String) : []));
}

function valueOf(database: Libsql.Database, text: string): unknown {
  const row: unknown = database.prepare(text).raw().get();
  return Array.isArray(row) ? row[0] : undefined;
}
