// What SQLite plans for the statements that run often: it looks rows up by their keys. Left to guess the sizes of tables it
// would read all leases of a group for one of them, or a set of 10,000 keys anew for every row.
import Libsql from 'libsql';
import { expect, test, vi } from 'vitest';
import { COORDINATOR } from '../../../src/domain/lease.ts';
import { readText } from '../../../src/store/sql/read.ts';
import { readRow } from '../../../src/store/sqlite/values.ts';
import { all, join, ledPartition, orders, segment, take } from '../contract/samples.ts';
import { openStore, prompt, temporaryFile } from '../contract/sqlite-backend.ts';

/** The texts of all statements that are prepared while `work` runs. */
async function prepared(work: () => Promise<unknown>): Promise<readonly string[]> {
  const spy = vi.spyOn(Libsql.prototype, 'prepare');
  try {
    await work();
    const texts = new Set(spy.mock.calls.map(([text]) => text));
    return [...texts].filter((text) => !text.startsWith('pragma'));
  } finally {
    spy.mockRestore();
  }
}

/** Everything that agents and brokers do all day. */
async function oneDay(file: string): Promise<void> {
  const store = await openStore(file, { migrate: false });
  const { sessionId, fence } = await ledPartition(store);
  const epoch = await take(store, sessionId, COORDINATOR);
  await store.heartbeat(sessionId);
  await store.observeSessions();
  await store.observeCoordinator(2);
  await store.reapSession(sessionId, 1);
  await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
  await store.appendSegments(fence, 'orders', 0, [segment(0, 9)]);
  await store.advanceHighWatermark(fence, 'orders', 0, 20);
  await store.findSegment('orders', 0, 5);
  await store.listSegments('orders', 0, 5, all);
  await store.readLog('orders', 0, 5, 10);
  await store.commitOffsets('cg', [{ topic: 'orders', partition: 0, offset: 1, metadata: null }]);
  await store.getCommittedOffset('cg', 'orders', 0);
  await store.listCommittedOffsets('cg', all);
  await store.getLease(orders);
  await store.leaseHistory(orders, 10);
  await store.heldLeases(sessionId);
  const move = { topic: 'orders', partition: 0, from: null, to: 'a', reason: 'balance' } as const;
  await store.writeAssignment({ sessionId, epoch }, [move]);
  await store.writeAssignment({ sessionId, epoch }, [{ ...move, from: 'a', to: 'b' }]);
  await store.writeAssignment({ sessionId, epoch }, [{ ...move, from: 'b', to: null }]);
  await store.requestApply();
  await store.setPaused(true);
  await store.setPaused(false);
  const { applyRequestedAt } = await store.requestApply();
  await store.writeAssignment({ sessionId, epoch }, [], { applied: applyRequestedAt });
  await store.getAssignment('orders', 0);
  await store.readTargets([{ topic: 'orders', partition: 0 }]);
  await store.requestRelease(orders, null);
  await store.requestRelease(orders, fence.epoch);
  await store.requestSessionEnd(orders, fence.epoch);
  await join(store, 'b');
  await store.assign('orders', 0, 'b', null);
  await store.setPlacement('b', 'cordoned');
  await store.setServing(sessionId, 'broker_down');
  await store.readAssignment('a');
  await store.deleteSegmentsBefore('orders', 0, 5, 10);
  await store.releaseLeases(sessionId, [{ key: orders, epoch: fence.epoch }], 'released');
  await store.endSession(sessionId, 'deregistered');
  await join(store, 'a');
}

/** What may be read as a whole: what a statement was given or has made itself, and tables of a row or two. */
const small = [
  'json_each',
  'CONSTANT',
  'numbers',
  'oldest',
  // The coordinator's lease.
  'coordinator',
  'c',
  'era',
  // Where a server's data come from, and that of one statement: a row. The locks that others hold: none on a file.
  'server',
  'point',
  // A partition, and the segment before an offset in it.
  'place',
  'floor',
  'k',
  'store_info',
  'schema_migrations',
  'sqlite_schema',
];

function readsAll(step: string): boolean {
  const [, scanned] = /^SCAN (\w+)/.exec(step) ?? [];
  return step.includes('AUTOMATIC') || (scanned !== undefined && !small.includes(scanned));
}

/** The rows given are looked up in a table, and not the table's rows in them. */
function readsGivenRowsLate(plan: readonly string[]): boolean {
  const at = plan.findIndex((step) => step.startsWith('SCAN json_each'));
  return at > 0 && plan[at - 1]?.startsWith('SEARCH') === true;
}

test('what runs often looks rows up by their keys', async () => {
  const file = temporaryFile();
  await (await openStore(file))[Symbol.asyncDispose]();
  const texts = await prepared(() => oneDay(file));
  expect(texts.length).toBeGreaterThan(40);
  const { sql } = prompt(file);
  const offenders = texts.flatMap((text) => {
    const constant = text.replaceAll('?', 'null');
    const plan = sql(`explain query plan ${constant}`).map((row) => readText(readRow(row), 'detail'));
    return plan.some(readsAll) || readsGivenRowsLate(plan) ? [{ text, plan }] : [];
  });
  expect(offenders).toEqual([]);
});
