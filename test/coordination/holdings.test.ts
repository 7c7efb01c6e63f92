// The local copy of what a session holds: exact again after every lost reply, and nothing shown that is being given up.
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { Holdings, isSessionLost } from '../../src/coordination/holdings.ts';
import { COORDINATOR, type LeaseKey, leaseKeyText, partitionKey, type Term } from '../../src/domain/lease.ts';
import { StoreUnavailable } from '../../src/domain/refusal.ts';
import type { SignalKind } from '../../src/signals/signals.ts';
import { eventually } from '../support/eventually.ts';
import { faults } from './faulty-store.ts';
import { type Actor, Stage, stageSchema } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = stageSchema(url);

const orders = { name: 'orders', partitionCount: 4, retentionMs: null, config: {} };
const [first, second] = [partitionKey('orders', 0), partitionKey('orders', 1)];

let stage: Stage;
let actor: Actor;
let sessionId: string;
let holdings: Holdings;

beforeEach(async () => {
  stage = await Stage.open(url, schema);
  await stage.store.createTopic(orders);
  actor = await stage.actor();
  ({ sessionId } = await stage.register(actor, 'a'));
  holdings = new Holdings(actor.deps, sessionId);
  await catchUp();
});

afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

/** The term under which a lease is held now. */
function term(key: LeaseKey): Term {
  const held = holdings.get(key);
  if (held === undefined) throw new Error(`${leaseKeyText(key)} is not held`);
  return held;
}

/** What a heartbeat leads to: its reply's version is caught up with. */
async function catchUp(): Promise<void> {
  const answer = await stage.store.heartbeat(sessionId);
  if (answer.outcome !== 'renewed') throw new Error(answer.reason);
  await holdings.catchUp(answer.holdingsVersion);
}

/** The keys of a topic of so many partitions. */
async function wide(partitionCount: number): Promise<LeaseKey[]> {
  await stage.store.createTopic({ ...orders, name: 'wide', partitionCount });
  return Array.from({ length: partitionCount }, (_, partition) => partitionKey('wide', partition));
}

async function stored() {
  const { terms } = await stage.store.heldLeases(sessionId);
  return terms.map(({ key, epoch }) => ({ key, epoch }));
}

