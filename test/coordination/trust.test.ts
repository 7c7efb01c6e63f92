// How long an agent may act without another proof: never longer than the database would let others wait.
import { describe, expect, test } from 'vitest';
import { Trust } from '../../src/coordination/trust.ts';
import { ManualClock } from './manual-clock.ts';

const budget = { ttlMs: 10_000, heartbeatIntervalMs: 2_500, trustMarginMs: 2_000, attemptMs: 1_500 };
const trustMs = 8_000;

function start(): { clock: ManualClock; trust: Trust } {
  const clock = new ManualClock();
  return { clock, trust: new Trust(clock, budget) };
}

describe('trust', () => {
  test('does not exist before the first proof', () => {
    const { clock, trust } = start();
    expect(trust.forMs()).toBe(0);
    trust.sending();
    clock.jump(10);
    expect(trust.forMs()).toBe(0);
  });

  test('counts from when the heartbeat was sent, however slow the answer was', () => {
    const { clock, trust } = start();
    const sent = trust.sending();
    clock.jump(1_400);
    trust.proven(sent);
    expect(trust.forMs()).toBe(trustMs - 1_400);
  });

  test('is over at its deadline, not a moment later', () => {
    const { clock, trust } = start();
    trust.proven(trust.sending());
    clock.jump(trustMs - 1);
    expect(trust.forMs()).toBe(1);
    clock.jump(1);
    expect(trust.forMs()).toBe(0);
    clock.jump(1);
    expect(trust.forMs()).toBe(0);
  });

  test('is not given by an answer that comes after its own deadline', () => {
    const { clock, trust } = start();
    const sent = trust.sending();
    clock.jump(trustMs);
    trust.proven(sent);
    expect(trust.forMs()).toBe(0);
  });

  test('is never shortened by an older proof that comes late', () => {
    const { clock, trust } = start();
    const older = trust.sending();
    clock.jump(1_000);
    const newer = trust.sending();
    trust.proven(newer);
    trust.proven(older);
    expect(trust.forMs()).toBe(trustMs);
  });

  test('is void once it was said to be, until the next proof', () => {
    const { clock, trust } = start();
    trust.proven(trust.sending());
    trust.void();
    expect(trust.forMs()).toBe(0);
    clock.jump(100);
    trust.proven(trust.sending());
    expect(trust.forMs()).toBe(trustMs);
  });
});

describe('a bound on trust', () => {
  test('ends it that much later, and no later than it ended before', () => {
    const { clock, trust } = start();
    trust.proven(trust.sending());
    clock.jump(1_000);
    trust.limitTo(250);
    expect(trust.forMs()).toBe(250);
    clock.jump(250);
    expect(trust.forMs()).toBe(0);
    trust.proven(trust.sending());
    clock.jump(trustMs - 100);
    trust.limitTo(250);
    expect(trust.forMs()).toBe(100);
  });

  test('is not lifted by a heartbeat that was sent before it', () => {
    const { clock, trust } = start();
    trust.proven(trust.sending());
    clock.jump(1_000);
    const sent = trust.sending();
    clock.jump(1);
    trust.limitTo(250);
    trust.proven(sent);
    expect(trust.forMs()).toBe(250);
    clock.jump(1);
    trust.proven(trust.sending());
    expect(trust.forMs()).toBe(trustMs);
  });

  test('is not moved by a second one before there is a new proof', () => {
    const { clock, trust } = start();
    trust.proven(trust.sending());
    clock.jump(1_000);
    trust.limitTo(250);
    clock.jump(200);
    trust.limitTo(250);
    expect(trust.forMs()).toBe(50);
  });
});

describe('a machine that slept', () => {
  test('trusts nothing until the next proof, though its monotonic clock says that no time has passed', () => {
    const { clock, trust } = start();
    trust.proven(trust.sending());
    clock.suspend(60_000);
    expect(trust.forMs()).toBe(0);
    clock.jump(1);
    trust.proven(trust.sending());
    expect(trust.forMs()).toBe(trustMs);
  });

  test('does not trust a heartbeat that was sent before it slept and answered after', () => {
    const { clock, trust } = start();
    const sent = trust.sending();
    clock.suspend(60_000);
    trust.proven(sent);
    expect(trust.forMs()).toBe(0);
  });

  test('is told from a wall clock that is set right by a little, either way', () => {
    const { clock, trust } = start();
    trust.proven(trust.sending());
    clock.suspend(budget.trustMarginMs / 2);
    expect(trust.forMs()).toBe(trustMs);
    clock.suspend(-budget.trustMarginMs);
    expect(trust.forMs()).toBe(trustMs);
    clock.suspend(-1);
    expect(trust.forMs()).toBe(0);
  });
});
