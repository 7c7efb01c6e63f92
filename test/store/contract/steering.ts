// The contract of steering: what operators say of agents and leases, and what a session says of itself.
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { AgentState, Placement, Serving } from '../../../src/domain/agent-state.ts';
import { COORDINATOR, partitionKey, roleKey } from '../../../src/domain/lease.ts';
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
  raised,
  reap,
  segment,
  take,
  topic,
  ttlMs,
} from './samples.ts';

async function holdingsVersion(store: MetadataStore, sessionId: string): Promise<number> {
  return (await store.heldLeases(sessionId)).holdingsVersion;
}

export function placementContract(backend: Backend): void {
  test('a placement is kept, and tells the coordinator when it changes', async () => {
    const database = await backend.database();
    const store = await database.store();
    await join(store, 'a');
    for (const placement of ['cordoned', 'draining', 'open'] as const) {
      const change = async () =>
        expect(await store.setPlacement('a', placement)).toMatchObject({ agentId: 'a', placement });
      expect(await raised(store, change)).toBe(1);
      expect(await database.rowsWritten(change)).toEqual([]);
      expect(await store.getAgent('a')).toMatchObject({ placement });
    }
    await expectRefusal(store.setPlacement('nobody', 'cordoned'), 'not_found');
  });

  test('a placement outlives sessions, and registering does not change it', async () => {
    const store = await (await backend.database()).store();
    const first = await join(store, 'a');
    await store.setPlacement('a', 'cordoned');
    await store.endSession(first, 'deregistered');
    expect(await store.getAgent('a')).toMatchObject({ state: 'dead', placement: 'cordoned' });
    expect(await store.setPlacement('a', 'draining')).toMatchObject({ state: 'dead', placement: 'draining' });
    await join(store, 'a');
    expect(await store.getAgent('a')).toMatchObject({ state: 'draining', placement: 'draining' });
  });

  test('an agent that was forgotten comes back open', async () => {
    const store = await (await backend.database()).store();
    const first = await join(store, 'a');
    await store.setPlacement('a', 'cordoned');
    await store.endSession(first, 'deregistered');
    await store.removeAgent('a', { force: false });
    await join(store, 'a');
    expect(await store.getAgent('a')).toMatchObject({ placement: 'open' });
  });

  test('what a session says of itself is kept, ends with it, and tells the coordinator when it changes', async () => {
    const database = await backend.database();
    const store = await database.store();
    const sessionId = await join(store, 'a');
    for (const serving of ['broker_down', 'serving', 'stopping'] as const) {
      expect(await raised(store, () => store.setServing(sessionId, serving))).toBe(1);
      expect(await database.rowsWritten(() => store.setServing(sessionId, serving))).toEqual([]);
    }
    expect(await store.getAgent('a')).toMatchObject({ state: 'draining', placement: 'open' });
    await store.endSession(sessionId, 'deregistered');
    const late = () => expectRefusal(store.setServing(sessionId, 'serving'), 'session_lost');
    expect(await database.rowsWritten(late)).toEqual([]);
    await expectRefusal(store.setServing(randomUUID(), 'serving'), 'session_lost');
    await join(store, 'a');
    expect(await store.getAgent('a')).toMatchObject({ state: 'active' });
  });

  test('a session may register without a broker', async () => {
    const store = await (await backend.database()).store();
    const sessionId = randomUUID();
    const session = { sessionId, agent: agent('a'), ttlMs, process: 'p', serving: 'broker_down' } as const;
    await store.registerSession(session);
    expect(await store.getAgent('a')).toMatchObject({ state: 'broker_down' });
    await store.setServing(sessionId, 'serving');
    // The same registration again, from an attempt whose reply was lost.
    await store.registerSession(session);
    expect(await store.getAgent('a')).toMatchObject({ state: 'active' });
  });

  const states: readonly (readonly [Placement, Serving, AgentState, string])[] = [
    ['open', 'serving', 'active', 'new'],
    ['cordoned', 'serving', 'cordoned', 'own'],
    ['draining', 'serving', 'draining', 'nothing drain'],
    ['open', 'broker_down', 'broker_down', 'nothing broker_down'],
    ['cordoned', 'broker_down', 'broker_down', 'nothing broker_down'],
    ['draining', 'broker_down', 'draining', 'nothing drain'],
    ['open', 'stopping', 'draining', 'nothing agent_left'],
    ['cordoned', 'stopping', 'draining', 'nothing agent_left'],
    ['draining', 'stopping', 'draining', 'nothing agent_left'],
  ];

  test('of all that is said of agents one state comes, listed and counted alike, and what they take', async () => {
    const database = await backend.database();
    const store = await database.store();
    const expected: Record<string, AgentState> = {};
    const takes: string[] = [];
    for (const [i, [placement, serving, state, taken]] of states.entries()) {
      await store.setServing(await join(store, `a${i}`), serving);
      await store.setPlacement(`a${i}`, placement);
      expected[`a${i}`] = state;
      takes.push(taken);
    }
    const planned = (await store.readPlanningInput()).agents;
    expect(planned.map((each) => [each.takes, each.leaving].filter(Boolean).join(' '))).toEqual(takes);

    await expire(database, await join(store, 'expired'));
    await store.setPlacement('expired', 'draining');
    await store.endSession(await join(store, 'gone'), 'deregistered');
    await store.setPlacement('gone', 'cordoned');
    Object.assign(expected, { expired: 'expired', gone: 'dead' });
    const listed = (await store.listAgents(all)).items;
    expect(Object.fromEntries(listed.map((each) => [each.agentId, each.state]))).toEqual(expected);
    const counts = { active: 1, cordoned: 1, draining: 5, broker_down: 2, expired: 1, dead: 1 };
    expect(await store.countAgents()).toEqual(counts);
  });

  test.each([
    ['agents', 'placement'],
    ['sessions', 'serving'],
  ])('the database refuses a word that it does not know in %s.%s', async (table, column) => {
    const database = await backend.database();
    const store = await database.store();
    await join(store, 'a');
    await expect(database.sql(`update ${table} set ${column} = 'odd' where agent_id = 'a'`)).rejects.toThrow(
      /check/i,
    );
  });
}

