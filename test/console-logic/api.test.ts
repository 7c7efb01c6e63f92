// The page's way to the API, against a real agent's server that asks for a token.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Keyring } from '../../src/console/model/access.ts';
import { Api } from '../../src/console/model/api.ts';
import { EventStream } from '../../src/console/model/event-stream.ts';
import { readAll } from '../../src/console/model/read-all.ts';
import type { StatusAnswer } from '../../src/http/schemas/answers/status.ts';
import { Authentication } from '../../src/http/authentication.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type Fixture, startFixture } from '../http/fixture.ts';
import { eventually } from '../support/eventually.ts';

const never = new AbortController().signal;
let http: Fixture;
let refusals = 0;
beforeAll(async () => {
  const authentication = new Authentication(
    { clock: systemClock, log: { info: () => undefined } },
    { full: 'all', read: 'look' },
  );
  http = await startFixture({ backend: 'sqlite', http: { authentication } });
});
afterAll(async () => http[Symbol.asyncDispose]());

function apiOf(): Api {
  const api = new Api(new Keyring(), `${http.server.url}/`);
  api.keyring.access.subscribe(() => {
    if (api.keyring.access.value.token === 'needed') refusals += 1;
  });
  return api;
}

test('many questions at once find out once that a token is needed, wait for it, and are answered', async () => {
  const api = apiOf();
  refusals = 0;
  const first = api.get<StatusAnswer>('v1/status', never);
  const others = Promise.all(
    [1, 2, 3].map(async () => {
      const { group } = await api.get<StatusAnswer>('v1/status', never);
      return group;
    }),
  );
  await expect(first).rejects.toMatchObject({ status: 401, code: 'unauthorized' });
  await eventually(() => api.keyring.access.value.token === 'needed');
  api.keyring.use('look');
  expect(await others).toEqual(['g', 'g', 'g']);
  expect(refusals).toBe(1);
});

test('a wrong token is said to be wrong, and a forgotten one is asked for again', async () => {
  const api = apiOf();
  api.keyring.use('guessed');
  await expect(api.get('v1/status', never)).rejects.toMatchObject({ status: 401 });
  expect(api.keyring.access.value).toEqual({ token: 'needed', isWrong: true, readsOnly: false });
  api.keyring.use('look');
  await api.get('v1/status', never);
  api.keyring.forget();
  expect(api.keyring.token).toBeUndefined();
  await expect(api.get('v1/status', never)).rejects.toMatchObject({ status: 401 });
  expect(api.keyring.access.value.isWrong).toBe(false);
});

test('a reading token changes nothing, and the page knows it from then on', async () => {
  const api = apiOf();
  api.keyring.use('look');
  await expect(api.post('v1/pause')).rejects.toMatchObject({ status: 403 });
  expect(api.keyring.access.value.readsOnly).toBe(true);
  api.keyring.use('all');
  expect(api.keyring.access.value.readsOnly).toBe(false);
  expect(await api.post('v1/pause')).toMatchObject({ paused: true });
  expect(await api.post('v1/resume')).toMatchObject({ paused: false });
});

test("a refusal has the agent's own sentence, and no answer says so", async () => {
  const api = apiOf();
  api.keyring.use('all');
  await expect(api.get('v1/topics/nothing', never)).rejects.toMatchObject({
    status: 404,
    code: 'not_found',
    message: expect.stringContaining('nothing'),
  });
  const away = new Api(new Keyring(), 'http://127.0.0.1:1/');
  await expect(away.get('v1/status', never)).rejects.toMatchObject({ status: 0, code: 'unreachable' });
});

test('lists are read whole, from behind a path too', async () => {
  const api = apiOf();
  api.keyring.use('all');
  await api.post('v1/topics', { name: 'listed', partitionCount: 3 });
  const leases = await readAll(api, 'v1/leases', 'leases', never);
  expect(leases).toHaveLength(3);
});

test('the event stream carries the token, tells what happens, and goes on where it was', async () => {
  const api = apiOf();
  api.keyring.use('look');
  const { agent } = http;
  agent.sessionId = '11111111-1111-4111-8111-111111111111';
  const states: string[] = [];
  const events: string[] = [];
  const stream = new EventStream(api, {
    onState: (state) => states.push(state),
    onEvent: ({ event, data: { generation = '' } }) => events.push(`${event} ${String(generation)}`.trim()),
  });
  const happen = (generation: number): void => {
    agent.journal.append(agent.sessionId, [{ type: 'assignment.changed', generation }]);
  };
  stream.start();
  await eventually(() => events.length === 1);
  happen(1);
  await eventually(() => events.length === 2);
  stream.stop();
  happen(2);
  stream.start();
  await eventually(() => events.length === 3);
  stream.stop();
  expect(events).toEqual(['snapshot', 'assignment.changed 1', 'assignment.changed 2']);
  expect(states.filter((state) => state === 'open')).toHaveLength(2);
});
