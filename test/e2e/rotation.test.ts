// docs/rotation.md, its statements as they stand there: the password of the agents' role changes under agents that lead.
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { grantsSql } from '../../src/store/postgres/grants.ts';
import { PostgresSchema } from '../../src/store/postgres/migrate.ts';
import { documentedSql } from '../docs/documented-sql.ts';
import { eventually } from '../support/eventually.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { AgentProcess, untilHeld, untilLedBy } from './cluster.ts';

const sql = documentedSql('rotation.md');
const partitions = 4;

test('a changed password is asked for by new connections alone; with two roles nothing is lost', async () => {
  await using server = await startPostgresServer({
    major: 16,
    settings: { fsync: 'off' },
    passwordRoles: { streamhouse_blue: 'first', streamhouse_green: 'second' },
  });
  const admin = new pg.Client({ connectionString: server.url });
  admin.on('error', () => undefined);
  await admin.connect();
  onTestFinished(() => admin.end());
  const as = (user: string, password: string): string =>
    server.url.replace('postgres@', `streamhouse_${user}:${password}@`);
  const owner = { connectionString: server.url, applicationName: 'owner', attemptMs: 20_000 };
  await new PostgresSchema(owner, 'streamhouse').migrate();
  await admin.query(sql('agents-role'));
  await admin.query(grantsSql({ role: 'streamhouse_agents', schema: 'streamhouse', migrate: false }));
  await admin.query(sql('two-logins'));

  const settings = { AUTO_MIGRATE: 'false', SESSION_TTL_MS: '2000' };
  await using blue = new AgentProcess('blue', { ...settings, DATABASE_URL: as('blue', 'first') });
  await blue.active();
  // A busy machine may need longer for the pool's first connection than one attempt lasts: then 503, and the same again.
  await eventually(async () => {
    const { status } = await blue.ask('POST', '/v1/topics', { name: 'orders', partitionCount: partitions });
    return status === 201 || status === 409;
  });
  await untilHeld([blue], [partitions]);
  const before = await blue.leases();
  const beats = async (): Promise<number> => {
    const { rows } = await admin.query<{ beat: string }>(
      'select max(beat) as beat from streamhouse.sessions',
    );
    return Number(rows[0]?.beat);
  };

  await admin.query(sql('change').replaceAll("'NEW'", "'third'"));
  const seen = await beats();
  await eventually(async () => (await beats()) > seen + 1);
  expect((await blue.held()).length).toBe(partitions);

  // What the change does to whoever has to connect anew, until its URL has the new password.
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'streamhouse_blue'`,
  );
  await eventually(async () => (await blue.self()).state === 'suspended');
  const log = () =>
    blue.program.stdoutLines.some((line) => line.includes('refuses the credentials of DATABASE_URL'));
  await eventually(log);
  await admin.query(sql('change').replaceAll("'NEW'", "'first'"));
  await untilHeld([blue], [partitions]);
  for (const [name, { epoch }] of before) expect((await blue.leases()).get(name)).toMatchObject({ epoch });

  // The other way: the next agent logs in as green, blue hands over, and its role is locked.
  await using green = new AgentProcess('green', { ...settings, DATABASE_URL: as('green', 'second') });
  await green.active();
  blue.kill('SIGTERM');
  expect(await blue.program.exited).toMatchObject({ code: 0 });
  await untilLedBy([green], partitions);
  const left = await admin.query(sql('still-there'));
  expect(left.rows).toEqual([]);
  await admin.query(sql('lock'));
  const late = new pg.Client({ connectionString: as('blue', 'first') });
  await expect(late.connect()).rejects.toMatchObject({ code: '28P01' });
  expect((await green.held()).length).toBe(partitions);
});
