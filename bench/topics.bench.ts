// A topic of 10,000 partitions: created, its partitions and its leases listed, beside the same statements through pg alone.
import type { MetadataStore } from '../src/store/metadata-store.ts';
import type { Stage } from './bench.ts';
import { numberIn, Raw } from './baseline/raw.ts';
import { type Sent, sentBy } from './baseline/sent.ts';
import { rowsOf } from './harness/findings.ts';
import { inRounds, once } from './harness/rounds.ts';
import { createTopic, granted, join, keysOf } from './stage/cast.ts';
import { postgresStage } from './stage/postgres.ts';
import { sqliteStage } from './stage/sqlite.ts';

const partitionCount = 10_000;
const listed = 'listed';
const heardTopic = 'heard';

export async function measureTopics(stage: Stage): Promise<void> {
  const url = await stage.postgresUrl();
  await using postgres = await postgresStage(url);
  await using raw = new Raw(url);
  await raw.query(`alter sequence ${postgres.schema}.topics_topic_id_seq restart 777`); // like no other value in a statement
  let made = 0;
  const name = (): string => `topic-${made++}`;
  const creating = await heardCreating(postgres.store, raw, postgres.schema);
  const created = await inRounds(stage.rounds, {
    store: async () => ({ create: await once(() => createTopic(postgres.store, name(), partitionCount)) }),
    pg: async () => ({
      create: await once(() =>
        raw.onOne(async (ask) => {
          const instead = new Map<unknown, unknown>([[heardTopic, name()]]);
          for (const each of creating.sent) {
            const [row] = await ask(each, [instead]);
            if (row?.['topic_id'] !== undefined) instead.set(creating.topicId, row['topic_id']);
          }
        }),
      ),
    }),
  });
  await lead(postgres.store);
  const lists = {
    partitions: await sentBy(() => listPartitions(postgres.store)),
    leases: await sentBy(() => listLeases(postgres.store)),
  };
  const listing = await inRounds(stage.rounds, {
    store: async () => ({
      'list of partitions': await once(() => listPartitions(postgres.store)),
      'list of leases': await once(() => listLeases(postgres.store)),
    }),
    pg: async () => ({
      'list of partitions': await once(() => askAll(raw, lists.partitions)),
      'list of leases': await once(() => askAll(raw, lists.leases)),
    }),
  });
  stage.findings.add({
    title: 'PostgreSQL: a topic of 10,000 partitions',
    rows: [
      ...rowsOf(created, { prefix: 'postgres topic ' }),
      ...rowsOf(listing, { prefix: 'postgres topic ' }),
    ],
  });
  await onSqlite(stage, name);
}

/** Everything that it takes to create a topic, and the number that it got. */
async function heardCreating(
  store: MetadataStore,
  raw: Raw,
  schema: string,
): Promise<{ readonly sent: readonly Sent[]; readonly topicId: number }> {
  const sent = await sentBy(() => createTopic(store, heardTopic, partitionCount));
  const [row] = await raw.query(`select topic_id from ${schema}.topics where name = '${heardTopic}'`);
  return { sent, topicId: numberIn(row, 'topic_id') };
}

async function askAll(raw: Raw, statements: readonly Sent[]): Promise<void> {
  for (const each of statements) await raw.ask(each);
}

async function onSqlite(stage: Stage, name: () => string): Promise<void> {
  await using sqlite = await sqliteStage();
  const { store } = sqlite;
  await lead(store);
  const rounds = await inRounds(stage.rounds, {
    store: async () => ({
      create: await once(() => createTopic(store, name(), partitionCount)),
      'list of partitions': await once(() => listPartitions(store)),
      'list of leases': await once(() => listLeases(store)),
    }),
  });
  stage.findings.add({
    title: 'SQLite: a topic of 10,000 partitions',
    rows: rowsOf(rounds, { prefix: 'sqlite topic ' }),
  });
}

async function lead(store: MetadataStore): Promise<void> {
  await createTopic(store, listed, partitionCount);
  granted(await store.acquireLeases(await join(store, 'leader'), keysOf(listed, 0, partitionCount)));
}

async function listPartitions(store: MetadataStore): Promise<void> {
  const { items } = await store.listPartitions(listed, { limit: partitionCount });
  if (items.length !== partitionCount) throw new Error(`${items.length} partitions were listed`);
}

async function listLeases(store: MetadataStore): Promise<void> {
  const { items } = await store.listPartitionLeases({ topic: listed }, { limit: partitionCount });
  if (items.length !== partitionCount) throw new Error(`${items.length} leases were listed`);
}
