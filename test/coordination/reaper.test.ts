// Who watches whom, for how long, and what keeps a reaper from judging: on a clock that the test moves.
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { Reaper } from '../../src/coordination/reaper.ts';
import { COORDINATOR } from '../../src/domain/lease.ts';
import { eventually } from '../support/eventually.ts';
import { faults } from './faulty-store.ts';
import { type Actor, budget, pollMs, Stage, stageSchema } from './stage.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;
const schema = stageSchema(url);
const pingMs = 5_000;

interface Watcher extends Actor {
  readonly sessionId: string;
  readonly reaper: Reaper;
  readonly told: string[];
}

let stage: Stage;
let stop: AbortController;
let running: Promise<void>[];

beforeEach(async () => {
  stage = await Stage.open(url, schema);
  stop = new AbortController();
  running = [];
});

afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  await stage[Symbol.asyncDispose]();
});

/** A session with a reaper that runs, and nothing else. */
async function watcher(agentId: string, applicationName?: string): Promise<Watcher> {
  const actor = await stage.actor(applicationName);
  const { sessionId } = await stage.register(actor, agentId);
  const told: string[] = [];
  const reaper = new Reaper(
    actor.deps,
    { sessionId, budget, pollMs, pingMs, detectsCrashes: true },
    {
      vacant: () => told.push('vacant'),
      retired: () => told.push('retired'),
      members: (sessionIds) => told.push(`${sessionIds.length} members`),
      reaped: (reaped) => told.push(`reaped ${reaped}`),
    },
  );
  return { ...actor, sessionId, reaper, told };
}

function run(...watchers: readonly Watcher[]): void {
  for (const { reaper } of watchers) running.push(reaper.run(stop.signal));
}

async function coordinator(agentId: string, applicationName?: string): Promise<Watcher> {
  const elected = await watcher(agentId, applicationName);
  await stage.store.acquireLeases(elected.sessionId, [COORDINATOR]);
  return elected;
}

/** A session that nobody beats, expired for the database. */
async function silent(agentId: string): Promise<string> {
  const { sessionId } = await stage.register(await stage.actor(), agentId);
  await stage.expire(sessionId);
  return sessionId;
}

function reaped({ told }: Watcher): string[] {
  return told.filter((text) => text.startsWith('reaped'));
}

describe('the coordinator', () => {
  test('reaps a silent session after a TTL of its own watching, however long ago the database says it expired', async () => {
    const c = await coordinator('c');
    await silent('b');
    run(c);
    await stage.clock.advance(budget.ttlMs - 1);
    expect(reaped(c)).toEqual([]);
    await stage.clock.advance(10);
    expect(reaped(c)).toEqual(['reaped b']);
    await stage.clock.advance(budget.ttlMs);
    expect(reaped(c)).toEqual(['reaped b']);
    expect(await stage.store.getAgent('b')).toMatchObject({ state: 'dead', sessionId: null });
  });

  test('does not reap who beats, nor itself, nor who is silent but not expired', async () => {
    const c = await coordinator('c');
    const beating = await silent('beating');
    await stage.register(await stage.actor(), 'not expired');
    run(c);
    for (let beat = 0; beat < 5; beat += 1) {
      await stage.clock.advance(budget.ttlMs / 2);
      await stage.store.heartbeat(beating);
      await stage.expire(beating);
    }
    expect(reaped(c)).toEqual([]);
    expect((await stage.store.observeSessions()).sessions).toHaveLength(3);
  });

  test('asks at its ordinary pace for who is silent and, the database says, not expired', async () => {
    const c = await coordinator('c');
    await stage.register(await stage.actor(), 'b');
    run(c);
    await stage.clock.advance(budget.ttlMs + 10);
    const asked = c.faulty.count('reapSession');
    expect(asked).toBe(1);
    await stage.clock.advance(10 * pollMs);
    expect(c.faulty.count('reapSession') - asked).toBe(10);
  });

  test('loses against a heartbeat that comes between its look and its reap', async () => {
    const c = await coordinator('c');
    const b = await silent('b');
    run(c);
    const reap = c.faulty.hold('reapSession');
    await stage.clock.advance(budget.ttlMs + 2 * pollMs);
    await reap.arrived;
    expect(await stage.store.heartbeat(b)).toMatchObject({ outcome: 'renewed' });
    await stage.expire(b);
    reap.letGo();
    await stage.clock.advance(budget.ttlMs / 2);
    expect(reaped(c)).toEqual([]);
  });

  test('whose reap was done but not answered goes on', async () => {
    const c = await coordinator('c');
    await silent('b');
    c.faulty.next('reapSession', faults.loseReply);
    run(c);
    await stage.clock.advance(budget.ttlMs + 2 * pollMs);
    expect(await stage.store.getAgent('b')).toMatchObject({ state: 'dead' });
    await silent('d');
    await stage.clock.advance(budget.ttlMs + 20 * pollMs);
    expect(reaped(c)).toEqual(['reaped d']);
  });

  test('tells at each look who lives', async () => {
    const c = await coordinator('c');
    await silent('b');
    run(c);
    await stage.clock.advance(3 * pollMs);
    expect(c.told).toEqual(['2 members', '2 members', '2 members']);
  });
});

