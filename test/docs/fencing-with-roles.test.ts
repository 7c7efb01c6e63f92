// The SQL of docs/fencing-with-roles.md, as it stands there: a job that lost its role cannot commit, and a takeover and a write in
// flight come one after the other.
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { roleKey } from '../../src/domain/lease.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import { describeAgent } from '../coordination/stage.ts';
import { storeOptions } from '../coordination/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { dropSchema, freshSchemaName } from '../support/schema.ts';
import { documentedSql } from './documented-sql.ts';

const block = documentedSql('fencing-with-roles.md');
const role = roleKey('compactor');

describe.each(inject('postgresTargets'))('on $name', ({ url }) => {
  let schema: string;
  let store: MetadataStore;
  let clients: Client[];

  beforeEach(async () => {
    schema = freshSchemaName();
    store = await openPostgresStore(storeOptions(url, schema));
    clients = [];
    const owner = await connect();
    for (const name of ['setup', 'function', 'grants', 'other-setup']) await owner.query(sql(name));
  });

  afterEach(async () => {
    await Promise.all(clients.map((client) => client.end()));
    await store[Symbol.asyncDispose]();
    await dropSchema(url, schema);
  });

  /** As documented, in this test's schema. */
  function sql(name: string): string {
    return block(name).replaceAll('streamhouse.', `${schema}.`);
  }

  async function connect(): Promise<Client> {
    const client = new Client({ connectionString: url });
    await client.connect();
    clients.push(client);
    await client.query(`set search_path = ${schema}`);
    return client;
  }

  async function register(agentId: string): Promise<string> {
    const sessionId = crypto.randomUUID();
    const agent = describeAgent(agentId);
    await store.registerSession({ sessionId, agent, ttlMs: 60_000, process: agentId });
    return sessionId;
  }

  async function acquire(sessionId: string) {
    const [outcome] = (await store.acquireLeases(sessionId, [role])).outcomes;
    return outcome;
  }

  async function win(sessionId: string): Promise<number> {
    const outcome = await acquire(sessionId);
    if (outcome?.outcome !== 'granted') throw new Error(`not granted: ${outcome?.outcome}`);
    return outcome.epoch;
  }

  async function written(): Promise<string[]> {
    const client = await connect();
    const { rows } = await client.query('select segment from compactions order by id');
    return rows.map(({ segment }: { segment: string }) => segment);
  }

  /** A transaction as documented, up to its commit. Answers whether the fence let it through. */
  async function write(job: Client, epoch: number, segment: string, fence = sql('fence')): Promise<boolean> {
    await job.query('begin');
    const { rows } = await job.query(fence, ['default', 'compactor', epoch]);
    if (rows.length === 0) {
      await job.query('rollback');
      return false;
    }
    await job.query(sql('write'), [segment, epoch]);
    return true;
  }

  /** Until the server says that this client waits for a lock. */
  async function untilItWaits(pid: unknown): Promise<void> {
    const witness = await connect();
    await eventually(async () => {
      const blocked = 'select cardinality(pg_blocking_pids($1)) > 0 as waits';
      return (await witness.query(blocked, [pid])).rows[0]?.waits === true;
    });
  }

  async function pidOf(client: Client): Promise<unknown> {
    return (await client.query('select pg_backend_pid() as pid')).rows[0]?.pid;
  }

  async function reap(sessionId: string): Promise<void> {
    await (await connect()).query(`update sessions set expires_at = clock_timestamp() - interval '1 s'`);
    const seen = (await store.observeSessions()).sessions.find((session) => session.sessionId === sessionId);
    expect(await store.reapSession(sessionId, seen?.beat ?? -1)).toBe('reaped');
  }

  test('a job that leads commits, transaction after transaction', async () => {
    const epoch = await win(await register('a'));
    const job = await connect();
    for (const segment of ['s-1', 's-2']) {
      expect(await write(job, epoch, segment)).toBe(true);
      await job.query('commit');
    }
    expect(await written()).toEqual(['s-1', 's-2']);
  });

  describe('a job that lost the role cannot commit', () => {
    test('when another has won it', async () => {
      const [a, b] = [await register('a'), await register('b')];
      const epoch = await win(a);
      await store.releaseLeases(a, [{ key: role, epoch }], 'released');
      const next = await win(b);
      const job = await connect();
      expect(await write(job, epoch, 'late')).toBe(false);
      expect(await write(job, next, 'timely')).toBe(true);
      await job.query('commit');
      expect(await written()).toEqual(['timely']);
    });

    test('when its own agent has won it again for somebody else', async () => {
      const a = await register('a');
      const epoch = await win(a);
      await store.releaseLeases(a, [{ key: role, epoch }], 'released');
      await win(a);
      expect(await write(await connect(), epoch, 'late')).toBe(false);
    });

    test('when nobody has won it since', async () => {
      const a = await register('a');
      const epoch = await win(a);
      await store.releaseLeases(a, [{ key: role, epoch }], 'released');
      expect(await write(await connect(), epoch, 'late')).toBe(false);
    });

    test('when its session was reaped and the role still names it', async () => {
      const a = await register('a');
      const epoch = await win(a);
      await reap(a);
      expect(await write(await connect(), epoch, 'late')).toBe(false);
    });

    test('nor in another group, nor under another role', async () => {
      const epoch = await win(await register('a'));
      const job = await connect();
      expect((await job.query(sql('fence'), ['other', 'compactor', epoch])).rows).toEqual([]);
      expect((await job.query(sql('fence'), ['default', 'janitor', epoch])).rows).toEqual([]);
    });
  });

  // What the document's conditions are for: without each of them, something late gets through.
  test.each([
    ['epoch', 'and l.epoch = $3', 'and $3::bigint is not null'],
    ['session', /and exists \(.*\)\n/, '\n'],
  ] as const)('without the condition on the %s a late job commits', async (what, find, replace) => {
    const mutant = sql('fence').replace(find, replace);
    expect(mutant).not.toBe(sql('fence'));
    const [a, b] = [await register('a'), await register('b')];
    const epoch = await win(a);
    const client = await connect();
    if (what === 'epoch') {
      await store.releaseLeases(a, [{ key: role, epoch }], 'released');
      await win(b);
    } else {
      await reap(a);
    }
    expect(await write(client, epoch, 'late', mutant)).toBe(true);
    await client.query('commit');
    expect(await written()).toEqual(['late']);
  });

  describe('a takeover', () => {
    test('waits for a write in flight, and its leader then sees what was written', async () => {
      const [a, b] = [await register('a'), await register('b')];
      const epoch = await win(a);
      const job = await connect();
      expect(await write(job, epoch, 'in flight')).toBe(true);
      await reap(a);
      expect(await acquire(b)).toMatchObject({ outcome: 'busy' });
      expect(await written()).toEqual([]);
      await job.query('commit');
      expect(await win(b)).toBeGreaterThan(epoch);
      expect(await written()).toEqual(['in flight']);
    });

    test('that is being committed is waited for by a write, which is then refused', async () => {
      const [a, b] = [await register('a'), await register('b')];
      const epoch = await win(a);
      const taker = await connect();
      await taker.query('begin');
      const taken = `update leases set epoch = epoch + 1, session_id = $1 where kind = 'role' and name = 'compactor'`;
      await taker.query(taken, [b]);
      const job = await connect();
      const pid = await pidOf(job);
      const attempt = write(job, epoch, 'late');
      await untilItWaits(pid);
      await taker.query('commit');
      expect(await attempt).toBe(false);
      expect(await written()).toEqual([]);
    });
  });

  test('the function asks the same for a job without rights on our tables', async () => {
    const [a, b] = [await register('a'), await register('b')];
    const epoch = await win(a);
    const job = await connect();
    const name = `job_${schema}`;
    await job.query(`create role ${name}`);
    try {
      await job.query(`grant usage on schema ${schema} to ${name}`);
      await job.query(`grant insert on compactions to ${name}`);
      await job.query(`set role ${name}`);
      const ask = (term: number) =>
        job.query('select assert_leads($1, $2, $3)', ['default', 'compactor', term]);
      await expect(job.query('select 1 from leases')).rejects.toThrow(/permission denied/);
      await expect(ask(epoch)).rejects.toThrow(/permission denied/);
      await job.query('reset role');
      await job.query(`grant execute on function assert_leads(text, text, bigint) to ${name}`);
      await job.query(`set role ${name}`);
      await job.query('begin');
      await ask(epoch);
      await job.query(sql('write'), ['s-1', epoch]);
      await reap(a);
      expect(await acquire(b)).toMatchObject({ outcome: 'busy' });
      await job.query('commit');
      await win(b);
      await job.query('begin');
      await expect(ask(epoch)).rejects.toMatchObject({ code: 'SHF01' });
      await job.query('rollback');
      expect(await written()).toEqual(['s-1']);
    } finally {
      await job.query('rollback');
      await job.query('reset role');
      await job.query(`drop owned by ${name}`);
      await job.query(`drop role ${name}`);
    }
  });

  describe('in another database', () => {
    const pass = async (job: Client, epoch: number): Promise<boolean> =>
      (await job.query(sql('other-fence'), ['compactor', epoch])).rows.length === 1;

    test('a lower epoch than one that has written is refused, the same or a higher one is not', async () => {
      const job = await connect();
      expect(await pass(job, 5)).toBe(true);
      expect(await pass(job, 5)).toBe(true);
      expect(await pass(job, 9)).toBe(true);
      expect(await pass(job, 5)).toBe(false);
      expect(await pass(job, 9)).toBe(true);
    });

    test('of two that come together the older is judged on what the newer has committed', async () => {
      const [older, newer] = [await connect(), await connect()];
      expect(await pass(older, 5)).toBe(true);
      await newer.query('begin');
      expect(await pass(newer, 9)).toBe(true);
      await newer.query(sql('write'), ['new', 9]);
      const pid = await pidOf(older);
      await older.query('begin');
      const attempt = pass(older, 5);
      await untilItWaits(pid);
      await newer.query('commit');
      expect(await attempt).toBe(false);
      await older.query('rollback');
      expect(await written()).toEqual(['new']);
    });
  });
});
