// The coordinator's role is taken from a session that lives: only in the term, and only at the progress, that an observer saw.
import { expect, test } from 'vitest';
import { COORDINATOR } from '../../../src/domain/lease.ts';
import type { Backend } from './backend.ts';
import { expectRefusal, join, orders, take, topic } from './samples.ts';

export function stuckCoordinatorContract(backend: Backend): void {
  async function led() {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders'));
    const sessionId = await join(store, 'a');
    const epoch = await take(store, sessionId, COORDINATOR);
    await take(store, sessionId, orders);
    await store.heartbeat(sessionId, 7);
    return { store, sessionId, epoch, stuck: { sessionId, epoch, progress: 7 } };
  }

  test('observers see its term, and how far it says that it has got', async () => {
    const { store, sessionId, epoch } = await led();
    await join(store, 'b');
    for (const observation of [await store.observeSessions(), await store.observeCoordinator(1)]) {
      expect(observation).toMatchObject({ coordinatorSessionId: sessionId, coordinatorEpoch: epoch });
      expect(observation.sessions[0]).toMatchObject({ sessionId, progress: 7 });
    }
    await store.heartbeat(sessionId);
    const { sessions } = await store.observeSessions();
    expect(sessions.map(({ progress }) => progress)).toEqual([null, null]);
  });

  test('the role is vacant then, at its epoch; everything else of the session stays', async () => {
    const { store, sessionId, epoch, stuck } = await led();
    const before = await store.heldLeases(sessionId);
    expect(await store.retireCoordinator(stuck)).toBe('retired');
    expect(await store.getLease(COORDINATOR)).toMatchObject({ agentId: null, epoch });
    const after = await store.heldLeases(sessionId);
    expect(after.terms).toMatchObject([{ key: orders }]);
    // The next heartbeat tells it.
    expect(after.holdingsVersion).toBeGreaterThan(before.holdingsVersion);
    expect(await store.heartbeat(sessionId)).toMatchObject({ holdingsVersion: after.holdingsVersion });
    expect(await store.leaseHistory(COORDINATOR, 1)).toMatchObject([{ epoch, reason: 'stuck' }]);
    expect(await store.observeSessions()).toMatchObject({
      coordinatorSessionId: null,
      coordinatorEpoch: null,
    });
    const plan = store.writeAssignment({ sessionId, epoch }, [], { applied: undefined });
    expect(await plan).toMatchObject({ outcome: 'fenced' });
    expect(await take(store, await join(store, 'b'), COORDINATOR)).toBeGreaterThan(epoch);
  });

  test('a stamp, a term or a holder that is another is left alone', async () => {
    const { store, sessionId, epoch, stuck } = await led();
    await store.heartbeat(sessionId, 8);
    expect(await store.retireCoordinator(stuck)).toBe('changed');
    const now = { ...stuck, progress: 8 };
    expect(await store.retireCoordinator({ ...now, epoch: epoch - 1 })).toBe('changed');
    expect(await store.retireCoordinator({ ...now, sessionId: await join(store, 'b') })).toBe('changed');
    expect(await store.getLease(COORDINATOR)).toMatchObject({ agentId: 'a', epoch });
    expect(await store.retireCoordinator(now)).toBe('retired');
    expect(await store.retireCoordinator(now)).toBe('changed');
  });

  test('who tells no progress, or has ended, is not judged by it', async () => {
    const { store, sessionId, stuck } = await led();
    await store.heartbeat(sessionId);
    expect(await store.retireCoordinator(stuck)).toBe('changed');
    await store.endSession(sessionId, 'deregistered');
    expect(await store.retireCoordinator(stuck)).toBe('changed');
    await expectRefusal(store.acquireLeases(sessionId, [COORDINATOR]), 'session_lost');
  });
}
