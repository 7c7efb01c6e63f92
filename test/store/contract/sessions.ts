// The contract of sessions: registering, beating, ending, and the compare-and-set that ends a silent one.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { COORDINATOR } from '../../../src/domain/lease.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Backend, ContractDatabase } from './backend.ts';
import {
  agent,
  all,
  expectRefusal,
  expire,
  join,
  ledPartition,
  orders,
  reap,
  take,
  ttlMs,
} from './samples.ts';

/** Registers agents a second apart: a database may tell times no finer than milliseconds. */
async function joinInOrder(
  database: ContractDatabase,
  store: MetadataStore,
  agentIds: readonly string[],
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const [i, agentId] of agentIds.entries()) {
    const sessionId = await join(store, agentId);
    const registered = database.timeIn((i - agentIds.length) * 1_000);
    await database.sql(`update sessions set registered_at = ${registered} where session_id = '${sessionId}'`);
    ids.push(sessionId);
  }
  return ids;
}

export function sessionContract(backend: Backend): void {
  test('registering the same session twice is the same registration', async () => {
    const store = await (await backend.database()).store();
    const session = { sessionId: randomUUID(), agent: agent('a'), ttlMs, process: 'host:1' };
    expect(await store.registerSession(session)).toEqual({ outcome: 'registered' });
    expect(await store.registerSession(session)).toEqual({ outcome: 'registered' });
    expect((await store.observeSessions()).sessions).toHaveLength(1);
  });

  test('a name with a live session is taken, even when that session has expired', async () => {
    const database = await backend.database();
    const store = await database.store();
    const first = { sessionId: randomUUID(), agent: agent('a'), ttlMs, process: 'host:1' };
    await store.registerSession(first);
    await expire(database, first.sessionId);
    const second = { ...first, sessionId: randomUUID(), agent: agent('a', { weight: 7 }), process: 'host:2' };
    expect(await store.registerSession(second)).toEqual({
      outcome: 'name_taken',
      by: {
        sessionId: first.sessionId,
        agentId: 'a',
        beat: 1,
        ttlMs,
        lockKey: null,
        isLockHeld: false,
        progress: null,
        process: 'host:1',
      },
    });
    expect((await store.getAgent('a'))?.weight).toBe(1);
    await store.endSession(first.sessionId, 'deregistered');
    expect(await store.registerSession(second)).toEqual({ outcome: 'registered' });
    expect((await store.getAgent('a'))?.weight).toBe(7);
  });

  test('of sessions that register one name at the same time exactly one gets it', async () => {
    const database = await backend.database();
    const stores = await Promise.all([database.store(), database.store(), database.store()]);
    const answers = await Promise.all(
      stores.map((store) =>
        store.registerSession({ sessionId: randomUUID(), agent: agent('a'), ttlMs, process: 'p' }),
      ),
    );
    const outcomes = answers.map(({ outcome }) => outcome).sort();
    expect(outcomes).toEqual(['name_taken', 'name_taken', 'registered']);
  });

  test('a heartbeat extends the session from now, and raises its beat', async () => {
    const database = await backend.database();
    const store = await database.store();
    const sessionId = await join(store, 'a');
    await database.sql(
      `update sessions set expires_at = ${database.timeIn(500)} where session_id = '${sessionId}'`,
    );
    const answer = await store.heartbeat(sessionId);
    expect(answer).toMatchObject({ outcome: 'renewed', holdingsVersion: 0, endRequested: false });
    const seen = await store.getAgent('a');
    expect(seen?.expiresInMs).toBeGreaterThan(ttlMs - 10_000);
    expect(seen?.expiresInMs).toBeLessThanOrEqual(ttlMs);
    expect((await store.observeSessions()).sessions).toMatchObject([
      { sessionId, agentId: 'a', beat: 2, ttlMs },
    ]);
  });

  test('a late heartbeat succeeds as long as nobody has reaped the session', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await expire(database, sessionId);
    expect(await store.getAgent('a')).toMatchObject({ state: 'expired', sessionId });
    expect(await store.heartbeat(sessionId)).toMatchObject({ outcome: 'renewed' });
    expect(await store.getAgent('a')).toMatchObject({ state: 'active' });
    expect(await store.getLease(orders)).toMatchObject({ agentId: 'a', epoch: fence.epoch });
  });

  test('a heartbeat writes one row, whatever the session holds', async () => {
    const database = await backend.database();
    const store = await database.store();
    const sessionId = await join(store, 'a');
    await store.createTopic({ name: 'orders', partitionCount: 200, retentionMs: null, config: {} });
    const keys = Array.from({ length: 200 }, (_, partition) => ({ ...orders, partition }));
    await store.acquireLeases(sessionId, keys);
    expect(await database.rowsWritten(() => store.heartbeat(sessionId))).toEqual(['sessions']);
  });

  test('an unknown session is lost, for a reason unknown', async () => {
    const store = await (await backend.database()).store();
    expect(await store.heartbeat(randomUUID())).toEqual({ outcome: 'session_lost', reason: 'unknown' });
  });

  test('ending a session frees its name and its leases, keeps the epochs, and may be repeated', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await store.endSession(sessionId, 'deregistered');
    expect(await store.getLease(orders)).toMatchObject({ agentId: null, epoch: fence.epoch });
    expect(await store.heartbeat(sessionId)).toEqual({ outcome: 'session_lost', reason: 'deregistered' });
    expect(await database.rowsWritten(() => store.endSession(sessionId, 'removed'))).toEqual([]);
    expect(await store.heartbeat(sessionId)).toEqual({ outcome: 'session_lost', reason: 'deregistered' });
    expect(await take(store, await join(store, 'a'), orders)).toBeGreaterThan(fence.epoch);
  });

  test('who follows a session that was ended takes nothing over', async () => {
    const store = await (await backend.database()).store();
    const { sessionId } = await ledPartition(store);
    await store.endSession(sessionId, 'deregistered');
    const { outcomes } = await store.acquireLeases(await join(store, 'b'), [orders]);
    expect(outcomes).toMatchObject([{ outcome: 'granted', takenOver: null }]);
  });

  test('live sessions are observed in the order they registered, with who coordinates', async () => {
    const database = await backend.database();
    const store = await database.store();
    const [b = '', a = ''] = await joinInOrder(database, store, ['b', 'a']);
    expect((await store.observeSessions()).coordinatorSessionId).toBeNull();
    await take(store, a, COORDINATOR);
    await store.heartbeat(b);
    const seen = await store.observeSessions();
    expect(seen.coordinatorSessionId).toBe(a);
    expect(seen.sessions.map(({ sessionId, beat }) => [sessionId, beat])).toEqual([
      [b, 2],
      [a, 1],
    ]);
    await store.endSession(b, 'deregistered');
    expect((await store.observeSessions()).sessions).toMatchObject([{ sessionId: a }]);
  });

  test('a deputy observes the coordinator and the oldest sessions only', async () => {
    const database = await backend.database();
    const store = await database.store();
    const ids = await joinInOrder(database, store, ['d', 'c', 'b', 'a']);
    const seen = async (oldest: number) => {
      const { sessions, coordinatorSessionId } = await store.observeCoordinator(oldest);
      expect(sessions).toEqual(
        (await store.observeSessions()).sessions.filter((each) =>
          sessions.some((s) => s.sessionId === each.sessionId),
        ),
      );
      return [
        sessions.map(({ sessionId }) => ids.indexOf(sessionId)),
        ids.indexOf(coordinatorSessionId ?? ''),
      ];
    };
    expect(await seen(2)).toEqual([[0, 1], -1]);
    await take(store, ids[3] ?? '', COORDINATOR);
    expect(await seen(2)).toEqual([[0, 1, 3], 3]);
    expect(await seen(9)).toEqual([[0, 1, 2, 3], 3]);
    await store.endSession(ids[0] ?? '', 'deregistered');
    expect(await seen(1)).toEqual([[1, 3], 3]);
    await store.endSession(ids[3] ?? '', 'deregistered');
    expect(await seen(1)).toEqual([[1], -1]);
  });
}

