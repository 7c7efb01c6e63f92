// The heartbeat: what its failures lead to, and what must be true before its answer counts.
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { lostConnectionTrustMs } from '../../src/domain/crash-watch.ts';
import { faults } from './faulty-store.ts';
import { budget, Stage, type StagedAgent, stageSchema, trustMs } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = stageSchema(url);

const orders = { name: 'orders', partitionCount: 4, retentionMs: null, config: {} };

let stage: Stage;
let a: StagedAgent;

beforeEach(async () => {
  stage = await Stage.open(url, schema);
  await stage.store.createTopic(orders);
  a = await stage.join('a');
  expect(a.agent.status()).toMatchObject({ state: 'active', isCoordinator: true, leases: 4 });
});

afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

/** Moves time until the next heartbeat has been sent and answered. */
async function nextHeartbeat(agent: StagedAgent): Promise<void> {
  const before = agent.faulty.count('heartbeat');
  for (let movedMs = 0; agent.faulty.count('heartbeat') === before; movedMs += 50) {
    if (movedMs > budget.ttlMs) throw new Error('no heartbeat for a TTL');
    await stage.clock.advance(50);
  }
}

async function beatOf(agent: StagedAgent): Promise<number> {
  const { sessions } = await stage.store.observeSessions();
  return sessions.find((session) => session.sessionId === agent.agent.sessionId)?.beat ?? -1;
}

describe('a heartbeat that fails', () => {
  test('is tried again soon, not at the next interval', async () => {
    a.faulty.next('heartbeat', faults.loseRequest);
    await nextHeartbeat(a);
    const failed = a.faulty.count('heartbeat');
    await stage.clock.advance(50);
    expect(a.faulty.count('heartbeat')).toBe(failed + 1);
    await stage.clock.advance(budget.heartbeatIntervalMs / 2);
    expect(a.faulty.count('heartbeat')).toBe(failed + 1);
  });

  test('is tried more slowly the longer it fails, but several times before trust ends', async () => {
    a.faulty.always(faults.refuse, 'heartbeat');
    await nextHeartbeat(a);
    const failed = a.faulty.count('heartbeat');
    await stage.clock.advance(a.agent.held().trustedForMs);
    const tried = a.faulty.count('heartbeat') - failed;
    expect(tried).toBeGreaterThanOrEqual(8);
    expect(tried).toBeLessThan(20);
  });

  test('voids what the reaper has observed, though its reads go on', async () => {
    const b = await stage.actor();
    const { sessionId } = await stage.register(b, 'b');
    await stage.expire(sessionId);
    await stage.clock.advance(0.9 * budget.ttlMs);
    a.faulty.next('heartbeat', faults.refuse);
    await nextHeartbeat(a);
    await stage.clock.advance(0.9 * budget.ttlMs);
    expect(a.faulty.count('reapSession')).toBe(0);
    await stage.clock.advance(0.2 * budget.ttlMs);
    expect(a.faulty.calls.find(({ operation }) => operation === 'reapSession')?.args[0]).toBe(sessionId);
    expect(await stage.store.getAgent('b')).toMatchObject({ state: 'dead' });
  });
});

describe('a heartbeat whose reply is lost', () => {
  test('is harmless: it is sent again, and session, leases and trust are what they were', async () => {
    const before = a.agent.held().terms;
    const { sessionId } = a.agent;
    const beat = await beatOf(a);
    a.faulty.next('heartbeat', faults.loseReply);
    await nextHeartbeat(a);
    await stage.clock.advance(100);
    expect(await beatOf(a)).toBe(beat + 2);
    expect(a.agent.status()).toMatchObject({ state: 'active', sessionId, leases: 4 });
    expect(a.agent.held().terms).toEqual(before);
  });

  test('proves nothing: trust is what the last answered one gave', async () => {
    a.faulty.always(faults.loseReply, 'heartbeat');
    const { trustedForMs } = a.agent.held();
    await stage.clock.advance(trustedForMs - 1);
    expect(a.agent.status()).toMatchObject({ state: 'active' });
    await stage.clock.advance(1);
    expect(a.agent.status()).toMatchObject({ state: 'suspended' });
  });
});

