// The client over a real connection: whatever takes trust away ends all terms, in the turn in which it is noticed and before anything
// else is done. The clock is the test's own.
import { expect, test } from 'vitest';
import { TermOver } from '../../src/client/client.ts';
import { ManualClock } from '../coordination/manual-clock.ts';
import { eventually } from '../support/eventually.ts';
import { firedBy, type Pair, type PairOptions, segment, startPair } from './pair.ts';

async function startLeading(
  options: PairOptions = {},
): Promise<{ readonly pair: Pair; readonly clock: ManualClock }> {
  const clock = new ManualClock();
  const pair = await startPair({
    clock,
    ...options,
    prepare: (agent) => {
      agent.hold('orders', 0, 5);
      agent.hold('orders', 1, 6);
      options.prepare?.(agent);
    },
  });
  await pair.term('orders', 0);
  await pair.term('orders', 1);
  // An answer that is still on its way would make the client look at the clock.
  await drained(pair);
  return { pair, clock };
}

/** Why the two first terms ended; undefined while they have not. */
function ends({ terms }: Pair): unknown[] {
  return terms.slice(0, 2).map(({ signal }) => (signal.aborted ? reasonOf(signal) : undefined));
}

function reasonOf(signal: AbortSignal): unknown {
  return signal.reason instanceof TermOver ? signal.reason.reason : signal.reason;
}

/** Nothing the agent has sent is still on its way. */
async function drained({ agent, client }: Pair): Promise<void> {
  const before = agent.requests('GET', '/v1/topics/probe/partitions/0').length;
  await client.metadata.partition({ topic: 'probe', partition: 0 });
  expect(agent.requests('GET', '/v1/topics/probe/partitions/0')).toHaveLength(before + 1);
}

test('the end of the stream ends all terms', async () => {
  const { pair } = await startLeading();
  await using _ = pair;
  pair.agent.cut();
  await eventually(() => ends(pair).every(Boolean));
  expect(ends(pair)).toEqual(['stream_ended', 'stream_ended']);
});

test('`closing` ends all terms, before the connection does', async () => {
  const { pair } = await startLeading();
  await using _ = pair;
  pair.agent.write('event: closing\ndata: {"reason":"the agent is stopping"}\n\n');
  await eventually(() => ends(pair).every(Boolean));
  expect(ends(pair)).toEqual(['stream_ended', 'stream_ended']);
  expect(pair.agent.openStreams).toHaveLength(1);
});

test('a suspension ends all terms', async () => {
  const { pair } = await startLeading();
  await using _ = pair;
  pair.agent.suspend();
  await eventually(() => ends(pair).every(Boolean));
  expect(ends(pair)).toEqual(['suspended', 'suspended']);
});

test('1.5 s without a beat end all terms, at the timer', async () => {
  const { pair, clock } = await startLeading();
  await using _ = pair;
  const first = firedBy((await pair.term('orders', 0)).signal);
  await clock.advance(1_499);
  expect(first.reason()).toBeUndefined();
  await clock.advance(1);
  expect(first.reason()).toMatchObject({ reason: 'no_beat' });
  expect(ends(pair)).toEqual(['no_beat', 'no_beat']);
});

test('the deadline that the agent told ends all terms, when it does not answer any more', async () => {
  const { pair, clock } = await startLeading({ prepare: (agent) => void (agent.trustedForMs = 900) });
  await using _ = pair;
  pair.agent.faults.agent.push('cut', 'cut', 'cut', 'cut', 'cut', 'cut', 'cut', 'cut', 'cut', 'cut');
  // The clock stood still when it was asked last.
  await clock.advance(899);
  expect(ends(pair)).toEqual([undefined, undefined]);
  await clock.advance(1);
  expect(ends(pair)).toEqual(['deadline', 'deadline']);
});

test('trust is prolonged by asking, and by nothing else', async () => {
  const { pair, clock } = await startLeading({ prepare: (agent) => void (agent.trustedForMs = 900) });
  await using _ = pair;
  for (let i = 0; i < 30; i += 1) {
    const asked = pair.agent.requests('GET', '/v1/agent').length;
    await clock.advance(225);
    await eventually(() => pair.agent.requests('GET', '/v1/agent').length > asked);
    pair.agent.beat();
    await drained(pair);
  }
  expect(ends(pair)).toEqual([undefined, undefined]);
});