describe('an observation is broken, and the silence starts again,', () => {
  const almostMs = 0.9 * budget.ttlMs;

  test('when a look fails', async () => {
    const c = await coordinator('c');
    await silent('b');
    run(c);
    await stage.clock.advance(almostMs);
    c.faulty.next('observeSessions', faults.refuse);
    await stage.clock.advance(almostMs);
    expect(reaped(c)).toEqual([]);
    await stage.clock.advance(0.4 * budget.ttlMs);
    expect(reaped(c)).toEqual(['reaped b']);
  });

  test('when its own heartbeat failed, although every look was answered', async () => {
    const c = await coordinator('c');
    await silent('b');
    run(c);
    await stage.clock.advance(almostMs);
    c.reaper.void();
    await stage.clock.advance(almostMs);
    expect(reaped(c)).toEqual([]);
    await stage.clock.advance(0.2 * budget.ttlMs);
    expect(reaped(c)).toEqual(['reaped b']);
  });

  test('when its connection was lost, although no look failed', async () => {
    const name = `reaper ${crypto.randomUUID().slice(0, 8)}`;
    const c = await coordinator('c', name);
    await silent('b');
    run(c);
    await stage.clock.advance(almostMs);
    const { connection } = await c.deps.store.observeSessions();
    expect(await stage.cutConnections(name)).toBeGreaterThan(0);
    // We find out first and connect again: the reaper's own looks are all answered.
    await eventually(async () => (await c.deps.store.observeSessions()).connection > connection);
    await stage.clock.advance(almostMs);
    expect(c.logs.map(({ message }) => message)).not.toContain('observation broken');
    expect(reaped(c)).toEqual([]);
    await stage.clock.advance(0.2 * budget.ttlMs);
    expect(reaped(c)).toEqual(['reaped b']);
  });

  test('when the reaper itself was stopped for long', async () => {
    const c = await coordinator('c');
    await silent('b');
    run(c);
    await stage.clock.advance(almostMs);
    stage.clock.jump(0.6 * budget.ttlMs);
    await stage.clock.advance(almostMs);
    expect(reaped(c)).toEqual([]);
    await stage.clock.advance(0.2 * budget.ttlMs);
    expect(reaped(c)).toEqual(['reaped b']);
  });
});

describe('a reaper whose own heartbeats fail', () => {
  test('reaps nobody, however long it can read', async () => {
    const a = await stage.join('a');
    expect(a.agent.status().isCoordinator).toBe(true);
    await silent('b');
    a.faulty.always(faults.refuse, 'heartbeat');
    const looks = a.faulty.count('observeSessions');
    await stage.clock.advance(4 * budget.ttlMs);
    expect(a.faulty.count('observeSessions')).toBeGreaterThan(looks + 50);
    expect(a.faulty.count('reapSession')).toBe(0);
    expect(await stage.store.getAgent('b')).toMatchObject({ state: 'expired' });
  });
});

describe('a crash', () => {
  /** A session that beats no more, and the connection that holds its lock. */
  async function locked(agentId: string): Promise<Client> {
    const { sessionId } = await stage.register(await stage.actor(), agentId);
    const holder = new Client({ connectionString: url });
    await holder.connect();
    const lockKey = 1 + Math.floor(Math.random() * 1e15);
    await holder.query('select pg_advisory_lock($1)', [lockKey]);
    await holder.query(`update ${schema}.sessions set lock_key = $2 where session_id = $1`, [
      sessionId,
      lockKey,
    ]);
    return holder;
  }

  async function vanished(holder: Client): Promise<void> {
    await holder.end();
    await eventually(async () =>
      (await stage.store.observeSessions()).sessions.every(({ isLockHeld }) => !isLockHeld),
    );
  }

  test('is told by a lock that was seen held and has vanished, whatever the TTL', async () => {
    const c = await coordinator('c');
    const holder = await locked('b');
    run(c);
    await stage.clock.advance(pollMs / 2);
    await vanished(holder);
    await stage.clock.advance(3 * pollMs);
    expect(reaped(c)).toEqual(['reaped b']);
  });

  test('is not told when our own heartbeat failed since the lock was seen held', async () => {
    const c = await coordinator('c');
    const holder = await locked('b');
    run(c);
    await stage.clock.advance(pollMs / 2);
    await vanished(holder);
    c.reaper.void();
    await stage.clock.advance(3 * pollMs);
    expect(reaped(c)).toEqual([]);
  });
});

