// What the database itself refuses, whoever asks and by whatever program: an epoch that repeats, a lease that vanishes, an
// offset that goes back, an integer that JavaScript cannot tell from its neighbour.
import { expect, test } from 'vitest';
import type { Backend } from './backend.ts';
import { join, ledPartition, orders, segment } from './samples.ts';

export function guardContract(backend: Backend): void {
  test.each([
    ['lower its epoch', 'epoch = epoch - 1'],
    [
      'give it to another session under the same epoch',
      `session_id = '11111111-1111-4111-8111-111111111111'`,
    ],
    ['raise its epoch beyond 2^53 − 1', 'epoch = 9007199254740992'],
    ['rename it', `name = 'other'`],
    ['renumber it', 'partition = 7'],
  ])('a lease cannot be changed to %s', async (_, change) => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await expect(
      database.sql(`update leases set ${change} where session_id = '${sessionId}'`),
    ).rejects.toThrow(/streamhouse|check/i);
    expect(await store.getLease(orders)).toMatchObject({ agentId: 'a', epoch: fence.epoch });
  });

  test('a vacant lease cannot be given away under the epoch of its last term', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    const other = await join(store, 'b');
    await store.releaseLeases(sessionId, [{ key: orders, epoch: fence.epoch }], 'released');
    const group = `(select group_name from sessions where session_id = '${sessionId}')`;
    const give = `update leases set session_id = '${other}' where name = 'orders' and group_name = ${group}`;
    await expect(database.sql(give)).rejects.toThrow(/streamhouse/);
    expect(await store.getLease(orders)).toMatchObject({ agentId: null, epoch: fence.epoch });
  });

  test('a lease cannot be deleted, and keeps its epoch when one is inserted over it', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await expect(database.sql(`delete from leases where session_id = '${sessionId}'`)).rejects.toThrow(
      /streamhouse/,
    );
    const again = `(group_name, kind, name, partition, epoch)
      select group_name, kind, name, partition, 0 from leases where session_id = '${sessionId}'`;
    // PostgreSQL refuses by the primary key; SQLite's REPLACE would by itself delete the row first.
    const insert = backend.name === 'sqlite' ? 'insert or replace into' : 'insert into';
    await database.sql(`${insert} leases ${again}`).catch(() => undefined);
    expect(await store.getLease(orders)).toMatchObject({ agentId: 'a', epoch: fence.epoch });
  });

  test('an epoch may be as large as 2^53 − 1, and then there is no further grant', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId } = await ledPartition(store);
    const max = Number.MAX_SAFE_INTEGER;
    await database.sql(`update leases set epoch = ${max} where session_id = '${sessionId}'`);
    expect(await store.getLease(orders)).toMatchObject({ epoch: max });
    await store.appendSegments({ sessionId, epoch: max }, 'orders', 0, [segment(0, 9)]);
    await store.releaseLeases(sessionId, [{ key: orders, epoch: max }], 'released');
    await expect(store.acquireLeases(sessionId, [orders])).rejects.toThrow(/2\^53|check/);
    expect(await store.getLease(orders)).toMatchObject({ agentId: null, epoch: max });
  });

  test.each([
    ['lower its high watermark', 'high_watermark = high_watermark - 1'],
    ['lower its start offset', 'start_offset = start_offset - 1'],
    ['raise its high watermark beyond 2^53 − 1', 'high_watermark = 9007199254740992'],
    ['put its start behind its high watermark', 'start_offset = high_watermark + 1'],
  ])('a partition cannot be changed to %s', async (_, change) => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await store.appendSegments(fence, 'orders', 0, [segment(0, 9), segment(10, 19)]);
    await store.deleteSegmentsBefore('orders', 0, 10, 1);
    const mine = `topic_id in (select t.topic_id from topics t join sessions s on s.group_name = t.group_name
      where s.session_id = '${sessionId}')`;
    await expect(database.sql(`update partitions set ${change} where ${mine}`)).rejects.toThrow(
      /streamhouse|check/i,
    );
    expect(await store.getPartition('orders', 0)).toMatchObject({ highWatermark: 20, startOffset: 10 });
  });

  test('an integer beyond 2^53 − 1 that is in the database all the same is never read rounded', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId } = await ledPartition(store);
    const group = `(select group_name from sessions where session_id = '${sessionId}')`;
    const write = (generation: string) =>
      database.sql(
        `update agent_groups set assignment_generation = ${generation} where group_name = ${group}`,
      );
    await write('9007199254740991');
    expect(await store.assignmentGeneration()).toBe(Number.MAX_SAFE_INTEGER);
    for (const beyond of ['9007199254740992', '9007199254740993', '9223372036854775807']) {
      await write(beyond);
      await expect(store.assignmentGeneration()).rejects.toThrow(/2\^53/);
    }
  });

  test('an agent has at most one live session', async () => {
    const database = await backend.database();
    const store = await database.store();
    const first = await join(store, 'a');
    await store.endSession(first, 'deregistered');
    await join(store, 'a');
    const revive = `update sessions set ended_at = null, end_reason = null where session_id = '${first}'`;
    await expect(database.sql(revive)).rejects.toThrow(/unique/i);
    expect(await store.heartbeat(first)).toMatchObject({ outcome: 'session_lost' });
  });
}
