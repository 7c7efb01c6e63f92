// Several candidates on one agent: a lease names only the session, so the agent itself sees that they never share a term.
import { describe, expect, test } from 'vitest';
import { candidaciesMax } from '../../src/coordination/races.ts';
import { StoreUnavailable } from '../../src/domain/refusal.ts';
import { electionScene, waiting, refusal } from './election-stage.ts';
import { faults } from './faulty-store.ts';
import { budget, trustMs } from './stage.ts';

const scene = electionScene();
const join = (agentId: string) => scene.join(agentId);
const stored = (role: string) => scene.stored(role);

describe('two candidates on one agent', () => {
  test('lead one after the other, each under an epoch of its own', async () => {
    const a = await join('a');
    expect(await a.campaign('compactor', 'one')).toMatchObject({ state: 'leading' });
    expect(await a.campaign('compactor', 'two')).toMatchObject(waiting);
    await a.candidacies.resign('compactor', 'one');
    await scene.stage.clock.rest();
    expect(await a.campaign('compactor', 'two')).toMatchObject({ state: 'leading', epoch: a.won[1] });
    expect(a.told).toEqual([
      'compactor: won by one',
      'compactor: lost by one, resigned',
      'compactor: won by two',
    ]);
    const [first, second] = a.won;
    expect(second).toBeGreaterThan(first ?? Infinity);
    expect(await stored('compactor')).toEqual({ agentId: 'a', epoch: second });
  });

  test('lead in the order they came, for different roles at the same time', async () => {
    const a = await join('a');
    for (const name of ['one', 'two', 'three']) await a.campaign('x', name);
    expect(await a.campaign('y', 'three')).toMatchObject({ state: 'leading' });
    await a.candidacies.resign('x', 'two');
    await a.candidacies.resign('x', 'one');
    await scene.stage.clock.rest();
    expect(a.told.filter((words) => words.includes('won'))).toEqual([
      'x: won by one',
      'y: won by three',
      'x: won by three',
    ]);
  });

  test('never share an epoch, also when the release of the first takes its time', async () => {
    const a = await join('a');
    await a.campaign('x', 'one');
    await a.campaign('x', 'two');
    a.faulty.next('releaseLeases', faults.loseRequest, 3);
    const resigned = a.candidacies.resign('x', 'one');
    await scene.stage.clock.rest();
    // Nobody leads meanwhile, although the store still names this agent.
    expect(await a.campaign('x', 'two')).toMatchObject(waiting);
    expect((await stored('x')).agentId).toBe('a');
    await scene.stage.clock.advance(2_000);
    await resigned;
    expect(await a.campaign('x', 'two')).toMatchObject({ state: 'leading', epoch: a.won[1] });
    expect(a.won[1]).toBeGreaterThan(a.won[0] ?? Infinity);
  });

  test('never share an epoch, also when the reply to the release was lost', async () => {
    const a = await join('a');
    await a.campaign('x', 'one');
    await a.campaign('x', 'two');
    a.faulty.next('releaseLeases', faults.loseReply);
    const resigned = a.candidacies.resign('x', 'one');
    await a.now.beat();
    await scene.stage.clock.advance(2_000);
    await resigned;
    expect(a.won).toHaveLength(2);
    expect(a.won[1]).toBeGreaterThan(a.won[0] ?? Infinity);
    expect(await stored('x')).toEqual({ agentId: 'a', epoch: a.won[1] });
  });
});