export function reapContract(backend: Backend): void {
  test('a session that has not expired is alive', async () => {
    const store = await (await backend.database()).store();
    const sessionId = await join(store, 'a');
    expect(await store.reapSession(sessionId, 1)).toBe('alive');
    expect(await store.heartbeat(sessionId)).toMatchObject({ outcome: 'renewed' });
  });

  test('an expired session that has beaten since it was observed is alive', async () => {
    const database = await backend.database();
    const store = await database.store();
    const sessionId = await join(store, 'a');
    await store.heartbeat(sessionId);
    await expire(database, sessionId);
    expect(await store.reapSession(sessionId, 1)).toBe('alive');
    expect(await store.reapSession(sessionId, 3)).toBe('alive');
    expect(await store.heartbeat(sessionId)).toMatchObject({ outcome: 'renewed' });
  });

  test('a session that is expired at the beat observed is reaped, for ever', async () => {
    const database = await backend.database();
    const store = await database.store();
    const session = { sessionId: randomUUID(), agent: agent('a'), ttlMs, process: 'p' };
    await store.registerSession(session);
    await expire(database, session.sessionId);
    expect(await store.reapSession(session.sessionId, 1)).toBe('reaped');
    expect(await store.reapSession(session.sessionId, 1)).toBe('already_ended');
    expect(await store.heartbeat(session.sessionId)).toEqual({ outcome: 'session_lost', reason: 'reaped' });
    await expectRefusal(store.registerSession(session), 'session_lost');
    await expectRefusal(store.acquireLeases(session.sessionId, [COORDINATOR]), 'session_lost');
    await expectRefusal(store.heldLeases(session.sessionId), 'session_lost');
    expect((await store.observeSessions()).sessions).toEqual([]);
  });

  test('a session whose expiry lies further ahead than a heartbeat can put it is reaped', async () => {
    const database = await backend.database();
    const store = await database.store();
    const sessionId = await join(store, 'a');
    const expiresIn = (ms: number) =>
      database.sql(
        `update sessions set expires_at = ${database.timeIn(ms)} where session_id = '${sessionId}'`,
      );
    // The database's clock was set back: what it said then is an hour from now.
    await expiresIn(ttlMs - 1_000);
    expect(await store.reapSession(sessionId, 1)).toBe('alive');
    await expiresIn(ttlMs + 3_600_000);
    expect(await store.reapSession(sessionId, 2)).toBe('alive');
    expect(await store.reapSession(sessionId, 1)).toBe('reaped');
  });

  test('an unknown session has ended already', async () => {
    const store = await (await backend.database()).store();
    expect(await store.reapSession(randomUUID(), 1)).toBe('already_ended');
  });

  test('ending a reaped session changes nothing: its successor still learns from whom it takes over', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId } = await ledPartition(store);
    await reap(database, store, sessionId);
    expect(await database.rowsWritten(() => store.endSession(sessionId, 'deregistered'))).toEqual([]);
    const { outcomes } = await store.acquireLeases(await join(store, 'b'), [orders]);
    expect(outcomes).toMatchObject([{ outcome: 'granted', takenOver: { agentId: 'a' } }]);
  });

  test('of a heartbeat and a reap at the same time exactly one wins', async () => {
    const database = await backend.database();
    const [here, there] = [await database.store(), await database.store()];
    for (let round = 0; round < 10; round++) {
      const sessionId = await join(here, `a${round}`);
      await expire(database, sessionId);
      const [beat, reaped] = await Promise.all([here.heartbeat(sessionId), there.reapSession(sessionId, 1)]);
      expect(reaped).toBe(beat.outcome === 'renewed' ? 'alive' : 'reaped');
    }
  });

  test('a reap leaves the leases to whoever takes them, and nothing else is judged by expiry', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId } = await ledPartition(store);
    const other = await join(store, 'b');
    await expire(database, sessionId);
    expect((await store.acquireLeases(other, [orders])).outcomes).toMatchObject([{ outcome: 'held' }]);
    await expectRefusal(store.removeAgent('a', { force: false }), 'conflict');
    expect(await store.purge(0)).toMatchObject({ agents: 0 });
    expect((await store.listPartitionLeases({ unleased: true }, all)).items).toEqual([]);
    expect(await database.rowsWritten(() => store.reapSession(sessionId, 1))).toEqual(['sessions']);
    expect(await store.getLease(orders)).toMatchObject({ agentId: null, address: null, expiresInMs: null });
    expect((await store.listPartitionLeases({ unleased: true }, all)).items).toHaveLength(1);
  });
}
