// `npm run load -- --restore`: the failover of docs/high-availability.md with an asynchronous standby that has missed grants, step by step.
// Needs pg_basebackup, which npm does not bring.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { AgentProcess } from '../e2e/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { runProgram } from '../support/program.ts';
import { startProxy } from '../support/proxy.ts';
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
  workplace,
} from './restored-stores.ts';

test('a standby that has missed a takeover is promoted, fenced, and only then reached', async () => {
  const directory = workplace();
  const major = copyableMajor();
  const primary = await startPostgresServer({ major });
  onTestFinished(() => primary[Symbol.asyncDispose]());
  const env = { DATABASE_URL: primary.url, SESSION_TTL_MS: '2000' };
  const [a, b] = [new AgentProcess('a', env), new AgentProcess('b', env)];
  onTestFinished(() => a[Symbol.asyncDispose]());
  onTestFinished(() => b[Symbol.asyncDispose]());
  await Promise.all([a.active(), b.active()]);
  await a.ask('POST', '/v1/topics', { name: 'orders', partitionCount: partitions });
  for (const agent of [a, b]) await eventually(async () => (await agent.held()).length === partitions / 2);
  const ofA = (await a.held())[0]?.partition ?? -1;
  const name = `orders/${ofA}`;

  const dataDir = join(directory, 'standby');
  execFileSync('pg_basebackup', [
    `--dbname=${primary.url}`,
    `--pgdata=${dataDir}`,
    '--write-recovery-conf',
    '--checkpoint=fast',
  ]);
  giveToServer(dataDir);
  const standby = await startPostgresServer({ major, dataDir });
  onTestFinished(() => standby[Symbol.asyncDispose]());
  await eventually(async () => {
    const [row] = await ask<{ streaming: boolean }>(
      primary,
      `select count(*) > 0 as streaming from pg_stat_replication where state = 'streaming'`,
    );
    return row?.streaming;
  });
  const doctor = await runProgram(['db', 'doctor', '--database-url', primary.url]);
  expect(doctor.stdout).toMatch(/warning +replication +asynchronous standbys/);

  // The standby misses what comes now.
  await standby.stop();
  a.kill('SIGKILL');
  await allLed(b, 'b');
  const lostEpoch = (await epochs(b)).get(name) ?? 0;
  expect((await append(b, lostEpoch, ofA, 0)).status).toBe(201);
  await primary.kill9();

  await standby.start();
  await ask(standby, 'select pg_promote()');
  const [there] = await ask<{ epoch: string }>(
    standby,
    `select epoch from streamhouse.leases where kind = 'partition' and partition = ${ofA}`,
  );
  // The next grant would be an epoch that b has had already.
  expect(Number(there?.epoch) + 1).toBeLessThanOrEqual(lostEpoch);
  const fence = ['db', 'fence', '--new-era', '--force', '--yes', '-o', 'json', '--database-url', standby.url];
  const fenced = await runProgram(fence);
  expect(fenced).toMatchObject({ code: 0 });
  const era = opened.parse(JSON.parse(fenced.stdout));

  // The name moves: who asks for the old primary's address reaches the new one.
  const movedMs = performance.now();
  const moved = await startProxy(standby.port, { port: primary.port });
  onTestFinished(() => moved.close());
  await allLed(b, 'b');
  const tookMs = performance.now() - movedMs;
  for (const epoch of (await epochs(b)).values()) expect(epoch).toBeGreaterThanOrEqual(era.epochsFrom);
  expect(await append(b, lostEpoch, ofA, 0)).toMatchObject({ status: 409, body: { code: 'fenced' } });
  expect((await append(b, (await epochs(b)).get(name) ?? 0, ofA, 0)).status).toBe(201);
  say(
    `failover: era ${era.era} → ${era.nextEra}; all ${partitions} led under it ${(tookMs / 1_000).toFixed(1)} s after the name moved`,
  );
});