describe('a candidacy by renewal', () => {
  test('ends when it is not renewed, and its role goes to the next', async () => {
    const a = await join('a');
    await a.campaign('x', 'one', { holdMs: 4_000 });
    await a.campaign('x', 'two');
    await scene.stage.clock.advance(3_999);
    expect(a.won).toHaveLength(1);
    await scene.stage.clock.advance(1);
    expect(a.told).toEqual(['x: won by one', 'x: lost by one, expired', 'x: won by two']);
    expect(() => a.candidacies.renew('x', 'one', 4_000)).toThrow(refusal('no_lease'));
  });

  test('goes on under its epoch as long as it is renewed in time', async () => {
    const a = await join('a');
    const { epoch } = await a.campaign('x', 'one', { holdMs: 4_000 });
    for (let renewal = 0; renewal < 3; renewal += 1) {
      await scene.stage.clock.advance(3_000);
      expect(a.candidacies.renew('x', 'one', 4_000)).toMatchObject({ epoch, trustedForMs: 4_000 });
    }
    await scene.stage.clock.advance(3_999);
    expect(a.told).toEqual(['x: won by one']);
  });

  test('that waits must be renewed too', async () => {
    const a = await join('a');
    await a.campaign('x', 'one');
    await a.campaign('x', 'two', { holdMs: 4_000 });
    await scene.stage.clock.advance(3_000);
    expect(a.candidacies.renew('x', 'two', 2_000)).toMatchObject(waiting);
    await scene.stage.clock.advance(2_000);
    await a.candidacies.resign('x', 'one');
    await scene.stage.clock.advance(1_000);
    expect(a.told).toEqual(['x: won by one', 'x: lost by one, resigned']);
    expect(await stored('x')).toMatchObject({ agentId: null });
  });

  test('is over at its time even when its timer is late: a renewal then comes too late', async () => {
    const a = await join('a');
    await a.campaign('x', 'one', { holdMs: 4_000 });
    scene.stage.clock.jump(4_000);
    expect(() => a.candidacies.renew('x', 'one', 4_000)).toThrow(refusal('no_lease'));
    expect(a.told).toEqual(['x: won by one', 'x: lost by one, expired']);
  });

  test('is not shortened by a request that a later one has overtaken', async () => {
    const a = await join('a');
    await a.campaign('x', 'one', { holdMs: 10_000 });
    expect(a.candidacies.renew('x', 'one', 500).trustedForMs).toBe(10_000);
    await scene.stage.clock.advance(9_999);
    expect(a.told).toEqual(['x: won by one']);
  });
});

describe('how long a leader is trusted', () => {
  test('is told from its request on: the rest of its hold or of the session, whichever ends first', async () => {
    const a = await join('a');
    expect(await a.campaign('x', 'one', { holdMs: 5_000 })).toMatchObject({ trustedForMs: 5_000 });
    expect((await a.campaign('y', 'one', { holdMs: 300_000 })).trustedForMs).toBe(trustMs);
    await scene.stage.clock.advance(20_000);
    const ended = new AbortController();
    const { trustedForMs } = await a.campaign('z', 'one', { stream: ended.signal });
    expect(trustedForMs).toBe(trustMs - 20_000);
  });

  test('reaches never beyond the moment at which the agent gives the role on, however long the answer took', async () => {
    const a = await join('a');
    await a.campaign('x', 'one');
    const askedAtMs = scene.stage.clock.monotonicMs();
    const campaign = a.candidacies.campaign('x', 'two', { by: 'renewal', holdMs: 8_000 }, { waitMs: 4_000 });
    await scene.stage.clock.advance(3_000);
    await a.candidacies.resign('x', 'one');
    const { state, trustedForMs } = await campaign;
    expect(state).toBe('leading');
    const promisedUntilMs = askedAtMs + trustedForMs;
    expect(promisedUntilMs).toBe(askedAtMs + 8_000);
    await scene.stage.clock.advance(promisedUntilMs - scene.stage.clock.monotonicMs() - 1);
    expect(a.told.at(-1)).toBe('x: won by two');
    await scene.stage.clock.advance(1);
    expect(a.told.at(-1)).toBe('x: lost by two, expired');
  });

  test('is nothing while the session is not trusted; the term goes on, and new ones are not begun', async () => {
    const a = await join('a');
    const { epoch } = await a.campaign('x', 'one');
    await scene.stage.clock.advance(trustMs);
    expect(await a.campaign('x', 'one')).toMatchObject({ state: 'leading', epoch, trustedForMs: 0 });
    expect(await a.campaign('y', 'one')).toMatchObject(waiting);
    await a.now.beat();
    await scene.stage.clock.advance(budget.heartbeatIntervalMs);
    expect(await a.campaign('x', 'one')).toMatchObject({ epoch, trustedForMs: expect.any(Number) });
    expect(await a.campaign('y', 'one')).toMatchObject({ state: 'leading' });
  });
});