describe('trust', () => {
  test('ends by itself when no heartbeat gets through, and shows nothing as held', async () => {
    a.faulty.always(faults.loseRequest, 'heartbeat');
    const { trustedForMs } = a.agent.held();
    expect(trustedForMs).toBeLessThanOrEqual(trustMs);
    await stage.clock.advance(trustedForMs);
    expect(a.agent.status()).toMatchObject({
      state: 'suspended',
      isCoordinator: false,
      trustedForMs: 0,
      leases: 0,
    });
    expect(a.agent.held()).toEqual({ trustedForMs: 0, terms: [] });
    expect(a.agent.readiness().find(({ name }) => name === 'session')).toMatchObject({ ok: false });
    await stage.clock.advance(500);
    expect(a.logs.map(({ message }) => message)).toContain('session suspended: no proof of it for too long');
  });

  test('comes back with the same epochs when a late heartbeat succeeds and nobody has reaped', async () => {
    const { sessionId } = a.agent;
    const before = a.agent.held().terms;
    a.faulty.always(faults.loseRequest, 'heartbeat');
    await stage.clock.advance(3 * budget.ttlMs);
    await stage.expire(sessionId ?? '');
    expect(a.agent.held().terms).toEqual([]);
    a.faulty.heal();
    await nextHeartbeat(a);
    expect(a.agent.status()).toMatchObject({ state: 'active', sessionId, isCoordinator: true });
    expect(a.agent.held().terms).toEqual(before);
  });

  test('never comes back for a session that was reaped meanwhile: another one begins', async () => {
    const { sessionId } = a.agent;
    const before = a.agent.held().terms;
    a.faulty.always(faults.loseRequest, 'heartbeat');
    await stage.clock.advance(2 * budget.ttlMs);
    await stage.expire(sessionId ?? '');
    expect(await stage.store.reapSession(sessionId ?? '', await beatOf(a))).toBe('reaped');
    a.faulty.heal();
    await nextHeartbeat(a);
    await stage.clock.advance(2_000);
    expect(a.agent.sessionId).not.toBe(sessionId);
    expect(a.agent.held().terms).toHaveLength(4);
    for (const [i, { epoch }] of a.agent.held().terms.entries()) {
      expect(epoch).toBeGreaterThan(before[i]?.epoch ?? Infinity);
    }
  });

  test('is over at once when the store says that the session has ended, though loops of it still wait', async () => {
    const { sessionId } = a.agent;
    const look = a.faulty.hold('observeSessions');
    await stage.clock.advance(2_000);
    await look.arrived;
    await stage.store.endSession(sessionId ?? '', 'removed');
    await nextHeartbeat(a);
    expect(a.agent.held()).toEqual({ trustedForMs: 0, terms: [] });
    expect(a.agent.status()).toMatchObject({
      state: 'suspended',
      sessionId,
      isCoordinator: false,
      leases: 0,
    });
    look.letGo();
    await stage.clock.advance(2_000);
    expect(a.agent.status()).toMatchObject({ state: 'active', leases: 4 });
    expect(a.agent.sessionId).not.toBe(sessionId);
  });

  test('counts from the sending of a heartbeat whose answer was slow', async () => {
    const held = a.faulty.hold('heartbeat', 'reply');
    await nextHeartbeat(a);
    await held.arrived;
    const { trustedForMs } = a.agent.held();
    await stage.clock.advance(4_000);
    expect(a.agent.held().trustedForMs).toBe(trustedForMs - 4_000);
    held.letGo();
    await stage.clock.rest();
    // Sent at most 50 ms, the step of this test, before we looked.
    expect(a.agent.held().trustedForMs).toBeLessThanOrEqual(trustMs - 4_000);
    expect(a.agent.held().trustedForMs).toBeGreaterThanOrEqual(trustMs - 4_050);
  });
});