describe('an acquire', () => {
  test('shows what was granted, and knows the version that its own grant made', async () => {
    const outcomes = await holdings.acquire([first, second]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['granted', 'granted']);
    expect(holdings.partitions()).toEqual(await stored());
    const reads = actor.faulty.count('heldLeases');
    await catchUp();
    expect(actor.faulty.count('heldLeases')).toBe(reads);
  });

  test('of a partition is told to who remembers routes; of a role, or of what is held already, it is not', async () => {
    const heard: SignalKind[] = [];
    actor.deps.signals.subscribe((kind) => heard.push(kind));
    await holdings.acquire([COORDINATOR]);
    expect(heard).toEqual([]);
    await holdings.acquire([first, second]);
    await holdings.acquire([first]);
    expect(heard).toEqual(['routes']);
  });

  test('whose reply was lost is found by the next heartbeat', async () => {
    actor.faulty.next('acquireLeases', faults.loseReply);
    await expect(holdings.acquire([first, COORDINATOR])).rejects.toBeInstanceOf(StoreUnavailable);
    expect(holdings.partitions()).toEqual([]);
    await catchUp();
    expect(holdings.partitions()).toHaveLength(1);
    expect([...holdings.partitions(), holdings.get(COORDINATOR)]).toEqual(await stored());
    expect(holdings.get(COORDINATOR)?.epoch).toBe((await stage.store.getLease(COORDINATOR))?.epoch);
  });

  test('whose reply was lost is the same term when it is asked for again', async () => {
    actor.faulty.next('acquireLeases', faults.loseReply);
    await holdings.acquire([first]).catch(() => undefined);
    const [term] = await stored();
    expect(await holdings.acquire([first])).toMatchObject([{ outcome: 'already_held', epoch: term?.epoch }]);
    expect(holdings.partitions()).toEqual([term]);
  });

  test('that was lost on its way leaves nothing behind', async () => {
    actor.faulty.next('acquireLeases', faults.loseRequest);
    await expect(holdings.acquire([first])).rejects.toBeInstanceOf(StoreUnavailable);
    await catchUp();
    expect(holdings.partitions()).toEqual([]);
  });

  test('that is under way when a heartbeat tells its version is waited for, not read over', async () => {
    const reply = actor.faulty.hold('acquireLeases', 'reply');
    const acquired = holdings.acquire([first]);
    await reply.arrived;
    const reads = actor.faulty.count('heldLeases');
    const caughtUp = catchUp();
    await stage.clock.rest();
    reply.letGo();
    await Promise.all([acquired, caughtUp]);
    expect(holdings.partitions()).toEqual(await stored());
    expect(actor.faulty.count('heldLeases')).toBe(reads);
  });

  test('that finds a change of somebody else between reads everything', async () => {
    await holdings.acquire([first]);
    await stage.store.deleteTopic('orders');
    await stage.store.createTopic({ ...orders, name: 'payments' });
    await holdings.acquire([partitionKey('payments', 0)]);
    expect(holdings.partitions()).toEqual(await stored());
    expect(holdings.get(first)).toBeUndefined();
  });

  test.each(['request', 'reply'] as const)(
    'of many leases has two statements under way, which may be answered in any order (the %s of the first is late)',
    async (late) => {
      const keys = await wide(2_001);
      const reads = actor.faulty.count('heldLeases');
      const held = actor.faulty.hold('acquireLeases', late);
      const acquired = holdings.acquire(keys);
      await held.arrived;
      await eventually(() => holdings.partitions().length === 1_000, { what: 'the second to be answered' });
      expect(actor.faulty.count('acquireLeases')).toBe(2);
      held.letGo();
      expect(await acquired).toHaveLength(2_001);
      expect(actor.faulty.count('acquireLeases')).toBe(3);
      expect(holdings.partitions()).toEqual(await stored());
      await catchUp();
      expect(actor.faulty.count('heldLeases')).toBe(reads);
    },
  );

  test.each([
    ['after', 500],
    ['before', 1_500], // the other's version tells that something is missing, and all is read
  ] as const)(
    'of many leases shows what one of its statements was granted where another’s reply is lost (which took effect %s it)',
    async (order, shown) => {
      const keys = await wide(1_500);
      let tell = (): void => undefined;
      const tookEffect = new Promise<void>((resolve) => (tell = resolve));
      const otherIsShown = () => holdings.partitions().length === 500;
      actor.faulty.next('acquireLeases', async (run, rest) => {
        if (order === 'after') await rest(eventually(otherIsShown, { what: 'the other to be answered' }));
        return faults.loseReply(run).finally(tell);
      });
      actor.faulty.next('acquireLeases', async (run, rest) => {
        if (order === 'before') await rest(tookEffect);
        return run();
      });
      await expect(holdings.acquire(keys)).rejects.toBeInstanceOf(StoreUnavailable);
      expect(holdings.partitions()).toHaveLength(shown);
      await catchUp();
      expect(holdings.partitions()).toHaveLength(1_500);
      expect(holdings.partitions()).toEqual(await stored());
    },
  );

  test('of more leases than fit into one statement takes them all', async () => {
    const keys = await wide(1_001);
    const outcomes = await holdings.acquire(keys);
    expect(outcomes.every(({ outcome }) => outcome === 'granted')).toBe(true);
    expect(actor.faulty.count('acquireLeases')).toBe(2);
    expect(holdings.partitions()).toHaveLength(1_001);
    await holdings.release(holdings.partitions(), 'released');
    expect(await stored()).toEqual([]);
  });

  test('by a session that was reaped is known as such', async () => {
    await stage.expire(sessionId);
    const [session] = (await stage.store.observeSessions()).sessions;
    await stage.store.reapSession(sessionId, session?.beat ?? -1);
    const error = await holdings.acquire([first]).catch((caught: unknown) => caught);
    expect(isSessionLost(error)).toBe(true);
  });
});