describe('a candidacy on a stream', () => {
  test('ends with it, and not before', async () => {
    const a = await join('a');
    const ended = new AbortController();
    await a.campaign('x', 'one', { stream: ended.signal });
    await a.campaign('x', 'two');
    await a.now.beat();
    await scene.stage.clock.advance(20_000);
    expect(a.told).toEqual(['x: won by one']);
    ended.abort();
    await scene.stage.clock.rest();
    expect(a.told).toEqual(['x: won by one', 'x: lost by one, stream_closed', 'x: won by two']);
  });

  test('cannot begin on one that has ended, nor move to another: one name is one candidate', async () => {
    const a = await join('a');
    const [first, second] = [new AbortController(), new AbortController()];
    await a.campaign('x', 'one', { stream: first.signal });
    await expect(a.campaign('x', 'one', { stream: second.signal })).rejects.toEqual(refusal('conflict'));
    await expect(a.campaign('x', 'one', { holdMs: 5_000 })).rejects.toEqual(refusal('conflict'));
    expect(() => a.candidacies.renew('x', 'one', 5_000)).toThrow(refusal('conflict'));
    second.abort();
    await expect(a.campaign('x', 'two', { stream: second.signal })).rejects.toEqual(refusal('conflict'));
    expect(a.told).toEqual(['x: won by one']);
    first.abort();
    expect(await a.campaign('x', 'one')).toMatchObject({ state: 'leading', epoch: a.won[1] });
  });
});

describe('a request that is repeated', () => {
  test('changes nothing: the candidate keeps its place and its epoch', async () => {
    const a = await join('a');
    await a.campaign('x', 'one');
    await a.campaign('x', 'two');
    await a.campaign('x', 'three');
    expect(await a.campaign('x', 'one')).toMatchObject({ state: 'leading', epoch: a.won[0] });
    expect(await a.campaign('x', 'two')).toMatchObject(waiting);
    await a.candidacies.resign('x', 'one');
    await a.candidacies.resign('x', 'one');
    await a.candidacies.resign('nothing', 'nobody');
    await scene.stage.clock.rest();
    expect(a.told.at(-1)).toBe('x: won by two');
    expect(a.won).toHaveLength(2);
  });

  test('finds the role won that an acquire without an answer has taken', async () => {
    const a = await join('a');
    a.faulty.next('acquireLeases', faults.loseReply);
    expect(await a.campaign('x', 'one')).toMatchObject(waiting);
    expect((await stored('x')).agentId).toBe('a');
    await a.now.beat();
    expect(await a.campaign('x', 'one')).toMatchObject({
      state: 'leading',
      epoch: (await stored('x')).epoch,
    });
  });
});

