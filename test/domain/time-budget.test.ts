// The relations of DESIGN section 8: what is not chosen keeps them, what is chosen and breaks one is refused by name.
import { describe, expect, test } from 'vitest';
import { deriveTimeBudget, type TimeBudgetChoice } from '../../src/domain/time-budget.ts';
import { trustedUntilMs } from '../../src/domain/session.ts';

function problem(choice: TimeBudgetChoice): string {
  const answer = deriveTimeBudget(choice);
  return answer.outcome === 'broken' ? answer.problem : 'none';
}

describe('what was not chosen', () => {
  test('is a quarter of the TTL for the interval, a fifth for the margin, 0.6 of the interval for an attempt', () => {
    expect(deriveTimeBudget({ ttlMs: 10_000 })).toEqual({
      outcome: 'ok',
      budget: { ttlMs: 10_000, heartbeatIntervalMs: 2_500, trustMarginMs: 2_000, attemptMs: 1_500 },
    });
  });

  test('keeps every relation, whatever the TTL', () => {
    for (let ttlMs = 100; ttlMs < 200_000; ttlMs = Math.ceil(ttlMs * 1.07)) {
      expect(problem({ ttlMs })).toBe('none');
    }
  });

  test('leaves time for one lost heartbeat and its retry before trust ends', () => {
    const answer = deriveTimeBudget({ ttlMs: 10_000 });
    if (answer.outcome !== 'ok') throw new Error(answer.problem);
    const { budget } = answer;
    const answeredMs = budget.heartbeatIntervalMs + 2 * budget.attemptMs;
    expect(answeredMs).toBeLessThanOrEqual(trustedUntilMs(0, budget));
  });
});

describe('a broken relation is refused with both of its values', () => {
  const cases: [string, TimeBudgetChoice, readonly string[]][] = [
    [
      'an interval of more than a third of the TTL',
      { ttlMs: 9_000, heartbeatIntervalMs: 3_001 },
      ['HEARTBEAT_INTERVAL_MS=3001', 'SESSION_TTL_MS=9000', 'at most 3000'],
    ],
    [
      'a margin too small for clocks that run apart',
      { ttlMs: 10_000, trustMarginMs: 199 },
      ['TRUST_MARGIN_MS=199', 'SESSION_TTL_MS=10000'],
    ],
    [
      'a margin that leaves hardly any trust',
      { ttlMs: 10_000, trustMarginMs: 5_001 },
      ['TRUST_MARGIN_MS=5001', 'SESSION_TTL_MS=10000'],
    ],
    [
      'an attempt of more than 0.6 of the interval',
      { ttlMs: 10_000, heartbeatIntervalMs: 2_000, attemptMs: 1_201 },
      ['STATEMENT_TIMEOUT_MS=1201', 'HEARTBEAT_INTERVAL_MS=2000', 'at most 1200'],
    ],
    [
      'an interval and two attempts that end after trust does',
      { ttlMs: 9_000, heartbeatIntervalMs: 3_000, attemptMs: 1_800, trustMarginMs: 2_500 },
      ['HEARTBEAT_INTERVAL_MS=3000', 'STATEMENT_TIMEOUT_MS=1800', '6500 ms'],
    ],
  ];

  test.each(cases)('%s', (_, choice, named) => {
    for (const value of named) expect(problem(choice)).toContain(value);
  });

  test('and the value the message offers is accepted', () => {
    expect(problem({ ttlMs: 9_000, heartbeatIntervalMs: 3_000, attemptMs: 1_000 })).toBe('none');
    expect(problem({ ttlMs: 10_000, heartbeatIntervalMs: 2_000, attemptMs: 1_200 })).toBe('none');
    expect(problem({ ttlMs: 10_000, trustMarginMs: 200 })).toBe('none');
    expect(
      problem({ ttlMs: 10_000, trustMarginMs: 5_000, heartbeatIntervalMs: 2_000, attemptMs: 1_000 }),
    ).toBe('none');
  });
});
