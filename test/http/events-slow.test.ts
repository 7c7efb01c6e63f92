// Readers that do not read, and those beside them: what waits in memory is bounded, who takes nothing is dropped with a
// word, and nobody else notices.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { turn } from '../coordination/manual-clock.ts';
import { type EventStage, eventStage, granted, session1, terms } from './events-stage.ts';
import { series } from '../metrics/reading.ts';

/** Tens of megabytes go through one process here, which other work may share. */
vi.setConfig({ testTimeout: 180_000 });
const bulk = { timeoutMs: 120_000 };

/** Long names, so that it takes few events to fill what the kernel holds for a socket. */
const topic = 't'.repeat(249);
/** More than the kernel holds for a socket, in the end about 40 MB. */
const manyEvents = 100_000;
/** Still more than it holds. */
const eventCount = 30_000;
const chunkMax = 64 * 1024;

/** The server's answers, in the order of the requests. */
let answers: ServerResponse[] = [];
const onRequest = (message: unknown): void => {
  if (typeof message !== 'object' || message === null || !('response' in message)) return;
  if (message.response instanceof ServerResponse) answers.push(message.response);
};
beforeEach(() => {
  answers = [];
  subscribe('http.server.request.start', onRequest);
});
afterEach(() => unsubscribe('http.server.request.start', onRequest));

/** Bytes that wait in this process for readers, the most for one of them. */
function waitingMost(): number {
  return Math.max(...answers.map(({ writableLength }) => writableLength));
}

/** Appends many events, the loop turning meanwhile, and answers the most that waited for one reader. */
async function flood(stage: EventStage, count: number): Promise<number> {
  let most = 0;
  for (let appended = 0; appended < count; appended += 1_000) {
    const { last } = stage.agent.journal;
    stage.agent.happen(...Array.from({ length: 1_000 }, (_, i) => granted(last + 1 + i, topic)));
    for (let turns = 0; turns < 3; turns++) {
      await turn();
      most = Math.max(most, waitingMost());
    }
  }
  return most;
}