describe('a holdings version beyond the one known', () => {
  test('is read before trust is extended', async () => {
    await stage.store.deleteTopic('orders');
    const reading = a.faulty.hold('heldLeases');
    await nextHeartbeat(a);
    await reading.arrived;
    const { trustedForMs } = a.agent.held();
    expect(trustedForMs).toBeLessThanOrEqual(trustMs - 0.9 * budget.heartbeatIntervalMs);
    reading.letGo();
    await stage.clock.rest();
    expect(a.agent.held().trustedForMs).toBeGreaterThan(trustedForMs);
    expect(a.agent.held().terms).toEqual([]);
  });

  test('that cannot be read leaves trust as it was, until it ends', async () => {
    await stage.store.deleteTopic('orders');
    a.faulty.always(faults.refuse, 'heldLeases');
    const { trustedForMs } = a.agent.held();
    await stage.clock.advance(trustedForMs);
    expect(a.faulty.count('heartbeat')).toBeGreaterThan(3);
    expect(a.agent.status()).toMatchObject({ state: 'suspended', trustedForMs: 0, leases: 0 });
    a.faulty.heal();
    await nextHeartbeat(a);
    expect(a.agent.status()).toMatchObject({ state: 'active', leases: 0 });
  });

  test('costs no read when it is the one known', async () => {
    const reads = a.faulty.count('heldLeases');
    await stage.clock.advance(3 * budget.heartbeatIntervalMs);
    expect(a.faulty.count('heldLeases')).toBe(reads);
  });
});

describe('the loss of the coordination connection', () => {
  test('limits trust until a heartbeat that was sent after it is answered', async () => {
    const beat = a.faulty.hold('heartbeat');
    a.loseConnection();
    await beat.arrived;
    expect(a.agent.held().trustedForMs).toBe(lostConnectionTrustMs);
    await stage.clock.advance(lostConnectionTrustMs);
    expect(a.agent.status()).toMatchObject({ state: 'suspended', leases: 0 });
    beat.letGo();
    await stage.clock.rest();
    expect(a.agent.status()).toMatchObject({ state: 'active', leases: 4 });
    expect(a.agent.held().trustedForMs).toBe(trustMs - lostConnectionTrustMs);
  });
});

describe('a wall clock that is set back, and a machine that then sleeps for as long', () => {
  const backMs = 30_000;

  test('leave no trust until a heartbeat that was sent after both is answered', async () => {
    a.faulty.always(faults.loseRequest, 'heartbeat');
    stage.clock.suspend(-backMs);
    await stage.clock.advance(500);
    stage.clock.suspend(backMs);
    await stage.clock.advance(500);
    expect(a.agent.held()).toEqual({ trustedForMs: 0, terms: [] });
    a.faulty.heal();
    await nextHeartbeat(a);
    expect(a.agent.status()).toMatchObject({ state: 'active', leases: 4 });
  });

  test('leave none to a session that was being registered', async () => {
    const answer = a.faulty.hold('registerSession', 'reply');
    await stage.store.endSession(a.agent.sessionId ?? '', 'removed');
    await nextHeartbeat(a);
    await answer.arrived;
    a.faulty.always(faults.loseRequest, 'heartbeat');
    stage.clock.suspend(-backMs);
    await stage.clock.advance(500);
    stage.clock.suspend(backMs);
    answer.letGo();
    // At the present time: the next look of its own would see that the clock has stepped again.
    await stage.clock.rest();
    expect(a.logs.filter(({ message }) => message === 'session registered')).toHaveLength(2);
    expect(a.agent.held()).toEqual({ trustedForMs: 0, terms: [] });
  });
});

describe('a listener that comes back', () => {
  test('again and again in a moment makes the agent look once', async () => {
    const sleeping = stage.clock.sleeping;
    for (let time = 0; time < 20; time += 1) a.deps.signals.publish('resync');
    expect(stage.clock.sleeping).toBe(sleeping + 1);
    const beats = a.faulty.count('heartbeat');
    await stage.clock.advance(500);
    expect(a.faulty.count('heartbeat')).toBe(beats + 1);
    a.deps.signals.publish('resync');
    await stage.clock.advance(500);
    expect(a.faulty.count('heartbeat')).toBe(beats + 2);
  });
});
