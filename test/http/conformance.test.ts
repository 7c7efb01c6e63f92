// One session that asks for all there is: every operation, each answer it has when all is well, and each refusal of its own. What it
// is answered must be as described (the fixture sees to that), and what is described must be answered.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COORDINATOR, partitionKey } from '../../src/domain/lease.ts';
import { Refusal } from '../../src/domain/refusal.ts';
import { readEvents } from './event-reader.ts';
import type { Operation } from './api-description.ts';
import {
  type Answer,
  describedApi,
  type Fixture,
  nextCursorOf,
  registerAgent,
  startFixture,
} from './fixture.ts';
import { type RawRequest, rawRequest } from './raw-request.ts';

const api = await describedApi();

/** Operations that this session cannot visit; each with the test that does. */
const visitedElsewhere: readonly string[] = ['followEvents']; // events.test.ts

let http: Fixture;
beforeAll(async () => {
  http = await startFixture();
});
afterAll(async () => http[Symbol.asyncDispose]());

test('whatever is described is answered, and as described', async () => {
  const seen = new Set<string>();
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const answer = await http.ask(method, path, body);
    seen.add(heading(api.operationOf(method, path), answer));
    return answer;
  };
  await lookAround(ask);
  await keepTopics(ask);
  await writeSegments(ask);
  await commitOffsets(ask);
  await steer(ask);
  await acknowledge(ask);
  await elect(ask);
  await removeAgents(ask);
  const described = api.operations
    .filter(({ id }) => !visitedElsewhere.includes(id))
    .flatMap((operation) => ownAnswersOf(operation));
  expect(described.filter((each) => !seen.has(each))).toEqual([]);
});

type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

async function lookAround(ask: Ask): Promise<void> {
  const { agent, store } = http;
  for (const path of ['/livez', '/readyz', '/readyz?verbose', '/health', '/metrics', '/openapi.json']) {
    await ask('GET', path);
  }
  const wellChecks = agent.checks;
  agent.checks = [{ name: 'store', ok: false, detail: 'gone' }];
  for (const path of ['/livez', '/readyz', '/readyz?verbose', '/health']) await ask('GET', path);
  agent.checks = wellChecks;

  await ask('GET', '/v1/elections/coordinator');
  if (agent.sessionId === null) throw new Error('the agent has no session');
  await ask('GET', '/v1/status');
  await store.acquireLeases(agent.sessionId, [COORDINATOR]);
  for (const path of ['/v1/status', '/v1/agent', '/v1/held', '/v1/elections', '/v1/elections/coordinator']) {
    await ask('GET', path);
  }
}

async function keepTopics(ask: Ask): Promise<void> {
  await ask('POST', '/v1/topics', { name: 'orders', partitionCount: 3, retentionMs: 7, config: { a: [1] } });
  await ask('POST', '/v1/topics', { name: 'orders', partitionCount: 3 });
  await ask('POST', '/v1/topics', { name: 'spare', partitionCount: 1 });
  await ask('GET', '/v1/topics?limit=1');
  await ask('GET', '/v1/topics/orders');
  await ask('GET', '/v1/topics/none');
  await ask('POST', '/v1/topics/orders/partitions', { partitionCount: 4 });
  await ask('POST', '/v1/topics/orders/partitions', { partitionCount: 1 });
  await ask('POST', '/v1/topics/none/partitions', { partitionCount: 4 });
  await ask('DELETE', '/v1/topics/spare');
  await ask('DELETE', '/v1/topics/spare');

  const list = '/v1/topics/orders/partitions';
  await ask('GET', '/v1/topics/none/partitions');
  const one = nextCursorOf(await ask('GET', `${list}?limit=1`))?.split('.')[0];
  const two = nextCursorOf(await ask('GET', `${list}?limit=2`))?.split('.')[1];
  // Two lists out of step, as when the topic is replaced between the reads.
  await ask('GET', `${list}?cursor=${one}.${two}`);
  await ask('GET', `${list}/0`);
  await ask('GET', `${list}/9`);

  http.agent.heldNow = {
    trustedForMs: 7_999.5,
    terms: [
      {
        key: { kind: 'partition', topic: 'orders', partition: 0 },
        epoch: (await http.acquire('orders', 0))[0] ?? 0,
      },
    ],
  };
  for (const path of ['/v1/held', '/v1/agent', '/v1/leases', '/v1/leases?unleased=true&limit=1']) {
    await ask('GET', path);
  }
  for (const place of ['orders/0', 'orders/1', 'orders/9']) {
    await ask('GET', `/v1/leases/${place}`);
    await ask('GET', `/v1/leases/${place}/history`);
  }
}

