// Campaigns for named roles: bound to the stream that is open, run once for each term, given up when the work is done.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RoleTerm } from '../../src/client/client.ts';
import { eventually } from '../support/eventually.ts';
import type { FakeAgent } from './fake-agent.ts';
import { beating, type Pair, startPair } from './pair.ts';

let pair: Pair;
let beats: Disposable;
let agent: FakeAgent;

beforeEach(async () => {
  pair = await startPair();
  agent = pair.agent;
  beats = beating(agent);
});

afterEach(async () => {
  beats[Symbol.dispose]();
  await pair[Symbol.asyncDispose]();
});

/** Runs until its term is over; the terms it had. */
function serving(terms: RoleTerm[]): (term: RoleTerm) => Promise<void> {
  return async (term) => {
    terms.push(term);
    await new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }));
  };
}

async function entered(times = 1): Promise<void> {
  await eventually(() => agent.requests('POST', '/v1/elections/compactor/campaign').length >= times);
}

test('it enters by the stream that is open, and leads when it has won', async () => {
  const done = pair.client.campaign('compactor', async ({ epoch }) => `led ${epoch}`, { candidate: 'me' });
  await entered();
  expect(agent.requests('POST', '/v1/elections/compactor/campaign')[0]?.body).toEqual({
    candidate: 'me',
    stream: agent.openStreams[0]?.name,
  });
  agent.win('compactor', 4);
  expect(await done).toBe('led 4');
  expect(agent.requests('POST', '/v1/elections/compactor/resign')).toMatchObject([
    { body: { candidate: 'me' } },
  ]);
});

test('a term that is lost ends at once; the next one won runs again', async () => {
  const terms: RoleTerm[] = [];
  const stop = new AbortController();
  const done = pair.client.campaign('compactor', serving(terms), { candidate: 'me', signal: stop.signal });
  await entered();
  agent.win('compactor', 4);
  await eventually(() => terms.length === 1);
  agent.unseat('compactor');
  await eventually(() => terms[0]?.signal.aborted);
  await entered(2);
  agent.win('compactor', 6);
  await eventually(() => terms.length === 2);
  expect(terms.map(({ epoch }) => epoch)).toEqual([4, 6]);
  stop.abort();
  await expect(done).rejects.toThrow(/abort/);
  expect(terms[1]?.isUsable()).toBe(false);
  expect(agent.requests('POST', '/v1/elections/compactor/resign')).toHaveLength(1);
});

test('the end of the stream ends the term; the campaign goes on by the next stream', async () => {
  const terms: RoleTerm[] = [];
  const stop = new AbortController();
  const done = pair.client.campaign('compactor', serving(terms), { candidate: 'me', signal: stop.signal });
  await entered();
  agent.win('compactor', 4);
  await eventually(() => terms.length === 1);
  const [before] = agent.openStreams;
  agent.cut();
  await eventually(() => terms[0]?.signal.aborted);
  await entered(2);
  const streams = agent.requests('POST', '/v1/elections/compactor/campaign').map(({ body }) => body);
  expect(streams).toEqual([
    { candidate: 'me', stream: before?.name },
    { candidate: 'me', stream: agent.openStreams[0]?.name },
  ]);
  // The fake lets it keep the role, as an agent may that did not notice.
  await eventually(() => terms.length === 2);
  stop.abort();
  await expect(done).rejects.toThrow(/abort/);
});

test('an event about another candidate or role moves nothing', async () => {
  const terms: RoleTerm[] = [];
  const stop = new AbortController();
  const done = pair.client.campaign('compactor', serving(terms), { candidate: 'me', signal: stop.signal });
  await entered();
  agent.emit('election.won', { name: 'compactor', candidate: 'other', epoch: 3 });
  agent.emit('election.won', { name: 'retention', candidate: 'me', epoch: 3 });
  agent.win('compactor', 4);
  await eventually(() => terms.length === 1);
  agent.emit('election.lost', { name: 'retention', candidate: 'me', epoch: 4, reason: 'resigned' });
  agent.emit('election.lost', { name: 'compactor', candidate: 'me', epoch: 3, reason: 'resigned' });
  agent.grant('orders', 0, 5);
  await pair.term('orders', 0);
  expect(terms.map((term) => term.isUsable())).toEqual([true]);
  stop.abort();
  await expect(done).rejects.toThrow(/abort/);
});

test('what the callback throws under a live term ends the campaign', async () => {
  const failed = failureOf(
    pair.client.campaign('compactor', async () => Promise.reject(new Error('no disk'))),
  );
  await entered();
  agent.win('compactor', 4);
  expect(await failed).toEqual(new Error('no disk'));
  await eventually(() => agent.requests('POST', '/v1/elections/compactor/resign').length === 1);
});

test('closing the client ends its campaigns', async () => {
  const failed = failureOf(pair.client.campaign('compactor', async () => undefined));
  await entered();
  await pair.client.close();
  expect(await failed).toMatchObject({ reason: 'closed' });
});

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