describe('those who do not coordinate', () => {
  async function four(): Promise<{ c: Watcher; deputies: Watcher[]; last: Watcher }> {
    const c = await coordinator('c');
    const [first, second, last] = [await watcher('d1'), await watcher('d2'), await watcher('last')];
    return { c, deputies: [first, second], last };
  }

  test('watch the coordinator alone, two deputies at its pace, the others at the pace of a heartbeat', async () => {
    const { deputies, last } = await four();
    await silent('b');
    run(...deputies, last);
    await stage.clock.advance(budget.heartbeatIntervalMs + pollMs / 2);
    const looks = [...deputies, last].map(({ faulty }) => faulty.count('observeCoordinator'));
    expect(looks).toEqual([9, 9, 2]);
    expect(last.faulty.count('observeSessions')).toBe(0);
    await stage.clock.advance(2 * budget.ttlMs);
    expect([...deputies, last].flatMap(reaped)).toEqual([]);
  });

  /** Five are close to it; the sixth is not. */
  async function distant(): Promise<{ c: Watcher; sixth: Watcher }> {
    const c = await coordinator('c');
    for (const agentId of ['d1', 'd2', 'd3', 'd4', 'd5']) await watcher(agentId);
    return { c, sixth: await watcher('sixth') };
  }

  async function advanceHearing({ reaper }: Watcher, forMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < forMs; passedMs += pingMs) {
      reaper.coordinatorHeard();
      await stage.clock.advance(pingMs);
    }
  }

  test('and are not close to it look three times in two minutes at most while they hear it, and at the pace of a heartbeat when they do not', async () => {
    const { sixth } = await distant();
    run(sixth);
    await advanceHearing(sixth, 120_000);
    expect(sixth.reaper.isClose).toBe(false);
    expect(sixth.faulty.count('observeCoordinator')).toBeLessThanOrEqual(3);
    const heard = sixth.faulty.count('observeCoordinator');
    // Two pings may be missing, and what it does is looked at by then.
    await stage.clock.advance(2 * pingMs + budget.heartbeatIntervalMs);
    const silentFrom = sixth.faulty.count('observeCoordinator');
    expect(silentFrom).toBeGreaterThan(heard);
    await stage.clock.advance(10 * budget.heartbeatIntervalMs);
    expect(sixth.faulty.count('observeCoordinator') - silentFrom).toBe(10);
  });

  test('and are not close to it reap it when all that are close are silent too', async () => {
    const { c, sixth } = await distant();
    run(sixth);
    await advanceHearing(sixth, 60_000);
    await stage.expire(c.sessionId);
    while (reaped(sixth).length === 0) await stage.clock.advance(pollMs);
    // It campaigns at once: nobody who is close would.
    expect(sixth.told.slice(-2)).toEqual(['reaped c', 'vacant']);
  });

  test('and are not close to it look at once when they are told to', async () => {
    const { sixth } = await distant();
    run(sixth);
    await advanceHearing(sixth, 2 * pingMs);
    sixth.reaper.coordinatorHeard();
    const before = sixth.faulty.count('observeCoordinator');
    sixth.reaper.lookNow();
    await stage.clock.advance(1);
    expect(sixth.faulty.count('observeCoordinator')).toBe(before + 1);
  });

  test('reap a silent coordinator, one of them, and then find its role vacant', async () => {
    const { c, deputies, last } = await four();
    await stage.expire(c.sessionId);
    run(...deputies, last);
    await stage.clock.advance(budget.ttlMs + pollMs);
    expect([...deputies, last].flatMap(reaped)).toEqual(['reaped c']);
    await stage.clock.advance(budget.heartbeatIntervalMs);
    for (const { told } of [...deputies, last]) expect(told).toContain('vacant');
  });

  test('have observed a coordinator since before it was one', async () => {
    const [before, next, last] = [await watcher('c'), await watcher('next'), await watcher('last')];
    const [role] = (await stage.store.acquireLeases(before.sessionId, [COORDINATOR])).outcomes;
    if (role?.outcome !== 'granted') throw new Error('the role was not granted');
    run(last);
    await stage.clock.advance(budget.ttlMs / 2);
    await stage.store.releaseLeases(before.sessionId, [role], 'released');
    await stage.store.acquireLeases(next.sessionId, [COORDINATOR]);
    await stage.expire(next.sessionId);
    await stage.clock.advance(budget.ttlMs / 2 - pollMs);
    expect(reaped(last)).toEqual([]);
    await stage.clock.advance(2 * pollMs);
    expect(reaped(last)).toEqual(['reaped next']);
  });

  test('reap a silent coordinator even when both deputies are silent too', async () => {
    const { c, last } = await four();
    await stage.expire(c.sessionId);
    run(last);
    await stage.clock.advance(budget.ttlMs + budget.heartbeatIntervalMs);
    expect(reaped(last)).toEqual(['reaped c']);
  });
});
