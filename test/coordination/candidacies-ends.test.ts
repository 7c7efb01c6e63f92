// How a leader's term ends other than by its own word: an operator, the session's loss, the agent's stop.
import { describe, expect, test } from 'vitest';
import { standBackMs } from '../../src/coordination/role-keeper.ts';
import { roleKey } from '../../src/domain/lease.ts';
import { StoreUnavailable } from '../../src/domain/refusal.ts';
import { electionScene, waiting, refusal } from './election-stage.ts';

const scene = electionScene();
const join = (agentId: string) => scene.join(agentId);
const stored = (role: string) => scene.stored(role);

describe('an operator', () => {
  test('has whoever leads told to stop; the role goes on when it has said that it did', async () => {
    const [a, b] = [await join('a'), await join('b')];
    const { epoch } = await a.campaign('x', 'one');
    await b.campaign('x', 'two');
    expect(a.candidacies.requestResign('x', null)).toBe(epoch);
    expect(a.candidacies.requestResign('x', epoch)).toBe(epoch);
    expect(a.told).toEqual(['x: won by one', 'x: lost by one, resigned']);
    await scene.stage.clock.advance(5_000);
    expect(await stored('x')).toEqual({ agentId: 'a', epoch });
    await a.candidacies.resign('x', 'one');
    b.candidacies.look();
    await scene.stage.clock.rest();
    expect(await stored('x')).toMatchObject({ agentId: 'b' });
  });

  test('gets the role released when the candidate says nothing, once it has stopped by itself', async () => {
    const [a, b] = [await join('a'), await join('b')];
    await a.campaign('x', 'one', { holdMs: 6_000 });
    await b.campaign('x', 'two');
    a.candidacies.resignRequested('x');
    // Asked again and again, as a heartbeat may: the time that it has does not begin anew.
    await scene.stage.clock.advance(3_000);
    a.candidacies.resignRequested('x');
    a.candidacies.renew('x', 'one', 60_000);
    await scene.stage.clock.advance(2_999);
    expect(await stored('x')).toMatchObject({ agentId: 'a' });
    await scene.stage.clock.advance(1);
    expect(await stored('x')).toMatchObject({ agentId: null });
  });

  test('puts it behind the others of its agent', async () => {
    const a = await join('a');
    const ended = new AbortController();
    await a.campaign('x', 'one', { stream: ended.signal });
    await a.campaign('x', 'two');
    a.candidacies.requestResign('x', null);
    await scene.stage.clock.advance(10_000);
    expect(a.told.at(-1)).toBe('x: won by two');
    await a.candidacies.resign('x', 'two');
    await scene.stage.clock.rest();
    expect(a.told.at(-1)).toBe('x: won by one');
  });

  test('gives others a moment when only it wants the role, also if it comes anew meanwhile', async () => {
    const a = await join('a');
    await a.campaign('x', 'one');
    a.candidacies.requestResign('x', null);
    await a.candidacies.resign('x', 'one');
    expect(await a.campaign('x', 'one')).toMatchObject(waiting);
    await scene.stage.clock.advance(standBackMs - 1);
    expect(a.won).toHaveLength(1);
    await scene.stage.clock.advance(1);
    expect(a.won).toHaveLength(2);
  });

  test('who expects another epoch is refused, and nothing changes', async () => {
    const a = await join('a');
    const { epoch } = await a.campaign('x', 'one');
    expect(() => a.candidacies.requestResign('x', (epoch ?? 0) - 1)).toThrow(
      expect.objectContaining({ code: 'fenced', facts: expect.objectContaining({ currentEpoch: epoch }) }),
    );
    expect(a.told).toEqual(['x: won by one']);
  });

  test('may ask for the role of the coordinator, for which nobody campaigns', async () => {
    const a = await join('a');
    await expect(a.campaign('coordinator', 'one')).rejects.toEqual(refusal('conflict'));
    expect(a.candidacies.requestResign('coordinator', 7)).toBe(7);
    expect(a.coordinatorResigned).toBe(1);
    expect(() => a.candidacies.requestResign('coordinator', 7)).toThrow(refusal('fenced'));
  });

  test('asks another agent when nobody leads here', async () => {
    const [a, b] = [await join('a'), await join('b')];
    await a.campaign('x', 'one');
    await b.campaign('x', 'two');
    expect(b.candidacies.requestResign('x', null)).toBeUndefined();
    expect(b.candidacies.requestResign('y', null)).toBeUndefined();
  });
});

