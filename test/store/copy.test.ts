// The copy between any two backends, held to the databases themselves: nothing of the schema may be left out, whatever it grows.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import { copy } from '../../src/app/store-tools.ts';
import { partitionKey } from '../../src/domain/lease.ts';
import type { CopyOutcome } from '../../src/store/copy/copy-store.ts';
import type { CopyOptions } from '../../src/store/copy/plan.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import { SqliteSchema } from '../../src/store/sqlite/migrate.ts';
import { fillSqliteStore, silentSession } from '../support/filled-store.ts';
import { dropSchema, freshSchemaName } from '../support/schema.ts';
import { all, expectMisconfigured, join, take } from './contract/samples.ts';
import { openStore, prompt, temporaryFile } from './contract/sqlite-backend.ts';

const url = inject('postgresTargets')[0]?.url ?? '';
const size = { topics: 5, partitionsPerTopic: 6, segmentsPerPartition: 4, offsets: 20 };
const notCopied = ['era', 'schema_migrations', 'sessions', 'store_info'];

interface Place {
  readonly url: string;
  readonly schema: string;
}

const sqlite = (file = temporaryFile()): Place & { readonly file: string } => ({
  url: `sqlite:${file}`,
  schema: 'none',
  file,
});

function postgres(): Place {
  const schema = freshSchemaName();
  onTestFinished(() => dropSchema(url, schema));
  return { url, schema };
}

function copyOf(from: Place, to: Place, options: Partial<CopyOptions> = {}): Promise<CopyOutcome> {
  return copy(from.url, to.url, {
    fromSchema: from.schema,
    toSchema: to.schema,
    caFile: undefined,
    replace: false,
    force: false,
    signal: new AbortController().signal,
    confirm: async () => true,
    onProgress: async () => {},
    ...options,
  });
}

async function filled(): Promise<ReturnType<typeof sqlite>> {
  const place = sqlite();
  await fillSqliteStore(place.file, size);
  return place;
}

async function ask(place: Place, text: string): Promise<Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client({ connectionString: place.url, options: `-c search_path=${place.schema}` });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

const copied = (outcome: CopyOutcome) => {
  if (outcome.outcome !== 'copied') throw new Error(`expected a copy, got ${outcome.outcome}`);
  return outcome;
};

test("every table but the four that are the target's own is copied, with something in each of its columns", async () => {
  const from = await filled();
  const { tables } = copied(await copyOf(from, postgres()));
  const { sql } = prompt(from.file);
  const names = sql(
    `select name from sqlite_schema where type = 'table' and name not like 'sqlite!_%' escape '!'`,
  );
  const expected = names.map(({ name }) => String(name)).filter((name) => !notCopied.includes(name));
  expect(tables.map(({ table }) => table).sort()).toEqual(expected.sort());
  for (const { table, rows } of tables) {
    // Fails for a new table until test/support/filled-store.ts puts something into it.
    expect({ table, isFilled: rows > 0 }).toEqual({ table, isFilled: true });
    for (const { name } of sql(`select name from pragma_table_info('${table}')`)) {
      const [{ filled } = {}] = sql(`select count("${String(name)}") as filled from "${table}"`);
      expect({ table, name, isFilled: Number(filled) > 0 }).toEqual({ table, name, isFilled: true });
    }
  }
});

test('round and round through both backends nothing changes', async () => {
  const [first, second, third, fourth, fifth] = [await filled(), postgres(), postgres(), sqlite(), sqlite()];
  const rounds = [
    copied(await copyOf(first, second)),
    copied(await copyOf(second, third)),
    copied(await copyOf(third, fourth)),
    copied(await copyOf(fourth, fifth)),
  ];
  const leases = `select group_name, kind, name, partition, epoch from leases order by 1, 2, 3, 4`;
  expect(prompt(fifth.file).sql(leases)).toEqual(prompt(first.file).sql(leases));
  for (const table of ['topics', 'partitions', 'segments', 'committed_offsets', 'assignments', 'agents']) {
    const rows = (file: string) =>
      prompt(file).sql(`select * from ${table} order by 1, 2, 3, 4`).map(withoutLayout);
    expect({ table, rows: rows(fifth.file) }).toEqual({ table, rows: rows(first.file) });
  }
  // Each target's era is above its source's.
  const eras = rounds.map(({ era }) => era);
  expect(eras).toEqual(eras.toSorted((a, b) => a - b));
  expect(new Set(eras).size).toBe(4);
});

/** PostgreSQL writes JSON in its own way. */
function withoutLayout(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) =>
      typeof value === 'string' && /^[[{]/.test(value) ? [name, JSON.parse(value)] : [name, value],
    ),
  );
}

test('on the target every lease is vacant, every term over, and ids and epochs go on above', async () => {
  const from = await filled();
  const to = postgres();
  const { era } = copied(await copyOf(from, to));
  expect(
    await ask(
      to,
      'select count(*)::int as held from leases where session_id is not null or acquired_at is not null or release_requested_epoch is not null',
    ),
  ).toEqual([{ held: 0 }]);
  expect(
    await ask(
      to,
      'select count(*)::int as open from lease_history where ended_at is null or end_reason is null',
    ),
  ).toEqual([{ open: 0 }]);
  const ofSilent = `select distinct end_reason from lease_history where session_id = '${silentSession}' and end_reason <> 'released'`;
  expect(await ask(to, ofSilent)).toEqual([{ end_reason: 'reaped' }]);
  await using store = await openPostgresStore({
    connectionString: url,
    directConnectionString: url,
    applicationName: 'test',
    attemptMs: 20_000,
    schema: to.schema,
    group: 'default',
    poolMax: 2,
    migrate: true,
  });
  const session = await join(store, 'broker-7');
  expect(await take(store, session, partitionKey('topic-5', 0))).toBe(era * 2 ** 32);
  expect(await take(store, session, { kind: 'role', name: 'compactor' })).toBeGreaterThan(5_000_000_000);
  const created = await store.createTopic({ name: 'next', partitionCount: 1, retentionMs: null, config: {} });
  expect(created.name).toBe('next');
  expect(
    (await store.listAgents(all)).items.map(({ agentId, placement }) => [agentId, placement]),
  ).toContainEqual(['broker-2', 'draining']);
});