/** A socket that asks for the stream and never reads a byte. */
async function deafReader(stage: EventStage) {
  const before = answers.length;
  const socket = connect(stage.server.port, '127.0.0.1');
  socket.pause();
  socket.on('error', () => undefined);
  socket.write('GET /v1/events?attach=broker HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const answer = await eventually(() => answers[before]);
  return { socket, answer };
}

test('a reader that stops reading costs at most a chunk, and the others get everything', async () => {
  await using stage = await eventStage({ capacity: 2 * manyEvents });
  const well = await stage.readOn();
  const stalled = await stage.readOn();
  const { socket: deaf, answer } = await deafReader(stage);
  stalled.pause();
  const most = await flood(stage, manyEvents);
  // Whatever the kernel took: something waits for the deaf one, or this test has shown nothing.
  await eventually(() => answer.writableLength > 0 && waitingMost());
  expect(most).toBeGreaterThan(0);
  expect(Math.max(most, waitingMost())).toBeLessThanOrEqual(chunkMax);
  await eventually(() => well.numbers.length >= manyEvents, bulk);
  expect(isEveryNumber(well.numbers, manyEvents)).toBe(true);
  expect(well.of('snapshot')).toHaveLength(1);

  // Who reads again in time goes on where it was.
  stalled.resume();
  await eventually(() => stalled.numbers.length >= manyEvents, bulk);
  expect(isEveryNumber(stalled.numbers, manyEvents)).toBe(true);
  expect(stalled.over).toBeUndefined();
  deaf.destroy();
});

test('a reader whose socket takes nothing for 10 s is dropped, and told so; it goes on where it was', async () => {
  await using stage = await eventStage({ capacity: 2 * eventCount });
  const well = await stage.readOn();
  const stalled = await stage.readOn('?attach=broker');
  stalled.pause();
  await flood(stage, eventCount);
  await eventually(() => well.numbers.length === eventCount, bulk);
  await stage.clock.advance(9_500);
  expect(stage.agent.attached).toBe(1);
  await stage.clock.advance(1_500);
  // From here on it is no reader any more, whatever still waits for it.
  expect(stage.agent.attached).toBe(0);
  expect(await series(stage.instruments, 'streamhouse_event_streams')).toMatchObject({
    '{kind="broker"}': 0,
    '{kind="reader"}': 1,
  });
  expect(await series(stage.instruments, 'streamhouse_event_streams_dropped_total')).toEqual({ '': 1 });
  expect(waitingMost()).toBeLessThanOrEqual(chunkMax);
  stalled.resume();
  await eventually(() => stalled.over);
  expect(stalled.over).toBe('ended');
  expect(stalled.events.at(-1)).toEqual({
    id: undefined,
    event: 'dropped',
    data: { reason: 'this reader took no bytes for 10 s; it may connect again' },
  });
  const known = stalled.numbers.length;
  expect(known).toBeLessThan(eventCount);
  expect(isEveryNumber(stalled.numbers, known)).toBe(true);
  const again = await stage.read('', { 'last-event-id': `${session1}:${known}` });
  await eventually(() => again.numbers.length === eventCount - known, bulk);
  expect(again.numbers[0]).toBe(known + 1);
  expect(well.over).toBeUndefined();
  expect(well.of('beat').length).toBeGreaterThan(0);
});

test('a dropped reader that does not even take its last event is cut 5 s later', async () => {
  await using stage = await eventStage({ capacity: 2 * eventCount });
  const { socket, answer } = await deafReader(stage);
  await flood(stage, eventCount);
  await eventually(() => answer.writableLength > 0);
  // Longer than what is to pass, in case of events that the kernel took meanwhile.
  await stage.clock.advance(10_500);
  expect(stage.agent.attached).toBe(0);
  expect(answer.destroyed).toBe(false);
  await stage.clock.advance(5_500);
  await eventually(() => answer.destroyed);
  socket.destroy();
});

test('a reader that reads slowly, but reads, is not dropped', async () => {
  await using stage = await eventStage({ capacity: 2 * 60_000 });
  const slow = await stage.readOn();
  slow.pause();
  await flood(stage, 60_000);
  const [answer] = answers;
  // Each time almost too late, for much longer than anybody may take nothing.
  for (let seconds = 0; seconds < 45; seconds += 9) {
    await eventually(() => answer?.writableLength);
    await stage.clock.advance(9_000);
    const written = answer?.socket?.bytesWritten ?? 0;
    await eventually(async () => {
      await slow.readSome(256 * 1024);
      return (answer?.socket?.bytesWritten ?? 0) > written;
    });
  }
  slow.resume();
  await eventually(() => slow.numbers.length === 60_000, bulk);
  expect(slow.of('dropped')).toEqual([]);
});

test('a reader that cannot be written to gets no beats to read later', async () => {
  await using stage = await eventStage({ capacity: 2 * eventCount });
  const stalled = await stage.readOn();
  stalled.pause();
  await flood(stage, eventCount);
  await eventually(() => waitingMost() > 0);
  stalled.events.splice(0);
  await stage.clock.advance(8_000);
  stalled.resume();
  await eventually(() => stalled.numbers.at(-1) === eventCount, bulk);
  // Sixteen were due. One may have been on its way before, one is true when it is written.
  expect(stalled.of('beat').length).toBeLessThanOrEqual(2);
});

test('a beat comes behind everything that has happened: who hears it knows of no lease too many', async () => {
  await using stage = await eventStage({ capacity: 2 * eventCount });
  const stalled = await stage.readOn();
  stalled.pause();
  await flood(stage, eventCount);
  await eventually(() => waitingMost() > 0);
  await stage.clock.advance(500);
  stalled.resume();
  await eventually(() => stalled.of('beat').length > 0, bulk);
  expect(stalled.numbers.at(-1)).toBe(eventCount);
});

test('a snapshot waits for its reader part by part', async () => {
  await using stage = await eventStage();
  stage.agent.hold(terms(100_000, topic));
  const { socket, answer } = await deafReader(stage);
  let most = 0;
  for (let turns = 0; turns < 2_000; turns++) {
    await turn();
    most = Math.max(most, answer.writableLength);
  }
  await eventually(() => answer.writableLength > 0);
  expect(most).toBeLessThanOrEqual(chunkMax);
  socket.destroy();
});

test('200 readers get everything in order', async () => {
  await using stage = await eventStage({ capacity: 5_000 });
  const readers = await Promise.all(Array.from({ length: 200 }, () => stage.readOn()));
  for (let round = 0; round < 5; round++) {
    stage.agent.granted(200);
    await turn();
  }
  await eventually(() => readers.every((reader) => reader.numbers.length >= 1_000), bulk);
  for (const reader of readers) expect(isEveryNumber(reader.numbers, 1_000)).toBe(true);
});

/** Whether these are 1, 2, 3 … up to `count`. */
function isEveryNumber(numbers: readonly number[], count: number): boolean {
  return numbers.length === count && numbers.every((n, i) => n === i + 1);
}