describe('a lease that is being released', () => {
  beforeEach(async () => {
    await holdings.acquire([first, second]);
  });

  test('is not shown as held from the moment it is given up, before the store knows', async () => {
    const request = actor.faulty.hold('releaseLeases');
    const released = holdings.release([term(first)], 'released');
    expect(holdings.partitions().map(({ key }) => key)).toEqual([second]);
    expect(holdings.get(first)).toBeUndefined();
    await request.arrived;
    // Read anew meanwhile, the store still names it ours.
    await stage.store.createTopic({ ...orders, name: 'payments' });
    await stage.store.acquireLeases(sessionId, [partitionKey('payments', 0)]);
    expect(await stored()).toHaveLength(3);
    const caughtUp = catchUp();
    expect(holdings.get(first)).toBeUndefined();
    request.letGo();
    await Promise.all([released, caughtUp]);
    expect(holdings.partitions()).toEqual(await stored());
    expect(holdings.pendingReleases()).toEqual([]);
  });

  test('is not to be released again while the store is being told', async () => {
    const request = actor.faulty.hold('releaseLeases');
    const released = holdings.release([term(first)], 'released');
    const next = holdings.release([term(second)], 'released');
    await request.arrived;
    expect(holdings.pendingReleases()).toEqual([]);
    request.letGo();
    await Promise.all([released, next]);
    expect(actor.faulty.calls.filter(({ operation }) => operation === 'releaseLeases')).toHaveLength(2);
  });

  test('and whose reply was lost is known to be gone by the next heartbeat', async () => {
    actor.faulty.next('releaseLeases', faults.loseReply);
    await expect(holdings.release([term(first)], 'released')).rejects.toBeInstanceOf(StoreUnavailable);
    expect(holdings.get(first)).toBeUndefined();
    expect(holdings.pendingReleases().map(({ key }) => key)).toEqual([first]);
    await catchUp();
    expect(holdings.pendingReleases()).toEqual([]);
    expect(holdings.partitions()).toEqual(await stored());
  });

  test('and whose reply was lost is released again without harm, even when another holds it by then', async () => {
    actor.faulty.next('releaseLeases', faults.loseReply);
    await holdings.release([term(first)], 'released').catch(() => undefined);
    const other = await stage.actor();
    const { sessionId: otherId } = await stage.register(other, 'b');
    const {
      outcomes: [theirs],
    } = await stage.store.acquireLeases(otherId, [first]);
    await holdings.release(holdings.pendingReleases(), 'released');
    expect(holdings.pendingReleases()).toEqual([]);
    expect((await stage.store.heldLeases(otherId)).terms).toMatchObject([
      { key: first, epoch: theirs?.outcome === 'granted' ? theirs.epoch : -1 },
    ]);
  });

  test('and whose request was lost stays hidden through every heartbeat, until it is released', async () => {
    actor.faulty.next('releaseLeases', faults.loseRequest);
    await expect(holdings.release([term(first)], 'released')).rejects.toBeInstanceOf(StoreUnavailable);
    await stage.store.acquireLeases(sessionId, [partitionKey('orders', 2)]);
    await catchUp();
    expect(holdings.partitions().map(({ key }) => key)).toEqual([second, partitionKey('orders', 2)]);
    expect(holdings.pendingReleases().map(({ key }) => key)).toEqual([first]);
    await holdings.release(holdings.pendingReleases(), 'released');
    expect(await stage.store.getLease(first)).toMatchObject({ agentId: null });
  });

  test('is had again only behind its release, under a higher epoch', async () => {
    const before = term(first);
    const request = actor.faulty.hold('releaseLeases');
    const released = holdings.release([before], 'released');
    await request.arrived;
    const acquired = holdings.acquire([first]);
    await stage.clock.rest();
    expect(holdings.get(first)).toBeUndefined();
    request.letGo();
    await released;
    expect(await acquired).toMatchObject([{ outcome: 'granted', epoch: before.epoch + 1 }]);
  });

  test('is not asked for behind a release that failed, which may still arrive', async () => {
    const before = term(first);
    actor.faulty.next('releaseLeases', faults.loseRequest);
    const released = holdings.release([before], 'released').catch(() => undefined);
    const third = partitionKey('orders', 2);
    const acquired = holdings.acquire([first, third]);
    await released;
    expect(await acquired).toMatchObject([
      { outcome: 'granted', key: third },
      { outcome: 'busy', key: first },
    ]);
    // It arrives: nobody has trusted the term since.
    await stage.store.releaseLeases(sessionId, [before], 'released');
    expect(holdings.get(first)).toBeUndefined();
    expect(holdings.pendingReleases()).toEqual([before]);
  });

  test('is held again, under a higher epoch, when it is acquired anew', async () => {
    const before = holdings.get(first)?.epoch ?? Infinity;
    await holdings.release([term(first)], 'released');
    await holdings.acquire([first]);
    expect(holdings.get(first)?.epoch).toBeGreaterThan(before);
  });
});
