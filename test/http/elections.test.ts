// Candidates over HTTP: a real store, real event streams, and the candidacies of an agent that lives on the fixture's session.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Holdings } from '../../src/coordination/holdings.ts';
import { roleKey } from '../../src/domain/lease.ts';
import { createInstruments } from '../../src/metrics/instruments.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { recordingLogger, silentProbe } from '../coordination/cluster.ts';
import { LocalSignals } from '../coordination/stage.ts';
import { eventually, eventuallyHolds } from '../support/eventually.ts';
import { type EventReader, readEvents } from './event-reader.ts';
import { type Answer, type Fixture, registerAgent, rfc3339, startFixture } from './fixture.ts';

const trustedForMs = 7_000;
const answerForm = z.looseObject({ epoch: z.number(), candidate: z.string() });

let http: Fixture;
let stop: AbortController;
let running: Promise<void>;
let trust: number;
const readers: EventReader[] = [];

beforeEach(async () => {
  http = await startFixture();
  stop = new AbortController();
  trust = trustedForMs;
  const { agent, store } = http;
  const sessionId = agent.sessionId ?? '';
  const deps = {
    store,
    signals: new LocalSignals(),
    onConnectionLost: () => () => undefined,
    clock: systemClock,
    random: Math.random,
    log: recordingLogger([]),
    instruments: createInstruments(silentProbe),
  };
  const session = {
    sessionId,
    holdings: new Holdings(deps, sessionId),
    trustedForMs: () => trust,
    coordinator: { term: undefined, resign: () => undefined },
  };
  running = agent.elections.run(deps, session, 50, stop.signal);
});

afterEach(async () => {
  for (const reader of readers.splice(0)) reader.crash();
  trust = 0;
  http.agent.elections.close();
  stop.abort();
  await running;
  await http[Symbol.asyncDispose]();
});

async function openStream(name: string): Promise<EventReader> {
  const reader = await readEvents(http.server.port, `?stream=${name}`);
  readers.push(reader);
  return reader;
}

function post(path: string, body?: object): Promise<Answer> {
  return http.ask('POST', `/v1/elections/${path}`, body);
}

/** Campaigns and waits for the win. */
function win(role: string, body: object): Promise<Answer> {
  return post(`${role}/campaign`, { waitMs: 5_000, ...body });
}

function epochOf({ body }: Answer): number {
  return answerForm.parse(body).epoch;
}

describe('a campaign', () => {
  test('is answered with who leads now, and what of it is the candidate’s own', async () => {
    const won = await win('compactor', { candidate: 'one', holdMs: 20_000 });
    const epoch = epochOf(won);
    const leader = { agentId: 'agent-1', epoch, since: rfc3339 };
    expect(won).toMatchObject({ status: 200 });
    expect(won.body).toEqual({
      name: 'compactor',
      ...leader,
      candidate: 'one',
      state: 'leading',
      ownEpoch: epoch,
      trustedForMs: expect.any(Number),
      leader,
    });
    const waits = await post('compactor/campaign', { candidate: 'two', holdMs: 20_000 });
    expect(waits.body).toEqual({
      name: 'compactor',
      ...leader,
      candidate: 'two',
      state: 'waiting',
      ownEpoch: null,
      trustedForMs: 0,
      leader,
    });
    expect((await http.ask('GET', '/v1/elections/compactor')).body).toEqual({ name: 'compactor', ...leader });
  });

  test('makes a candidate’s name when it has none, a new one each time', async () => {
    const first = answerForm.parse((await win('x', { holdMs: 20_000 })).body).candidate;
    const second = answerForm.parse((await post('x/campaign', { holdMs: 20_000 })).body).candidate;
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).not.toBe(first);
    expect((await post('x/renew', { candidate: first, holdMs: 20_000 })).body).toMatchObject({
      state: 'leading',
    });
  });

  test('waits for the win as long as it says, and answers at once when it comes', async () => {
    const epoch = epochOf(await win('x', { candidate: 'one', holdMs: 20_000 }));
    const waits = await post('x/campaign', { candidate: 'two', holdMs: 20_000, waitMs: 30 });
    expect(waits.body).toMatchObject({ state: 'waiting', epoch });
    const wins = post('x/campaign', { candidate: 'two', holdMs: 60_000, waitMs: 30_000 });
    await post('x/resign', { candidate: 'one' });
    expect((await wins).body).toMatchObject({ state: 'leading', candidate: 'two' });
  });

  test('for a role that nobody has led yet has no leader', async () => {
    trust = 0;
    const { body } = await post('never/campaign', { candidate: 'one', holdMs: 20_000 });
    expect(body).toMatchObject({ state: 'waiting', agentId: null, epoch: 0, since: null, leader: null });
  });

  test('for the coordinator’s role is refused', async () => {
    expect(await post('coordinator/campaign', { holdMs: 20_000 })).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringMatching(/agents' own/) },
    });
  });

  test('of a leader is answered also while the store is away: how long it is trusted is the agent’s to say', async () => {
    const epoch = epochOf(await win('x', { candidate: 'one', holdMs: 20_000 }));
    await post('x/campaign', { candidate: 'two', holdMs: 20_000 });
    http.agent.store = undefined;
    const again = await post('x/campaign', { candidate: 'one', holdMs: 20_000 });
    expect(again.body).toMatchObject({ state: 'leading', ownEpoch: epoch, agentId: 'agent-1', epoch });
    expect(await post('x/renew', { candidate: 'one', holdMs: 20_000 })).toMatchObject({ status: 200 });
    expect(await post('x/renew', { candidate: 'two', holdMs: 20_000 })).toMatchObject({ status: 503 });
  });
});

