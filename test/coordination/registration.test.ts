// One name, one agent: who was there first stays, who died silently is waited for and reaped, and no lost answer makes two.
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { NameTaken } from '../../src/coordination/registration.ts';
import { StoreMisconfigured, StoreUnavailable } from '../../src/domain/refusal.ts';
import { eventually } from '../support/eventually.ts';
import { startProxy } from '../support/proxy.ts';
import { dropSchema, freshSchemaName } from '../support/schema.ts';
import { startTestAgent } from './cluster.ts';
import { faults } from './faulty-store.ts';
import { budget, Stage, type StagedAgent, stageSchema } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = stageSchema(url);

const orders = { name: 'orders', partitionCount: 4, retentionMs: null, config: {} };

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open(url, schema);
  await stage.store.createTopic(orders);
});

afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

function failed(agent: StagedAgent): Promise<unknown> {
  return agent.done.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a name that a living agent has', () => {
  test('is refused to a second one, with both processes named, and the first is undisturbed', async () => {
    const first = await stage.join('a');
    const { sessionId } = first.agent;
    const before = first.agent.held().terms;
    expect(before).toHaveLength(4);
    const second = await stage.start('a', { process: 'the second process' });
    await stage.clock.advance(500);
    expect(second.agent.status()).toMatchObject({ state: 'waiting', sessionId: null, leases: 0 });
    expect(second.agent.status().detail).toContain('a process');
    await stage.clock.advance(2 * budget.heartbeatIntervalMs + 500);
    expect(second.agent.status()).toMatchObject({ state: 'stopped', sessionId: null });
    const error = await failed(second);
    expect(error).toBeInstanceOf(NameTaken);
    expect(String(error)).toContain('AGENT_ID "a"');
    expect(String(error)).toContain('a process');
    expect(String(error)).toContain('the second process');
    await stage.clock.advance(2 * budget.ttlMs);
    expect(first.agent.status()).toMatchObject({ state: 'active', sessionId });
    expect(first.agent.held().terms).toEqual(before);
  });

  test('is had at once by a second one when the first stops meanwhile', async () => {
    const first = await stage.join('a');
    const second = await stage.start('a', { process: 'the second process' });
    await stage.clock.advance(500);
    await first.stop();
    await stage.clock.advance(1_000);
    expect(second.agent.status()).toMatchObject({ state: 'active' });
    expect(second.faulty.count('reapSession')).toBe(0);
  });
});

describe('a name whose agent died silently', () => {
  async function died(): Promise<string> {
    const { sessionId } = await stage.register(await stage.actor(), 'a');
    await stage.store.acquireLeases(sessionId, [{ kind: 'partition', topic: 'orders', partition: 0 }]);
    await stage.expire(sessionId);
    return sessionId;
  }

  test('is waited for during a TTL, then had, and its leases taken over under higher epochs', async () => {
    const old = await died();
    const [before] = (await stage.store.heldLeases(old)).terms;
    const a = await stage.start('a');
    await stage.clock.advance(budget.ttlMs - 1);
    expect(a.agent.status()).toMatchObject({ state: 'waiting', sessionId: null });
    await stage.clock.advance(1_000);
    expect(a.agent.status()).toMatchObject({ state: 'active', detail: null });
    expect(a.agent.sessionId).not.toBe(old);
    await stage.clock.advance(1_000);
    const [first, ...others] = a.agent.held().terms;
    expect(others).toHaveLength(3);
    expect(first?.epoch).toBeGreaterThan(before?.epoch ?? Infinity);
  });

  test('is had a TTL after a last heartbeat of the dead that was carried out late', async () => {
    const { sessionId } = await stage.register(await stage.actor(), 'a');
    const a = await stage.start('a');
    await stage.clock.advance(0.5 * budget.ttlMs);
    expect(await stage.store.heartbeat(sessionId, null)).toMatchObject({ outcome: 'renewed' });
    await stage.expire(sessionId);
    await stage.clock.advance(0.9 * budget.ttlMs);
    expect(a.agent.status()).toMatchObject({ state: 'waiting', sessionId: null });
    await stage.clock.advance(0.1 * budget.ttlMs + 1_000);
    expect(a.agent.status()).toMatchObject({ state: 'active', detail: null });
  });

  test('is waited for anew when the store was away meanwhile', async () => {
    await died();
    const a = await stage.start('a');
    await stage.clock.advance(0.9 * budget.ttlMs);
    a.faulty.next('registerSession', faults.refuse);
    await stage.clock.advance(0.9 * budget.ttlMs);
    expect(a.agent.status()).toMatchObject({ state: 'waiting' });
    await stage.clock.advance(0.3 * budget.ttlMs);
    expect(a.agent.status()).toMatchObject({ state: 'active' });
  });

  test('is not taken while the database says that the session has not expired', async () => {
    const { sessionId } = await stage.register(await stage.actor(), 'a');
    const a = await stage.start('a');
    await stage.clock.advance(2 * budget.ttlMs);
    expect(a.agent.status()).toMatchObject({ state: 'waiting' });
    await stage.expire(sessionId);
    await stage.clock.advance(1_000);
    expect(a.agent.status()).toMatchObject({ state: 'active' });
  });

  test('is waited for until the agent is stopped, which it can be at any time', async () => {
    await died();
    const a = await stage.start('a');
    await stage.clock.advance(1_000);
    await a.stop();
    expect(a.agent.status()).toMatchObject({ state: 'stopped', sessionId: null });
  });
});

