// A look at all sessions reads the coordinator's lease, not all leases for each session: also by a plan that was made, and kept, while there
// were none. Counted in rows read, as the server tells when a connection ends.
import { Client } from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import { COORDINATOR } from '../../../src/domain/lease.ts';
import { openPostgresStore } from '../../../src/store/postgres/open.ts';
import { storeOptions } from '../../coordination/cluster.ts';
import { describeAgent } from '../../coordination/stage.ts';
import { eventually } from '../../support/eventually.ts';
import { dropSchema, freshSchemaName } from '../../support/schema.ts';

const partitions = 2_000;
const sessions = 20;
const looks = 10;
/** PostgreSQL keeps a plan after so many executions. */
const untilKept = 8;

test.each(inject('postgresTargets').map(({ name, url }) => [name, url] as const))('%s', async (_, url) => {
  const schema = freshSchemaName();
  onTestFinished(() => dropSchema(url, schema));
  const client = new Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  const rowsRead = async (): Promise<{ leases: number; read: number }> => {
    const { rows } = await client.query<{ leases: string; read: string }>(
      `select n_tup_ins as leases, seq_tup_read + coalesce(idx_tup_fetch, 0) as read
       from pg_stat_user_tables where schemaname = $1 and relname = 'leases'`,
      [schema],
    );
    return { leases: Number(rows[0]?.leases), read: Number(rows[0]?.read) };
  };
  const observer = await openPostgresStore(storeOptions(url, schema));
  for (let look = 0; look < untilKept; look += 1) await observer.observeSessions();
  const others = await openPostgresStore(storeOptions(url, schema));
  await client.query(`alter table ${schema}.leases set (autovacuum_enabled = off)`);
  await client.query(`alter table ${schema}.sessions set (autovacuum_enabled = off)`);
  for (let look = 0; look < untilKept; look += 1) await observer.observeSessions();
  const ids = Array.from({ length: sessions }, () => crypto.randomUUID());
  for (const [index, sessionId] of ids.entries()) {
    const agent = describeAgent(`agent-${index}`);
    await others.registerSession({ sessionId, agent, ttlMs: 60_000, process: 'test' });
  }
  const [first = ''] = ids;
  await others.acquireLeases(first, [COORDINATOR]);
  await others.createTopic({ name: 'orders', partitionCount: partitions, retentionMs: null, config: {} });
  await others[Symbol.asyncDispose]();
  const before = await eventually(async () => {
    const now = await rowsRead();
    return now.leases > partitions && now;
  });
  for (let look = 0; look < looks; look += 1) {
    const { sessions: seen, coordinatorSessionId } = await observer.observeSessions();
    expect([seen.length, coordinatorSessionId]).toEqual([sessions, first]);
  }
  await observer[Symbol.asyncDispose]();
  const after = await eventually(async () => {
    const now = await rowsRead();
    return now.read >= before.read + looks && now;
  });
  // One for each look, and whatever of a bitmap or an index's end it meets.
  expect(after.read - before.read).toBeLessThan(10 * looks);
});
