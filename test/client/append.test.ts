// Appends under a term: what each answer means, and that a lost answer is asked for again under the same id while the term lasts.
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  AlreadyExists,
  Fenced,
  NotFound,
  OffsetGap,
  OffsetOverlap,
  Refused,
  type Term,
  Unavailable,
} from '../../src/client/client.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeAgent } from './fake-agent.ts';
import { beating, type Pair, segment, startPair } from './pair.ts';

let pair: Pair;
let beats: Disposable;
let agent: FakeAgent;
let term: Term;

beforeEach(async () => {
  pair = await startPair({ prepare: (fake) => fake.hold('orders', 0, 5) });
  agent = pair.agent;
  beats = beating(agent);
  term = await pair.term('orders', 0);
});

afterEach(async () => {
  beats[Symbol.dispose]();
  await pair[Symbol.asyncDispose]();
});

const path = '/v1/topics/orders/partitions/0/segments';

test('one segment, and several in one transaction, under the epoch of the term', async () => {
  expect(await term.append(segment('a', 0, 9))).toMatchObject({
    outcome: 'appended',
    highWatermark: 10,
    segments: [{ id: 'a', epoch: 5, topic: 'orders', partition: 0, endOffset: 9 }],
  });
  await term.append([segment('b', 10, 10), segment('c', 11, 12)]);
  expect(agent.stored('orders', 0)).toMatchObject([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  expect(agent.requests('POST', path)).toHaveLength(2);
  expect(await term.highWatermark()).toBe(13);
});

test('a lost answer is asked for again, and stored once', async () => {
  agent.faults.append.push('lost', 'cut', 'busy');
  expect(await term.append(segment('a', 0))).toMatchObject({ outcome: 'already', highWatermark: 1 });
  expect(agent.stored('orders', 0)).toHaveLength(1);
});

test('a lost answer whose term has ended is told as unknown, and not asked for again', async () => {
  agent.faults.append.push('lost', 'lost', 'lost', 'lost', 'lost', 'lost', 'lost', 'lost');
  const appending = term.append(segment('a', 0));
  await eventually(() => agent.requests('POST', path).length > 0);
  agent.lose('orders', 0);
  const error = await appending.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Unavailable);
  expect(error).toMatchObject({ outcomeUnknown: true });
  const sent = agent.requests('POST', path).length;
  agent.grant('orders', 1, 9);
  await pair.term('orders', 1);
  expect(agent.requests('POST', path)).toHaveLength(sent);
});

test('unknown stays unknown when the last attempt was not even sent', async () => {
  let refused = 0;
  const refusing: typeof fetch = async (input, init) => {
    if (init?.method !== 'POST' || agent.requests('POST', path).length === 0) return fetch(input, init);
    refused += 1;
    throw new TypeError('fetch failed', {
      cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
    });
  };
  await pair[Symbol.asyncDispose]();
  pair = await startPair({ prepare: (fake) => fake.hold('orders', 0, 5), fetch: refusing });
  agent = pair.agent;
  agent.faults.append.push('lost');
  const appending = (await pair.term('orders', 0)).append(segment('a', 0));
  await eventually(() => refused > 0);
  agent.lose('orders', 0);
  const error = await appending.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'Unavailable', outcomeUnknown: true });
});

test('fenced: nothing is stored, and the term is over whatever the events say', async () => {
  agent.takeAway('orders', 0, 6);
  const error = await term.append(segment('a', 0)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Fenced);
  expect(error).toMatchObject({
    code: 'fenced',
    facts: { currentEpoch: 6, holder: 'another', committed: false },
  });
  expect(term.signal.reason).toMatchObject({ reason: 'fenced' });
  expect(agent.stored('orders', 0)).toEqual([]);
});

test('a gap and an overlap tell where to go on, and the term lives', async () => {
  await term.append(segment('a', 0, 9));
  const gap = await term.append(segment('b', 20)).catch((thrown: unknown) => thrown);
  expect(gap).toBeInstanceOf(OffsetGap);
  expect(gap).toMatchObject({ facts: { highWatermark: 10 } });
  const overlap = await term.append(segment('c', 5)).catch((thrown: unknown) => thrown);
  expect(overlap).toBeInstanceOf(OffsetOverlap);
  expect(await term.highWatermark()).toBe(10);
  expect(term.isUsable()).toBe(true);
});

test('a known id with other content is told', async () => {
  await term.append(segment('a', 0, 9));
  await expect(term.append(segment('a', 10))).rejects.toBeInstanceOf(AlreadyExists);
  expect(term.isUsable()).toBe(true);
});

test('other refusals carry their code', async () => {
  const error = await term.append([]).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Refused);
  expect(error).toMatchObject({ code: 'invalid', status: 400 });
  await expect(pair.client.metadata.leader({ topic: 'orders', partition: 0 })).rejects.toBeInstanceOf(
    NotFound,
  );
});

test('an append under way when its term ends is not cut off: its answer counts', async () => {
  let open: (() => void) | undefined;
  agent.appendGate = new Promise<void>((resolve) => (open = resolve));
  const appending = term.append(segment('a', 0));
  await eventually(() => agent.stored('orders', 0).length > 0);
  agent.lose('orders', 0);
  await eventually(() => term.signal.aborted);
  open?.();
  expect(await appending).toMatchObject({ outcome: 'appended' });
});
