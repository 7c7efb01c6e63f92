// Terms and their callbacks: begun by a grant, asked to finish, acknowledged, given up, taken again.
import { afterEach, expect, test } from 'vitest';
import type { Term } from '../../src/client/client.ts';
import { ManualClock } from '../coordination/manual-clock.ts';
import { eventually } from '../support/eventually.ts';
import { beating, firedBy, type Pair, segment, startPair } from './pair.ts';

let pair: Pair;
let beats: Disposable;

afterEach(async () => {
  beats[Symbol.dispose]();
  await pair[Symbol.asyncDispose]();
});

async function start(options: Parameters<typeof startPair>[0] = {}): Promise<Pair> {
  pair = await startPair(options);
  beats = beating(pair.agent);
  await pair.client.ready();
  return pair;
}

/** Stays until it is asked to finish, as a broker does that has something to flush. */
async function untilRevoked(term: Term): Promise<void> {
  await new Promise((resolve) => term.revoking.addEventListener('abort', resolve, { once: true }));
}

function acknowledged(): unknown[] {
  return pair.agent.requests('POST', '/v1/held/released').map(({ body }) => body);
}

test('a grant begins a term that knows where the log ends, without asking', async () => {
  const { agent, term } = await start();
  agent.grant('orders', 3, 7, 120);
  const granted = await term('orders', 3);
  expect(granted).toMatchObject({ topic: 'orders', partition: 3, epoch: 7 });
  expect(await granted.highWatermark()).toBe(120);
  expect(agent.requests('GET', '/v1/topics/orders/partitions/3')).toEqual([]);
});

test('a term from the snapshot asks where the log ends, until it is answered', async () => {
  const { agent, term } = await start({ prepare: (fake) => fake.hold('orders', 0, 5) });
  agent.faults.partition.push('cut', 'busy');
  expect(await (await term('orders', 0)).highWatermark()).toBe(0);
});

test('a callback that returns after the revoke acknowledges, behind its last append', async () => {
  const { agent, term } = await start({
    onTerm: async (each) => {
      await untilRevoked(each);
      await each.append(segment('last', 0, 9));
    },
  });
  agent.grant('orders', 0, 5, 0);
  const granted = await term('orders', 0);
  agent.revoke('orders', 0, 10_000, 'agent-2');
  await eventually(() => acknowledged().length === 1);
  expect(acknowledged()).toEqual([{ leases: [{ topic: 'orders', partition: 0, epoch: 5 }] }]);
  expect(agent.stored('orders', 0)).toMatchObject([{ id: 'last', epoch: 5 }]);
  expect(granted.revocation).toMatchObject({ to: 'agent-2' });
  expect(granted.signal.reason).toMatchObject({ reason: 'released' });
});

test('nothing is appended behind the acknowledgement', async () => {
  const { agent, term } = await start({ onTerm: untilRevoked });
  agent.grant('orders', 0, 5, 0);
  const granted = await term('orders', 0);
  agent.revoke('orders', 0, 10_000);
  await eventually(() => acknowledged().length === 1);
  await expect(granted.append(segment('late', 0))).rejects.toMatchObject({ reason: 'released' });
});

test('a callback that has returned keeps its term, and acknowledges when it is asked, behind the appends under way', async () => {
  const { agent, term } = await start();
  agent.grant('orders', 0, 5, 0);
  const granted = await term('orders', 0);
  expect(granted.isUsable()).toBe(true);
  let open: (() => void) | undefined;
  agent.appendGate = new Promise<void>((resolve) => (open = resolve));
  const appending = granted.append(segment('a', 0));
  await eventually(() => agent.requests('POST', '/v1/topics/orders/partitions/0/segments').length === 1);
  agent.revoke('orders', 0, 10_000);
  await eventually(() => granted.revoking.aborted);
  expect(acknowledged()).toEqual([]);
  expect(granted.isUsable()).toBe(true);
  open?.();
  expect(await appending).toMatchObject({ outcome: 'appended' });
  await eventually(() => acknowledged().length === 1);
});

