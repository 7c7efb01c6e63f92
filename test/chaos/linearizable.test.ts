// The checker against the definition: on small histories it finds an order exactly when a search of all orders does. And violations
// planted one by one, each found and named: a checker that cannot fail proves nothing.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Operation, What } from './history.ts';
import { findContradictions } from './linearizable.ts';
import { isLinearizable } from './search.ts';

const epoch = fc.integer({ min: 0, max: 3 });
const holder = fc.constantFrom('a', 'b');

const anyWhat: fc.Arbitrary<What> = fc.oneof(
  fc.record({ kind: fc.constantFrom('grant', 'granted', 'held'), epoch, holder }),
  fc.record({ kind: fc.constant('perhaps_grant' as const), holder }),
  fc.record({ kind: fc.constantFrom('end', 'ended', 'perhaps_end', 'vacant', 'current'), epoch }),
);

function neverReturns({ kind }: What): boolean {
  return kind === 'perhaps_grant' || kind === 'perhaps_end';
}

function operation(what: What, invokedMs: number, forMs: number): Operation {
  const returnedMs = neverReturns(what) ? Infinity : invokedMs + forMs;
  return { lease: 'orders/0', client: 'x', invokedMs, returnedMs, what };
}

/** Anything at all. Short: most are contradictory. */
const anyHistory = fc.array(
  fc
    .tuple(anyWhat, fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 6 }))
    .map(([what, atMs, forMs]) => operation(what, atMs, forMs)),
  { minLength: 1, maxLength: 6 },
);

/** A register that was used by the rules, one moment after the other, seen through calls that took their time. */
const nearlyLawful = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(5), holder, fc.nat(3), fc.nat(3), fc.boolean()), {
      minLength: 1,
      maxLength: 7,
    }),
    // One of them may be moved in time, which may or may not make it a lie.
    fc.option(fc.tuple(fc.nat(6), fc.integer({ min: -4, max: 4 }))),
  )
  .map(([steps, moved]) => {
    const register = { epoch: 0, holder: undefined as string | undefined };
    return steps.map(([step, by, beforeMs, afterMs, isLost], index) => {
      const what = lawful(register, step, by, isLost);
      const shift = moved !== null && moved[0] === index ? moved[1] : 0;
      return operation(what, 2 * index - beforeMs + shift, beforeMs + afterMs);
    });
  });

function lawful(
  register: { epoch: number; holder: string | undefined },
  step: number,
  by: string,
  isLost: boolean,
): What {
  const owner = register.holder;
  if (owner === undefined && step < 3) {
    register.epoch += 1;
    register.holder = by;
    return isLost
      ? { kind: 'perhaps_grant', holder: by }
      : { kind: 'grant', epoch: register.epoch, holder: by };
  }
  const at = { epoch: register.epoch };
  if (owner === undefined && step === 5 && at.epoch > 0) return { kind: 'ended', ...at };
  if (owner === undefined) return { kind: step === 3 ? 'current' : 'vacant', ...at };
  if (step < 2) {
    register.holder = undefined;
    return { kind: isLost ? 'perhaps_end' : 'end', ...at };
  }
  if (step === 2) return { kind: 'current', ...at };
  return { kind: step === 3 ? 'granted' : 'held', ...at, holder: owner };
}

test.each([
  ['any history', anyHistory],
  ['a lawful history with one operation moved', nearlyLawful],
])('%s: an order is found exactly when there is one', (_name, histories) => {
  const seen = { lawful: 0, contradictory: 0 };
  fc.assert(
    fc.property(histories, (operations) => {
      const expected = isLinearizable(operations);
      seen[expected ? 'lawful' : 'contradictory'] += 1;
      const contradictions = findContradictions(operations);
      expect({ isLawful: contradictions.length === 0, operations, contradictions }).toEqual({
        isLawful: expected,
        operations,
        contradictions,
      });
    }),
    { numRuns: 2_000 },
  );
  // Neither answer alone would show anything.
  expect(Math.min(seen.lawful, seen.contradictory)).toBeGreaterThan(50);
});

/** Two terms, the first of which ended; every write was under its own. */
const good: readonly Operation[] = [
  operation({ kind: 'vacant', epoch: 0 }, 0, 1),
  operation({ kind: 'grant', epoch: 5, holder: 'a' }, 2, 3),
  operation({ kind: 'held', epoch: 5, holder: 'a' }, 6, 4),
  operation({ kind: 'end', epoch: 5 }, 9, 6),
  operation({ kind: 'grant', epoch: 7, holder: 'b' }, 12, 8),
  operation({ kind: 'granted', epoch: 7, holder: 'b' }, 21, 0),
  operation({ kind: 'current', epoch: 7 }, 22, 1),
];

const planted: readonly [what: string, more: readonly Operation[], found: RegExp][] = [
  [
    'a write accepted under an epoch that is over',
    [operation({ kind: 'held', epoch: 5, holder: 'a' }, 22, 1)],
    /^out of order: orders\/0 held epoch 5 of a, .* end epoch 5/,
  ],
  [
    'a grant whose epoch was seen before it was asked for',
    [operation({ kind: 'current', epoch: 7 }, 10, 1)],
    /^out of order: .*grant epoch 7 of b, by x from 12\.0 .*current epoch 7/,
  ],
  ['an epoch that went back', [operation({ kind: 'current', epoch: 5 }, 24, 1)], /^out of order: .*epoch 5/],
  [
    'one epoch granted twice',
    [operation({ kind: 'grant', epoch: 7, holder: 'b' }, 24, 1)],
    /^one epoch granted twice/,
  ],
  [
    'one epoch with two holders',
    [operation({ kind: 'held', epoch: 7, holder: 'c' }, 24, 1)],
    /^two holders of one epoch/,
  ],
  [
    'a write under an epoch that nobody was granted',
    [operation({ kind: 'held', epoch: 9, holder: 'a' }, 24, 1)],
    /^an epoch that nobody was granted/,
  ],
  [
    'a grant of what nobody gave up',
    [operation({ kind: 'grant', epoch: 9, holder: 'a' }, 24, 1)],
    /^nothing ended the term of epoch 7/,
  ],
  [
    'a write behind the end of its own term',
    [
      operation({ kind: 'vacant', epoch: 7 }, 24, 1),
      operation({ kind: 'end', epoch: 7 }, 24, 1),
      operation({ kind: 'held', epoch: 7, holder: 'b' }, 26, 1),
    ],
    /^out of order: .*held epoch 7/,
  ],
];

test('the history that they are planted in is lawful', () => {
  expect(findContradictions(good)).toEqual([]);
});

test.each(planted)('%s is found', (_what, more, found) => {
  expect(isLinearizable([...good, ...more])).toBe(false);
  expect(findContradictions([...good, ...more])[0]).toMatch(found);
});

test('20,000 operations on one lease are judged in a moment, and one lie among them is found', () => {
  const operations: Operation[] = [];
  for (let each = 1; each <= 5_000; each += 1) {
    const atMs = 10 * each;
    operations.push(
      operation({ kind: 'grant', epoch: each, holder: 'a' }, atMs, 4),
      operation({ kind: 'held', epoch: each, holder: 'a' }, atMs + 3, 3),
      operation({ kind: 'end', epoch: each }, atMs + 5, 3),
      operation({ kind: 'current', epoch: each }, atMs + 6, 3),
    );
  }
  expect(findContradictions(operations)).toEqual([]);
  const lie = operation({ kind: 'held', epoch: 2_000, holder: 'a' }, 30_000, 1);
  expect(findContradictions([...operations, lie]).length).toBeGreaterThan(0);
});
