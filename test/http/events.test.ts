// The event stream: its format, what a reader starts from, what it is told and in which order, and how it goes on after a break.
import { expect, test } from 'vitest';
import { partitionKey } from '../../src/domain/lease.ts';
import { eventually } from '../support/eventually.ts';
import { epoch1, eventStage, granted, session1, session2, terms } from './events-stage.ts';
import { rawRequest } from './raw-request.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('a reader is told a snapshot, then every event as it happens, to the byte', async () => {
  await using stage = await eventStage();
  const { agent, clock } = stage;
  agent.granted(2);
  const revoking = { sinceMs: 0, releasedAtMs: clock.monotonicMs() + 900.7, to: 'agent-2' };
  agent.hold([
    { key: partitionKey('bills', 0), epoch: 7 },
    { key: partitionKey('orders', 1), epoch: epoch1, revoking },
  ]);
  const reader = await stage.readOn('?stream=broker-1');
  agent.happen(
    { type: 'lease.granted', topic: 'orders', partition: 3, epoch: 9, highWatermark: null },
    { type: 'lease.revoking', topic: 'orders', partition: 3, epoch: 9, ...revoking },
    { type: 'lease.lost', topic: 'orders', partition: 3, epoch: 9, reason: 'handoff_timeout' },
    { type: 'session.suspended', reason: 'the store says\nnothing — «yet»' },
  );
  agent.sessionId = session2;
  agent.happen({ type: 'session.resumed', sessionId: session2 });
  agent.sessionId = null;
  agent.happen({ type: 'agent.changed', agentId: null, state: null });
  await eventually(() => reader.events.length === 7);
  const leases =
    '[{"topic":"bills","partition":0,"epoch":7},' +
    '{"topic":"orders","partition":1,"epoch":4294967297,"revoking":{"deadlineMs":900,"to":"agent-2"}}]';
  expect(reader.text).toBe(
    [
      `id: ${session1}:2`,
      'event: snapshot',
      `data: {"stream":"broker-1","part":1,"parts":1,"agentId":"agent-1","sessionId":"${session1}","state":"active",` +
        `"trustedForMs":7000,"leases":${leases}}`,
      '',
      `id: ${session1}:3`,
      'event: lease.granted',
      'data: {"topic":"orders","partition":3,"epoch":9,"highWatermark":null}',
      '',
      `id: ${session1}:4`,
      'event: lease.revoking',
      'data: {"topic":"orders","partition":3,"epoch":9,"to":"agent-2","deadlineMs":900}',
      '',
      `id: ${session1}:5`,
      'event: lease.lost',
      'data: {"topic":"orders","partition":3,"epoch":9,"reason":"handoff_timeout"}',
      '',
      `id: ${session1}:6`,
      'event: session.suspended',
      'data: {"reason":"the store says\\nnothing — «yet»"}',
      '',
      `id: ${session2}:7`,
      'event: session.resumed',
      `data: {"sessionId":"${session2}"}`,
      '',
      'id: -:8',
      'event: agent.changed',
      'data: {"agentId":null,"state":null}',
      '',
      '',
    ].join('\n'),
  );
});

test('the answer is an event stream that nobody keeps, and names itself', async () => {
  await using stage = await eventStage();
  const named = await stage.read('?stream=broker-1', { 'x-request-id': 'id-7' });
  expect(named.response).toMatchObject({
    statusCode: 200,
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-request-id': 'id-7',
      'streamhouse-stream': 'broker-1',
    },
  });
  const unnamed = await stage.readOn();
  expect(unnamed.stream).toMatch(uuid);
  expect(unnamed.events[0]?.data['stream']).toBe(unnamed.stream);
});

test.each([
  ['an unknown parameter', '?atach=broker', {}, 400, 'invalid'],
  ['something else attached', '?attach=consumer', {}, 400, 'invalid'],
  ['a name that is none', '?stream=a%2Fb', {}, 400, 'invalid'],
  ['a page of another origin', '?attach=broker', { 'sec-fetch-site': 'cross-site' }, 403, 'forbidden'],
  ['a page of another origin', '', { origin: 'http://evil.example' }, 403, 'forbidden'],
  ['a Host that is not ours', '', { host: 'evil.example' }, 403, 'forbidden'],
])('%s is refused: no stream begins', async (_what, query, headers, status, code) => {
  await using stage = await eventStage();
  const answer = await rawRequest(stage.server.port, { path: `/v1/events${query}`, headers });
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.text)).toMatchObject({ code });
  expect(stage.agent.attached).toBe(0);
});

test('who asks for the head alone opens no stream', async () => {
  await using stage = await eventStage();
  const answer = await rawRequest(stage.server.port, { method: 'HEAD', path: '/v1/events?attach=broker' });
  expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream' } });
  expect(stage.agent.attached).toBe(0);
});