describe('a registration', () => {
  test('whose reply was lost is asked for again, and is the same session', async () => {
    const actor = await stage.actor();
    actor.faulty.next('registerSession', faults.loseReply, 2);
    const registering = stage.register(actor, 'a');
    await stage.clock.advance(1_000);
    const { sessionId } = await registering;
    const { sessions } = await stage.store.observeSessions();
    expect(sessions.map((session) => session.sessionId)).toEqual([sessionId]);
  });

  test('trusts from when it was sent, however slow the answer was', async () => {
    const actor = await stage.actor();
    const asked = actor.faulty.hold('registerSession');
    const registering = stage.register(actor, 'a');
    await asked.arrived;
    stage.clock.jump(1_000);
    asked.letGo();
    const { trust } = await registering;
    expect(trust.forMs()).toBe(budget.ttlMs - budget.trustMarginMs - 1_000);
  });

  test('whose reply was lost trusts from when the answered one was sent', async () => {
    const actor = await stage.actor();
    actor.faulty.next('registerSession', faults.loseReply);
    const startedMs = stage.clock.monotonicMs();
    const registering = stage.register(actor, 'a');
    await stage.clock.advance(1_000);
    const { trust } = await registering;
    const sentMs = stage.clock.monotonicMs() + trust.forMs() - (budget.ttlMs - budget.trustMarginMs);
    // The first delay is between 50 and 100 ms.
    expect(sentMs - startedMs).toBe(75);
  });

  test('whose reply was lost, and whose session was reaped since, begins another one', async () => {
    const actor = await stage.actor();
    actor.faulty.next('registerSession', faults.loseReply);
    const registering = stage.register(actor, 'a');
    await stage.clock.rest();
    const [lost] = (await stage.store.observeSessions()).sessions;
    await stage.expire(lost?.sessionId ?? '');
    expect(await stage.store.reapSession(lost?.sessionId ?? '', lost?.beat ?? -1)).toBe('reaped');
    await stage.clock.advance(1_000);
    const { sessionId } = await registering;
    expect(sessionId).not.toBe(lost?.sessionId);
  });
});

describe('a store that is away when the agent starts', () => {
  const away = (): StoreUnavailable => new StoreUnavailable('test: no store', { outcomeUnknown: false });

  test('is waited for, for ever, and then the agent goes on', async () => {
    const a = await stage.start('a', { failures: Array.from({ length: 100 }, away) });
    await stage.clock.advance(300_000);
    expect(a.agent.status()).toMatchObject({ state: 'starting', sessionId: null });
    expect(a.agent.status().detail).toContain('waiting for the store');
    await stage.clock.advance(200_000);
    expect(a.agent.status()).toMatchObject({ state: 'active', detail: null, leases: 4 });
  });

  test('does not keep the agent from being stopped', async () => {
    const a = await stage.start('a', { failures: Array.from({ length: 100 }, away) });
    await stage.clock.advance(10_000);
    await a.stop();
    expect(a.agent.status()).toMatchObject({ state: 'stopped' });
  });

  test('is another matter than one that a person must mend', async () => {
    const a = await stage.start('a', { failures: [away(), new StoreMisconfigured('test: wrong password')] });
    await stage.clock.advance(1_000);
    expect(await failed(a)).toBeInstanceOf(StoreMisconfigured);
  });

  test.each(['refuse', 'blackhole'] as const)('may be behind a network that says: %s', async (mode) => {
    const fresh = freshSchemaName();
    await using proxy = await startProxy(Number(new URL(url).port));
    proxy.mode = mode;
    const through = new URL(url);
    through.port = String(proxy.port);
    const a = startTestAgent({ url: through.href, schema: fresh, agentId: 'a', ttlMs: 2_000 });
    await eventually(() => a.agent.status().detail?.startsWith('waiting for the store'));
    proxy.mode = 'pass';
    await eventually(() => a.agent.status().state === 'active');
    await a.stop();
    await dropSchema(url, fresh);
  });
});
