// Locks on one file: who waits, who does not, and who gives up.
import { sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { partitionKey } from '../../../src/domain/lease.ts';
import { readText } from '../../../src/store/sql/read.ts';
import { nothing, statement, StatementCache } from '../../../src/store/sql/statement.ts';
import { SqliteConnection } from '../../../src/store/sqlite/connection.ts';
import { SqliteDatabase } from '../../../src/store/sqlite/database.ts';
import { sqliteDialect } from '../../../src/store/sqlite/dialect.ts';
import { acquireOne, join, ledPartition, orders, topic } from '../contract/samples.ts';
import { openStore, prompt, temporaryFile } from '../contract/sqlite-backend.ts';

const ticked = () => new Promise((resolve) => setTimeout(resolve, 1));

test("a write waits for another's lock, and the event loop does not", async () => {
  const file = temporaryFile();
  const store = await openStore(file);
  const other = prompt(file);
  other.exec('begin immediate');
  let done = false;
  const creating = store.createTopic(topic('orders')).then(() => (done = true));
  for (let ticks = 0; ticks < 100; ticks++) await ticked();
  expect(done).toBe(false);
  other.exec('commit');
  await creating;
  expect(await store.getTopic('orders')).toBeDefined();
});

test('a write gives up when its time is over, having done nothing, and the next one succeeds', async () => {
  const file = temporaryFile();
  const store = await openStore(file, { attemptMs: 100 });
  const other = prompt(file);
  other.exec('begin immediate');
  const attempts = [store.createTopic(topic('a')), store.createTopic(topic('b')), store.dataVersion()];
  const [first, second, version] = await Promise.allSettled(attempts);
  for (const attempt of [first, second]) {
    expect(attempt).toMatchObject({
      status: 'rejected',
      reason: { name: 'StoreUnavailable', outcomeUnknown: false, message: expect.stringContaining(file) },
    });
  }
  expect(version?.status).toBe('fulfilled');
  other.exec('commit');
  expect((await store.listTopics({ limit: 10 })).items).toEqual([]);
  await store.createTopic(topic('a'));
  expect(other.sql('select name from topics')).toEqual([{ name: 'a' }]);
});

test('who reads, and who has nothing to gain, does not wait for a writer', async () => {
  const file = temporaryFile();
  const store = await openStore(file);
  const { sessionId, fence } = await ledPartition(store);
  const loser = await join(store, 'b');
  const other = prompt(file);
  other.exec('begin immediate');
  other.exec("insert into consumer_groups (group_name, consumer_group) values ('g', 'not yet there')");
  expect(await acquireOne(store, loser, orders)).toMatchObject({ outcome: 'held', holder: 'a' });
  expect(await acquireOne(store, sessionId, orders)).toMatchObject({ outcome: 'already_held' });
  expect(await acquireOne(store, loser, partitionKey('other', 0))).toMatchObject({ outcome: 'unknown' });
  const superseded = await store.releaseLeases(loser, [{ key: orders, epoch: fence.epoch }], 'released');
  expect(superseded.outcomes).toMatchObject([{ outcome: 'superseded' }]);
  expect(await store.getConsumerGroup('not yet there')).toBeUndefined();
  expect((await store.observeSessions()).sessions).toHaveLength(2);
  other.exec('commit');
  expect(await store.getConsumerGroup('not yet there')).toBeDefined();
});

test('a store that finds the file locked altogether says so, and works as soon as it is not', async () => {
  const file = temporaryFile();
  const other = prompt(file);
  other.exec('pragma locking_mode = exclusive');
  other.exec('begin exclusive');
  other.exec('create table other (n)');
  await expect(openStore(file, { attemptMs: 100 })).rejects.toMatchObject({
    name: 'StoreUnavailable',
    outcomeUnknown: false,
  });
  other.exec('commit');
  other.exec('pragma locking_mode = normal');
  other.sql('select * from other');
  const store = await openStore(file);
  await store.createTopic(topic('orders'));
  expect(other.sql('select name from topics')).toEqual([{ name: 'orders' }]);
});

test('a connection that met a lock loses none of its later writes', async () => {
  const file = temporaryFile();
  await openStore(file);
  const other = prompt(file);
  using connection = new SqliteConnection(file, new StatementCache(sqliteDialect()));
  const insert = (name: string) =>
    connection.rows(
      `insert into consumer_groups (group_name, consumer_group) values ('g', '${name}') returning 1`,
    );
  other.exec('begin immediate');
  // The driver leaves this statement running; what the same connection writes next it would never commit.
  expect(() => insert('refused')).toThrow(/locked/);
  other.exec('commit');
  insert('kept');
  expect(other.sql('select consumer_group as name from consumer_groups')).toEqual([{ name: 'kept' }]);
  other.exec('begin immediate');
  other.exec('commit');
});

const insertGroup = statement<{ name: string }>(
  'test_insert_group',
  (d) => sql`insert into ${d.table('consumer_groups')} (group_name, consumer_group)
    values ('g', ${d.parameter('name', 'text')})`,
  nothing,
);
const selectGroups = statement<Record<string, never>, string>(
  'test_select_groups',
  (d) => sql`select consumer_group from ${d.table('consumer_groups')} order by consumer_group`,
  (row) => readText(row, 'consumer_group'),
);

test("a transaction's rows show to nobody before its commit, and never if it fails", async () => {
  const file = temporaryFile();
  await openStore(file);
  await using db = new SqliteDatabase(sqliteDialect(), { file, attemptMs: 1_000 });
  await db.transaction(async (tx) => {
    await tx.all(insertGroup, { name: 'a' });
    expect(await tx.all(selectGroups, {})).toEqual(['a']);
    expect(await db.all(selectGroups, {})).toEqual([]);
  });
  expect(await db.all(selectGroups, {})).toEqual(['a']);
  const failing = db.transaction(async (tx) => {
    await tx.all(insertGroup, { name: 'b' });
    throw new Error('changed my mind');
  });
  await expect(failing).rejects.toThrow('changed my mind');
  expect(await db.all(selectGroups, {})).toEqual(['a']);
});

test('transactions of one store run one after the other, whatever they await', async () => {
  const file = temporaryFile();
  await openStore(file);
  await using db = new SqliteDatabase(sqliteDialect(), { file, attemptMs: 10_000 });
  const steps: string[] = [];
  await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      db.transaction(async (tx) => {
        steps.push(`${name} begins`);
        await tx.all(insertGroup, { name });
        await ticked();
        steps.push(`${name} ends`);
      }),
    ),
  );
  expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('the data version tells of commits by others, and not of our own', async () => {
  const file = temporaryFile();
  const [here, there] = [await openStore(file), await openStore(file)];
  let last = await here.dataVersion();
  await here.createTopic(topic('mine'));
  await there.getTopic('mine');
  expect(await here.dataVersion()).toBe(last);
  for (const name of ['a', 'b']) {
    await there.createTopic(topic(name));
    const next = await here.dataVersion();
    expect(next).not.toBe(last);
    last = next;
  }
  expect(await here.dataVersion()).toBe(last);
});