test('more streams than there may be are asked to come back, and may when one has ended', async () => {
  await using stage = await eventStage({ eventStreamsMax: 2 });
  const first = await stage.readOn();
  await stage.readOn();
  const path = '/v1/events';
  const refused = await rawRequest(stage.server.port, { path });
  expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  expect(JSON.parse(refused.text)).toMatchObject({ code: 'unavailable' });
  first.crash();
  await eventually(async () => (await stage.read()).response.statusCode === 200);
});

test('a large snapshot comes in parts, and only the last of them can be resumed from', async () => {
  await using stage = await eventStage();
  const held = terms(2_500);
  stage.agent.hold(held);
  stage.agent.granted(3);
  const reader = await stage.read();
  await eventually(() => reader.events.length === 3);
  const parts = reader.of('snapshot');
  expect(parts.map(({ data, id }) => [data['part'], data['parts'], id])).toEqual([
    [1, 3, undefined],
    [2, 3, undefined],
    [3, 3, `${session1}:3`],
  ]);
  expect(parts.map(({ data }) => [data['leases']].flat().length)).toEqual([1_000, 1_000, 500]);
  const told = parts.flatMap(({ data }) => data['leases']);
  expect(told).toEqual(held.map(({ key, epoch }) => ({ topic: key.topic, partition: key.partition, epoch })));
});

test('a part has at most 64 KiB, however long the names are', async () => {
  await using stage = await eventStage();
  const revoking = { sinceMs: 0, releasedAtMs: stage.clock.monotonicMs() + 1e9, to: 'a'.repeat(249) };
  stage.agent.hold(terms(1_500, 't'.repeat(249)).map((term) => ({ ...term, revoking })));
  const reader = await stage.read(`?stream=${'s'.repeat(249)}`);
  const parts = await eventually(() => {
    const all = reader.of('snapshot');
    return all.length > 0 && all.length === all[0]?.data['parts'] && all;
  });
  const blocks = reader.text.split('\n\n').filter((block) => block !== '');
  expect(Math.max(...blocks.map((block) => block.length))).toBeLessThanOrEqual(64 * 1024);
  expect(parts.flatMap(({ data }) => data['leases'])).toHaveLength(1_500);
});

test('what happens while a snapshot is told follows it, once', async () => {
  await using stage = await eventStage();
  stage.agent.hold(terms(2_500));
  const reading = stage.read();
  // Whenever the parts are made: the events behind the moment that they tell must follow.
  const appending = eventually(
    () => {
      stage.agent.granted(1);
      return stage.agent.journal.last === 50;
    },
    { everyMs: 1 },
  );
  const reader = await reading;
  await appending;
  await eventually(() => reader.numbers.at(-1) === 50);
  const told = Number(reader.of('snapshot').at(-1)?.id?.split(':')[1]);
  expect(reader.numbers).toEqual(range(told + 1, 50));
});

test('events come in order with growing numbers, whatever they come in', async () => {
  await using stage = await eventStage({ capacity: 20_000 });
  const reader = await stage.readOn();
  for (const count of [1, 0, 999, 2, 9_000, 1]) stage.agent.granted(count);
  await eventually(() => reader.numbers.length >= 10_003);
  expect(reader.numbers).toEqual(range(1, 10_003));
  expect(reader.of('lease.granted').map(({ data }) => data['partition'])).toEqual(range(1, 10_003));
});

test('a reader that reconnects is told what it missed, and nothing twice', async () => {
  await using stage = await eventStage();
  stage.agent.granted(5);
  for (const [known, missed] of [
    [0, range(1, 5)],
    [2, [3, 4, 5]],
    [5, []],
  ] as const) {
    const reader = await stage.read('', { 'last-event-id': `${session1}:${known}` });
    await eventually(() => reader.comments.length > 0);
    stage.agent.trust(7_000);
    await stage.clock.advance(500);
    await eventually(() => reader.of('beat').length > 0);
    expect(reader.text.startsWith(': resumed\n\n')).toBe(true);
    expect(reader.of('snapshot')).toEqual([]);
    expect(reader.numbers).toEqual(missed);
  }
});