describe('a session that is lost', () => {
  test('takes the terms with it and leaves the candidates in the race', async () => {
    const a = await join('a');
    await a.campaign('x', 'one');
    await a.campaign('x', 'two');
    const before = a.now.sessionId;
    await a.loseSession();
    expect(a.told).toEqual(['x: won by one', 'x: lost by one, session_lost']);
    expect(a.sessionsTold).toEqual([before, before]);
    await a.register();
    expect(await a.campaign('x', 'one')).toMatchObject({ state: 'leading', epoch: a.won[1] });
    expect(a.won[1]).toBeGreaterThan(a.won[0] ?? Infinity);
    expect(a.sessionsTold.at(-1)).toBe(a.now.sessionId);
  });

  test('does not keep those that expire while there is none', async () => {
    const a = await join('a');
    await a.campaign('x', 'one', { holdMs: 4_000 });
    await a.loseSession();
    await scene.stage.clock.advance(4_000);
    expect(() => a.candidacies.renew('x', 'one', 4_000)).toThrow(refusal('no_lease'));
    await a.register();
    expect(await stored('x')).toMatchObject({ agentId: null });
  });

  test('is told to a leader when its lease is found in other hands', async () => {
    const a = await join('a');
    const { epoch } = await a.campaign('x', 'one');
    await scene.stage.store.releaseLeases(
      a.now.sessionId,
      [{ key: roleKey('x'), epoch: epoch ?? 0 }],
      'released',
    );
    await a.now.beat();
    expect(a.told.slice(0, 2)).toEqual(['x: won by one', 'x: lost by one, superseded']);
  });
});

describe('an agent that stops', () => {
  test('waits for its leaders to say that they have, and no longer than they are trusted', async () => {
    const a = await join('a');
    await a.campaign('x', 'one', { holdMs: 5_000 });
    await a.campaign('y', 'one', { holdMs: 8_000 });
    let hasEnded = false;
    const end = a.now.end().then(() => (hasEnded = true));
    await scene.stage.clock.rest();
    expect(a.told.slice(2)).toEqual(['x: lost by one, session_lost', 'y: lost by one, session_lost']);
    await scene.stage.clock.advance(4_000);
    void a.candidacies.resign('y', 'one').catch(() => undefined);
    await scene.stage.clock.advance(999);
    expect(hasEnded).toBe(false);
    await scene.stage.clock.advance(1);
    expect(hasEnded).toBe(true);
    await end;
  });

  test('waits at most ten seconds, and for nobody who waits himself', async () => {
    const a = await join('a');
    await a.campaign('x', 'one');
    await a.campaign('x', 'two');
    let hasEnded = false;
    const end = a.now.end().then(() => (hasEnded = true));
    await scene.stage.clock.advance(9_999);
    expect(hasEnded).toBe(false);
    await scene.stage.clock.advance(1);
    expect(hasEnded).toBe(true);
    await end;
    expect(a.told).toEqual(['x: won by one', 'x: lost by one, session_lost']);
  });

  test('takes no more candidates, and answers those that wait', async () => {
    const a = await join('a');
    await a.campaign('x', 'one');
    const campaign = a.candidacies.campaign(
      'x',
      'two',
      { by: 'renewal', holdMs: 300_000 },
      { waitMs: 30_000 },
    );
    const outcome = campaign.then(
      () => 'answered',
      (error: unknown) => error,
    );
    a.candidacies.close();
    expect(await outcome).toEqual(refusal('no_lease'));
    await expect(a.campaign('x', 'three')).rejects.toBeInstanceOf(StoreUnavailable);
  });
});
