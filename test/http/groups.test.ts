// Consumer groups and committed offsets over HTTP.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Fixture, nextCursorOf, rfc3339, startFixture } from './fixture.ts';

let http: Fixture;
beforeAll(async () => {
  http = await startFixture();
  await http.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 3 });
  const [epoch] = await http.acquire('orders', 0);
  await http.ask('PUT', '/v1/topics/orders/partitions/0/high-watermark', { epoch, offset: 100 });
});
afterAll(async () => http[Symbol.asyncDispose]());

function committed(group: string, partition: number, offset: number, metadata: string | null = null) {
  return { group, topic: 'orders', partition, offset, metadata, committedAt: rfc3339 };
}

test('a commit creates its group, is read back, and may go back', async () => {
  const path = '/v1/groups/billing/offsets/orders/0';
  expect(await http.ask('GET', path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  const put = await http.ask('PUT', path, { offset: 100, metadata: 'to the end' });
  expect(put).toMatchObject({ status: 200, body: committed('billing', 0, 100, 'to the end') });
  expect((await http.ask('GET', path)).body).toEqual(committed('billing', 0, 100, 'to the end'));
  expect((await http.ask('PUT', path, { offset: 7 })).body).toEqual(committed('billing', 0, 7));
});

test('a commit beyond the high watermark is refused with it, and creates no group', async () => {
  const beyond = await http.ask('PUT', '/v1/groups/ahead/offsets/orders/0', { offset: 101 });
  expect(beyond).toMatchObject({ status: 409, body: { code: 'conflict', highWatermark: 100 } });
  expect(await http.ask('GET', '/v1/groups/ahead')).toMatchObject({ status: 404 });
  const nowhere = await http.ask('PUT', '/v1/groups/ahead/offsets/orders/9', { offset: 0 });
  expect(nowhere).toMatchObject({ status: 404, body: { code: 'not_found' } });
});

test('a batch is committed whole or not at all, as an object or as a bare array', async () => {
  const one = { topic: 'orders', partition: 0, offset: 5 };
  const two = { topic: 'orders', partition: 1, offset: 0, metadata: 'm' };
  const path = '/v1/groups/batch/offsets';
  const both = { offsets: [committed('batch', 0, 5), committed('batch', 1, 0, 'm')] };
  expect(await http.ask('POST', path, { offsets: [one, two] })).toMatchObject({ status: 200, body: both });
  expect((await http.ask('POST', path, [one, two])).body).toEqual(both);
  const half = await http.ask('POST', path, [
    { ...one, offset: 6 },
    { ...two, offset: 1 },
  ]);
  expect(half).toMatchObject({ status: 409, body: { code: 'conflict', highWatermark: 0 } });
  expect((await http.ask('GET', '/v1/groups/batch')).body).toMatchObject(both);
});

test('a group is shown with its offsets, page by page, listed, and deleted', async () => {
  const commits = [0, 1, 2].map((partition) => ({ topic: 'orders', partition, offset: 0 }));
  await http.ask('POST', '/v1/groups/paged/offsets', commits);
  const first = await http.ask('GET', '/v1/groups/paged?limit=2');
  expect(first.body).toMatchObject({
    group: 'paged',
    createdAt: rfc3339,
    offsets: [committed('paged', 0, 0), committed('paged', 1, 0)],
  });
  const rest = await http.ask('GET', `/v1/groups/paged?limit=2&cursor=${nextCursorOf(first)}`);
  expect(rest.body).toEqual({ group: 'paged', createdAt: rfc3339, offsets: [committed('paged', 2, 0)] });
  expect((await http.ask('GET', '/v1/groups')).body).toEqual({
    groups: expect.arrayContaining([{ group: 'paged', createdAt: rfc3339 }]),
  });
  expect(await http.ask('DELETE', '/v1/groups/paged')).toMatchObject({ status: 204, body: '' });
  expect(await http.ask('DELETE', '/v1/groups/paged')).toMatchObject({ status: 404 });
  expect(await http.ask('GET', '/v1/groups/paged')).toMatchObject({ status: 404 });
});