test.each([
  ['of another session', `${session2}:500`],
  ['of no session', '-:500'],
  ['that is forgotten', `${session1}:1`],
  ['that is yet to come', `${session1}:1006`],
  ['without a number', `${session1}:`],
  ['with a negative number', `${session1}:-1`],
  ['with a number that is none', `${session1}:1e3`],
  ['beyond all numbers', `${session1}:99999999999999999999`],
  ['that is empty', ''],
  ['that is garbage', 'é\t:::{}'],
  ['that is long', `${session1}:${'1'.repeat(5_000)}`],
])('a reader with an id %s starts from a snapshot', async (_what, id) => {
  await using stage = await eventStage();
  stage.agent.granted(1_005);
  const headers = { 'last-event-id': Buffer.from(id).toString('latin1') };
  const reader = await stage.read('', headers);
  await eventually(() => reader.events.length > 0);
  expect(reader.response.statusCode).toBe(200);
  expect(reader.events[0]).toMatchObject({ id: `${session1}:1005`, event: 'snapshot' });
  expect(reader.comments).toEqual([]);
});

test('without a session nothing is resumed: numbers begin anew with each process', async () => {
  await using stage = await eventStage();
  stage.agent.sessionId = null;
  stage.agent.granted(3);
  const reader = await stage.read('', { 'last-event-id': '-:2' });
  await eventually(() => reader.events.length > 0);
  expect(reader.events[0]).toMatchObject({ id: '-:3', event: 'snapshot', data: { sessionId: null } });
});

test('the oldest event that is remembered can be resumed from, the one before it not', async () => {
  await using stage = await eventStage({ capacity: 10 });
  stage.agent.granted(15);
  const resumed = await stage.read('', { 'last-event-id': `${session1}:5` });
  await eventually(() => resumed.numbers.length === 10);
  expect(resumed.of('snapshot')).toEqual([]);
  const late = await stage.read('', { 'last-event-id': `${session1}:4` });
  await eventually(() => late.of('snapshot').length === 1);
});

test('a burst beyond the journal is told as a new snapshot: it is not the fault of its readers', async () => {
  await using stage = await eventStage({ capacity: 100 });
  const reader = await stage.readOn();
  stage.agent.hold(terms(2));
  stage.agent.granted(1_000);
  await eventually(() => reader.of('snapshot').length === 2);
  expect(reader.events[1]).toMatchObject({ id: `${session1}:1000`, data: { part: 1, parts: 1 } });
  stage.agent.granted(1);
  await eventually(() => reader.numbers.length === 1);
  expect(reader.numbers).toEqual([1_001]);
  expect(reader.over).toBeUndefined();
});

test('a beat comes every 500 ms while the agent trusts its session, and not without trust', async () => {
  await using stage = await eventStage();
  const { agent, clock } = stage;
  const readers = [await stage.readOn(), await stage.readOn()];
  const beats = () => readers.map((reader) => reader.of('beat').map(({ id, data }) => [id, data]));
  const beat = (trustedForMs: number) => [undefined, { trustedForMs }];
  await clock.advance(499);
  expect(beats()).toEqual([[], []]);
  await clock.advance(1);
  // Behind the events that came since: there was one beat, and it was told once.
  const toldAll = async (): Promise<void> => {
    for (let event = 0; event < 3; event++) {
      agent.granted(1);
      await eventually(() => readers.every((reader) => reader.numbers.length === agent.journal.last));
    }
  };
  await toldAll();
  expect(beats()).toEqual([[beat(7_000)], [beat(7_000)]]);
  // A fraction of a millisecond is no trust that anybody could be told of.
  for (const trustedForMs of [0, 0.9]) {
    agent.trust(trustedForMs);
    await clock.advance(1_000);
  }
  agent.trust(1_500);
  await clock.advance(500);
  await toldAll();
  const expected = [beat(7_000), beat(1_500)];
  expect(beats()).toEqual([expected, expected]);
});

test('the time left to a revoke counts down: later readers and later chunks are told less', async () => {
  await using stage = await eventStage();
  const { agent, clock } = stage;
  const first = await stage.readOn();
  const event = { type: 'lease.revoking', topic: 'orders', partition: 1, epoch: 9, to: null } as const;
  agent.happen({ ...event, releasedAtMs: clock.monotonicMs() + 1_000 });
  await eventually(() => first.of('lease.revoking').length === 1);
  clock.jump(400);
  const second = await stage.read('', { 'last-event-id': `${session1}:0` });
  await eventually(() => second.of('lease.revoking').length === 1);
  clock.jump(700);
  const third = await stage.read('', { 'last-event-id': `${session1}:0` });
  await eventually(() => third.of('lease.revoking').length === 1);
  const told = [first, second, third].map((reader) => reader.of('lease.revoking')[0]?.data['deadlineMs']);
  expect(told).toEqual([1_000, 600, 0]);
});

test('an idle stream of an agent without trust stays open', async () => {
  await using stage = await eventStage();
  stage.agent.trust(0);
  const reader = await stage.readOn();
  await stage.clock.advance(3_600_000);
  stage.agent.happen(granted(1));
  await eventually(() => reader.numbers.length === 1);
  expect(reader.over).toBeUndefined();
});

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}
