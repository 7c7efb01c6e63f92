// When a lock that vanished means that its agent has died: the half of early takeover that the observer decides.
import { describe, expect, test } from 'vitest';
import {
  crashGraceMs,
  CrashWatch,
  lostConnectionTrustMs,
  type ObservedLock,
} from '../../src/domain/crash-watch.ts';

const own: ObservedLock = { sessionId: 'own', beat: 3, lockKey: 30, isLockHeld: true };
const a: ObservedLock = { sessionId: 'a', beat: 7, lockKey: 70, isLockHeld: true };
const b: ObservedLock = { sessionId: 'b', beat: 8, lockKey: 80, isLockHeld: true };
const gone = (session: ObservedLock): ObservedLock => ({ ...session, isLockHeld: false });
const crashOfA = { sessionId: 'a', beat: 7, lockKey: 70 };

interface Look {
  readonly askedMs: number;
  readonly nowMs?: number;
  readonly connection?: number;
  readonly sessions: readonly ObservedLock[];
}

function watching(...looks: readonly Look[]): CrashWatch {
  const watch = new CrashWatch();
  for (const { askedMs, nowMs = askedMs, connection = 1, sessions } of looks) {
    watch.observe({ askedMs, nowMs, connection, sessions });
  }
  return watch;
}

const before: Look = { askedMs: 0, sessions: [own, a, b] };
const vanished: Look = { askedMs: 250, sessions: [own, gone(a), b] };
const later = (askedMs: number): Look => ({ ...vanished, askedMs });

describe('a lock that was seen held and has vanished', () => {
  test('is a crash after the grace, and names beat and key to compare', () => {
    expect(watching(before, vanished, later(749)).crashed()).toEqual([]);
    expect(watching(before, vanished, later(750)).crashed()).toEqual([crashOfA]);
  });

  test('counts from an answer to a question', () => {
    const slow = { ...vanished, nowMs: 300 };
    expect(watching(before, slow, { ...later(799), nowMs: 900 }).crashed()).toEqual([]);
    expect(watching(before, slow, later(800)).crashed()).toEqual([crashOfA]);
  });

  test('is nothing when it is held again meanwhile, under the same key or another', () => {
    const back = { askedMs: 500, sessions: [own, a, b] };
    expect(watching(before, vanished, back, later(750)).crashed()).toEqual([]);
    const anew = { ...a, beat: 8, lockKey: 71 };
    expect(
      watching(
        before,
        vanished,
        { askedMs: 500, sessions: [own, anew, b] },
        { askedMs: 750, sessions: [own, anew, b] },
      ).crashed(),
    ).toEqual([]);
  });
});

describe('it means nothing', () => {
  test('to an observer that never saw it held', () => {
    expect(watching({ ...vanished, askedMs: 0 }, later(250), later(5_000)).crashed()).toEqual([]);
  });

  test('when the key is another than the one that was seen held', () => {
    const other = { ...gone(a), lockKey: 71 };
    const looks = [500, 1_000, 1_500].map((askedMs) => ({ askedMs, sessions: [own, other, b] }));
    expect(watching(before, ...looks).crashed()).toEqual([]);
  });

  test('when our own connection was another meanwhile: a server that crashed has forgotten all locks', () => {
    const anew = [500, 1_000, 1_500].map((askedMs) => ({ ...later(askedMs), connection: 2 }));
    expect(watching(before, vanished, ...anew).crashed()).toEqual([]);
  });

  test('when the observation was void', () => {
    const watch = watching(before, vanished);
    watch.void();
    for (const askedMs of [500, 1_000, 1_500]) {
      watch.observe({ askedMs, nowMs: askedMs, connection: 1, sessions: vanished.sessions });
    }
    expect(watch.crashed()).toEqual([]);
  });

  test('for a session that beats on without its lock: it is alive', () => {
    const beating = { ...gone(a), beat: 8 };
    const looks = [500, 1_000, 1_500].map((askedMs) => ({ askedMs, sessions: [own, beating, b] }));
    expect(watching(before, vanished, ...looks).crashed()).toEqual([]);
    // A beat from before the crash that was seen with it is none since.
    const crash = { ...crashOfA, beat: 8 };
    expect(watching(before, ...looks).crashed()).toEqual([crash]);
  });

  test('for a session that takes no lock', () => {
    const without = { ...a, lockKey: null, isLockHeld: false };
    const looks = [0, 500, 1_000].map((askedMs) => ({ askedMs, sessions: [own, without, b] }));
    expect(watching(...looks).crashed()).toEqual([]);
  });
});

describe('locks that vanish together', () => {
  const many = (count: number, missing: number): ObservedLock[] =>
    Array.from({ length: count }, (_, i) => ({
      sessionId: `s${i}`,
      beat: 1,
      lockKey: i + 1,
      isLockHeld: i >= missing,
    }));
  const run = (count: number, missing: number) =>
    watching(
      { askedMs: 0, sessions: many(count, 0) },
      { askedMs: 250, sessions: many(count, missing) },
      { askedMs: 750, sessions: many(count, missing) },
    ).crashed().length;

  test('are crashes up to a third of them, and beyond that the fault of the store', () => {
    expect(run(9, 3)).toBe(3);
    expect(run(9, 4)).toBe(0);
    expect(run(6, 2)).toBe(2);
    expect(run(5, 2)).toBe(0);
  });

  test('one is a crash however few there are', () => {
    expect(run(2, 1)).toBe(1);
    expect(run(3, 1)).toBe(1);
  });
});

describe('the next look', () => {
  test('is due when the first grace is over', () => {
    expect(watching(before).nextInMs(100)).toBeUndefined();
    expect(watching(before, vanished).nextInMs(300)).toBe(450);
    expect(watching(before, vanished, later(750)).nextInMs(760)).toBeUndefined();
  });
});

test('an agent stops well before anybody may take the loss of its connection for its death', () => {
  expect(lostConnectionTrustMs).toBeLessThanOrEqual(crashGraceMs / 2);
});
