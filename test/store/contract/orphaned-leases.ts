// The contract of purging leases of deleted topics: their rows go with their history, no epoch is ever granted again.
import { expect, test } from 'vitest';
import { COORDINATOR, partitionKey } from '../../../src/domain/lease.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Backend, ContractDatabase } from './backend.ts';
import { join, ledPartition, orders, reap, take, topic } from './samples.ts';

/** Everything that has ended is older than this. */
const everything = -1_000;

/** `name/partition` → epoch of the group's leases, of deleted topics as well. */
async function epochs(database: ContractDatabase, sessionId: string): Promise<Record<string, number>> {
  const rows = await database.sql(`select name, partition, epoch from leases where kind = 'partition'
    and group_name = (select group_name from sessions where session_id = '${sessionId}')`);
  return Object.fromEntries(
    rows.map(({ name, partition, epoch }) => [`${String(name)}/${String(partition)}`, Number(epoch)]),
  );
}

async function floor(database: ContractDatabase, sessionId: string): Promise<number[]> {
  const rows = await database.sql(`select epoch from epoch_floors
    where group_name = (select group_name from sessions where session_id = '${sessionId}')`);
  return rows.map(({ epoch }) => Number(epoch));
}

/** Takes a lease and gives it up again, so many times; answers the last epoch. */
async function turns(
  store: MetadataStore,
  sessionId: string,
  partition: number,
  count: number,
): Promise<number> {
  const key = partitionKey('orders', partition);
  let epoch = 0;
  for (let turn = 0; turn < count; turn++) {
    epoch = await take(store, sessionId, key);
    await store.releaseLeases(sessionId, [{ key, epoch }], 'released');
  }
  return epoch;
}

