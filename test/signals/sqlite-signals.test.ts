// Signals on an SQLite file: what a commit of another process is worth looking at for, told by a small digest.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COORDINATOR, partitionKey } from '../../src/domain/lease.ts';
import type { SignalKind } from '../../src/signals/signals.ts';
import { type ChangeDigest, SqliteSignals } from '../../src/signals/sqlite-signals.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/open.ts';
import { atRest, FaultyStore } from '../coordination/faulty-store.ts';
import { ManualClock } from '../coordination/manual-clock.ts';
import { budget, describeAgent } from '../coordination/stage.ts';

const pollMs = 50;
const pace = { quietMs: pollMs, busyMs: 10, busyForMs: 1_000 };

describe('by the digest', () => {
  let clock: ManualClock;
  let version: number;
  let digest: ChangeDigest;
  let failure: Error | undefined;
  let digests: number;
  let looks: number;
  let signals: SqliteSignals;
  let heard: SignalKind[];

  beforeEach(async () => {
    clock = new ManualClock();
    [version, digest, failure, heard] = [1, { generation: 1, members: 'a' }, undefined, []];
    [digests, looks] = [0, 0];
    signals = new SqliteSignals(
      {
        clock,
        dataVersion: async () => {
          looks += 1;
          if (failure) throw failure;
          return version;
        },
        digest: async () => {
          digests += 1;
          return digest;
        },
      },
      pace,
    );
    signals.subscribe((kind) => heard.push(kind));
    signals.start();
    await clock.rest();
    heard.length = 0;
  });

  afterEach(async () => {
    await signals[Symbol.asyncDispose]();
  });

  async function commit(change: Partial<ChangeDigest>): Promise<SignalKind[]> {
    heard.length = 0;
    version += 1;
    digest = { ...digest, ...change };
    await clock.advance(pollMs);
    return heard;
  }

  test('a commit rings for what it changed, and always for leases, whose changes the digest does not show', async () => {
    expect(await commit({})).toEqual(['leases', 'written']);
    expect(await commit({ generation: 2 })).toEqual(['assignment', 'leases', 'written']);
    expect(await commit({ members: 'a b' })).toEqual(['membership', 'leases', 'written']);
    expect(await commit({ generation: 3, members: 'b' })).toEqual([
      'assignment',
      'membership',
      'leases',
      'written',
    ]);
  });

  test('a file that nobody wrote to is not read, and rings nothing', async () => {
    const before = digests;
    await clock.advance(100 * pollMs);
    expect(digests).toBe(before);
    expect(heard).toEqual([]);
  });

  test('it looks more often for a while after the assignment or the members changed, and not for heartbeats', async () => {
    await clock.advance(pace.busyForMs + pollMs);
    const looksIn = async (ms: number): Promise<number> => {
      const before = looks;
      await clock.advance(ms);
      return looks - before;
    };
    expect(await looksIn(500)).toBe(10);
    await commit({});
    expect(await looksIn(500)).toBe(10);
    for (const change of [{ generation: 2 }, { members: 'a b' }]) {
      await commit(change);
      expect(await looksIn(500)).toBe(50);
      await clock.advance(pace.busyForMs);
      expect(await looksIn(500)).toBe(10);
    }
  });

  test('what cannot be polled is said in health, and what changed meanwhile is told afterwards', async () => {
    failure = new Error('the file is locked');
    await clock.advance(pollMs);
    expect(signals.health()).toEqual({ ok: false, detail: 'cannot poll: the file is locked' });
    failure = undefined;
    expect(await commit({ generation: 2 })).toEqual(['assignment', 'leases', 'written']);
    expect(signals.health().ok).toBe(true);
  });

  test('what is published is heard here at once, and by no timer', async () => {
    signals.publish('topics');
    expect(heard).toEqual(['topics']);
  });

  test('closing ends the polling, and may be done twice', async () => {
    await signals[Symbol.asyncDispose]();
    await signals[Symbol.asyncDispose]();
    expect(clock.sleeping).toBe(0);
    expect(await commit({ generation: 9 })).toEqual([]);
  });

  test('starting twice polls once', async () => {
    signals.start();
    await clock.rest();
    expect(clock.sleeping).toBe(1);
  });
});

describe('on a file that another process writes to', () => {
  let directory: string;
  let ours: SqliteStore;
  let theirs: SqliteStore;
  let clock: ManualClock;
  let signals: SqliteSignals;
  let heard: SignalKind[];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'streamhouse-signals-'));
    const options = { file: join(directory, 'store.db'), group: 'default', attemptMs: 5_000 };
    ours = await openSqliteStore({ ...options, migrate: true });
    theirs = await openSqliteStore({ ...options, migrate: false });
    const watched = new FaultyStore(ours);
    clock = new ManualClock(() => atRest([watched]));
    signals = new SqliteSignals(
      {
        clock,
        dataVersion: () => ours.dataVersion(),
        digest: async () => {
          const { sessions, coordinatorSessionId } = await watched.store.observeSessions();
          const members = [...sessions.map((session) => session.sessionId), coordinatorSessionId].join(' ');
          return { generation: await watched.store.assignmentGeneration(), members };
        },
      },
      pace,
    );
    heard = [];
    signals.subscribe((kind) => heard.push(kind));
    signals.start();
    await clock.advance(pollMs);
  });

  afterEach(async () => {
    await signals[Symbol.asyncDispose]();
    await ours[Symbol.asyncDispose]();
    await theirs[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  async function after(change: () => Promise<unknown>): Promise<SignalKind[]> {
    heard.length = 0;
    await change();
    await clock.advance(pollMs);
    return heard;
  }

  test('members, topics, the coordinator and leases are told, a heartbeat is nothing but a look at leases, and at what is remembered', async () => {
    const sessionId = crypto.randomUUID();
    const session = { sessionId, agent: describeAgent('a'), ttlMs: budget.ttlMs, process: 'theirs' };
    expect(await after(() => theirs.registerSession(session))).toContain('membership');
    const orders = { name: 'orders', partitionCount: 2, retentionMs: null, config: {} };
    expect(await after(() => theirs.createTopic(orders))).toContain('assignment');
    expect(await after(() => theirs.acquireLeases(sessionId, [COORDINATOR]))).toContain('membership');
    expect(await after(() => theirs.acquireLeases(sessionId, [partitionKey('orders', 0)]))).toEqual([
      'leases',
      'written',
    ]);
    expect(await after(() => theirs.heartbeat(sessionId))).toEqual(['leases', 'written']);
    expect(await after(() => theirs.endSession(sessionId, 'deregistered'))).toContain('membership');
    expect(await after(async () => undefined)).toEqual([]);
  });
});