test('interrupted between any two batches, it is closed to agents, and goes on without copying again', async () => {
  const from = await filled();
  const to = sqlite();
  let runs = 0;
  for (;;) {
    const stop = new AbortController();
    let steps = 0;
    const outcome = await copyOf(from, to, {
      signal: stop.signal,
      onProgress: async ({ phase }) => {
        steps += phase === 'copying' ? 1 : 0;
        stop.abort();
      },
    });
    runs += 1;
    if (outcome.outcome === 'copied' || steps === 0) break;
    expect(steps).toBe(1);
    await expectMisconfigured(openStore(to.file), /a copy into this store is not finished.*--replace/);
    expect(await new SqliteSchema(to.file, 20_000).schemaStatus()).toMatchObject({ isHalfCopied: true });
  }
  expect(runs).toBeGreaterThan(9);
  expect(copied(await copyOf(from, to)).way).toBe('resume');
  await openStore(to.file);
});

test('a source that changed meanwhile leaves the target closed until it is copied anew', async () => {
  const from = await filled();
  const to = postgres();
  const change = () =>
    prompt(from.file).exec('update partitions set high_watermark = high_watermark + 1 where partition = 3');
  const options: Partial<CopyOptions> = {
    onProgress: async ({ phase, table }) => {
      if (phase === 'copying' && table === 'segments') change();
    },
  };
  await expect(copyOf(from, to, options)).rejects.toThrow(
    /differs from the source and stays closed: partitions \(30 rows there, 30 here\)/,
  );
  await expect(copyOf(from, to)).rejects.toThrow(/begin anew with --replace/);
  expect(copied(await copyOf(from, to, { replace: true })).way).toBe('replace');
});

test('agents that begin to run on the source during the copy are noticed before the target is opened', async () => {
  const from = await filled();
  const store = await openStore(from.file, { group: 'late' });
  const to = postgres();
  const options: Partial<CopyOptions> = {
    onProgress: async ({ phase, table, rows, of }) => {
      // Behind everything that is compared: only its session tells.
      if (phase === 'verifying' && table === 'segments' && rows === of) {
        prompt(from.file).exec(
          `insert into sessions (session_id, group_name, agent_id, process, ttl_ms, expires_at)
           values ('${randomUUID()}', 'late', 'latecomer', 'p', 60000, cast(unixepoch('subsec') * 1000 as integer) + 60000)`,
        );
      }
    },
  };
  await expect(copyOf(from, to, options)).rejects.toThrow(/latecomer \(group late\)/);
  expect(await ask(to, 'select min_compatible from store_info')).toEqual([{ min_compatible: 1_000_000 }]);
  await expect(copyOf(from, to)).rejects.toThrow(/--force/);
  expect(copied(await copyOf(from, to, { force: true })).way).toBe('resume');
  await store[Symbol.asyncDispose]();
});

test.each([
  ['copying', /agents run on the target: early/],
  // Behind what is compared of agents: nothing but the session tells.
  ['verifying', /registered with the target/],
] as const)(
  'an agent that had opened the target before, and registers while %s, keeps it closed',
  async (when, why) => {
    const from = await filled();
    const to = sqlite();
    const store = await openStore(to.file);
    const options: Partial<CopyOptions> = {
      onProgress: async ({ phase, table }) => {
        if (phase === when && table === 'segments') await join(store, 'early');
      },
    };
    await expect(copyOf(from, to, options)).rejects.toThrow(why);
    await expectMisconfigured(openStore(to.file), /a copy into this store is not finished/);
  },
);

test('of two copies into one target, one is told to leave it alone', async () => {
  const from = await filled();
  const to = postgres();
  const stop = new AbortController();
  const once = async ({ table, phase }: { table: string; phase: string }) => {
    if (phase !== 'copying' || table !== 'topics' || stop.signal.aborted) return;
    const second = copyOf(from, to, { signal: stop.signal, onProgress: async () => stop.abort() });
    expect(await second).toEqual({ outcome: 'interrupted' });
  };
  await expect(copyOf(from, to, { onProgress: once })).rejects.toThrow(/another copy works on this target/);
  expect(copied(await copyOf(from, to)).way).toBe('resume');
});

test('replacing asks, empties all, and leaves the triggers in force', async () => {
  const from = await filled();
  for (const to of [postgres(), sqlite()]) {
    const first = copied(await copyOf(from, to));
    await expect(copyOf(from, to)).rejects.toThrow(/not empty .*segments: 120.*--replace/);
    expect(await copyOf(from, to, { replace: true, confirm: async () => false })).toEqual({
      outcome: 'not_confirmed',
    });
    const second = copied(await copyOf(from, to, { replace: true }));
    expect(second).toMatchObject({ way: 'replace', tables: first.tables });
    expect(second.era).toBeGreaterThan(first.era);
    const backwards = 'update leases set epoch = 0 where epoch > 1';
    const attempt =
      'file' in to ? async () => prompt(String(to.file)).exec(backwards) : () => ask(to, backwards);
    await expect(attempt()).rejects.toThrow(/epoch is refused/);
  }
});
