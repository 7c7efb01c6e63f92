// Segments and high watermarks over HTTP: the fence, idempotency, and finding offsets again.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Fixture, nextCursorOf, registerAgent, rfc3339, startFixture } from './fixture.ts';

let http: Fixture;
let path: string;
let topic: string;
let epoch: number;
beforeAll(async () => {
  http = await startFixture();
});
afterAll(async () => http[Symbol.asyncDispose]());

/** Each test has a topic of its own, whose partition 0 the agent leads. */
beforeEach(async () => {
  topic = `t-${randomUUID()}`;
  path = `/v1/topics/${topic}/partitions/0`;
  await http.ask('POST', '/v1/topics', { name: topic, partitionCount: 2 });
  epoch = (await http.acquire(topic, 0))[0] ?? 0;
});

function segment(baseOffset: number, endOffset: number) {
  const recordCount = endOffset - baseOffset + 1;
  return {
    id: `s-${baseOffset}`,
    baseOffset,
    endOffset,
    recordCount,
    sizeBytes: 7,
    bucket: 'b',
    key: `k/${baseOffset}`,
  };
}

function stored(baseOffset: number, endOffset: number) {
  return { ...segment(baseOffset, endOffset), topic, partition: 0, epoch, createdAt: rfc3339 };
}

async function append(...segments: readonly object[]) {
  return http.ask('POST', `${path}/segments`, segments);
}

test('a segment is appended once, however often it is sent', async () => {
  const body = { epoch, ...segment(0, 9) };
  const answer = { ...stored(0, 9), highWatermark: 10 };
  expect(await http.ask('POST', `${path}/segments`, body)).toMatchObject({ status: 201, body: answer });
  expect(await http.ask('POST', `${path}/segments`, body)).toMatchObject({ status: 200, body: answer });
  expect((await http.ask('GET', `${path}/segments`)).body).toEqual({ segments: [stored(0, 9)] });
});

test('an array is one transaction: all of it or nothing', async () => {
  const both = await append({ epoch, ...segment(0, 9) }, { epoch, ...segment(10, 19) });
  expect(both).toMatchObject({
    status: 201,
    body: { segments: [stored(0, 9), stored(10, 19)], highWatermark: 20 },
  });
  const holed = await append({ epoch, ...segment(20, 29) }, { epoch, ...segment(31, 39) });
  expect(holed).toMatchObject({ status: 400, body: { code: 'invalid' } });
  expect((await http.ask('GET', path)).body).toMatchObject({ highWatermark: 20 });
});

test('the same id with other content is refused', async () => {
  await append({ epoch, ...segment(0, 9) });
  const other = await append({ epoch, ...segment(0, 9), key: 'elsewhere' });
  expect(other).toMatchObject({ status: 409, body: { code: 'already_exists' } });
});

test('a gap and an overlap are refused with the high watermark to go on from', async () => {
  await append({ epoch, ...segment(0, 9) });
  const gap = await append({ epoch, ...segment(11, 19) });
  expect(gap).toMatchObject({ status: 409, body: { code: 'offset_gap', highWatermark: 10 } });
  const overlap = await append({ epoch, ...segment(5, 19) });
  expect(overlap).toMatchObject({ status: 409, body: { code: 'offset_overlap', highWatermark: 10 } });
});

test('a write under an epoch that is not current is fenced, and told which one is', async () => {
  const facts = { code: 'fenced', givenEpoch: 1, currentEpoch: epoch, holder: 'agent-1' };
  const fenced = await append({ epoch: 1, ...segment(0, 9) });
  expect(fenced).toMatchObject({ status: 409, body: { ...facts, committed: false } });
  const watermark = await http.ask('PUT', `${path}/high-watermark`, { epoch: 1, offset: 5 });
  expect(watermark).toMatchObject({ status: 409, body: facts });
});

test('a partition that another agent leads answers no_lease with its holder', async () => {
  const other = await registerAgent(http.store, `agent-${randomUUID()}`);
  const { agent } = http;
  const own = agent.sessionId;
  agent.sessionId = other;
  const answer = await append({ epoch, ...segment(0, 9) });
  agent.sessionId = own;
  expect(answer).toMatchObject({
    status: 409,
    body: { code: 'no_lease', holder: 'agent-1', currentEpoch: epoch },
  });
});

