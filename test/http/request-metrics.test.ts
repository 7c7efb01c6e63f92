// What the doors count: requests by route and answer, tokens that were not good enough, event streams.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Authentication } from '../../src/http/authentication.ts';
import { series } from '../metrics/reading.ts';
import { eventually } from '../support/eventually.ts';
import { readEvents } from './event-reader.ts';
import { type Fixture, startFixture } from './fixture.ts';

const full = 'a-token-for-everything';
const read = 'a-token-for-reading';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const clock = { monotonicMs: () => 0 };
const log = { info: () => undefined };

let http: Fixture;
beforeAll(async () => {
  const authentication = new Authentication({ clock, log }, { full, read });
  http = await startFixture({ backend: 'sqlite', http: { authentication } });
});
afterAll(async () => http[Symbol.asyncDispose]());

const shown = (name: string) => series(http.instruments, `streamhouse_${name}`);

/** An answer is counted when its connection is done with it, which a client may hear of a moment later. */
async function counted(labels: string, count: number): Promise<void> {
  await eventually(async () => (await shown('http_requests_total'))[labels] === count, { what: labels });
}

test('requests count by method, pattern and class, whatever the path names', async () => {
  for (const topic of ['x', 'y']) await http.ask('GET', `/v1/topics/${topic}`, undefined, bearer(full));
  await counted('{method="GET",route="/v1/topics/:topic",status="4xx"}', 2);
  for (const path of ['/nowhere', '/v1/nothing']) await http.ask('GET', path, undefined, bearer(full));
  await counted('{method="GET",route="unmatched",status="4xx"}', 2);
  await http.ask('GET', '/livez');
  await counted('{method="GET",route="/livez",status="2xx"}', 1);
  const durations = await shown('http_request_duration_seconds_count');
  expect(durations['{route="/v1/topics/:topic"}']).toBe(2);
  expect(durations['{route="/livez"}']).toBe(1);
});

test('a token that is not good enough counts by what was wrong', async () => {
  await http.ask('POST', '/v1/pause', undefined, bearer(read));
  await http.ask('GET', '/v1/agent');
  await http.ask('GET', '/v1/agent', undefined, bearer('wrong'));
  expect(await shown('authentication_failures_total')).toEqual({
    '{reason="unauthorized"}': 2,
    '{reason="rate_limited"}': 0,
    '{reason="forbidden"}': 1,
  });
  await eventually(async () => {
    await http.ask('GET', '/v1/agent');
    return ((await shown('authentication_failures_total'))['{reason="rate_limited"}'] ?? 0) > 0;
  });
});

test('event streams are counted while they are open, and are not timed', async () => {
  const streams = (broker: number, reader: number) =>
    eventually(async () => {
      const open = await shown('event_streams');
      return open['{kind="broker"}'] === broker && open['{kind="reader"}'] === reader;
    });
  const broker = await readEvents(http.server.port, '?attach=broker', bearer(full));
  const reader = await readEvents(http.server.port, '', bearer(read));
  await streams(1, 1);
  broker.crash();
  await streams(0, 1);
  reader.crash();
  await streams(0, 0);
  await counted('{method="GET",route="/v1/events",status="2xx"}', 2);
  expect(await shown('http_request_duration_seconds_count')).not.toHaveProperty('{route="/v1/events"}');
});
