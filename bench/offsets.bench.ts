// Committed offsets, each of a partition of its own. The store joins those that are under way at once; through pg alone each is the
// statement that the store sends for one by itself.
import { partitionKey } from '../src/domain/lease.ts';
import type { MetadataStore } from '../src/store/metadata-store.ts';
import type { Stage } from './bench.ts';
import { Raw } from './baseline/raw.ts';
import { only, sentBy } from './baseline/sent.ts';
import { rowsOf } from './harness/findings.ts';
import { inRounds, type Load, type Sample, underLoad } from './harness/rounds.ts';
import { createTopic, granted, join } from './stage/cast.ts';
import { poolMax, postgresStage } from './stage/postgres.ts';
import { sqliteStage } from './stage/sqlite.ts';

const topic = 'orders';
const concurrencies = [1, 16, 64, 1_000] as const;
/** Ours first, then the driver's, then the one that the store is heard at. */
const committers = 1_000;
const heardAt = 2 * committers;
const offsetHeard = 777_000;
const turnMs = 500;
const highWatermark = 1_000_000_000;

export async function measureOffsets(stage: Stage): Promise<void> {
  const url = await stage.postgresUrl();
  await using postgres = await postgresStage(url);
  await using raw = new Raw(url);
  await createTopic(postgres.store, topic, heardAt + 1);
  await raw.query(`update ${postgres.schema}.partitions set high_watermark = ${highWatermark}`);
  const heard = await sentBy(() => commit(postgres.store, heardAt, offsetHeard));
  const write = only(heard, 'commit_offsets');
  let offset = 1;
  for (const concurrency of concurrencies) {
    const load = { concurrency, forMs: turnMs };
    const rounds = await inRounds(stage.rounds, {
      store: async () => ({ commit: await commits(postgres.store, load) }),
      pg: async () => ({
        commit: await underLoad(load, async (committer) => {
          const instead = new Map([
            [heardAt, committers + committer],
            [offsetHeard, offset++],
          ]);
          const [row] = await raw.ask(write, [instead]);
          // What is refused has a row, too.
          if ((row?.['committed_at_ms'] ?? null) === null) throw new Error('a commit was refused');
        }),
      }),
    });
    stage.findings.add({
      title: `PostgreSQL: offsets committed, ${concurrency} under way, ${poolMax} connections`,
      rows: rowsOf(rounds, { prefix: 'postgres offset ', suffix: ` c=${concurrency}`, counts: true }),
    });
  }
  await using sqlite = await sqliteStage();
  await createTopic(sqlite.store, topic, committers);
  await raiseWatermarks(sqlite.store);
  for (const concurrency of concurrencies) {
    const load = { concurrency, forMs: turnMs };
    const rounds = await inRounds(stage.rounds, {
      store: async () => ({ commit: await commits(sqlite.store, load) }),
    });
    stage.findings.add({
      title: `SQLite: offsets committed, ${concurrency} under way`,
      rows: rowsOf(rounds, { prefix: 'sqlite offset ', suffix: ` c=${concurrency}`, counts: true }),
    });
  }
}

async function raiseWatermarks(store: MetadataStore): Promise<void> {
  const sessionId = await join(store, 'writer');
  const keys = Array.from({ length: committers }, (_, partition) => partitionKey(topic, partition));
  const terms = granted(await store.acquireLeases(sessionId, keys));
  for (const [partition, { epoch }] of terms.entries()) {
    await store.advanceHighWatermark({ sessionId, epoch }, topic, partition, highWatermark);
  }
}

let next = 1;

function commits(store: MetadataStore, load: Load): Promise<Sample> {
  return underLoad(load, (committer) => commit(store, committer, next++));
}

async function commit(store: MetadataStore, partition: number, offset: number): Promise<void> {
  await store.commitOffsets('readers', [{ topic, partition, offset, metadata: null }]);
}
