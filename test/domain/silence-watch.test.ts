// When a silence has been observed for a whole TTL without a break: the half of "reaped is dead" that the observer decides.
import { describe, expect, test } from 'vitest';
import { SilenceWatch } from '../../src/domain/silence-watch.ts';

const ttlMs = 1_000;
const gapMaxMs = 500;
const a = { sessionId: 'a', beat: 7, ttlMs };

type Look = { askedMs: number; nowMs?: number; connection?: number; sessions?: (typeof a)[] };

function watching(...looks: readonly Look[]): SilenceWatch {
  const watch = new SilenceWatch({ gapMaxMs });
  for (const { askedMs, nowMs = askedMs, connection = 1, sessions = [a] } of looks) {
    watch.observe({ askedMs, nowMs, connection, sessions });
  }
  return watch;
}

/** Looks every 250 ms, both ends included, each answered at once. */
function looks(fromMs: number, toMs: number, more: Partial<Look> = {}): Look[] {
  const list: Look[] = [];
  for (let askedMs = fromMs; askedMs <= toMs; askedMs += 250) list.push({ askedMs, ...more });
  return list;
}

describe('a silence', () => {
  test('is a TTL long when a beat was seen unchanged for that long, and names the beat to compare', () => {
    expect(watching(...looks(0, 750)).silent()).toEqual([]);
    expect(watching(...looks(0, 1_000)).silent()).toEqual([a]);
  });

  test('counts from the answer of the first look, not from when it was asked', () => {
    const slowFirst = { askedMs: 0, nowMs: 100 };
    expect(watching(slowFirst, ...looks(250, 1_000)).silent()).toEqual([]);
    expect(watching(slowFirst, ...looks(250, 1_000), { askedMs: 1_099 }).silent()).toEqual([]);
    expect(watching(slowFirst, ...looks(250, 1_000), { askedMs: 1_100 }).silent()).toEqual([a]);
  });

  test('counts to the asking of the last look, not to its answer', () => {
    expect(watching(...looks(0, 750), { askedMs: 999, nowMs: 1_200 }).silent()).toEqual([]);
  });

  test('starts again when the beat changes', () => {
    const beaten = looks(500, 1_250, { sessions: [{ ...a, beat: 8 }] });
    expect(watching(...looks(0, 250), ...beaten).silent()).toEqual([]);
    const later = looks(500, 1_500, { sessions: [{ ...a, beat: 8 }] });
    expect(watching(...looks(0, 250), ...later).silent()).toEqual([{ ...a, beat: 8 }]);
  });

  test('starts again when a session was not there for one look', () => {
    const away = { askedMs: 500, sessions: [] };
    expect(watching(...looks(0, 250), away, ...looks(750, 1_500)).silent()).toEqual([]);
  });

  test('is measured by the TTL of the session itself', () => {
    const sessions = [a, { sessionId: 'patient', beat: 1, ttlMs: 2_000 }];
    expect(watching(...looks(0, 1_750, { sessions })).silent()).toEqual([a]);
    expect(watching(...looks(0, 2_000, { sessions })).silent()).toEqual(sessions);
  });
});

describe('the observation starts again', () => {
  test('on another connection', () => {
    const other = looks(500, 1_250, { connection: 2 });
    expect(watching(...looks(0, 250), ...other).silent()).toEqual([]);
    expect(watching(...looks(0, 250), ...looks(500, 1_500, { connection: 2 })).silent()).toEqual([a]);
  });

  test('after a gap longer than allowed, and not after one just as long', () => {
    expect(watching(...looks(0, 250), ...looks(751, 1_501)).silent()).toEqual([]);
    expect(watching(...looks(0, 250), ...looks(750, 1_000)).silent()).toEqual([a]);
  });

  test('when it is said to be void, although the connection is the same', () => {
    const watch = watching(...looks(0, 1_000));
    watch.void();
    expect(watch.silent()).toEqual([]);
    for (const { askedMs } of looks(1_250, 2_000)) {
      watch.observe({ askedMs, nowMs: askedMs, connection: 1, sessions: [a] });
    }
    expect(watch.silent()).toEqual([]);
    watch.observe({ askedMs: 2_250, nowMs: 2_250, connection: 1, sessions: [a] });
    expect(watch.silent()).toEqual([a]);
  });
});

describe('the next silence', () => {
  test('is the earliest of all watched, from now on', () => {
    const sessions = [{ sessionId: 'patient', beat: 1, ttlMs: 2_000 }, a];
    const watch = watching({ askedMs: 90, nowMs: 100, sessions });
    expect(watch.nextSilenceInMs(100)).toBe(1_000);
    expect(watch.nextSilenceInMs(700)).toBe(400);
  });

  test('is now, never before, when it is over already', () => {
    expect(watching({ askedMs: 0 }).nextSilenceInMs(5_000)).toBe(0);
  });

  test('is not one that was told already: a reap that is refused is no reason to look without end', () => {
    expect(watching(...looks(0, 1_000)).nextSilenceInMs(1_001)).toBeUndefined();
    const sessions = [a, { sessionId: 'patient', beat: 1, ttlMs: 2_000 }];
    expect(watching(...looks(0, 1_000, { sessions })).nextSilenceInMs(1_001)).toBe(999);
  });

  test('is not known when nobody is watched', () => {
    expect(watching().nextSilenceInMs(0)).toBeUndefined();
    expect(watching({ askedMs: 0, sessions: [] }).nextSilenceInMs(0)).toBeUndefined();
    const voided = watching({ askedMs: 0 });
    voided.void();
    expect(voided.nextSilenceInMs(0)).toBeUndefined();
  });
});
