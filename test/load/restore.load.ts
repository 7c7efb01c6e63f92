// `npm run load -- --restore`: docs/backup-and-restore.md, its commands as they stand there, on real servers with agents that run on.
// Needs PostgreSQL's and SQLite's own tools, which npm does not bring.
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { AgentProcess } from '../e2e/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { startPostgresServer, type PostgresServer } from '../support/postgres-server.ts';
import { runProgram } from '../support/program.ts';
import { giveToServer } from '../support/unprivileged-user.ts';
import { say } from './load-arguments.ts';
import {
  allLed,
  append,
  ask,
  copyableMajor,
  epochs,
  opened,
  partitions,
  run,
  settings,
  workplace,
} from './restored-stores.ts';

/** The base backup, recovered to the given moment. */
async function recover(
  major: 14 | 16,
  backup: string,
  directory: string,
  moment: string,
  port?: number,
): Promise<PostgresServer> {
  const archive = join(directory, 'archive');
  const dataDir = mkdtempSync(join(directory, 'recovered-'));
  cpSync(backup, dataDir, { recursive: true });
  chmodSync(dataDir, 0o700);
  const wanted = settings('recovery', archive).map(([key, value]) =>
    key === 'recovery_target_time' ? ([key, moment] as const) : ([key, value] as const),
  );
  expect(wanted.map(([key]) => key)).toContain('recovery_target_time');
  for (const [key, value] of wanted)
    appendFileSync(join(dataDir, 'postgresql.auto.conf'), `${key} = '${value}'\n`);
  writeFileSync(join(dataDir, 'recovery.signal'), '');
  giveToServer(dataDir);
  const server = await startPostgresServer({
    major,
    dataDir,
    ...(port !== undefined && { port }),
    settings: Object.fromEntries(settings('archive', archive)),
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  await eventually(async () => {
    const [row] = await ask<{ standby: boolean }>(server, 'select pg_is_in_recovery() as standby');
    return row?.standby === false;
  });
  return server;
}

test('recovery to a point in time, with an agent that never stopped, and a dump', async () => {
  const directory = workplace();
  const archive = join(directory, 'archive');
  mkdirSync(archive);
  giveToServer(archive);
  const major = copyableMajor();
  const first = await startPostgresServer({
    major,
    settings: Object.fromEntries(settings('archive', archive)),
  });
  onTestFinished(() => first[Symbol.asyncDispose]());
  const env = { DATABASE_URL: first.url, SESSION_TTL_MS: '2000' };
  const a = new AgentProcess('a', env);
  onTestFinished(() => a[Symbol.asyncDispose]());
  await a.active();
  await a.ask('POST', '/v1/topics', { name: 'orders', partitionCount: partitions });
  await allLed(a, 'a');
  const b = new AgentProcess('b', env);
  onTestFinished(() => b[Symbol.asyncDispose]());
  await b.active();
  // b takes its share over first: the backup is of a cluster at rest.
  await eventually(async () => (await b.held()).length === partitions / 2);
  const before = await epochs(a);
  const ofA = (await a.held())[0]?.partition ?? -1;

  const backup = join(directory, 'backup');
  run('base-backup', directory, { SUPERUSER_URL: first.url, BACKUP: backup });
  const [{ moment } = { moment: '' }] = await ask<{ moment: string }>(
    first,
    'select clock_timestamp()::text as moment',
  );
  await ask(first, 'select pg_sleep(0.1)');

  // What is lost: a dies, b takes over under higher epochs, writes, and goes on.
  a.kill('SIGKILL');
  await allLed(b, 'b');
  const lost = await epochs(b);
  const name = `orders/${ofA}`;
  const lostEpoch = lost.get(name) ?? 0;
  expect(lostEpoch).toBeGreaterThan(before.get(name) ?? Number.POSITIVE_INFINITY);
  expect((await append(b, lostEpoch, ofA, 0)).status).toBe(201);
  const [closed] = await ask<{ file: string }>(first, 'select pg_walfile_name(pg_switch_wal()) as file');
  await eventually(() => existsSync(join(archive, closed?.file ?? '')), { what: 'the log to be archived' });
  const { port } = first;
  await first.stop();

  const restored = await recover(major, backup, directory, moment, port);
  // Nothing of it is there, and without a new era the next grant would be an epoch that b has had already.
  const [there] = await ask<{ epoch: string; segments: string }>(
    restored,
    `select epoch, (select count(*) from streamhouse.segments) as segments from streamhouse.leases
     where kind = 'partition' and partition = ${ofA}`,
  );
  expect(there?.segments).toBe('0');
  expect(Number(there?.epoch) + 1).toBeLessThanOrEqual(lostEpoch);
  // The backup knows b's session, so b goes on: nothing tells it that its leases are another history's.
  await eventually(async () => (await b.self()).state === 'active');
  const target = ['--database-url', restored.url];
  const refused = await runProgram(['db', 'fence', '--new-era', '--yes', ...target]);
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('agents run on this store: b') });
  say(refused.stderr.trim());
  const dry = await runProgram(['db', 'fence', '--new-era', '--force', '--dry-run', ...target]);
  expect(dry.code).toBe(0);
  say(dry.stdout.trimEnd());
  const fenced = await runProgram(['db', 'fence', '--new-era', '--force', '--yes', '-o', 'json', ...target]);
  expect(fenced.code).toBe(0);
  const era = opened.parse(JSON.parse(fenced.stdout));
  await allLed(b, 'b');
  for (const epoch of (await epochs(b)).values()) expect(epoch).toBeGreaterThanOrEqual(era.epochsFrom);
  expect(await append(b, lostEpoch, ofA, 0)).toMatchObject({ status: 409, body: { code: 'fenced' } });
  const current = (await epochs(b)).get(name) ?? 0;
  expect((await append(b, current, ofA, 0)).status).toBe(201);
  say(
    `point in time: lost epochs up to ${lostEpoch}; era ${era.era} → ${era.nextEra}, epochs from ${era.epochsFrom}`,
  );

  // Once more from the same backup: the archive knows the first recovery, so that the timeline, and with it the era, is above its.
  await eventually(() => existsSync(join(archive, '00000002.history')));
  const again = await recover(major, backup, directory, moment);
  const second = await runProgram([
    'db',
    'fence',
    '--new-era',
    '--force',
    '--yes',
    '-o',
    'json',
    '--database-url',
    again.url,
  ]);
  const secondEra = opened.parse(JSON.parse(second.stdout));
  expect(secondEra.era).toBe(era.era);
  expect(secondEra.nextEra).toBeGreaterThan(era.nextEra);
  say(`once more from the same backup: era ${secondEra.era} → ${secondEra.nextEra}`);

  // A dump of the store that runs, into another database.
  await ask(restored, 'create database elsewhere');
  const elsewhere = restored.url.replace(/\/postgres$/, '/elsewhere');
  run('dump', directory, { DATABASE_URL: restored.url, BACKUP: directory });
  await b[Symbol.asyncDispose]();
  // In the dump b lives until the TTL has passed that it had then.
  await ask(restored, 'select pg_sleep(2.5)');
  const said = run('restore-dump', directory, {
    RESTORED_URL: elsewhere,
    BACKUP: directory,
    EPOCH: String(7 * 2 ** 32),
    SESSION_TTL_MS: '2000',
  });
  say(said.trimEnd());
  const c = new AgentProcess('c', { ...env, DATABASE_URL: elsewhere });
  onTestFinished(() => c[Symbol.asyncDispose]());
  await allLed(c, 'c');
  for (const epoch of (await epochs(c)).values()) expect(epoch).toBeGreaterThanOrEqual(8 * 2 ** 32);
});

test('a file is backed up while agents run, and restored', async () => {
  const directory = workplace();
  const file = join(directory, 'metadata.db');
  const places = { FILE: file, BACKUP: join(directory, 'backup') };
  mkdirSync(places.BACKUP);
  const env = { DATABASE_URL: `sqlite:${file}`, SESSION_TTL_MS: '1000' };
  const a = new AgentProcess('a', env);
  onTestFinished(() => a[Symbol.asyncDispose]());
  await a.active();
  await a.ask('POST', '/v1/topics', { name: 'orders', partitionCount: partitions });
  await allLed(a, 'a');
  run('sqlite-backup', directory, places);
  await a[Symbol.asyncDispose]();
  await eventually(async () => {
    try {
      say(run('sqlite-restore', directory, places).trimEnd());
      return true;
    } catch (error) {
      // The backup was taken of a running agent: its TTL has to pass.
      if (!String(error).includes('agents run on this store')) throw error;
      return false;
    }
  });
  const again = new AgentProcess('a', env);
  onTestFinished(() => again[Symbol.asyncDispose]());
  await allLed(again, 'a');
  for (const epoch of (await epochs(again)).values()) expect(epoch).toBeGreaterThanOrEqual(2 ** 32);
});
