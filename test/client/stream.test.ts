// The event stream as the client follows it: how it is opened, resumed and opened anew, and what it makes of snapshots.
import { afterEach, expect, test } from 'vitest';
import { ManualClock } from '../coordination/manual-clock.ts';
import { eventually } from '../support/eventually.ts';
import { beating, type Pair, startPair } from './pair.ts';

let pair: Pair;
let beats: Disposable | undefined;

afterEach(async () => {
  beats?.[Symbol.dispose]();
  beats = undefined;
  await pair[Symbol.asyncDispose]();
});

async function start(options: Parameters<typeof startPair>[0] = {}): Promise<Pair> {
  pair = await startPair(options);
  beats = beating(pair.agent);
  return pair;
}

function opened(): { readonly path: string; readonly lastEventId: unknown }[] {
  return pair.agent.seen
    .filter(({ path }) => path === '/v1/events')
    .map(({ path, headers }) => ({ path, lastEventId: headers['last-event-id'] }));
}

function epochs(): [string, number][] {
  return pair.terms.map(({ topic, partition, epoch }) => [`${topic}/${partition}`, epoch]);
}

test('it attaches the broker, under a name of its own, with the token', async () => {
  const { agent, client } = await start({ token: 'secret' });
  await client.ready();
  expect(agent.openStreams).toMatchObject([
    { attach: 'broker', name: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  ]);
  expect(new Set(agent.seen.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer secret']));
});

test('it only watches when it is told to', async () => {
  const { agent, client } = await start({ attach: false });
  await client.ready();
  expect(agent.openStreams).toMatchObject([{ attach: null }]);
});

test('a snapshot in parts is everything that is led, once its last part has come', async () => {
  const { agent, term } = await start({ prepare: (fake) => fake.hold('payments', 0, 3) });
  for (let partition = 0; partition < 25; partition += 1) agent.hold('orders', partition, 5);
  agent.snapshot(10);
  await term('orders', 24);
  expect(pair.terms).toHaveLength(26);
});

test('a later snapshot replaces all: what it does not name is over, what it names goes on', async () => {
  const { agent, term } = await start();
  agent.grant('orders', 0, 5);
  agent.grant('orders', 1, 6);
  agent.grant('orders', 2, 7);
  const [gone, kept, renewed] = [await term('orders', 0), await term('orders', 1), await term('orders', 2)];
  agent.takeAway('orders', 0, 8);
  agent.hold('orders', 2, 9);
  agent.snapshot();
  expect(await term('orders', 2, 2)).toMatchObject({ epoch: 9 });
  expect([gone, kept, renewed].map((each) => each.isUsable())).toEqual([false, true, false]);
  expect(pair.terms).toHaveLength(4);
});

test('what a snapshot names as asked for is acknowledged without being begun', async () => {
  const { agent } = await start();
  agent.hold('orders', 0, 5);
  agent.revoke('orders', 0, 10_000, 'agent-2');
  agent.snapshot();
  await eventually(() => agent.requests('POST', '/v1/held/released').length === 1);
  expect(pair.terms).toEqual([]);
});

test('a stream that broke is resumed behind the last event, and what was missed arrives', async () => {
  const { agent, client, term } = await start();
  agent.grant('orders', 0, 5);
  agent.grant('orders', 1, 6);
  await term('orders', 1);
  agent.cut();
  await eventually(() => !client.isTrusted());
  agent.lose('orders', 0);
  agent.grant('orders', 2, 7);
  await term('orders', 2);
  await eventually(() => client.isTrusted());
  expect(opened().map(({ lastEventId }) => lastEventId)).toEqual([undefined, 'session-1:2']);
  expect(epochs()).toEqual([
    ['orders/0', 5],
    ['orders/1', 6],
    ['orders/1', 6],
    ['orders/2', 7],
  ]);
});

test('a resumed stream leads nothing before a beat has come behind what was missed', async () => {
  pair = await startPair();
  const { agent, client, term } = pair;
  agent.grant('orders', 0, 5);
  await term('orders', 0);
  agent.cut();
  await eventually(() => opened().length === 2 && agent.openStreams.length === 1);
  const asked = agent.requests('GET', '/v1/agent').length;
  await eventually(() => agent.requests('GET', '/v1/agent').length > asked + 1);
  expect(client.isTrusted()).toBe(false);
  agent.beat();
  await term('orders', 0, 2);
});

test('an agent that does not resume sends a snapshot, and that is as good', async () => {
  const { agent, term } = await start();
  agent.grant('orders', 0, 5);
  await term('orders', 0);
  agent.resumes = false;
  agent.cut();
  expect(await term('orders', 0, 2)).toMatchObject({ epoch: 5 });
});

test('each connection has another name: what was bound to the one before is over', async () => {
  const { agent, client, term } = await start();
  agent.grant('orders', 0, 5);
  await term('orders', 0);
  const [before] = agent.openStreams;
  agent.cut();
  await eventually(() => !client.isTrusted());
  await eventually(() => client.isTrusted());
  expect(agent.openStreams[0]?.name).not.toBe(before?.name);
});

test('an agent that is not there yet is waited for', async () => {
  pair = await startPair();
  const { agent } = pair;
  const { StreamhouseClient } = await import('../../src/client/client.ts');
  let isUp = false;
  const client = new StreamhouseClient({
    url: agent.url,
    fetch: async (input, init) => {
      if (!isUp) throw new TypeError('fetch failed');
      return fetch(input, init);
    },
  });
  await expect(client.ready(AbortSignal.timeout(100))).rejects.toThrow(/timeout/);
  isUp = true;
  await client.ready();
  await client.close();
  await expect(client.ready()).rejects.toThrow(/closed/);
});

test('a connection that carries nothing is given up', async () => {
  const clock = new ManualClock();
  pair = await startPair({ clock, prepare: (agent) => void (agent.mute = true) });
  await eventually(() => pair.agent.openStreams.length === 1);
  const first = pair.agent.openStreams[0]?.name;
  pair.agent.mute = false;
  await eventually(async () => {
    await clock.advance(1_000);
    return pair.client.isTrusted();
  });
  expect(pair.agent.openStreams[0]?.name).not.toBe(first);
});

test('an event that is no event ends the stream, and the next begins with a snapshot', async () => {
  const { agent, client, term } = await start();
  agent.grant('orders', 0, 5);
  const granted = await term('orders', 0);
  agent.write('id: session-1:2\nevent: lease.lost\ndata: {"topic":"orders"\n\n');
  await eventually(() => granted.signal.aborted);
  await eventually(() => client.isTrusted());
  expect(opened().at(-1)).toMatchObject({ lastEventId: undefined });
});

test('an event that comes again, by its number, is passed over', async () => {
  const { agent, term } = await start();
  agent.grant('orders', 0, 5);
  await term('orders', 0);
  agent.lose('orders', 0);
  const again = { topic: 'orders', partition: 0, epoch: 5, highWatermark: null };
  agent.write(`id: session-1:1\nevent: lease.granted\ndata: ${JSON.stringify(again)}\n\n`);
  agent.grant('orders', 1, 6);
  await term('orders', 1);
  expect(epochs()).toEqual([
    ['orders/0', 5],
    ['orders/1', 6],
  ]);
});

test('events of a later version are passed over', async () => {
  const { agent, term } = await start();
  agent.emit('weather.changed', { to: 'rain' });
  agent.emit('agent.changed', { agentId: null, state: null });
  agent.grant('orders', 0, 5);
  await term('orders', 0);
});