export function requestContract(backend: Backend): void {
  test('a holder is told which of its terms it is to give up, and where their logs end', async () => {
    const store = await (await backend.database()).store();
    await store.createTopic(topic('orders', 2));
    const sessionId = await join(store, 'a');
    const epochs = [
      await take(store, sessionId, orders),
      await take(store, sessionId, partitionKey('orders', 1)),
    ];
    const role = await take(store, sessionId, COORDINATOR);
    await store.appendSegments({ sessionId, epoch: epochs[1] ?? 0 }, 'orders', 1, [segment(0, 9)]);
    const held = (asked: boolean) => [
      { key: orders, epoch: epochs[0], highWatermark: 0, releaseRequested: asked },
      { key: partitionKey('orders', 1), epoch: epochs[1], highWatermark: 10, releaseRequested: false },
      { key: COORDINATOR, epoch: role, highWatermark: null, releaseRequested: false },
    ];
    expect((await store.heldLeases(sessionId)).terms).toEqual(held(false));
    const version = await holdingsVersion(store, sessionId);
    expect(await store.requestRelease(orders, null)).toEqual({
      outcome: 'asked',
      agentId: 'a',
      epoch: epochs[0],
    });
    expect(await store.heldLeases(sessionId)).toEqual({ terms: held(true), holdingsVersion: version + 1 });
    // It is asked; nothing else has happened to it.
    expect(await store.getLease(orders)).toMatchObject({ agentId: 'a', epoch: epochs[0] });
  });

  test('asking again for the same term changes nothing', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { fence } = await ledPartition(store);
    const asked = { outcome: 'asked', agentId: 'a', epoch: fence.epoch };
    expect(await store.requestRelease(orders, fence.epoch)).toEqual(asked);
    const again = async () => {
      expect(await store.requestRelease(orders, fence.epoch)).toEqual(asked);
      expect(await store.requestRelease(orders, null)).toEqual(asked);
    };
    expect(await database.rowsWritten(again)).toEqual([]);
  });

  test('another term than the expected one is not asked for', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { fence } = await ledPartition(store);
    const attempts = async () => {
      for (const expected of [fence.epoch - 1, fence.epoch + 1, 0]) {
        const facts = { givenEpoch: expected, currentEpoch: fence.epoch };
        await expectRefusal(store.requestRelease(orders, expected), 'fenced', facts);
        expect(await store.requestSessionEnd(orders, expected)).toBeNull();
      }
      await expectRefusal(store.requestRelease(partitionKey('orders', 1), null), 'not_found');
      await expectRefusal(store.requestRelease(roleKey('never'), null), 'not_found');
      await expectRefusal(store.requestSessionEnd(partitionKey('none', 0), 1), 'not_found');
    };
    expect(await database.rowsWritten(attempts)).toEqual([]);
  });

  test('a request is void as soon as the term is over, also for the same session', async () => {
    const store = await (await backend.database()).store();
    const { sessionId, fence } = await ledPartition(store);
    await store.requestRelease(orders, null);
    await store.releaseLeases(sessionId, [{ key: orders, epoch: fence.epoch }], 'released');
    const epoch = await take(store, sessionId, orders);
    expect((await store.heldLeases(sessionId)).terms).toMatchObject([{ epoch, releaseRequested: false }]);
    expect(await store.requestRelease(orders, null)).toMatchObject({ outcome: 'asked', epoch });
    expect((await store.heldLeases(sessionId)).terms).toMatchObject([{ epoch, releaseRequested: true }]);
  });

  const vacancies: readonly [
    string,
    (database: ContractDatabase, store: MetadataStore, sessionId: string, epoch: number) => Promise<unknown>,
  ][] = [
    [
      'given up',
      (_, store, sessionId, epoch) => store.releaseLeases(sessionId, [{ key: orders, epoch }], 'released'),
    ],
    ['whose session ended', (_, store, sessionId) => store.endSession(sessionId, 'deregistered')],
    ['whose session was reaped', (database, store, sessionId) => reap(database, store, sessionId)],
  ];
  test.each(vacancies)('nobody is asked for a lease that was %s', async (_, vacate) => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await vacate(database, store, sessionId, fence.epoch);
    const ask = async () => {
      const { epoch } = fence;
      expect(await store.requestRelease(orders, null)).toEqual({ outcome: 'vacant', epoch });
      expect(await store.requestRelease(orders, epoch)).toEqual({ outcome: 'vacant', epoch });
      expect(await store.requestSessionEnd(orders, epoch)).toBeNull();
    };
    expect(await database.rowsWritten(ask)).toEqual([]);
  });

  test('nobody is asked twice for a lease whose session was reaped after it was asked', async () => {
    const database = await backend.database();
    const store = await database.store();
    const { sessionId, fence } = await ledPartition(store);
    await store.requestRelease(orders, null);
    await reap(database, store, sessionId);
    expect(await store.requestRelease(orders, null)).toEqual({ outcome: 'vacant', epoch: fence.epoch });
  });

  test('a role is asked for like a partition', async () => {
    const store = await (await backend.database()).store();
    const sessionId = await join(store, 'a');
    const epoch = await take(store, sessionId, COORDINATOR);
    const asked = { outcome: 'asked', agentId: 'a', epoch };
    expect(await store.requestRelease(COORDINATOR, epoch)).toEqual(asked);
    expect((await store.heldLeases(sessionId)).terms).toMatchObject([{ releaseRequested: true }]);
  });

  test("a holder's session is told to end by the term that it holds", async () => {
    const store = await (await backend.database()).store();
    const { sessionId, fence } = await ledPartition(store);
    const other = await join(store, 'b');
    expect(await store.requestSessionEnd(orders, fence.epoch)).toBe('a');
    expect(await store.requestSessionEnd(orders, fence.epoch)).toBe('a');
    expect(await store.heartbeat(sessionId)).toMatchObject({ outcome: 'renewed', endRequested: true });
    expect(await store.heartbeat(other)).toMatchObject({ endRequested: false });
    expect(await store.getLease(orders)).toMatchObject({ agentId: 'a', epoch: fence.epoch });
  });
}
