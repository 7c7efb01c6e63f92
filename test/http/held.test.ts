// What this agent holds, with what it was asked to give up, and the broker's word that it is done.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { partitionKey } from '../../src/domain/lease.ts';
import { type Fixture, registerAgent, startFixture } from './fixture.ts';
import { eventStage } from './events-stage.ts';

test('what is being revoked says until when and for whom, on the agent’s own clock', async () => {
  await using stage = await eventStage();
  const { agent, clock, server } = stage;
  const [plain, asked, late] = [0, 1, 2].map((partition) => ({
    key: partitionKey('orders', partition),
    epoch: 7,
  }));
  if (plain === undefined || asked === undefined || late === undefined) throw new Error('no terms');
  agent.hold([
    plain,
    { ...asked, revoking: { releasedAtMs: clock.monotonicMs() + 2_500.9, to: 'agent-2' } },
    { ...late, revoking: { releasedAtMs: clock.monotonicMs() - 1, to: null } },
  ]);
  const answer = await fetch(`${server.url}/v1/held`);
  expect(await answer.json()).toEqual({
    trustedForMs: 7_000,
    leases: [
      { topic: 'orders', partition: 0, epoch: 7 },
      { topic: 'orders', partition: 1, epoch: 7, revoking: { deadlineMs: 2_500, to: 'agent-2' } },
      { topic: 'orders', partition: 2, epoch: 7, revoking: { deadlineMs: 0, to: null } },
    ],
  });
});

describe.each(['postgres', 'sqlite'] as const)('on %s', (backend) => {
  let http: Fixture;
  let session: string | null;
  beforeAll(async () => {
    http = await startFixture({ backend });
    await http.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 8 });
    session = http.agent.sessionId;
  });
  afterAll(async () => http[Symbol.asyncDispose]());
  beforeEach(() => {
    http.agent.sessionId = session;
  });

  async function acquired(partition: number): Promise<number> {
    const [epoch] = await http.acquire('orders', partition);
    if (epoch === undefined) throw new Error('not granted');
    return epoch;
  }

  async function holderOf(partition: number): Promise<string | null | undefined> {
    return (await http.store.getLease(partitionKey('orders', partition)))?.agentId;
  }

  function release(partition: number | string, body: unknown) {
    return http.ask('POST', `/v1/held/orders/${partition}/released`, body);
  }

  test('a term is given up by its epoch, and again while it is vacant', async () => {
    const epoch = await acquired(0);
    for (let time = 0; time < 2; time++) {
      const answer = await release(0, { epoch });
      expect(answer).toMatchObject({ status: 200, body: { topic: 'orders', partition: 0, epoch } });
      expect(await holderOf(0)).toBeNull();
    }
  });

  test('an old epoch releases nothing, and is told the current one and who holds it', async () => {
    const old = await acquired(1);
    await release(1, { epoch: old });
    const epoch = await acquired(1);
    const answer = await release(1, { epoch: old });
    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'fenced', givenEpoch: old, currentEpoch: epoch, holder: 'agent-1' },
    });
    expect(await holderOf(1)).toBe('agent-1');
    await release(1, { epoch });
    expect(await release(1, { epoch: old })).toMatchObject({
      status: 409,
      body: { code: 'fenced', currentEpoch: epoch, holder: null },
    });
  });

  test('an agent without a session releases nothing that another session holds; the store is asked', async () => {
    const epoch = await acquired(2);
    http.agent.sessionId = null;
    const held = await release(2, { epoch });
    expect(held).toMatchObject({
      status: 409,
      body: { code: 'no_lease', currentEpoch: epoch, holder: 'agent-1' },
    });
    expect(await holderOf(2)).toBe('agent-1');
    expect(await release(2, { epoch: epoch - 1 })).toMatchObject({
      status: 409,
      body: { code: 'fenced', currentEpoch: epoch, holder: 'agent-1' },
    });
    http.agent.sessionId = session;
    await release(2, { epoch });
    http.agent.sessionId = null;
    expect(await release(2, { epoch })).toMatchObject({ status: 200 });
  });

  test('a term of another agent is not given up, however current its epoch', async () => {
    const other = await registerAgent(http.store, `other-${backend}`);
    const { outcomes } = await http.store.acquireLeases(other, [partitionKey('orders', 3)]);
    const [granted] = outcomes;
    if (granted?.outcome !== 'granted') throw new Error('not granted');
    const answer = await release(3, { epoch: granted.epoch });
    expect(answer).toMatchObject({ status: 409, body: { code: 'no_lease', holder: `other-${backend}` } });
    expect(await holderOf(3)).toBe(`other-${backend}`);
  });

  test.each(['8', '2147483647'])('there is no partition %s', async (partition) => {
    for (const epoch of [0, 7]) {
      const answer = await release(partition, { epoch });
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
  });

  test('many at once: each has its own outcome', async () => {
    const old = await acquired(4);
    await release(4, { epoch: old });
    const [four, five] = [await acquired(4), await acquired(5)];
    const leases = [
      { topic: 'orders', partition: 5, epoch: five },
      { topic: 'orders', partition: 4, epoch: old },
      { topic: 'none', partition: 0, epoch: 7 },
    ];
    const fenced = { outcome: 'fenced', currentEpoch: four };
    const expected = [
      { ...leases[0], outcome: 'released' },
      { ...leases[1], ...fenced },
      { ...leases[2], outcome: 'fenced', currentEpoch: 0 },
    ];
    for (let time = 0; time < 2; time++) {
      const answer = await http.ask('POST', '/v1/held/released', { leases });
      expect(answer).toMatchObject({ status: 200, body: { leases: expected } });
    }
    expect([await holderOf(4), await holderOf(5)]).toEqual(['agent-1', null]);
  });

  const lease = { topic: 'orders', partition: 6, epoch: 1 };
  test.each([
    ['/v1/held/orders/6/released', {}],
    ['/v1/held/orders/6/released', { epoch: -1 }],
    ['/v1/held/orders/6/released', { epoch: '1' }],
    ['/v1/held/orders/6/released', { epoch: 1, force: true }],
    ['/v1/held/orders/6/released', undefined],
    ['/v1/held/orders/-1/released', { epoch: 1 }],
    ['/v1/held/orders/x/released', { epoch: 1 }],
    ['/v1/held/released', {}],
    ['/v1/held/released', { leases: [] }],
    ['/v1/held/released', { leases: [lease, { ...lease, epoch: 2 }] }],
    ['/v1/held/released', { leases: [{ ...lease, epoch: undefined }] }],
    ['/v1/held/released', { leases: Array.from({ length: 10_001 }, (_, i) => ({ ...lease, partition: i })) }],
    ['/v1/held/released?force=true', { leases: [lease] }],
  ])('%s refuses %j', async (path, body) => {
    const before = await http.contents();
    const answer = await http.ask('POST', path, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(await http.contents()).toEqual(before);
  });

  test('before the store is open nothing can be given up', async () => {
    http.agent.store = undefined;
    expect(await release(0, { epoch: 1 })).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    http.agent.store = http.store;
  });
});