test('a frozen broker that wakes appends nothing, though no timer has run and no event has come', async () => {
  const { pair, clock } = await startLeading();
  await using _ = pair;
  const term = await pair.term('orders', 0);
  const [, other] = pair.terms;
  clock.jump(1_500);
  await expect(term.append(segment('late', 0))).rejects.toMatchObject({
    name: 'TermOver',
    reason: 'no_beat',
  });
  // In the same look: the other term did not have to be used.
  expect(other?.signal.aborted).toBe(true);
  expect(pair.agent.stored('orders', 0)).toEqual([]);
});

test('asking a term whether it may be used looks at the clock first', async () => {
  const { pair, clock } = await startLeading();
  await using _ = pair;
  const term = await pair.term('orders', 0);
  expect(term.isUsable()).toBe(true);
  clock.jump(1_500);
  expect(term.signal.aborted).toBe(false);
  expect(term.isUsable()).toBe(false);
  expect(() => term.throwIfOver()).toThrow(TermOver);
});

test('what lay in the socket while the broker was frozen gives no trust back', async () => {
  const { pair, clock } = await startLeading();
  await using _ = pair;
  const { agent, client } = pair;
  // As after SIGCONT: time has passed, and beats of that time are still to be read.
  clock.jump(2_000);
  agent.beat();
  agent.beat();
  await drained(pair);
  expect(ends(pair)).toEqual(['no_beat', 'no_beat']);
  expect(client.isTrusted()).toBe(false);
  expect(pair.terms).toHaveLength(2);
});

test('after a fall a new proof and a beat behind it begin new terms; the old ones stay over', async () => {
  const { pair, clock } = await startLeading();
  await using _ = pair;
  const { agent } = pair;
  const old = await pair.term('orders', 0);
  clock.jump(2_000);
  expect(old.isUsable()).toBe(false);
  await eventually(async () => {
    await clock.advance(50);
    agent.beat();
    return pair.client.isTrusted();
  });
  const again = await pair.term('orders', 0, 2);
  expect(again).not.toBe(old);
  expect(again.epoch).toBe(old.epoch);
  expect(again.isUsable()).toBe(true);
  expect(old.isUsable()).toBe(false);
});

test('trust of another session does not vouch for terms of this one', async () => {
  const { pair, clock } = await startLeading();
  await using _ = pair;
  const { agent } = pair;
  // The agent has registered anew, and the events that say so have not come yet.
  agent.sessionId = 'session-2';
  await eventually(async () => {
    await clock.advance(100);
    agent.beat();
    return ends(pair).every(Boolean);
  });
  expect(ends(pair)).toEqual(['session_changed', 'session_changed']);
  await eventually(async () => {
    await clock.advance(100);
    agent.resume();
    agent.beat();
    return pair.client.isTrusted();
  });
  // What the new session holds it has not said yet; what the old one held is nobody's to use.
  await drained(pair);
  expect(pair.terms).toHaveLength(2);
  agent.grant('orders', 0, 7);
  expect((await pair.term('orders', 0, 2)).epoch).toBe(7);
});

test('all terms end in the same turn: no callback of one sees another alive', async () => {
  const { pair } = await startLeading();
  await using _ = pair;
  const [one, two] = pair.terms;
  const alive: (boolean | undefined)[] = [];
  one?.signal.addEventListener('abort', () => queueMicrotask(() => alive.push(two?.isUsable())));
  two?.signal.addEventListener('abort', () => queueMicrotask(() => alive.push(one?.isUsable())));
  pair.agent.cut();
  await eventually(() => alive.length === 2);
  expect(alive).toEqual([false, false]);
});

test('a machine that slept stops until the agent has proven itself anew', async () => {
  const { pair, clock } = await startLeading();
  await using _ = pair;
  clock.suspend(5_000);
  expect(pair.client.isTrusted()).toBe(false);
  expect(ends(pair)).toEqual(['machine_slept', 'machine_slept']);
});