describe('a campaign on a stream', () => {
  test('is told its win there, and is over when the stream is cut', async () => {
    const [first, second] = [await openStream('s-1'), await openStream('s-2')];
    const epoch = epochOf(await win('x', { candidate: 'one', stream: 's-1' }));
    await post('x/campaign', { candidate: 'two', stream: 's-2' });
    await eventually(() => first.of('election.won').length === 1);
    expect(first.of('election.won')[0]?.data).toEqual({ name: 'x', candidate: 'one', epoch });
    first.crash();
    await eventually(() => second.of('election.won').length === 2);
    const [lost] = second.of('election.lost');
    expect(lost?.data).toEqual({ name: 'x', candidate: 'one', epoch, reason: 'stream_closed' });
    const taken = second.of('election.won')[1]?.data;
    expect(taken).toMatchObject({ name: 'x', candidate: 'two' });
    expect(Number(taken?.['epoch'])).toBeGreaterThan(epoch);
  });

  test('that is not open is refused, with the next step', async () => {
    expect(await post('x/campaign', { candidate: 'one', stream: 'nope' })).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringMatching(/GET \/v1\/events\?stream=nope/) },
    });
    (await openStream('s-1')).crash();
    await eventuallyHolds(async () => {
      expect(await post('x/campaign', { candidate: 'one', stream: 's-1' })).toMatchObject({ status: 409 });
    });
  });

  test('needs no renewal, and refuses one', async () => {
    await openStream('s-1');
    await win('x', { candidate: 'one', stream: 's-1' });
    expect(await post('x/renew', { candidate: 'one', holdMs: 20_000 })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    });
  });
});

describe('a renewal', () => {
  test('that comes too late, or for nobody, is refused', async () => {
    await win('x', { candidate: 'one', holdMs: 10_000 });
    await post('x/campaign', { candidate: 'brief', holdMs: 500 });
    await eventuallyHolds(async () => {
      expect(await post('x/renew', { candidate: 'brief', holdMs: 500 })).toMatchObject({ status: 200 });
      await systemClock.sleep(510);
      expect(await post('x/renew', { candidate: 'brief', holdMs: 500 })).toMatchObject({
        status: 409,
        body: { code: 'no_lease', detail: expect.stringMatching(/campaign for it/) },
      });
    });
    expect(await post('x/renew', { candidate: 'nobody', holdMs: 500 })).toMatchObject({ status: 409 });
    expect(await post('y/renew', { candidate: 'one', holdMs: 500 })).toMatchObject({ status: 409 });
  });
});

