// How streams end, and what hangs on them: a broker attached, a candidacy bound to a name, a line in the access log.
import { expect, test } from 'vitest';
import { StreamNames } from '../../src/http/events/stream-names.ts';
import { eventually } from '../support/eventually.ts';
import { eventStage, session1 } from './events-stage.ts';
import { rawBytes } from './raw-request.ts';

test('a server that stops tells its readers everything, then that it closes, and waits for nobody', async () => {
  // A grace that the test does not have: only the streams' own end lets the server close.
  const stage = await eventStage({ closeGraceMs: 3_600_000 });
  const readers = [await stage.readOn('?attach=broker'), await stage.readOn()];
  stage.agent.granted(600);
  await stage.server.close();
  for (const reader of readers) {
    await eventually(() => reader.over === 'ended');
    expect(reader.events.at(-1)).toEqual({
      id: undefined,
      event: 'closing',
      data: { reason: 'the agent is stopping' },
    });
    expect(reader.numbers).toHaveLength(600);
  }
  expect(stage.agent.attached).toBe(0);
  await eventually(() => stage.clock.sleeping === 0);
});

test('a reader that does not read does not hold up the stop beyond its grace', async () => {
  const stage = await eventStage({ closeGraceMs: 50 });
  const reader = await stage.readOn();
  reader.pause();
  stage.agent.granted(1_000);
  await stage.server.close();
  await eventually(() => stage.clock.sleeping === 0);
});

test('a connection ends with its stream, although the reader would keep it', async () => {
  const stage = await eventStage({ closeGraceMs: 3_600_000 });
  const answer = rawBytes(stage.server.port, 'GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await eventually(() => stage.clock.sleeping === 1);
  await stage.server.close();
  expect(await answer).toMatch(/event: closing\ndata: .*\n\n\r\n0\r\n\r\n$/);
});

test('a broker is attached as long as its stream is open, whatever way it ends', async () => {
  await using stage = await eventStage();
  const { agent } = stage;
  await stage.readOn();
  expect(agent.attached).toBe(0);
  const first = await stage.readOn('?attach=broker');
  const second = await stage.readOn('?attach=broker&stream=b');
  expect(agent.attached).toBe(2);
  first.crash();
  await eventually(() => agent.attached === 1);
  // The polite way: our side of the connection only.
  second.socket.end();
  await eventually(() => agent.attached === 0);
});

test('when nobody reads, nothing is left running', async () => {
  await using stage = await eventStage();
  const reader = await stage.readOn();
  expect(stage.clock.sleeping).toBe(1);
  reader.crash();
  await eventually(() => stage.clock.sleeping === 0);
  const again = await stage.readOn();
  stage.agent.granted(1);
  await eventually(() => again.numbers.length === 1);
  expect(stage.clock.sleeping).toBe(1);
});

test('every stream leaves one line in the access log, when it ends, without its query', async () => {
  await using stage = await eventStage();
  const requests = () => stage.lines.filter(({ message }) => message === 'request');
  const crashed = await stage.read('?stream=secret', { 'x-request-id': 'crashed' });
  await stage.read('', { 'x-request-id': 'ended' });
  await stage.read('?no=no', { 'x-request-id': 'refused' });
  await eventually(() => requests().length > 0);
  expect(requests()).toMatchObject([{ requestId: 'refused', status: 400 }]);
  crashed.crash();
  await eventually(() => requests().length === 2);
  await stage.server.close();
  await eventually(() => requests().length === 3);
  const line = { level: 'debug', method: 'GET', path: '/v1/events' };
  expect(requests()).toMatchObject([
    { ...line, requestId: 'refused', status: 400 },
    { ...line, requestId: 'crashed', status: 200 },
    { ...line, requestId: 'ended', status: 200 },
  ]);
  expect(stage.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a fault while an event is rendered ends one stream, not the agent', async () => {
  await using stage = await eventStage();
  const reader = await stage.readOn();
  const status = stage.agent.status.bind(stage.agent);
  stage.agent.status = () => {
    throw new Error('a fault');
  };
  await stage.clock.advance(500);
  await eventually(() => reader.over === 'cut');
  stage.agent.status = status;
  expect(stage.lines.filter(({ level }) => level === 'error')).toMatchObject([
    { message: 'event stream failed by a fault of ours', err: { message: 'a fault' } },
  ]);
  const again = await stage.read('', { 'last-event-id': `${session1}:0` });
  await eventually(() => again.comments.length === 1);
});

test('a name is open until the last stream of that name has ended', () => {
  const names = new StreamNames();
  expect(names.signalOf('a')).toBeUndefined();
  const first = names.add('a');
  const signal = names.signalOf('a');
  const other = names.add('b');
  const second = names.add('a');
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(names.signalOf('a')).toBe(signal);
  expect(signal?.aborted).toBe(false);
  second[Symbol.dispose]();
  expect(signal?.aborted).toBe(true);
  expect(names.signalOf('a')).toBeUndefined();
  // Used again, it is another stream: what was bound to the first stays ended.
  const third = names.add('a');
  expect(names.signalOf('a')?.aborted).toBe(false);
  expect(names.signalOf('b')?.aborted).toBe(false);
  for (const each of [third, other]) each[Symbol.dispose]();
});