async function writeSegments(ask: Ask): Promise<void> {
  const { agent, store } = http;
  const path = '/v1/topics/orders/partitions/0';
  const epoch = agent.heldNow.terms[0]?.epoch ?? 0;
  const append = (body: unknown, of = path) => ask('POST', `${of}/segments`, body);
  const advance = (body: unknown, of = path) => ask('PUT', `${of}/high-watermark`, body);

  expect(await append({ epoch, ...segment(0, 9) })).toMatchObject({ status: 201 });
  expect(await append({ epoch, ...segment(0, 9) })).toMatchObject({ status: 200 });
  expect(await append([10, 20].map((from) => ({ epoch, ...segment(from, from + 9) })))).toMatchObject({
    status: 201,
  });
  await append({ epoch, ...segment(0, 9), key: 'elsewhere' });
  await append({ epoch, ...segment(31, 39) });
  await append({ epoch, ...segment(29, 39) });
  await append({ epoch: 1, ...segment(30, 39) });
  await append({ epoch: 1, ...segment(0, 9), key: 'elsewhere' });
  await append({ epoch, ...segment(0, 9) }, '/v1/topics/none/partitions/0');
  await advance({ epoch, offset: 40 });
  await advance({ epoch, offset: 30 });
  await advance({ epoch: 1, offset: 50 });
  await advance({ epoch, offset: 50 }, '/v1/topics/none/partitions/0');
  const { sessionId } = agent;
  agent.sessionId = await registerAgent(store, 'agent-2');
  await append({ epoch, ...segment(40, 49) });
  await advance({ epoch, offset: 50 });
  agent.sessionId = sessionId;
  // These two need a race that nobody can win on purpose.
  for (const code of ['session_lost', 'conflict'] as const) {
    agent.store = new Proxy(store, { get: () => () => Promise.reject(new Refusal(code, 'as it may be')) });
    await append({ epoch, ...segment(40, 49) });
    await advance({ epoch, offset: 50 });
  }
  agent.store = store;

  await ask('GET', `${path}/segments?limit=2`);
  await ask('GET', '/v1/topics/none/partitions/0/segments');
  await ask('DELETE', `${path}/segments?before=15`);
  await ask('DELETE', '/v1/topics/none/partitions/0/segments?before=15');
  for (const offset of [0, 12, 32, 40]) await ask('GET', `${path}/segments/at/${offset}`);
  await ask('GET', '/v1/topics/none/partitions/0/segments/at/0');
}

async function commitOffsets(ask: Ask): Promise<void> {
  const one = '/v1/groups/billing/offsets/orders/0';
  await ask('PUT', one, { offset: 4, metadata: 'm' });
  await ask('PUT', one, { offset: 41 });
  await ask('PUT', '/v1/groups/billing/offsets/none/0', { offset: 0 });
  await ask('GET', one);
  await ask('GET', '/v1/groups/billing/offsets/orders/1');
  const batch = (offset: number, topic = 'orders') =>
    ask(
      'POST',
      '/v1/groups/shipping/offsets',
      [0, 1].map((partition) => ({ topic, partition, offset })),
    );
  await batch(0);
  await batch(41);
  await batch(0, 'none');
  await ask('GET', '/v1/groups?limit=1');
  await ask('GET', '/v1/groups/shipping?limit=1');
  await ask('DELETE', '/v1/groups/shipping');
  await ask('DELETE', '/v1/groups/shipping');
  await ask('GET', '/v1/groups/shipping');
}

