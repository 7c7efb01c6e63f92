// Heartbeats of sessions that hold nothing, 10,000 and 100,000 leases: what one costs in time, rows and log.
import type { MetadataStore } from '../src/store/metadata-store.ts';
import { eventually } from '../test/support/eventually.ts';
import type { Stage } from './bench.ts';
import { numberIn, Raw } from './baseline/raw.ts';
import { only, sentBy } from './baseline/sent.ts';
import { rowsOf, type Value } from './harness/findings.ts';
import { medianOf } from './harness/percentiles.ts';
import { inRounds, type Sample, underLoad } from './harness/rounds.ts';
import { createTopic, granted, join, keysOf } from './stage/cast.ts';
import { type PostgresStage, postgresStage } from './stage/postgres.ts';
import { sqliteStage } from './stage/sqlite.ts';

const held = [0, 10_000, 100_000] as const;
/** Short ones, and more of them: what is compared differs by little. */
const turnMs = 100;
const turnsPerRound = 4;
/** Over which rows and log are counted, and how often: the server writes to its log on its own account, too. */
const beats = 100;
const batches = 10;

interface Holder {
  readonly leases: number;
  readonly sessionId: string;
}

export async function measureHeartbeats(stage: Stage): Promise<void> {
  const url = await stage.postgresUrl();
  await using postgres = await postgresStage(url);
  await using raw = new Raw(url);
  const loader = await postgres.open();
  const holders = await allHolders(loader);
  await loader[Symbol.asyncDispose]();
  await loadIsCounted(raw, postgres.schema);
  const [idle] = holders;
  if (idle === undefined) throw new Error('nobody beats');
  await postgres.store.heartbeat(idle.sessionId); // a new connection has things to say of its own
  const heard = await sentBy(() => postgres.store.heartbeat(idle.sessionId));
  const beat = only(heard, 'heartbeat');
  await raw.query(`vacuum analyze ${postgres.schema}.leases`);
  const rounds = await inRounds<string, 'heartbeat'>(turnsPerRound * stage.rounds, {
    ...Object.fromEntries(
      holders.map(({ leases, sessionId }) => [
        wayOf(leases),
        async () => ({ heartbeat: await beating(postgres.store, sessionId) }),
      ]),
    ),
    pg: async () => ({
      heartbeat: await underLoad({ concurrency: 1, forMs: turnMs }, () => raw.ask(beat)),
    }),
  });
  const values: Value[] = [];
  for (const holder of holders) values.push(...(await costs(postgres, raw, holder)));
  stage.findings.add({
    title: 'PostgreSQL: heartbeats, one after the other',
    rows: rowsOf(rounds, { prefix: 'postgres ', counts: true }),
    values,
  });

  await using sqlite = await sqliteStage();
  const file = await allHolders(sqlite.store);
  const onFile = await inRounds<string, 'heartbeat'>(
    turnsPerRound * stage.rounds,
    Object.fromEntries(
      file.map(({ leases, sessionId }) => [
        wayOf(leases),
        async () => ({ heartbeat: await beating(sqlite.store, sessionId) }),
      ]),
    ),
  );
  stage.findings.add({
    title: 'SQLite: heartbeats, one after the other',
    rows: rowsOf(onFile, { prefix: 'sqlite ', counts: true }),
  });
}

function wayOf(leases: number): string {
  return leases === 0 ? 'store' : `store, ${leases.toLocaleString('en')} held`;
}

async function allHolders(store: MetadataStore): Promise<Holder[]> {
  const holders: Holder[] = [];
  for (const leases of held) {
    const sessionId = await join(store, `holder-of-${leases}`);
    holders.push({ leases, sessionId });
    if (leases === 0) continue;
    const topic = `topic-of-${leases}`;
    await createTopic(store, topic, leases);
    // In sets of a size that an attempt has time for.
    for (let from = 0; from < leases; from += 10_000) {
      granted(await store.acquireLeases(sessionId, keysOf(topic, from, from + 10_000)));
    }
  }
  return holders;
}

function beating(store: MetadataStore, sessionId: string): Promise<Sample> {
  return underLoad({ concurrency: 1, forMs: turnMs }, () => store.heartbeat(sessionId));
}

/** The server's connections report what they did when they end, and others late: what was loaded is not to be counted among heartbeats. */
async function loadIsCounted(raw: Raw, schema: string): Promise<void> {
  const loaded = held.reduce<number>((sum, leases) => sum + leases, 0);
  await eventually(
    async () => {
      const [row] = await raw.query(
        `select least(n_tup_ins, n_tup_upd) as loaded from pg_stat_user_tables where schemaname = $1 and relname = 'leases'`,
        [schema],
      );
      return numberIn(row, 'loaded') >= loaded;
    },
    { what: 'the statistics of what was loaded' },
  );
}

interface Counters {
  readonly rows: number;
  readonly sessions: number;
  readonly heapOnly: number;
}

/** Of a store that does nothing but beat, when its connections have ended. */
async function costs(postgres: PostgresStage, raw: Raw, { leases, sessionId }: Holder): Promise<Value[]> {
  await raw.query('checkpoint'); // pages that are changed for the first time after one are logged whole
  const store = await postgres.open();
  await store.heartbeat(sessionId);
  const before = await counters(raw, postgres.schema);
  const logged: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const from = await logPosition(raw);
    for (let beat = 0; beat < beats; beat++) await store.heartbeat(sessionId);
    logged.push(((await logPosition(raw)) - from) / beats);
  }
  await store[Symbol.asyncDispose]();
  const after = await eventually(
    async () => {
      const now = await counters(raw, postgres.schema);
      return now.sessions >= before.sessions + batches * beats && now;
    },
    { what: 'the statistics of the heartbeats' },
  );
  const updates = after.sessions - before.sessions;
  const named = `heartbeat with ${leases.toLocaleString('en')} held`;
  return [
    { what: `${named}: rows written`, amount: (after.rows - before.rows) / updates, unit: 'rows' },
    { what: `${named}: heap-only`, amount: (100 * (after.heapOnly - before.heapOnly)) / updates, unit: '%' },
    { what: `${named}: log written`, amount: medianOf(logged), unit: 'bytes' },
  ];
}

async function counters(raw: Raw, schema: string): Promise<Counters> {
  const [row] = await raw.query(
    `select sum(n_tup_ins + n_tup_upd + n_tup_del) as rows,
       sum(n_tup_upd) filter (where relname = 'sessions') as sessions,
       sum(n_tup_hot_upd) filter (where relname = 'sessions') as heap_only
     from pg_stat_user_tables where schemaname = $1`,
    [schema],
  );
  return {
    rows: numberIn(row, 'rows'),
    sessions: numberIn(row, 'sessions'),
    heapOnly: numberIn(row, 'heap_only'),
  };
}

async function logPosition(raw: Raw): Promise<number> {
  const [row] = await raw.query(`select pg_current_wal_insert_lsn() - '0/0' as position`);
  return numberIn(row, 'position');
}