export function orphanedLeaseContract(backend: Backend): void {
  test('they go when their history does, and what is created under their name goes on above their epochs', async () => {
    const database = await backend.database();
    const store = await database.store();
    await store.createTopic(topic('orders', 3));
    const a = await join(store, 'a');
    const high = await turns(store, a, 1, 5);
    await turns(store, a, 0, 1);
    await store.deleteTopic('orders');
    expect(await store.purge(3_600_000)).toMatchObject({ leases: 1 });
    expect(await epochs(database, a)).toMatchObject({ 'orders/1': high + 1 });
    expect(await store.purge(everything)).toMatchObject({ historyRows: 6, leases: 2 });
    expect(await epochs(database, a)).toEqual({});
    expect(await floor(database, a)).toEqual([high + 1]);
    expect(await store.purge(everything)).toEqual({ agents: 0, historyRows: 0, leases: 0 });

    await store.createTopic(topic('orders', 2));
    await store.addPartitions('orders', 3);
    expect(await epochs(database, a)).toEqual({
      'orders/0': high + 1,
      'orders/1': high + 1,
      'orders/2': high + 1,
    });
    for (const partition of [0, 1, 2])
      expect(await take(store, a, partitionKey('orders', partition))).toBe(high + 2);
    // Nothing of a name that is purged is left to be seen.
    expect((await store.listTopics({ limit: 10 })).items.map(({ name }) => name)).toEqual(['orders']);
  });

  test('a name that was never purged begins at the beginning, and in another group as well', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    const elsewhere = await database.storeOf('elsewhere');
    const first = await ledPartition(elsewhere);
    expect(first.fence.epoch).toBe(fence.epoch);
    await turns(store, await join(store, 'b'), 0, 0);
    await store.deleteTopic('orders');
    await store.purge(everything);
    await elsewhere.purge(everything);
    await store.createTopic(topic('other'));
    expect(await take(store, sessionId, partitionKey('other', 0))).toBe(fence.epoch);
    expect(await elsewhere.getLease(orders)).toMatchObject({ agentId: 'a', epoch: first.fence.epoch });
    await elsewhere.deleteTopic('orders');
    await elsewhere.createTopic(topic('orders'));
    expect(await take(elsewhere, first.sessionId, orders)).toBe(first.fence.epoch + 2);
  });

  test('a floor is the highest of all that were removed, whenever that was', async () => {
    const database = await backend.database();
    const store = await database.store();
    await store.createTopic(topic('orders', 2));
    const a = await join(store, 'a');
    await turns(store, a, 0, 1);
    const high = await turns(store, a, 1, 4);
    await store.deleteTopic('orders');
    const age = (partition: number) =>
      database.sql(`update lease_history set ended_at = ${database.timeIn(-7_200_000)}
        where partition = ${partition} and session_id = '${a}'`);
    await age(1);
    expect(await store.purge(3_600_000)).toMatchObject({ leases: 1 });
    expect(await floor(database, a)).toEqual([high + 1]);
    await age(0);
    expect(await store.purge(3_600_000)).toMatchObject({ leases: 1 });
    expect(await floor(database, a)).toEqual([high + 1]);
    // And of a second life, which began there.
    await store.createTopic(topic('orders'));
    const later = await turns(store, a, 0, 1);
    await store.deleteTopic('orders');
    expect(await store.purge(everything)).toMatchObject({ leases: 1 });
    expect(await floor(database, a)).toEqual([later + 1]);
  });

  test('a topic that is created again before the purge keeps its leases', async () => {
    const database = await backend.database();
    const store = await database.store();
    await store.createTopic(topic('orders', 2));
    const a = await join(store, 'a');
    const last = await turns(store, a, 0, 1);
    await store.deleteTopic('orders');
    await store.createTopic(topic('orders'));
    expect(await store.purge(everything)).toMatchObject({ leases: 0 });
    expect(await epochs(database, a)).toMatchObject({ 'orders/0': last + 1 });
    expect(await take(store, a, orders)).toBe(last + 2);
  });

  test('roles, topics that there are and what a live session holds stay', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    const role = await take(store, sessionId, COORDINATOR);
    await store.releaseLeases(sessionId, [{ key: COORDINATOR, epoch: role }], 'released');
    await store.createTopic(topic('kept'));
    expect(await store.purge(everything)).toMatchObject({ leases: 0 });
    expect(await take(store, sessionId, COORDINATOR)).toBe(role + 1);
    // A topic that went past all code of ours.
    const mine = `group_name = (select group_name from sessions where session_id = '${sessionId}')`;
    await database.sql(`delete from topics where name = 'orders' and ${mine}`);
    await database.sql(`delete from lease_history where ${mine}`);
    expect(await store.purge(everything)).toMatchObject({ leases: 0 });
    expect((await store.heldLeases(sessionId)).terms).toMatchObject([
      { key: orders, epoch: fence.epoch },
      { key: COORDINATOR },
    ]);
    await reap(database, store, sessionId);
    const purged = await store.purge(3_600_000);
    expect(purged).toMatchObject({ leases: 1 });
    expect(await floor(database, sessionId)).toEqual([fence.epoch]);
  });

  test('the database refuses to lose what a floor keeps', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await store.deleteTopic('orders');
    const mine = `group_name = (select group_name from sessions where session_id = '${sessionId}')`;
    const setFloor = (epoch: number) =>
      database.sql(`insert into epoch_floors (group_name, kind, name, epoch)
        select group_name, 'partition', 'orders', ${epoch} from sessions where session_id = '${sessionId}'`);
    await setFloor(fence.epoch);
    // The deletion of the topic raised the lease's epoch above that.
    await expect(database.sql(`delete from leases where ${mine}`)).rejects.toThrow(/streamhouse/);
    await database.sql(`update epoch_floors set epoch = epoch + 1 where ${mine}`);
    await database.sql(`delete from leases where ${mine}`);
    for (const change of ['epoch = epoch - 1', `name = 'other'`, `kind = 'role'`]) {
      await expect(database.sql(`update epoch_floors set ${change} where ${mine}`)).rejects.toThrow(
        /streamhouse|check/i,
      );
    }
    await expect(database.sql(`delete from epoch_floors where ${mine}`)).rejects.toThrow(/streamhouse/);
    if (backend.name === 'sqlite') {
      await database.sql(`insert or replace into epoch_floors select group_name, kind, name, 0
        from epoch_floors where ${mine}`);
    }
    expect(await floor(database, sessionId)).toEqual([fence.epoch + 1]);
    // As a program of an earlier release makes it.
    await database.sql(`insert into leases (group_name, kind, name, partition)
      select group_name, 'partition', 'orders', 7 from sessions where session_id = '${sessionId}'`);
    expect(await epochs(database, sessionId)).toEqual({ 'orders/7': fence.epoch + 1 });
  });

  test('more than fit into one transaction go, and a longer history as well', async () => {
    const database = await backend.database();
    const store = await database.store();
    const a = await join(store, 'a');
    await store.createTopic(topic('orders', 4_500));
    const keys = Array.from({ length: 2_500 }, (_, partition) => partitionKey('orders', partition));
    const { outcomes } = await store.acquireLeases(a, keys);
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['granted']));
    for (let i = 0; i < 30; i++) await store.createTopic(topic(`t${i}`));
    await store.deleteTopic('orders');
    for (let i = 0; i < 30; i += 2) await store.deleteTopic(`t${i}`);
    expect(await store.purge(everything)).toMatchObject({ historyRows: 2_500, leases: 4_515 });
    expect(Object.keys(await epochs(database, a))).toHaveLength(15);
  });
}
