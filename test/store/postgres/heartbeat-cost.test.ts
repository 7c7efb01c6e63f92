// DESIGN 3.1: a heartbeat updates one row of one table, heap-only, whatever the session holds.
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { eventually } from '../../support/eventually.ts';
import { allOrders, createOrders, join, lead } from './cast.ts';
import type { Mutant } from './mutants.ts';
import { differences, rule, type Scenario } from './rule.ts';
import type { Stage } from './stage.ts';

const indexesTheBeat: Mutant = {
  name: 'has an index on a column that beats',
  edits: [],
  ddl: 'create index on sessions (last_heartbeat_at)',
};

const indexesByTheBeat: Mutant = {
  name: 'has an index whose predicate reads a column that beats',
  edits: [],
  ddl: `create index on sessions (session_id) where expires_at > '2000-01-01'`,
};

const renewsLeases: Mutant = {
  name: 'renews each lease with the heartbeat',
  edits: [
    {
      statement: 'heartbeat',
      find: /^\/\* heartbeat \*\/ with/,
      replace: `with renewed as (
        update {schema}.leases set acquired_at = acquired_at where session_id = $$4::uuid),`,
    },
  ],
};

const crampsThePage: Mutant = {
  name: 'leaves no room on the pages of sessions',
  edits: [],
  ddl: 'alter table sessions set (fillfactor = 100)',
};

type Updates = {
  readonly sessions: number;
  readonly heapOnly: number;
  readonly leases: number;
};

async function readUpdates(stage: Stage): Promise<Updates> {
  const [row] = await stage.query<{ sessions: string; heap_only: string; leases: string }>(`
    select s.n_tup_upd as sessions, s.n_tup_hot_upd as heap_only, l.n_tup_upd as leases
    from pg_stat_user_tables s join pg_stat_user_tables l using (schemaname)
    where schemaname = current_schema and s.relname = 'sessions' and l.relname = 'leases'`);
  return { sessions: Number(row?.sessions), heapOnly: Number(row?.heap_only), leases: Number(row?.leases) };
}

/** A backend reports its statistics at the latest when it ends; `sessions` is how many updates must have arrived. */
async function reportedUpdates(stage: Stage, sessions: number): Promise<Updates> {
  return eventually(
    async () => {
      const updates = await readUpdates(stage);
      return updates.sessions >= sessions && updates;
    },
    { what: `${sessions} updates of sessions in the statistics` },
  );
}

/** What `beat` has PostgreSQL update, once all other stores of the stage are closed. */
async function updatesBy(stage: Stage, beat: (store: MetadataStore) => Promise<number>): Promise<Updates> {
  const before = await readUpdates(stage);
  const store = await stage.store('beating');
  const beats = await beat(store);
  await store[Symbol.asyncDispose]();
  const after = await reportedUpdates(stage, before.sessions + beats);
  return {
    sessions: after.sessions - before.sessions,
    heapOnly: after.heapOnly - before.heapOnly,
    leases: after.leases - before.leases,
  };
}

async function beat(store: MetadataStore, sessionId: string, beats: number): Promise<number> {
  for (let i = 0; i < beats; i++) await store.heartbeat(sessionId);
  return beats;
}

async function leaderOf(stage: Stage, leases: number): Promise<string> {
  const setup = await stage.store('setup');
  await createOrders(setup, leases);
  const { sessionId } = await lead(setup, 'leader', allOrders(leases));
  await setup[Symbol.asyncDispose]();
  await reportedUpdates(stage, 1); // the acquire's own, of the holdings version
  return sessionId;
}

/** As many as one page takes, so that no transaction of another test, which would keep versions from being pruned, matters. */
const onePage = 30;

function beating(leases: number): Scenario {
  return async (stage) => {
    const sessionId = await leaderOf(stage, leases);
    const updates = await updatesBy(stage, (store) => beat(store, sessionId, onePage));
    return differences(updates, { sessions: onePage, heapOnly: onePage, leases: 0 });
  };
}

/** Several pages full of sessions, as full as a page of sessions gets; each beats once. */
const crowd: Scenario = async (stage) => {
  const setup = await stage.store('setup');
  const names = Array.from({ length: 100 }, (_, i) => `agent-${i}`);
  const sessions = await Promise.all(names.map((name) => join(setup, name)));
  await setup[Symbol.asyncDispose]();
  const { heapOnly } = await updatesBy(stage, async (store) => {
    for (const session of sessions) await store.heartbeat(session);
    return sessions.length;
  });
  return differences({ heapOnly }, { heapOnly: sessions.length });
};

/**
 * Ten pages' worth of versions. Each beat prunes those before it, unless a transaction is open anywhere in the database that
 * might still see them: then it is tried again, until the other tests leave a gap.
 */
const longLife: Scenario = async (stage) => {
  const sessionId = await leaderOf(stage, 1);
  const share = await eventually(
    async () => {
      const { sessions, heapOnly } = await updatesBy(stage, (store) => beat(store, sessionId, 400));
      return heapOnly >= 0.99 * sessions && heapOnly / sessions;
    },
    { what: '99 of 100 heartbeats to be heap-only' },
  );
  return differences({ enough: share >= 0.99 }, { enough: true });
};

rule('a heartbeat under 12 leases updates one row, heap-only', beating(12), [
  { mutant: indexesTheBeat, shows: /heapOnly: 0/ },
  { mutant: indexesByTheBeat, shows: /heapOnly: 0/ },
  { mutant: renewsLeases, shows: new RegExp(`leases: ${12 * onePage}`) },
]);
rule('a heartbeat under 10,000 leases updates one row, heap-only', beating(10_000));
rule('every session has room for its beats on its page', crowd, [
  { mutant: crampsThePage, shows: /heapOnly: \d+, not/ },
]);
rule('heartbeats stay heap-only without a vacuum', longLife);