test('without a session the store decides: no_lease where the epoch is current, with the facts', async () => {
  const { agent } = http;
  const own = agent.sessionId;
  agent.sessionId = null;
  const led = await append({ epoch, ...segment(0, 9) });
  const vacant = await http.ask('PUT', `/v1/topics/${topic}/partitions/1/high-watermark`, {
    epoch: 0,
    offset: 1,
  });
  const repeated = await http.ask('PUT', `${path}/high-watermark`, { epoch: 3, offset: 1 });
  agent.sessionId = own;
  expect(led).toMatchObject({ status: 409, body: { code: 'no_lease', holder: 'agent-1' } });
  expect(vacant).toMatchObject({ status: 409, body: { code: 'no_lease', holder: null } });
  expect(repeated).toMatchObject({ status: 409, body: { code: 'fenced', currentEpoch: epoch } });
});

test('a high watermark goes forwards, stays, and never goes back', async () => {
  const set = (offset: number) => http.ask('PUT', `${path}/high-watermark`, { epoch, offset });
  const at = (highWatermark: number) => ({ topic, partition: 0, highWatermark, startOffset: 0 });
  expect(await set(15)).toMatchObject({ status: 200, body: at(15) });
  expect(await set(15)).toMatchObject({ status: 200, body: at(15) });
  expect(await set(14)).toMatchObject({ status: 409, body: { code: 'conflict', highWatermark: 15 } });
  expect(await set(Number.MAX_SAFE_INTEGER)).toMatchObject({
    status: 200,
    body: at(Number.MAX_SAFE_INTEGER),
  });
});

test('the last offset that can be an end is accepted', async () => {
  const last = Number.MAX_SAFE_INTEGER - 1;
  const answer = await append({ epoch, ...segment(0, last) });
  expect(answer).toMatchObject({ status: 201, body: { highWatermark: Number.MAX_SAFE_INTEGER } });
  expect((await http.ask('GET', `${path}/segments/at/${last}`)).body).toMatchObject({ result: 'found' });
});

test('segments are listed from an offset, page by page', async () => {
  await append({ epoch, ...segment(0, 9) }, { epoch, ...segment(10, 19) }, { epoch, ...segment(20, 29) });
  const first = await http.ask('GET', `${path}/segments?from=15&limit=1`);
  expect(first.body).toMatchObject({ segments: [stored(10, 19)] });
  const rest = await http.ask('GET', `${path}/segments?from=15&limit=1&cursor=${nextCursorOf(first)}`);
  expect(rest.body).toEqual({ segments: [stored(20, 29)] });
});

test('an offset is found, in a gap, before the start or at the end', async () => {
  await append({ epoch, ...segment(0, 9) }, { epoch, ...segment(10, 19) });
  await http.ask('PUT', `${path}/high-watermark`, { epoch, offset: 25 });
  http.agent.announced.splice(0);
  await http.ask('DELETE', `${path}/segments?before=1`);
  expect(http.agent.announced).toEqual([]);
  const removed = await http.ask('DELETE', `${path}/segments?before=10`);
  expect(http.agent.announced).toEqual(['segments']);
  expect(removed).toMatchObject({ status: 200, body: { removed: [stored(0, 9)], more: false } });
  const at = async (offset: number) => (await http.ask('GET', `${path}/segments/at/${offset}`)).body;
  expect(await at(9)).toEqual({ result: 'before_start', startOffset: 10 });
  expect(await at(12)).toEqual({ result: 'found', segment: stored(10, 19) });
  expect(await at(22)).toEqual({ result: 'gap', next: 25 });
  expect(await at(25)).toEqual({ result: 'at_end', highWatermark: 25 });
});

test('segments are deleted the oldest first, at most as many as asked, and the answer says whether there are more', async () => {
  await append({ epoch, ...segment(0, 9) }, { epoch, ...segment(10, 19) }, { epoch, ...segment(20, 29) });
  const some = await http.ask('DELETE', `${path}/segments?before=25&limit=1`);
  expect(some.body).toEqual({ removed: [stored(0, 9)], more: true });
  expect((await http.ask('DELETE', `${path}/segments?before=25`)).body).toEqual({
    removed: [stored(10, 19)],
    more: false,
  });
  expect((await http.ask('GET', path)).body).toMatchObject({ startOffset: 20, highWatermark: 30 });
});

test('what is asked of a partition that is not there is not found', async () => {
  const none = `/v1/topics/${topic}/partitions/7`;
  const asked = [
    http.ask('POST', `${none}/segments`, { epoch, ...segment(0, 9) }),
    http.ask('GET', `${none}/segments`),
    http.ask('GET', `${none}/segments/at/0`),
    http.ask('DELETE', `${none}/segments?before=1`),
    http.ask('PUT', `${none}/high-watermark`, { epoch, offset: 1 }),
    http.ask('GET', none),
  ];
  for (const answer of await Promise.all(asked)) {
    expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } });
  }
});
