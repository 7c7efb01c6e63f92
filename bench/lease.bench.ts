// Leases taken and given up: one by one with 1, 16 and 64 under way, and in sets. Beside the store the same statements through pg
// alone, through pgbench, and the same compare-and-set as a transaction of etcd.
import type { Term } from '../src/domain/lease.ts';
import type { MetadataStore } from '../src/store/metadata-store.ts';
import type { Stage } from './bench.ts';
import { runPgbench, scripted } from './baseline/pgbench.ts';
import { numberIn, Raw } from './baseline/raw.ts';
import { type Instead, type Sent, sentBy } from './baseline/sent.ts';
import { EtcdLeases, inPath } from './etcd/leases.ts';
import { rowsOf } from './harness/findings.ts';
import { forEach, inRounds, type Load, once, type Sample, underLoad } from './harness/rounds.ts';
import { createTopic, granted, join, keysOf } from './stage/cast.ts';
import { poolMax, postgresStage } from './stage/postgres.ts';
import { sqliteStage } from './stage/sqlite.ts';

const topic = 'orders';
const partitionCount = 10_000;
const concurrencies = [1, 16, 64] as const;
const setSizes = [100, 1_000, 10_000] as const;
/** Of one turn at acquiring one by one. */
const turnMs = 400;
/** At etcd's best, which is where its transactions come in groups. */
const etcdBestConcurrency = 64;

type What = 'acquire' | 'release';

export async function measureLeases(stage: Stage): Promise<void> {
  const url = await stage.postgresUrl();
  await using etcd = await EtcdLeases.start(stage.findings);
  await using postgres = await postgresStage(url);
  await using raw = new Raw(url);
  await postgres.createTopic(topic, partitionCount);
  const ours = new StoreLeases(postgres.store, await join(postgres.store, 'ours'));
  const theirs = await RawLeases.over(raw, postgres.store);
  for (const concurrency of concurrencies) {
    const load = { concurrency, forMs: turnMs };
    const rounds = await inRounds<string, What>(stage.rounds, {
      store: () => ours.oneByOne(load),
      pg: () => theirs.oneByOne(load),
      ...(etcd && { etcd: () => etcd.oneByOne(load) }),
    });
    stage.findings.add({
      title: `PostgreSQL: leases one by one, ${concurrency} under way, ${poolMax} connections`,
      rows: rowsOf(rounds, { prefix: 'postgres lease ', suffix: ` c=${concurrency}`, counts: true }),
    });
  }
  await inTurns(stage, ours, theirs, url);
  for (const size of setSizes) {
    const rounds = await inRounds<string, What>(stage.rounds, {
      store: () => ours.together(size),
      pg: () => theirs.together(size),
      ...(etcd && { etcd: () => etcd.each(size, etcdBestConcurrency) }),
    });
    stage.findings.add({
      title: `PostgreSQL: ${size.toLocaleString('en')} leases at once`,
      rows: rowsOf(rounds, { prefix: 'postgres lease ', suffix: ` set=${size}` }),
    });
  }
  await onSqlite(stage);
}

/** Each taken and given up at once, so that pgbench can do the same. */
async function inTurns(stage: Stage, ours: StoreLeases, theirs: RawLeases, url: string): Promise<void> {
  const program = inPath('pgbench');
  if (program === undefined) stage.findings.lacks('pgbench', 'no pgbench in PATH');
  for (const concurrency of concurrencies) {
    const load = { concurrency, forMs: turnMs };
    const connections = Math.min(concurrency, poolMax);
    const script = theirs.script();
    const rounds = await inRounds<string, 'turn'>(stage.rounds, {
      store: async () => ({ turn: await ours.inTurns(load) }),
      pg: async () => ({ turn: await theirs.inTurns(load) }),
      ...(program !== undefined && {
        pgbench: async () => ({ turn: await runPgbench({ program, url, script, connections, seconds: 1 }) }),
      }),
    });
    stage.findings.add({
      title: `PostgreSQL: a lease acquired and released, ${concurrency} under way, ${poolMax} connections`,
      rows: rowsOf(rounds, { prefix: 'postgres lease ', suffix: ` c=${concurrency}`, counts: true }),
    });
  }
}

async function onSqlite(stage: Stage): Promise<void> {
  await using sqlite = await sqliteStage();
  await createTopic(sqlite.store, topic, partitionCount);
  const ours = new StoreLeases(sqlite.store, await join(sqlite.store, 'ours'));
  for (const concurrency of concurrencies) {
    const rounds = await inRounds<'store', What>(stage.rounds, {
      store: () => ours.oneByOne({ concurrency, forMs: turnMs }),
    });
    stage.findings.add({
      title: `SQLite: leases one by one, ${concurrency} under way`,
      rows: rowsOf(rounds, { prefix: 'sqlite lease ', suffix: ` c=${concurrency}`, counts: true }),
    });
  }
  for (const size of setSizes) {
    const rounds = await inRounds<'store', What>(stage.rounds, { store: () => ours.together(size) });
    stage.findings.add({
      title: `SQLite: ${size.toLocaleString('en')} leases at once`,
      rows: rowsOf(rounds, { prefix: 'sqlite lease ', suffix: ` set=${size}` }),
    });
  }
}

/** Through the whole store layer. */
export class StoreLeases {
  private readonly store: MetadataStore;
  private readonly sessionId: string;

