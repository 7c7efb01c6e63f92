// Fenced appends, each to a partition of its own writer. The store joins those that are under way at once; through pg alone each is the
// statement that the store sends for one by itself.
import type { Stage } from './bench.ts';
import { Raw } from './baseline/raw.ts';
import { only, type Sent, sentBy } from './baseline/sent.ts';
import { rowsOf } from './harness/findings.ts';
import { inRounds, type Load, type Sample, underLoad } from './harness/rounds.ts';
import type { MetadataStore } from '../src/store/metadata-store.ts';
import type { Fence } from '../src/store/segments.ts';
import { createTopic, granted, join, keysOf, segmentAt } from './stage/cast.ts';
import { poolMax, postgresStage } from './stage/postgres.ts';
import { sqliteStage } from './stage/sqlite.ts';

const topic = 'orders';
const concurrencies = [1, 16, 64] as const;
const turnMs = 500;
/** Ours first, then the driver's, then the one that the store is heard at. */
const writers = 64;
const heardAt = 2 * writers;
/** Of the append that is heard: no other value of the statement is like it. */
const offsetHeard = 777_000;

export async function measureAppends(stage: Stage): Promise<void> {
  const url = await stage.postgresUrl();
  await using postgres = await postgresStage(url);
  await using raw = new Raw(url);
  const logs = await Logs.lead(postgres.store);
  const sent = await logs.heard();
  for (const concurrency of concurrencies) {
    const load = { concurrency, forMs: turnMs };
    const rounds = await inRounds(stage.rounds, {
      store: async () => ({ append: await logs.append(load) }),
      pg: async () => ({ append: await logs.appendRaw(raw, sent, load) }),
    });
    stage.findings.add({
      title: `PostgreSQL: fenced appends, ${concurrency} under way, ${poolMax} connections`,
      rows: rowsOf(rounds, { prefix: 'postgres ', suffix: ` c=${concurrency}`, counts: true }),
    });
  }
  await using sqlite = await sqliteStage();
  const file = await Logs.lead(sqlite.store);
  for (const concurrency of concurrencies) {
    const load = { concurrency, forMs: turnMs };
    const rounds = await inRounds(stage.rounds, {
      store: async () => ({ append: await file.append(load) }),
    });
    stage.findings.add({
      title: `SQLite: fenced appends, ${concurrency} under way`,
      rows: rowsOf(rounds, { prefix: 'sqlite ', suffix: ` c=${concurrency}`, counts: true }),
    });
  }
}

/** Partitions led by one session, and where the log of each ends. */
class Logs {
  private readonly store: MetadataStore;
  private readonly fences: readonly Fence[];
  private readonly ends = Array.from({ length: heardAt + 1 }, () => 0);

  private constructor(store: MetadataStore, fences: readonly Fence[]) {
    this.store = store;
    this.fences = fences;
  }

  static async lead(store: MetadataStore): Promise<Logs> {
    await createTopic(store, topic, heardAt + 1);
    const sessionId = await join(store, 'writer');
    const terms = granted(await store.acquireLeases(sessionId, keysOf(topic, 0, heardAt + 1)));
    return new Logs(
      store,
      terms.map(({ epoch }) => ({ sessionId, epoch })),
    );
  }

  async heard(): Promise<Sent> {
    const fence = this.fenceOf(heardAt);
    await this.store.advanceHighWatermark(fence, topic, heardAt, offsetHeard);
    this.ends[heardAt] = offsetHeard;
    const sent = await sentBy(() => this.appendTo(heardAt));
    return only(sent, 'append_segments');
  }

  async append(load: Load): Promise<Sample> {
    return underLoad(load, (writer) => this.appendTo(writer));
  }

  async appendRaw(raw: Raw, sent: Sent, load: Load): Promise<Sample> {
    const heard = segmentAt(offsetHeard);
    const heardEpoch = this.fenceOf(heardAt).epoch;
    return underLoad(load, async (writer) => {
      const partition = writers + writer;
      const base = this.takeOffset(partition);
      const { id, key } = segmentAt(base);
      const instead = new Map<unknown, unknown>([
        [heardAt, partition],
        [heardEpoch, this.fenceOf(partition).epoch],
        [offsetHeard, base],
        [offsetHeard + 1, base + 1],
        [heard.id, id],
        [heard.key, key],
      ]);
      const rows = await raw.ask(sent, [instead]);
      if (rows.length !== 1) throw new Error('an append was refused');
    });
  }

  private async appendTo(partition: number): Promise<void> {
    const segments = [segmentAt(this.takeOffset(partition))];
    await this.store.appendSegments(this.fenceOf(partition), topic, partition, segments);
  }

  private fenceOf(partition: number): Fence {
    const fence = this.fences[partition];
    if (fence === undefined) throw new Error(`nobody leads ${partition}`);
    return fence;
  }

  private takeOffset(partition: number): number {
    const offset = this.ends[partition] ?? 0;
    this.ends[partition] = offset + 1;
    return offset;
  }
}
