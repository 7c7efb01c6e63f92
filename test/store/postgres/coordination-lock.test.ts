// The lock by which others see that an agent lives goes with the process or its network, and not because an answer was late.
import { Client } from 'pg';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { PostgresConnection } from '../../../src/store/postgres/connection.ts';
import { postgresDialect } from '../../../src/store/postgres/dialect.ts';
import { nothing, statement } from '../../../src/store/sql/statement.ts';
import { eventually } from '../../support/eventually.ts';
import { type FaultProxy, startProxy } from '../../support/proxy.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const question = statement('question', () => sql`select 1`, nothing);

let admin: Client;
let proxy: FaultProxy;
let connection: PostgresConnection;
let lost: number;

beforeEach(async () => {
  admin = new Client({ connectionString: url });
  await admin.connect();
  proxy = await startProxy(Number(new URL(url).port));
  const through = new URL(url);
  through.port = String(proxy.port);
  lost = 0;
  connection = new PostgresConnection(postgresDialect('public'), {
    connectionString: through.href,
    applicationName: 'streamhouse test',
    attemptMs: 1_000,
    onLockLost: () => {
      lost += 1;
    },
  });
});

afterEach(async () => {
  proxy.mode = 'pass';
  await connection[Symbol.asyncDispose]();
  await proxy.close();
  await admin.end();
});

async function isHeld(lockKey: number | null): Promise<boolean> {
  const { rowCount } = await admin.query(
    `select from pg_locks where locktype = 'advisory' and objsubid = 1 and (classid::bigint << 32) | objid::bigint = $1`,
    [lockKey],
  );
  return rowCount === 1;
}

test('it is held while the connection lives, and its loss is told', async () => {
  const lockKey = await connection.lockKey();
  expect(await isHeld(lockKey)).toBe(true);
  expect(await connection.lockKey()).toBe(lockKey);
  proxy.cutAll();
  await eventually(async () => !(await isHeld(lockKey)));
  const next = await eventually(async () => {
    const key = await connection.lockKey();
    return key !== lockKey && key;
  });
  expect(lost).toBe(1);
  expect(await isHeld(next)).toBe(true);
});

test('a late answer does not let go of it before another is told', async () => {
  const before = await connection.lockKey();
  proxy.mode = 'blackhole';
  await expect(connection.all(question, {})).rejects.toThrow('gave no answer within');
  proxy.mode = 'pass';
  const after = await connection.lockKey();
  expect(after).not.toBe(before);
  expect([await isHeld(before), await isHeld(after)]).toEqual([true, true]);
  connection.lockTold(after);
  await eventually(async () => !(await isHeld(before)));
  expect(await isHeld(after)).toBe(true);
  expect(lost).toBe(0);
});

test('a connection set aside is kept when the heartbeat that is answered late has told its own lock', async () => {
  const told = await connection.lockKey();
  proxy.mode = 'blackhole';
  await expect(connection.all(question, {})).rejects.toThrow('gave no answer within');
  proxy.mode = 'pass';
  // A heartbeat was behind the question, on the same connection, and its answer has come now.
  connection.lockTold(told);
  const next = await connection.lockKey();
  expect([await isHeld(told), await isHeld(next)]).toEqual([true, true]);
  // The row names a later one from here on, and none before: an answer that comes later still lets go of nothing.
  connection.lockTold(next);
  await eventually(async () => !(await isHeld(told)));
  connection.lockTold(told);
  expect(await isHeld(next)).toBe(true);
  expect(lost).toBe(0);
});

test('a connection set aside that is lost is told of: others may still go by its lock', async () => {
  await connection.lockKey();
  proxy.mode = 'blackhole';
  await expect(connection.all(question, {})).rejects.toThrow('gave no answer within');
  proxy.mode = 'pass';
  proxy.cutAll();
  await eventually(() => lost === 1);
});

test('a server that hangs does not collect connections', async () => {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    proxy.mode = 'pass';
    await connection.lockKey();
    proxy.mode = 'blackhole';
    await expect(connection.all(question, {})).rejects.toThrow('gave no answer within');
  }
  proxy.mode = 'pass';
  await eventually(() => proxy.connectionCount === 2);
  expect(lost).toBe(3);
});