async function steer(ask: Ask): Promise<void> {
  await registerAgent(http.store, 'agent-4');
  for (const verb of ['cordon', 'uncordon', 'drain']) {
    await ask('POST', `/v1/agents/agent-1/${verb}`);
    await ask('POST', `/v1/agents/none/${verb}`);
  }
  await ask('POST', '/v1/agents/agent-1/uncordon');
  for (const verb of ['release', 'move']) {
    await ask('POST', `/v1/leases/orders/0/${verb}`, verb === 'move' ? { to: 'agent-4' } : {});
    await ask('POST', `/v1/leases/orders/9/${verb}`);
    await ask('POST', `/v1/leases/orders/0/${verb}`, { expectedEpoch: 1 });
  }
  await ask('POST', '/v1/agents/agent-4/drain');
  await ask('POST', '/v1/leases/orders/0/move', { to: 'agent-4' });
  for (const path of ['/v1/plan', '/v1/rebalance', '/v1/explain/orders/0', '/v1/explain/orders/99']) {
    await ask('GET', path);
  }
  for (const path of ['/v1/plan/apply', '/v1/pause', '/v1/resume']) await ask('POST', path);
}

async function acknowledge(ask: Ask): Promise<void> {
  const [epoch = 0] = await http.acquire('orders', 1);
  const done = (partition: number, of: number) =>
    ask('POST', `/v1/held/orders/${partition}/released`, { epoch: of });
  await done(1, 1);
  await done(1, epoch);
  await done(9, epoch);
  const theirs = await registerAgent(http.store, 'agent-5');
  const { outcomes } = await http.store.acquireLeases(theirs, [partitionKey('orders', 2)]);
  const [granted] = outcomes;
  await done(2, granted?.outcome === 'granted' ? granted.epoch : 0);
  await ask('POST', '/v1/held/released', {
    leases: [
      { topic: 'orders', partition: 1, epoch },
      { topic: 'orders', partition: 2, epoch: 1 },
    ],
  });
}

async function elect(ask: Ask): Promise<void> {
  const role = '/v1/elections/compactor';
  await ask('POST', `${role}/campaign`, { candidate: 'a', holdMs: 60_000 });
  await ask('POST', `${role}/renew`, { candidate: 'a', holdMs: 60_000 });
  await ask('POST', `${role}/renew`, { candidate: 'none', holdMs: 60_000 });
  await ask('POST', '/v1/elections/coordinator/campaign', { holdMs: 60_000 });
  const reader = await readEvents(http.server.port, '?stream=tied');
  await ask('POST', `${role}/campaign`, { candidate: 'b', stream: 'tied' });
  await ask('POST', `${role}/renew`, { candidate: 'b', holdMs: 60_000 });
  // One that leaves the race while it waits for its answer.
  const waiting = ask('POST', `${role}/campaign`, { candidate: 'a', holdMs: 60_000, waitMs: 30_000 });
  await ask('POST', `${role}/resign`, { candidate: 'a' });
  await waiting;
  reader.crash();
  await ask('POST', `${role}/resign`, { candidate: 'b' });
  await ask('POST', '/v1/elections/none/resign');
  await ask('POST', '/v1/elections/coordinator/resign', { expectedEpoch: 1 });
}

async function removeAgents(ask: Ask): Promise<void> {
  await http.store.endSession(await registerAgent(http.store, 'agent-3'), 'deregistered');
  await ask('GET', '/v1/agents?limit=2');
  await ask('GET', '/v1/agents/agent-3');
  await ask('DELETE', '/v1/agents/agent-3');
  await ask('DELETE', '/v1/agents/agent-3');
  await ask('GET', '/v1/agents/agent-3');
  await ask('DELETE', '/v1/agents/agent-2');
  await ask('DELETE', '/v1/agents/agent-2?force=true');
}