  constructor(store: MetadataStore, sessionId: string) {
    this.store = store;
    this.sessionId = sessionId;
  }

  async oneByOne(load: Load): Promise<Record<What, Sample>> {
    const free = keysOf(topic, 0, partitionCount);
    const terms: Term[] = [];
    const acquire = await underLoad(load, () => {
      const key = free.pop();
      return (
        key &&
        this.store.acquireLeases(this.sessionId, [key]).then((answer) => terms.push(...granted(answer)))
      );
    });
    const release = await forEach(terms, load.concurrency, (term) =>
      this.store.releaseLeases(this.sessionId, [term], 'released'),
    );
    return { acquire, release };
  }

  /** Each worker has a lease of its own. */
  async inTurns(load: Load): Promise<Sample> {
    return underLoad(load, async (worker) => {
      const answer = await this.store.acquireLeases(this.sessionId, keysOf(topic, worker, worker + 1));
      await this.store.releaseLeases(this.sessionId, granted(answer), 'released');
    });
  }

  async together(size: number): Promise<Record<What, Sample>> {
    let terms: readonly Term[] = [];
    const acquire = await once(async () => {
      terms = granted(await this.store.acquireLeases(this.sessionId, keysOf(topic, 0, size)));
    });
    const release = await once(() => this.store.releaseLeases(this.sessionId, terms, 'released'));
    return { acquire, release };
  }
}

/** The statements of an acquire and of a release, as the store sends them for one lease: the write, and the looks that follow. */
export interface LeaseSpeech {
  readonly acquire: readonly Sent[];
  readonly release: readonly Sent[];
  /** Of the lease that they are about; no other value in them is the same. */
  readonly partition: number;
  readonly epoch: number;
}

export async function leaseSpeech(
  store: MetadataStore,
  sessionId: string,
  partition: number,
): Promise<LeaseSpeech> {
  await store.ping(); // a new connection has things to say of its own
  let terms: readonly Term[] = [];
  const acquire = await sentBy(async () => {
    terms = granted(await store.acquireLeases(sessionId, keysOf(topic, partition, partition + 1)));
  });
  const release = await sentBy(() => store.releaseLeases(sessionId, terms, 'released'));
  return { acquire, release, partition, epoch: terms[0]?.epoch ?? Number.NaN };
}

interface RawTerm {
  readonly partition: number;
  readonly epoch: number;
}

/** The same statements through pg alone. */
export class RawLeases {
  readonly speech: LeaseSpeech;
  private readonly raw: Raw;

  constructor(raw: Raw, speech: LeaseSpeech) {
    this.raw = raw;
    this.speech = speech;
  }

  static async over(raw: Raw, store: MetadataStore): Promise<RawLeases> {
    return new RawLeases(raw, await leaseSpeech(store, await join(store, 'theirs'), partitionCount - 1));
  }

  async oneByOne(load: Load): Promise<Record<What, Sample>> {
    let next = 0;
    const terms: RawTerm[] = [];
    const acquire = await underLoad(load, () => {
      if (next >= partitionCount) return undefined;
      return this.acquire([next++]).then((granted) => terms.push(...granted));
    });
    const release = await forEach(terms, load.concurrency, (term) => this.release([term]));
    return { acquire, release };
  }

  async inTurns(load: Load): Promise<Sample> {
    return underLoad(load, async (worker) => this.release(await this.acquire([worker])));
  }

  /** The same for pgbench: each of its clients has a lease of its own. */
  script(): string {
    const { acquire, release, partition, epoch } = this.speech;
    const lease = new Map<unknown, string>([[partition, ':client_id::integer']]);
    const term = new Map<unknown, string>([...lease, [epoch, ':epoch::bigint']]);
    const [write, ...looks] = acquire;
    return [
      // Whose epoch is to be known afterwards.
      ...(write === undefined ? [] : [`${scripted(write, lease)} \\gset`]),
      ...looks.map((look) => `${scripted(look, lease)};`),
      ...release.map((each) => `${scripted(each, term)};`),
      '',
    ].join('\n');
  }

  async together(size: number): Promise<Record<What, Sample>> {
    let terms: readonly RawTerm[] = [];
    const acquire = await once(async () => {
      terms = await this.acquire(Array.from({ length: size }, (_, partition) => partition));
    });
    const release = await once(() => this.release(terms));
    return { acquire, release };
  }

  private async acquire(partitions: readonly number[]): Promise<RawTerm[]> {
    const rows = await this.askAll(
      this.speech.acquire,
      partitions.map((partition) => new Map([[this.speech.partition, partition]])),
    );
    return rows.map((row) => ({ partition: numberIn(row, 'partition'), epoch: numberIn(row, 'epoch') }));
  }

  private async release(terms: readonly RawTerm[]): Promise<void> {
    const { release, partition, epoch } = this.speech;
    await this.askAll(
      release,
      terms.map(
        (term) =>
          new Map([
            [partition, term.partition],
            [epoch, term.epoch],
          ]),
      ),
    );
  }

  /** What the first answers; it must have changed everything. */
  private async askAll(statements: readonly Sent[], leases: readonly Instead[]) {
    const [write, ...looks] = statements;
    if (write === undefined) throw new Error('the store said nothing');
    const rows = await this.raw.ask(write, leases);
    if (rows.length !== leases.length) throw new Error(`${rows.length} of ${leases.length} leases changed`);
    for (const look of looks) await this.raw.ask(look, leases);
    return rows;
  }
}