test('acknowledgements of one burst go together', async () => {
  const { agent, term } = await start({ onTerm: untilRevoked });
  for (let partition = 0; partition < 50; partition += 1) agent.hold('orders', partition, 5);
  agent.snapshot();
  await term('orders', 49);
  for (let partition = 0; partition < 50; partition += 1) agent.revoke('orders', partition, 10_000);
  await eventually(() => acknowledged().flatMap(leasesOf).length === 50);
  // The burst may reach us in a few pieces, never in fifty.
  expect(acknowledged().length).toBeLessThan(6);
});

test('an acknowledgement without an answer is sent again', async () => {
  const { agent } = await start({ onTerm: untilRevoked });
  agent.grant('orders', 0, 5);
  agent.faults.released.push('cut', 'busy', 'lost');
  agent.revoke('orders', 0, 10_000);
  await eventually(() => acknowledged().length === 4);
  expect(new Set(acknowledged().map((body) => JSON.stringify(body))).size).toBe(1);
});

test('a term that is asked for before it has a callback is acknowledged at once', async () => {
  const { agent } = await start({ idle: true });
  agent.grant('orders', 0, 5);
  agent.revoke('orders', 0, 10_000);
  await eventually(() => acknowledged().length === 1);
});

test('the time to give it up passes on our clock as well', async () => {
  const clock = new ManualClock();
  pair = await startPair({ clock, prepare: (agent) => agent.hold('orders', 0, 5), onTerm: untilOver });
  beats = beating(pair.agent);
  const term = await pair.term('orders', 0);
  pair.agent.revoke('orders', 0, 800);
  await eventually(() => term.revoking.aborted);
  await clock.advance(799);
  expect(term.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(term.signal.reason).toMatchObject({ reason: 'handoff_timeout' });
  expect(acknowledged()).toEqual([]);
});

test('a lease that is lost ends its term in the turn of the event, and no other', async () => {
  const { agent, term } = await start();
  agent.grant('orders', 0, 5);
  agent.grant('orders', 1, 6);
  const [lost, kept] = [await term('orders', 0), await term('orders', 1)];
  const fired = firedBy(lost.signal);
  agent.lose('orders', 0, 'superseded');
  await eventually(() => fired.reason() !== undefined);
  expect(fired.reason()).toMatchObject({ reason: 'lost' });
  expect(lost.revoking.aborted).toBe(true);
  expect(kept.isUsable()).toBe(true);
});

test("an old term's end does not end a newer one", async () => {
  const { agent, term } = await start();
  agent.grant('orders', 0, 5);
  await term('orders', 0);
  agent.grant('orders', 0, 7);
  const newer = await term('orders', 0, 2);
  agent.lose('orders', 0, 'superseded', 5);
  agent.grant('orders', 1, 8);
  await term('orders', 1);
  expect(newer.isUsable()).toBe(true);
});

test('a grant told twice begins one term', async () => {
  const { agent, term } = await start();
  agent.grant('orders', 0, 5);
  agent.grant('orders', 0, 5);
  agent.grant('orders', 1, 6);
  await term('orders', 1);
  expect(pair.terms).toHaveLength(2);
});

test('the next term of a partition waits until the callback of the one before has returned', async () => {
  const order: string[] = [];
  let leave: (() => void) | undefined;
  const { agent } = await start({
    onTerm: async ({ epoch }) => {
      order.push(`begin ${epoch}`);
      if (epoch === 5) await new Promise<void>((resolve) => (leave = resolve));
      order.push(`end ${epoch}`);
    },
  });
  agent.grant('orders', 0, 5);
  await eventually(() => leave !== undefined);
  agent.lose('orders', 0);
  agent.grant('orders', 0, 7);
  agent.grant('orders', 1, 8);
  await eventually(() => order.includes('end 8'));
  expect(order).toEqual(['begin 5', 'begin 8', 'end 8']);
  leave?.();
  await eventually(() => order.includes('end 7'));
});

test('a callback that throws is reported and its term given up; the next one is tried', async () => {
  const errors: unknown[] = [];
  const { agent, term } = await start({
    onTerm: ({ epoch }) => {
      if (epoch === 5) throw new Error('no disk');
    },
    onError: (error) => errors.push(error),
  });
  agent.grant('orders', 0, 5);
  await eventually(() => acknowledged().length === 1);
  expect(errors).toEqual([new Error('no disk')]);
  agent.grant('orders', 0, 6);
  expect((await term('orders', 0, 2)).isUsable()).toBe(true);
});

test('a callback that fails again and again slows down', async () => {
  const clock = new ManualClock();
  pair = await startPair({
    clock,
    random: () => 0,
    onTerm: () => {
      throw new Error('no disk');
    },
  });
  beats = beating(pair.agent);
  const { agent } = pair;
  await pair.client.ready();
  agent.grant('orders', 0, 5);
  await eventually(() => acknowledged().length === 1);
  agent.grant('orders', 0, 6);
  const second = await pair.term('orders', 0, 2);
  await clock.advance(249);
  expect(second.signal.aborted).toBe(false);
  await clock.advance(1);
  await eventually(() => acknowledged().length === 2);
});

test('a callback that ends with the end of its term is not reported', async () => {
  const errors: unknown[] = [];
  const { agent, term } = await start({
    onTerm: async (each) => {
      await untilOver(each);
      each.throwIfOver();
    },
    onError: (error) => errors.push(error),
  });
  agent.grant('orders', 0, 5);
  await term('orders', 0);
  agent.lose('orders', 0);
  agent.grant('orders', 0, 7);
  await term('orders', 0, 2);
  expect(errors).toEqual([]);
});

test('withLease has its partition to itself, also when the term was there before it', async () => {
  const { agent, client, term } = await start();
  agent.grant('orders', 1, 6);
  await term('orders', 1);
  const own: number[] = [];
  const stop = new AbortController();
  const done = client.withLease({ topic: 'orders', partition: 0 }, ({ epoch }) => own.push(epoch), stop);
  agent.grant('orders', 0, 5);
  await eventually(() => own.length === 1);
  agent.lose('orders', 0);
  agent.grant('orders', 0, 7);
  await eventually(() => own.length === 2);
  expect(own).toEqual([5, 7]);
  expect(pair.terms).toHaveLength(1);
  stop.abort();
  await done;
  agent.lose('orders', 0);
  agent.grant('orders', 0, 9);
  expect((await term('orders', 0)).epoch).toBe(9);
});

test('two callbacks for one partition are a mistake that is told', async () => {
  const { client } = await start();
  await expect(client.run({ onTerm: () => undefined })).rejects.toThrow(/there is a callback/);
});

test('release gives a term up, once, and it is not begun again though the agent still names it', async () => {
  const { agent, client, term } = await start();
  agent.grant('orders', 0, 5);
  const granted = await term('orders', 0);
  agent.faults.released.push('cut', 'cut', 'cut');
  const releasing = granted.release();
  agent.snapshot();
  await releasing;
  await granted.release();
  agent.grant('orders', 1, 6);
  await term('orders', 1);
  expect(client.isTrusted()).toBe(true);
  expect(pair.terms).toHaveLength(2);
});

test('close asks callbacks to finish, waits for them, and gives nothing up', async () => {
  const order: string[] = [];
  const { agent, client, term } = await start({
    onTerm: async (each) => {
      await untilRevoked(each);
      await each.append(segment('last', 0));
      order.push('flushed');
    },
  });
  agent.grant('orders', 0, 5, 0);
  const granted = await term('orders', 0);
  await client.close();
  expect(order).toEqual(['flushed']);
  expect(acknowledged()).toEqual([]);
  expect(granted.signal.reason).toMatchObject({ reason: 'closed' });
  await eventually(() => agent.openStreams.length === 0);
  await client.close();
});

test('close does not wait for ever for a callback that does not return', async () => {
  const { client, agent, term } = await start({ onTerm: () => new Promise(() => undefined) });
  agent.grant('orders', 0, 5);
  const granted = await term('orders', 0);
  await client.close();
  expect(granted.isUsable()).toBe(false);
});

async function untilOver(term: Term): Promise<void> {
  await new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }));
}

function leasesOf(body: unknown): unknown[] {
  return typeof body === 'object' && body !== null && 'leases' in body && Array.isArray(body.leases)
    ? body.leases
    : [];
}