describe('a role that nobody wants any more', () => {
  test('is vacant, also when its acquire was answered after the last candidate had left', async () => {
    const a = await join('a');
    const acquire = a.faulty.hold('acquireLeases', 'reply');
    void a.candidacies.campaign('x', 'one', { by: 'renewal', holdMs: 300_000 }, { waitMs: 0 });
    await scene.stage.clock.rest();
    await acquire.arrived;
    await a.candidacies.resign('x', 'one');
    acquire.letGo();
    await scene.stage.clock.rest();
    expect(await stored('x')).toMatchObject({ agentId: null });
    expect(a.told).toEqual([]);
  });

  test('is vacant, also when its acquire was never answered', async () => {
    const a = await join('a');
    a.faulty.next('acquireLeases', faults.loseReply);
    await a.campaign('x', 'one');
    await a.candidacies.resign('x', 'one');
    await scene.stage.clock.advance(1_000);
    expect(await stored('x')).toMatchObject({ agentId: 'a' });
    await a.now.beat();
    await scene.stage.clock.advance(1_000);
    expect(await stored('x')).toMatchObject({ agentId: null });
    expect(a.told).toEqual([]);
  });

  test('is given up here at once, and in the store when it is back: a resignation says so', async () => {
    const a = await join('a');
    await a.campaign('x', 'one');
    a.faulty.always(faults.refuse, 'releaseLeases');
    const resigned = a.candidacies.resign('x', 'one');
    const outcome = resigned.then(
      () => 'resolved',
      (error: unknown) => error,
    );
    expect(a.told.at(-1)).toBe('x: lost by one, resigned');
    await scene.stage.clock.advance(5_000);
    expect(await outcome).toBeInstanceOf(StoreUnavailable);
    a.faulty.heal();
    await scene.stage.clock.advance(budget.heartbeatIntervalMs);
    expect(await stored('x')).toMatchObject({ agentId: null });
    await a.candidacies.resign('x', 'one');
  });
});

describe('candidates of two agents', () => {
  test('take over from each other under growing epochs', async () => {
    const [a, b] = [await join('a'), await join('b')];
    await a.campaign('x', 'one');
    expect(await b.campaign('x', 'two')).toMatchObject(waiting);
    await a.candidacies.resign('x', 'one');
    b.candidacies.look();
    await scene.stage.clock.rest();
    expect(await b.campaign('x', 'two')).toMatchObject({ state: 'leading' });
    expect(await a.campaign('x', 'one')).toMatchObject(waiting);
    await b.candidacies.resign('x', 'two');
    // Without any signal the vacancy is found on the slow tick.
    await scene.stage.clock.advance(budget.heartbeatIntervalMs);
    expect(await a.campaign('x', 'one')).toMatchObject({ state: 'leading' });
    const epochs = [a.won[0] ?? 0, b.won[0] ?? 0, a.won[1] ?? 0];
    expect(epochs).toEqual(epochs.toSorted((left, right) => left - right));
    expect(new Set(epochs).size).toBe(3);
  });

  test('that wait read once a tick and write nothing', async () => {
    const [a, b] = [await join('a'), await join('b')];
    await a.campaign('x', 'one');
    await b.campaign('x', 'two');
    const [reads, writes] = [b.faulty.count('getLease'), b.faulty.count('acquireLeases')];
    await scene.stage.clock.advance(3 * budget.heartbeatIntervalMs);
    expect(b.faulty.count('getLease') - reads).toBe(3);
    expect(b.faulty.count('acquireLeases')).toBe(writes);
  });

  test('for many roles ask for all of them at once', async () => {
    const [a, b] = [await join('a'), await join('b')];
    const roles = Array.from({ length: 20 }, (_, i) => `role-${i}`);
    for (const role of roles) await a.campaign(role, 'one');
    for (const role of roles) await b.campaign(role, 'two');
    for (const role of roles) await a.candidacies.resign(role, 'one');
    const before = b.faulty.calls.length;
    b.candidacies.look();
    await scene.stage.clock.rest();
    expect(b.won).toHaveLength(20);
    expect(b.faulty.calls.length - before).toBeLessThan(10);
  });
});

test('an agent takes so many candidacies and no more, and one more when one has ended', async () => {
  const a = await join('a');
  const on = { by: 'renewal', holdMs: 300_000 } as const;
  for (let i = 0; i < candidaciesMax; i += 1) {
    await a.candidacies.campaign(`role-${i % 10}`, `c-${i}`, on, { waitMs: 0 });
  }
  await expect(a.campaign('role-0', 'more')).rejects.toEqual(refusal('conflict'));
  expect(await a.campaign('role-0', 'c-0')).toMatchObject({ state: 'leading' });
  await a.candidacies.resign('role-9', 'c-9');
  expect(await a.campaign('role-0', 'more')).toMatchObject(waiting);
});
