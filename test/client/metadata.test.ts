// What a broker reads and commits, against the real HTTP face on a real store: the client's side of the wire is the agent's.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NotFound, Refused, StreamhouseClient, Unavailable } from '../../src/client/client.ts';
import { LiveTerm } from '../../src/client/term.ts';
import { AgentHttp } from '../../src/client/agent-http.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { type Fixture, startFixture } from '../http/fixture.ts';
import { segment } from './pair.ts';

let fixture: Fixture;
let client: StreamhouseClient;
const orders0 = { topic: 'orders', partition: 0 };

beforeAll(async () => {
  fixture = await startFixture({ backend: 'sqlite' });
  await fixture.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 3 });
  client = new StreamhouseClient({ url: fixture.server.url });
});

afterAll(async () => {
  await client.close();
  await fixture[Symbol.asyncDispose]();
});

function termOf(epoch: number): LiveTerm {
  const http = new AgentHttp({ url: fixture.server.url, fetch, clock: systemClock, timeoutMs: 5_000 });
  return new LiveTerm(
    {
      http,
      clock: systemClock,
      random: Math.random,
      check: () => undefined,
      acknowledge: async () => undefined,
      onOver: () => undefined,
    },
    { ...orders0, epoch },
  );
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test('a term appends to the real face, and everybody reads it back', async () => {
  const [epoch = 0] = await fixture.acquire('orders', 0);
  const term = termOf(epoch);
  expect(await term.highWatermark()).toBe(0);
  expect(await term.append([segment('a', 0, 9), segment('b', 10, 19)])).toMatchObject({
    outcome: 'appended',
    highWatermark: 20,
  });
  expect(await term.append(segment('a', 0, 9))).toMatchObject({ outcome: 'already', highWatermark: 20 });
  await expect(term.append(segment('c', 30))).rejects.toMatchObject({ facts: { highWatermark: 20 } });
  await expect(term.append(segment('b', 20))).rejects.toMatchObject({ code: 'already_exists' });
  await expect(termOf(epoch + 1).append(segment('d', 20))).rejects.toMatchObject({
    name: 'Fenced',
    facts: { currentEpoch: epoch, holder: 'agent-1' },
  });

  const { metadata } = client;
  expect(await metadata.leader(orders0)).toEqual({
    ...orders0,
    agentId: 'agent-1',
    address: 'agent-1:9092',
    epoch,
  });
  expect(await metadata.partition(orders0)).toMatchObject({
    highWatermark: 20,
    startOffset: 0,
    leader: 'agent-1',
  });
  expect((await all(metadata.partitions('orders'))).map(({ partition }) => partition)).toEqual([0, 1, 2]);
  const segments = await all(metadata.segments(orders0, { pageSize: 1 }));
  expect(segments).toMatchObject([{ id: 'a', epoch }, { id: 'b' }]);
  expect(await all(metadata.segments(orders0, { from: 10 }))).toHaveLength(1);
  expect(await metadata.segmentAt(orders0, 12)).toMatchObject({ result: 'found', segment: { id: 'b' } });
  expect(await metadata.segmentAt(orders0, 20)).toEqual({ result: 'at_end', highWatermark: 20 });
});

test('offsets are committed and read back; what was never committed is undefined', async () => {
  const { metadata } = client;
  expect(await metadata.committedOffset('readers', orders0)).toBeUndefined();
  await metadata.commitOffset('readers', orders0, { offset: 5, metadata: 'half' });
  expect(await metadata.committedOffset('readers', orders0)).toEqual({ offset: 5, metadata: 'half' });
});

test('what does not exist and what is not allowed are told apart', async () => {
  await expect(client.metadata.leader({ topic: 'nowhere', partition: 0 })).rejects.toBeInstanceOf(NotFound);
  await expect(client.metadata.partition({ topic: 'a b', partition: 0 })).rejects.toBeInstanceOf(Refused);
});

test('nobody there: nothing was sent, so nothing is unknown', async () => {
  const lonely = new StreamhouseClient({ url: `http://127.0.0.1:${await freePort()}` });
  const error = await lonely.metadata
    .commitOffset('readers', orders0, { offset: 1 })
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Unavailable);
  expect(error).toMatchObject({ outcomeUnknown: false });
  await lonely.close();
});