function segment(baseOffset: number, endOffset: number) {
  const id = `s-${baseOffset}`;
  return { id, baseOffset, endOffset, recordCount: 10, sizeBytes: 1, bucket: 'b', key: `k-${baseOffset}` };
}

function heading(operation: Operation | undefined, { status, body }: Answer): string {
  const code = typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : '';
  return `${operation?.id} ${status} ${code}`.trimEnd();
}

/** What is said of this operation and not of every one of its kind. */
function ownAnswersOf({ id, answers, codes }: Operation): string[] {
  const good = [...answers.keys()]
    .filter((status) => codes(status).length === 0)
    .map((status) => `${id} ${status}`);
  const refused = [404, 409].flatMap((status) => codes(status).map((code) => `${id} ${status} ${code}`));
  return [...good, ...refused];
}

/** Any request of an operation, with nothing wrong but what a test makes wrong. */
function requestOf({
  method,
  path,
  parameters,
}: Operation): RawRequest & { readonly headers: Record<string, string> } {
  const values: Readonly<Record<string, unknown>> = { string: 'orders', integer: '0' };
  const filled = parameters
    .filter((each) => each.in === 'path')
    .reduce(
      (rest, { name, schema }) => rest.replace(`{${name}}`, String(values[String(schema['type'])])),
      path,
    );
  return { method, path: filled, headers: {} };
}

async function answered(operation: Operation, request: RawRequest): Promise<string> {
  const { status, headers, text } = await rawRequest(http.server.port, request);
  const [mediaType] = String(headers['content-type']).split(';', 1);
  const body: unknown = mediaType?.includes('json') === true ? JSON.parse(text) : text;
  expect(api.faultOf(operation.method, request.path, { status, mediaType, body })).toBeUndefined();
  return heading(operation, { status, headers: new Headers(), body });
}

describe('what is described of every operation of a kind is so', () => {
  const guarded = api.operations.filter(({ isOpen }) => !isOpen);
  const changing = guarded.filter(({ method }) => method !== 'GET');

  test.each(guarded)('$id refuses a parameter that it does not have', async (operation) => {
    const request = requestOf(operation);
    expect(await answered(operation, { ...request, path: `${request.path}?nothing=1` })).toBe(
      `${operation.id} 400 invalid`,
    );
  });

  test.each(guarded)('$id refuses a foreign Host', async (operation) => {
    const request = { ...requestOf(operation), headers: { host: 'evil.example' } };
    expect(await answered(operation, request)).toBe(`${operation.id} 403 forbidden`);
  });

  test.each(changing)('$id refuses a body that is not JSON, or too large', async (operation) => {
    const { headers, ...request } = requestOf(operation);
    const text = { ...request, body: 'x', headers: { ...headers, 'content-type': 'text/plain' } };
    expect(await answered(operation, text)).toBe(`${operation.id} 415 unsupported_media_type`);
    const large = {
      ...request,
      body: ' '.repeat(1_048_577),
      headers: { ...headers, 'content-type': 'application/json' },
    };
    expect(await answered(operation, large)).toBe(`${operation.id} 413 too_large`);
  });

  const reading = guarded.filter(
    ({ method, parameters, answers }) =>
      method === 'GET' &&
      answers.get(200)?.has('text/event-stream') !== true &&
      !parameters.some((each) => each.in === 'query' && each.required),
  );

  test.each(reading)('$id misses the store if it says so, and only then', async (operation) => {
    http.agent.store = undefined;
    const heard = await answered(operation, requestOf(operation));
    http.agent.store = http.store;
    expect(heard.endsWith(' 503 unavailable')).toBe(operation.answers.has(503));
  });
});
