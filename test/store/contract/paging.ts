// The contract of paging, which all lists share: bounded, in key order, going on behind the last key given.
import { expect, test } from 'vitest';
import { partitionKey, roleKey } from '../../../src/domain/lease.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import type { Page, PageRequest } from '../../../src/store/page.ts';
import type { Backend } from './backend.ts';
import { all, expectRefusal, join, segment, take, topic } from './samples.ts';

type List = (store: MetadataStore, page: PageRequest) => Promise<Page<unknown>>;

/** Every list, each with five things in it after `fill`. */
const lists: Readonly<Record<string, List>> = {
  topics: (store, page) => store.listTopics(page),
  partitions: (store, page) => store.listPartitions('a', page),
  segments: (store, page) => store.listSegments('a', 0, 0, page),
  'consumer groups': (store, page) => store.listConsumerGroups(page),
  'committed offsets': (store, page) => store.listCommittedOffsets('a', page),
  agents: (store, page) => store.listAgents(page),
  'partition leases': (store, page) => store.listPartitionLeases({ unleased: true }, page),
  'role leases': (store, page) => store.listRoleLeases(page),
};

const names = ['a', 'B', 'a-b', 'a.b', 'a_b'];

async function fill(store: MetadataStore): Promise<void> {
  for (const name of names) {
    await store.ensureConsumerGroup(name);
    await take(store, await join(store, name), roleKey(name));
  }
  const sessionId = (await store.getAgent('a'))?.sessionId ?? '';
  // With the one that is led: five topics, five partitions of `a`, five leases without a holder.
  await store.createTopic(topic('a', 5));
  const epoch = await take(store, sessionId, partitionKey('a', 0));
  await store.appendSegments({ sessionId, epoch }, 'a', 0, [
    segment(0, 9),
    segment(10, 19),
    segment(20, 20),
    segment(21, 29),
    segment(30, 39),
  ]);
  const offsets = [0, 1, 2, 3, 4].map((partition) => ({ topic: 'a', partition, offset: 0, metadata: null }));
  await store.commitOffsets('a', offsets);
  await store.createTopic(topic('b'));
  for (const name of ['C', 'c', 'd']) {
    await store.createTopic(topic(name));
    await take(store, sessionId, partitionKey(name, 0));
  }
}

async function walk(list: List, store: MetadataStore, limit: number): Promise<unknown[][]> {
  const pages: unknown[][] = [];
  let cursor: string | undefined;
  do {
    const page = await list(store, { limit, cursor });
    pages.push([...page.items]);
    cursor = page.nextCursor;
  } while (cursor !== undefined && pages.length < 10);
  return pages;
}

const encoded = (key: unknown): string => Buffer.from(JSON.stringify(key)).toString('base64url');

export function pagingContract(backend: Backend): void {
  test.each(Object.entries(lists))(
    '%s are listed page by page, none twice and none left out',
    async (_, list) => {
      const store = await (await backend.database()).store();
      await fill(store);
      const whole = (await list(store, all)).items;
      expect(whole).toHaveLength(5);
      // What is left of an agent's session changes with the time of the read.
      const still = (pages: unknown[][]) => pages.map((page) => page.map(withoutCountdown));
      const expected = whole.map(withoutCountdown);
      expect(still(await walk(list, store, 1))).toEqual(expected.map((item) => [item]));
      expect(still(await walk(list, store, 2))).toEqual([
        expected.slice(0, 2),
        expected.slice(2, 4),
        expected.slice(4),
      ]);
      expect((await list(store, { limit: 5 })).nextCursor).toBeUndefined();
      expect((await list(store, { limit: 4 })).nextCursor).toBeDefined();
    },
  );

  test.each(Object.entries(lists))('%s refuse a cursor that is none of theirs', async (_, list) => {
    const store = await (await backend.database()).store();
    await fill(store);
    const strangers = ['!', '', 'e30', encoded([]), encoded([null]), encoded([1, 2, 3]), encoded([0.5, 0.5])];
    for (const cursor of strangers) await expectRefusal(list(store, { limit: 2, cursor }), 'invalid');
  });

  test.each([
    ['partitions', [2 ** 31]],
    ['partition leases', ['a', 2 ** 31]],
    ['committed offsets', ['a', 2 ** 31]],
  ])('%s refuse a cursor with a partition that no database can name', async (name, key) => {
    const store = await (await backend.database()).store();
    await fill(store);
    const list = lists[name];
    if (list === undefined) throw new Error(`no list of ${name}`);
    const refused = list(store, { limit: 2, cursor: encoded(key) });
    await expect(refused).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('cursor is not one that this list gave'),
    });
  });

  test('a page goes on behind its cursor whatever was added or removed meanwhile', async () => {
    const store = await (await backend.database()).store();
    for (const name of ['b', 'd', 'f', 'h']) await store.createTopic(topic(name));
    const { items, nextCursor: cursor } = await store.listTopics({ limit: 2 });
    expect(items.map(({ name }) => name)).toEqual(['b', 'd']);
    await store.deleteTopic('d');
    for (const name of ['a', 'c', 'e']) await store.createTopic(topic(name));
    const rest = await store.listTopics({ limit: 10, cursor });
    expect(rest.items.map(({ name }) => name)).toEqual(['e', 'f', 'h']);
  });
}

function withoutCountdown(item: unknown): unknown {
  return Object.fromEntries(Object.entries(Object(item)).filter(([name]) => name !== 'expiresInMs'));
}