describe('a resignation', () => {
  test('is answered when the role is free, and is fine again', async () => {
    const epoch = epochOf(await win('x', { candidate: 'one', holdMs: 20_000 }));
    const resigned = { status: 200, body: { name: 'x', candidate: 'one', outcome: 'resigned' } };
    expect(await post('x/resign', { candidate: 'one' })).toMatchObject(resigned);
    expect((await http.ask('GET', '/v1/elections/x')).body).toMatchObject({ agentId: null, epoch });
    expect(await post('x/resign', { candidate: 'one' })).toMatchObject(resigned);
    expect(await post('never/resign', { candidate: 'one' })).toMatchObject({ status: 200 });
  });

  test('without a candidate is the operator’s: who leads is asked, at the epoch that is expected', async () => {
    const epoch = epochOf(await win('x', { candidate: 'one', holdMs: 20_000 }));
    const reader = await openStream('s');
    expect(await post('x/resign', { expectedEpoch: epoch - 1 })).toMatchObject({
      status: 409,
      body: { code: 'fenced', currentEpoch: epoch },
    });
    expect(await post('x/resign')).toMatchObject({
      status: 200,
      body: { name: 'x', outcome: 'asked', agentId: 'agent-1', epoch },
    });
    await eventually(() => reader.of('election.lost').length === 1);
    expect(reader.of('election.lost')[0]?.data).toMatchObject({ candidate: 'one', reason: 'resigned' });
  });

  test('of a role that nobody leads says so, and of one that never was is not found', async () => {
    const epoch = epochOf(await win('x', { candidate: 'one', holdMs: 20_000 }));
    await post('x/resign', { candidate: 'one' });
    expect((await post('x/resign')).body).toEqual({ name: 'x', outcome: 'vacant', agentId: null, epoch });
    expect(await post('never/resign')).toMatchObject({ status: 404 });
  });

  test('of a role that another agent has is written where that agent reads it, and it is told to look', async () => {
    const other = await registerAgent(http.store, 'agent-2');
    const { outcomes } = await http.store.acquireLeases(other, [roleKey('far')]);
    const epoch = outcomes[0]?.outcome === 'granted' ? outcomes[0].epoch : 0;
    const asked: unknown[] = [];
    http.agent.store = Object.assign(Object.create(http.store), {
      requestRelease: async (...args: unknown[]) => {
        asked.push(args);
        return { outcome: 'asked', agentId: 'agent-2', epoch };
      },
    });
    expect((await post('far/resign', { expectedEpoch: epoch })).body).toEqual({
      name: 'far',
      outcome: 'asked',
      agentId: 'agent-2',
      epoch,
    });
    expect(asked).toEqual([[roleKey('far'), epoch]]);
    expect(http.agent.announced).toEqual(['session']);
  });
});

describe('a request that cannot be right is refused and puts nobody into the race', () => {
  const stream = 's';
  test.each([
    ['campaign', undefined, /must be a JSON object/],
    ['campaign', {}, /either stream.*or holdMs/],
    ['campaign', { stream, holdMs: 5_000 }, /either stream.*or holdMs/],
    ['campaign', { holdMs: 499 }, /holdMs.*500/],
    ['campaign', { holdMs: 300_001 }, /holdMs.*300000/],
    ['campaign', { holdMs: 5_000.5 }, /holdMs/],
    ['campaign', { holdMs: 5_000, waitMs: 30_001 }, /waitMs.*30000/],
    ['campaign', { holdMs: 5_000, waitMs: -1 }, /waitMs/],
    ['campaign', { holdMs: 5_000, waitMs: 2_501 }, /waitMs must be at most half of holdMs/],
    ['campaign', { holdMs: 5_000, candidate: 'a b' }, /candidate.*must be a name/],
    ['campaign', { holdMs: 5_000, candiate: 'a' }, /there is no field "candiate"/],
    ['campaign', { stream: 'a/b' }, /stream.*must be a name/],
    ['renew', { candidate: 'a' }, /holdMs/],
    ['renew', { holdMs: 5_000 }, /candidate/],
    ['renew', { candidate: 'a', holdMs: 5_000, waitMs: 1 }, /there is no field "waitMs"/],
    ['resign', { candidate: 7 }, /candidate/],
    ['resign', { expectedEpoch: -1 }, /expectedEpoch/],
    ['resign', { candidate: 'a', expectedEpoch: 1 }, /expectedEpoch is for an operator/],
  ])('%s %j', async (verb, body, says) => {
    const answer = await post(`bad/${verb}`, body);
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid', detail: expect.stringMatching(says) },
    });
    expect((await http.ask('GET', '/v1/elections')).body).toEqual({ elections: [] });
  });
});
