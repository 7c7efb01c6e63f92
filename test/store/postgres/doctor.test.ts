// Each verdict of the doctor on a real server on which exactly that is broken; and a healthy one, of which it says nothing bad.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/platform/clock.ts';
import type { Finding, Verdict } from '../../../src/store/finding.ts';
import { examinePostgres } from '../../../src/store/postgres/doctor/doctor.ts';
import type { DoctorOptions } from '../../../src/store/postgres/doctor/patient.ts';
import { PostgresSchema } from '../../../src/store/postgres/migrate.ts';
import { eventually } from '../../support/eventually.ts';
import { type PostgresServer, startPostgresServer } from '../../support/postgres-server.ts';
import { freshSchemaName } from '../../support/schema.ts';
import { startRefusingPooler } from '../../support/refusing-pooler.ts';
import { startServerPair } from '../../support/standby-server.ts';
import { startTransactionPooler } from '../../support/transaction-pooler.ts';

const attemptMs = 20_000;
let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgresServer({ major: 16, settings: { max_prepared_transactions: 5 } });
});
afterAll(() => server[Symbol.asyncDispose]());

async function examine(options: Partial<DoctorOptions> = {}): Promise<ReadonlyMap<string, Finding>> {
  const connectionString = options.connectionString ?? server.url;
  const findings = await examinePostgres({
    directConnectionString: connectionString,
    applicationName: 'streamhouse db doctor',
    attemptMs,
    schema: 'nowhere',
    ttlMs: 10_000,
    statementMs: 1_500,
    poolMax: 4,
    detectsCrashes: true,
    oldMs: 60_000,
    clock: systemClock,
    ...options,
    connectionString,
  });
  return new Map(findings.map((finding) => [finding.check, finding]));
}

function expectVerdict(
  findings: ReadonlyMap<string, Finding>,
  check: string,
  verdict: Verdict,
  seen: RegExp = /./,
): void {
  const finding = findings.get(check);
  expect(finding).toMatchObject({ check, verdict, seen: expect.stringMatching(seen) });
  if (verdict !== 'ok') expect(finding?.todo).toMatch(/./);
}

/** All that is not ok or a note, by name. */
function complaints(findings: ReadonlyMap<string, Finding>): string[] {
  return [...findings.values()]
    .filter(({ verdict }) => verdict === 'warning' || verdict === 'fail')
    .map(({ check, seen }) => `${check}: ${seen}`);
}

