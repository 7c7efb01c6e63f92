// Several real processes on one file: no write is lost, no epoch is given twice, and one that is killed with kill -9 in the
// middle of a write leaves nothing half done and nobody waiting.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { join, ledPartition, orders, segment, take, topic } from '../contract/samples.ts';
import { openStore, prompt, temporaryFile } from '../contract/sqlite-backend.ts';
import { type Child, compileStore, startChild } from './compiled-store.ts';

let directory = '';
beforeAll(() => {
  directory = compileStore();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function start(name: string, program: string, ...args: string[]): Child {
  const child = startChild(directory, name, program, args);
  onTestFinished(() => void child.process.kill('SIGKILL'));
  return child;
}

/** Takes and releases one lease as often as it can, telling each epoch, until it has done so `rounds` times. */
const contender = `
  import { randomUUID } from 'node:crypto';
  import { openSqliteStore } from '../src/store/sqlite/open.js';
  const [file, agentId, rounds] = process.argv.slice(2);
  const store = await openSqliteStore({ file, group: 'g', attemptMs: 20_000, migrate: true });
  const agent = { agentId, address: 'x', zone: 'z', weight: 1, managedTopics: [], metadata: {} };
  const sessionId = randomUUID();
  await store.registerSession({ sessionId, agent, ttlMs: 60_000, process: String(process.pid) });
  const key = { kind: 'partition', topic: 'orders', partition: 0 };
  for (let done = 0; done < Number(rounds); ) {
    const [answer] = (await store.acquireLeases(sessionId, [key])).outcomes;
    if (answer.outcome !== 'granted') continue;
    done += 1;
    process.send(answer.epoch);
    const fence = { sessionId, epoch: answer.epoch };
    const base = answer.highWatermark;
    const place = { bucket: 'b', key: 'k', recordCount: 1, sizeBytes: 1 };
    const run = [0, 1].map((i) => ({ id: 's' + (base + i), baseOffset: base + i, endOffset: base + i, ...place }));
    await store.appendSegments(fence, 'orders', 0, run);
    await store.releaseLeases(sessionId, [{ key, epoch: answer.epoch }], 'released');
  }
  await store[Symbol.asyncDispose]();
  process.disconnect();
`;

/** Writes half of an append in a transaction of the real store, says so, and stays there for ever. */
const stuckWriter = `
  import { sql } from 'drizzle-orm';
  import { SqliteDatabase } from '../src/store/sqlite/database.js';
  import { sqliteDialect } from '../src/store/sqlite/dialect.js';
  const [file] = process.argv.slice(2);
  const db = new SqliteDatabase(sqliteDialect(), { file, attemptMs: 20_000 });
  const write = (name, text) => ({ name, build: () => sql.raw(text), read: () => undefined });
  await db.transaction(async (tx) => {
    await tx.all(write('half', 'update partitions set high_watermark = high_watermark + 1000'), {});
    await tx.all(write('other', "update leases set epoch = epoch + 1000, session_id = null"), {});
    // Far more than fits into memory pages: some of it is in the log on disk already.
    await tx.all(write('much', \`with recursive n(i) as (select 0 union all select i + 1 from n where i < 50000)
      insert into consumer_groups (group_name, consumer_group) select 'g', 'half-' || i from n\`), {});
    process.send('half way');
    await new Promise(() => setInterval(() => {}, 1_000));
  });
`;

const isNumber = (message: unknown): message is number => typeof message === 'number';

test('processes that contend for one lease never get an epoch twice, and lose no segment', async () => {
  const file = temporaryFile();
  const store = await openStore(file);
  await store.createTopic(topic('orders'));
  const children = ['a', 'b', 'c', 'd'].map((name) => start('contender', contender, file, name, '15'));
  const ends = await Promise.all(children.map(({ exited }) => exited));
  expect(ends).toEqual(children.map(() => ({ code: 0, signal: null })));
  const epochs = children.flatMap(({ messages }) => messages.filter(isNumber)).sort((a, b) => a - b);
  expect(epochs).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  expect((await store.getPartition('orders', 0))?.highWatermark).toBe(120);
  expect((await store.listSegments('orders', 0, 0, { limit: 1_000 })).items).toHaveLength(120);
});

test('a process killed in the middle of a transaction leaves nothing of it, and nobody waiting', async () => {
  const file = temporaryFile();
  const store = await openStore(file);
  const { sessionId, fence } = await ledPartition(store);
  await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
  const writer = start('stuck-writer', stuckWriter, file);
  await eventually(() => writer.messages.includes('half way'));

  // The lock is real: it keeps us from writing, and not from reading.
  let appended = false;
  const append = store.appendSegments(fence, 'orders', 0, [segment(10, 19)]).then(() => (appended = true));
  expect(await store.getPartition('orders', 0)).toMatchObject({ highWatermark: 10 });
  for (let ticks = 0; ticks < 50; ticks++) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(appended).toBe(false);

  writer.process.kill('SIGKILL');
  expect(await writer.exited).toEqual({ code: null, signal: 'SIGKILL' });
  await append;
  expect(await store.getPartition('orders', 0)).toMatchObject({ highWatermark: 20 });
  expect(await store.getLease(orders)).toMatchObject({ agentId: 'a', epoch: fence.epoch });
  expect((await store.listConsumerGroups({ limit: 10 })).items).toEqual([]);
  expect(await store.heartbeat(sessionId)).toMatchObject({ outcome: 'renewed' });
  expect(prompt(file).sql('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
});

test('a process killed anywhere in its work leaves a store that is whole, and the others go on', async () => {
  const file = temporaryFile();
  const store = await openStore(file);
  await store.createTopic(topic('orders'));
  const survivor = start('contender', contender, file, 'survivor', '40');
  const killed: Child[] = [];
  for (const name of ['a', 'b', 'c', 'd']) {
    const victim = start('contender', contender, file, name, '1000000');
    killed.push(victim);
    await eventually(() => victim.messages.length >= 2);
    victim.process.kill('SIGKILL');
    await victim.exited;
    // Whatever it held is free once it is found dead.
    prompt(file).sql(`update sessions set expires_at = 0 where agent_id = '${name}'`);
    const { sessions } = await store.observeSessions();
    const dead = sessions.find(({ agentId }) => agentId === name);
    expect(await store.reapSession(dead?.sessionId ?? '', dead?.beat ?? 0)).toBe('reaped');
  }
  expect(await survivor.exited).toEqual({ code: 0, signal: null });
  const epochs = [survivor, ...killed].flatMap(({ messages }) => messages.filter(isNumber));
  expect(new Set(epochs).size).toBe(epochs.length);
  expect(prompt(file).sql('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);

  const next = await take(store, await join(store, 'next'), orders);
  expect(next).toBeGreaterThan(Math.max(...epochs));
  const { items } = await store.listSegments('orders', 0, 0, { limit: 10_000 });
  const highWatermark = (await store.getPartition('orders', 0))?.highWatermark;
  // Two by two, as they were appended: none alone, none missing.
  expect(items.map(({ baseOffset }) => baseOffset)).toEqual(items.map((_, i) => i));
  expect(items.length % 2).toBe(0);
  expect(highWatermark).toBe(items.length);
});
