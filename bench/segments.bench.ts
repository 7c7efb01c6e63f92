// A segment found among 100,000 of one partition: where there is one, in a gap, behind the end; beside the read of a row by its
// primary key through pg alone.
import type { OffsetLocation } from '../src/domain/segment.ts';
import type { MetadataStore } from '../src/store/metadata-store.ts';
import type { Stage } from './bench.ts';
import { Raw } from './baseline/raw.ts';
import { rowsOf } from './harness/findings.ts';
import { inRounds, type Load, type Sample, underLoad } from './harness/rounds.ts';
import { createTopic, granted, join, keysOf, segmentAt } from './stage/cast.ts';
import { poolMax, postgresStage } from './stage/postgres.ts';
import { sqliteStage } from './stage/sqlite.ts';

const topic = 'orders';
const segmentCount = 100_000;
/** Of a segment and the gap behind it. */
const stride = 10;
const segmentLength = 8;
const end = segmentCount * stride;
const concurrencies = [1, 16] as const;
const turnMs = 300;
const alone: Load = { concurrency: 1, forMs: turnMs };

/** Offsets by where they lie. */
const places = {
  hit: () => chosen() * stride,
  gap: () => chosen() * stride + segmentLength,
  tail: () => end,
} as const satisfies Readonly<Record<string, () => number>>;
const results: Readonly<Record<keyof typeof places, OffsetLocation['result']>> = {
  hit: 'found',
  gap: 'gap',
  tail: 'at_end',
};

export async function measureSegments(stage: Stage): Promise<void> {
  const url = await stage.postgresUrl();
  await using postgres = await postgresStage(url);
  await using raw = new Raw(url);
  await createTopic(postgres.store, topic, 1);
  await fill(raw, postgres.schema);
  const byKey = `select * from ${postgres.schema}.segments where topic_id = $1 and partition = $2 and base_offset = $3`;
  const [row] = await raw.query(`select topic_id from ${postgres.schema}.topics where name = '${topic}'`);
  const topicId = row?.['topic_id'];
  for (const concurrency of concurrencies) {
    const load = { concurrency, forMs: turnMs };
    const readByKey = (): Promise<Sample> =>
      underLoad(load, async () => {
        const rows = await raw.query(byKey, [topicId, 0, chosen() * stride], 'segment_by_key');
        if (rows.length !== 1) throw new Error('no such segment');
      });
    const rounds = await inRounds(stage.rounds, {
      store: async () => ({
        hit: await find(postgres.store, load, 'hit'),
        gap: await find(postgres.store, load, 'gap'),
        tail: await find(postgres.store, load, 'tail'),
      }),
      pg: async () => ({ hit: await readByKey(), gap: await readByKey(), tail: await readByKey() }),
    });
    stage.findings.add({
      title: `PostgreSQL: a segment found among 100,000, ${concurrency} under way, ${poolMax} connections; pg: a row read by its primary key`,
      rows: rowsOf(rounds, { prefix: 'postgres find ', suffix: ` c=${concurrency}`, counts: true }),
    });
  }
  await using sqlite = await sqliteStage();
  await appendAll(sqlite.store);
  const rounds = await inRounds(stage.rounds, {
    store: async () => ({
      hit: await find(sqlite.store, alone, 'hit'),
      tail: await find(sqlite.store, alone, 'tail'),
    }),
  });
  stage.findings.add({
    title: 'SQLite: a segment found among 100,000',
    rows: rowsOf(rounds, { prefix: 'sqlite find ', suffix: ' c=1', counts: true }),
  });
}

function find(store: MetadataStore, load: Load, place: keyof typeof places): Promise<Sample> {
  return underLoad(load, async () => {
    const { result } = await store.findSegment(topic, 0, places[place]());
    if (result !== results[place]) throw new Error(`${place}: ${result}`);
  });
}

/** The same rows as appends would leave, a thousand times faster. */
async function fill(raw: Raw, schema: string): Promise<void> {
  await raw.query(`update ${schema}.partitions set high_watermark = ${end}`);
  await raw.query(
    `insert into ${schema}.segments (topic_id, partition, base_offset, end_offset, segment_id, record_count, size_bytes,
       bucket, object_key, epoch)
     select topic_id, 0, n * ${stride}, n * ${stride} + ${segmentLength - 1}, 's' || n, ${segmentLength}, 1000000, 'b',
       'bench/s' || n || '.seg', 1
     from ${schema}.topics cross join generate_series(0, ${segmentCount - 1}) as n`,
  );
  await raw.query(`vacuum analyze ${schema}.segments`);
}

/** Without gaps: one would need a transaction each. */
async function appendAll(store: MetadataStore): Promise<void> {
  await createTopic(store, topic, 1);
  const sessionId = await join(store, 'writer');
  const [term] = granted(await store.acquireLeases(sessionId, keysOf(topic, 0, 1)));
  if (term === undefined) throw new Error('no lease');
  const atOnce = 1_000;
  for (let from = 0; from < segmentCount; from += atOnce) {
    const segments = Array.from({ length: atOnce }, (_, i) => ({
      ...segmentAt((from + i) * stride),
      endOffset: (from + i + 1) * stride - 1,
      recordCount: stride,
    }));
    await store.appendSegments({ sessionId, epoch: term.epoch }, topic, 0, segments);
  }
}

function chosen(): number {
  return Math.floor(Math.random() * segmentCount);
}