async function store(): Promise<string> {
  const schema = freshSchemaName();
  const connection = { connectionString: server.url, applicationName: 'test', attemptMs };
  await new PostgresSchema(connection, schema).migrate();
  return schema;
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** On a connection of its own, which ends: only then the server's counters are sure to be in. */
async function run(...statements: string[]): Promise<void> {
  const client = await connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

describe('a healthy server', () => {
  test('with a store gives no warnings', async () => {
    const findings = await examine({ schema: await store() });
    expect(complaints(findings)).toEqual([]);
    expect(findings.size).toBeGreaterThan(20);
  });

  test('without a store says who makes it', async () => {
    const findings = await examine();
    expect(complaints(findings)).toEqual([]);
    expectVerdict(findings, 'schema', 'note', /not there yet/);
  });
});

describe('a server that is set wrongly', () => {
  test('loses commits, has no connections left, and only reads', async () => {
    const settings = {
      fsync: 'off',
      full_page_writes: 'off',
      synchronous_commit: 'off',
      max_connections: 12,
    };
    await using weak = await startPostgresServer({
      major: 14,
      settings: { ...settings, default_transaction_read_only: 'on', synchronous_standby_names: 'elsewhere' },
    });
    const findings = await examine({ connectionString: weak.url });
    expectVerdict(findings, 'fsync', 'fail');
    expectVerdict(findings, 'full_page_writes', 'warning');
    expectVerdict(findings, 'synchronous_commit', 'note', /off/);
    expectVerdict(findings, 'connections', 'warning', /of 12 in use/);
    expectVerdict(findings, 'server role', 'fail', /read-only/);
    expectVerdict(findings, 'replication', 'warning', /no such standby/);
    expectVerdict(findings, 'server version', 'ok', /14/);
  });

  test('an asynchronous standby is told of, and on the standby itself that it only reads', async () => {
    await using pair = await startServerPair({ major: 16, name: 'spare' });
    const { primary, standby } = pair;
    const findings = await eventually(async () => {
      const found = await examine({ connectionString: primary.url });
      return found.get('replication')?.verdict === 'warning' && found;
    });
    expectVerdict(findings, 'replication', 'warning', /asynchronous standbys: spare/);
    expectVerdict(await examine({ connectionString: standby.url }), 'server role', 'fail', /standby/);
  });
});

describe('the way to the server', () => {
  test('clocks that are apart', async () => {
    const clock = { ...systemClock, wallMs: () => Date.now() - 3_600_000 };
    expectVerdict(await examine({ clock }), 'clock', 'warning', /36000\d\d ms from ours/);
  });

  test('a round trip that leaves an agent no time', async () => {
    expectVerdict(await examine({ statementMs: 0.001 }), 'round trip', 'fail');
  });

  test('a transaction pooler is good for neither connection', async () => {
    await using pooler = await startTransactionPooler(server.port);
    const pooled = server.url.replace(String(server.port), String(pooler.port));
    const behind = await examine({ connectionString: pooled, directConnectionString: server.url });
    expectVerdict(behind, 'direct connection', 'ok');
    expectVerdict(behind, 'pooled connection', 'fail', /prepared statements are lost/);
    expectVerdict(behind, 'LISTEN', 'ok');
    expectVerdict(behind, 'crash detection', 'ok');
    const both = await examine({ connectionString: pooled });
    expectVerdict(both, 'direct connection', 'fail', /LISTEN/);
    expectVerdict(both, 'LISTEN', 'warning');
    expectVerdict(both, 'crash detection', 'note', /off by itself/);
    const off = await examine({ detectsCrashes: false });
    expectVerdict(off, 'crash detection', 'note', /CRASH_DETECTION=off/);
  });

  test('a pooler that turns agents away, and all that can be looked at beside it', async () => {
    await using pooler = await startRefusingPooler();
    const pooled = server.url.replace(String(server.port), String(pooler.port));
    const findings = await examine({ connectionString: pooled, directConnectionString: server.url });
    expectVerdict(findings, 'pooled connection', 'fail', /unsupported startup parameter: options/);
    expectVerdict(findings, 'direct connection', 'ok');
    expectVerdict(findings, 'LISTEN', 'ok');
  });

  test('limits of the role or the database below what agents need', async () => {
    await run(
      'create role hasty login superuser',
      `alter role hasty set statement_timeout = '50ms'`,
      'alter role hasty set idle_session_timeout = 5000',
    );
    const connectionString = server.url.replace('postgres@', 'hasty@');
    const findings = await examine({ connectionString });
    expectVerdict(
      findings,
      'time limits',
      'warning',
      /statement_timeout = 50 ms.*idle_session_timeout = 5000 ms/,
    );
  });

  test('a role with fewer connections than agents need', async () => {
    await run('create role few login connection limit 7');
    const connectionString = server.url.replace('postgres@', 'few@');
    expectVerdict(await examine({ connectionString }), 'connections', 'warning', /limited to 7/);
  });
});

describe('what holds up the cleaning', () => {
  test('a transaction that somebody left open', async () => {
    const client = await connect();
    onTestFinished(() => client.end());
    await client.query('begin isolation level repeatable read');
    await client.query('select 1 from pg_class limit 1');
    expectVerdict(
      await examine({ oldMs: 0 }),
      'oldest transaction',
      'warning',
      /idle in transaction, pid \d+/,
    );
    expectVerdict(await examine(), 'oldest transaction', 'ok', /idle in transaction/);
  });

  test('a prepared transaction that nobody ends', async () => {
    await run('begin', 'create table left_behind (x int)', `prepare transaction 'forgotten'`);
    onTestFinished(() => run(`rollback prepared 'forgotten'`));
    expectVerdict(await examine({ oldMs: 0 }), 'prepared transactions', 'warning', /forgotten/);
  });

  test('a replication slot that nobody reads', async () => {
    await run(`select pg_create_physical_replication_slot('unread', true)`);
    onTestFinished(() => run(`select pg_drop_replication_slot('unread')`));
    expectVerdict(await examine(), 'replication slots', 'warning', /unread/);
  });
});

describe('the schema', () => {
  test('a migration is pending, or a copy not finished', async () => {
    const schema = await store();
    await run(`delete from ${schema}.schema_migrations where name = '0001_steering'`);
    expectVerdict(await examine({ schema }), 'schema', 'warning', /pending: 0001_steering/);
    await run(`update ${schema}.store_info set min_compatible = 1000000`);
    expectVerdict(await examine({ schema }), 'schema', 'fail', /copy/);
    await run(`update ${schema}.store_info set min_compatible = 900000`);
    expectVerdict(await examine({ schema }), 'schema', 'fail', /level 900000/);
  });

  test('a trigger is disabled, another gone', async () => {
    const schema = await store();
    await run(
      `alter table ${schema}.leases disable trigger leases_epoch_only_grows`,
      `drop trigger leases_are_deleted_under_a_floor on ${schema}.leases`,
    );
    const seen = /leases_epoch_only_grows, leases_are_deleted_under_a_floor/;
    expectVerdict(await examine({ schema }), 'triggers', 'fail', seen);
  });

  test('a table is unlogged, another has lost its fillfactor', async () => {
    const schema = await store();
    await run(
      `alter table ${schema}.lease_history set unlogged`,
      `alter table ${schema}.sessions reset (fillfactor)`,
    );
    const findings = await examine({ schema });
    expectVerdict(findings, 'logged tables', 'fail', /lease_history/);
    expectVerdict(findings, 'table sessions', 'warning', /fillfactor is 100, made as 40/);
  });

  test('the role has no rights', async () => {
    const schema = await store();
    await run('create role stranger login');
    const connectionString = server.url.replace('postgres@', 'stranger@');
    const findings = await examine({ connectionString, schema });
    expectVerdict(findings, 'rights', 'fail', /stranger lacks USAGE on schema .*UPDATE, DELETE on agents/);
    expectVerdict(await examine({ connectionString }), 'schema', 'fail', /may not create/);
  });

  test('an index on what beats, and rows that pile up', async () => {
    const schema = await store();
    await run(
      `alter table ${schema}.sessions set (autovacuum_enabled = off)`,
      `create index theirs on ${schema}.sessions (last_heartbeat_at)`,
      `insert into ${schema}.sessions (session_id, group_name, agent_id, process, ttl_ms, expires_at)
       select gen_random_uuid(), 'g', 'a' || n, 'p', 1000, now() from generate_series(1, 1000) n`,
      `update ${schema}.sessions set beat = beat + 1, last_heartbeat_at = clock_timestamp()`,
      `update ${schema}.sessions set beat = beat + 1, last_heartbeat_at = clock_timestamp()`,
    );
    const findings = await eventually(async () => {
      const found = await examine({ schema });
      return found.get('table sessions')?.seen.startsWith('2000 updates') === true && found;
    });
    expectVerdict(findings, 'table sessions', 'warning', /2000 updates, 0 % heap-only/);
  });
});
