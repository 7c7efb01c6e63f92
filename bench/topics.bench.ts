// A topic of 10,000 partitions: created, its partitions and its leases listed, beside the same statements through pg alone.
import type { MetadataStore } from '../src/store/metadata-store.ts';
import type { Stage } from './bench.ts';
import { numberIn, Raw } from './baseline/raw.ts';
import { named, spokenBy } from './baseline/spoken.ts';
import { rowsOf } from './harness/findings.ts';
import { inRounds, once } from './harness/rounds.ts';
import { createTopic, granted, join, keysOf } from './stage/cast.ts';
import { postgresStage } from './stage/postgres.ts';
import { sqliteStage } from './stage/sqlite.ts';

const partitionCount = 10_000;
const listed = 'listed';

export async function measureTopics(stage: Stage): Promise<void> {
  const url = await stage.postgresUrl();
  await using postgres = await postgresStage(url);
  await using raw = new Raw(url);
  let made = 0;
  const name = (): string => `topic-${made++}`;
  const creating = await spokenBy(postgres.url, postgres.schema, (store) =>
    createTopic(store, name(), partitionCount),
  );
  const [begin, insert, ...rest] = creating;
  if (begin === undefined || insert?.name !== 'insert_topic') throw new Error('a topic begins otherwise');
  const created = await inRounds(stage.rounds, {
    store: async () => ({ create: await once(() => createTopic(postgres.store, name(), partitionCount)) }),
    pg: async () => ({
      create: await once(() =>
        raw.onOne(async (ask) => {
          const topic = name();
          await ask(begin);
          const [row] = await ask(insert, { name: topic });
          const topicId = numberIn(row, 'topic_id');
          for (const each of rest) await ask(each, { name: topic, topicId });
        }),
      ),
    }),
  });
  await lead(postgres.store);
  const reading = await spokenBy(postgres.url, postgres.schema, async (store) => {
    await listPartitions(store);
    await listLeases(store);
  });
  const lookUp = named(reading, 'select_topic');
  const partitions = named(reading, 'select_partitions');
  const leases = named(reading, 'select_partition_leases');
  const lists = await inRounds(stage.rounds, {
    store: async () => ({
      'list of partitions': await once(() => listPartitions(postgres.store)),
      'list of leases': await once(() => listLeases(postgres.store)),
    }),
    pg: async () => ({
      'list of partitions': await once(async () => {
        await raw.ask(lookUp);
        await raw.ask(partitions);
      }),
      'list of leases': await once(() => raw.ask(leases)),
    }),
  });
  stage.findings.add({
    title: 'PostgreSQL: a topic of 10,000 partitions',
    rows: [
      ...rowsOf(created, { prefix: 'postgres topic ' }),
      ...rowsOf(lists, { prefix: 'postgres topic ' }),
    ],
  });
  await onSqlite(stage, name);
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
