// A thing that is done to n leases costs n steps, whatever PostgreSQL believes of the tables: that they are empty, because nobody has analyzed them
// yet; that nobody leads anything, because somebody looked before leases were taken; that this agent group has nothing, because only others had when somebody did; that almost nothing is left in many
// pages, because it was so after a large topic had gone. A join that looks free at one row is quadratic at a thousand.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { sentBy } from '../../../bench/baseline/sent.ts';
import { COORDINATOR, type PartitionKey } from '../../../src/domain/lease.ts';
import type { Move } from '../../../src/domain/planner.ts';
import type { MetadataStore } from '../../../src/store/metadata-store.ts';
import { hasPostgres, type PostgresMajor } from '../../support/postgres-binaries.ts';
import { allOrders, append, bury, createOrders, join, lead, segment, take, topic } from './cast.ts';
import type { Mutant } from './mutants.ts';
import { PlanLog, type PlanKind } from './plan-log.ts';
import { Stage } from './stage.ts';

/** So many that no table is read whole because it is of a few pages, and fewer than what a store has analyzed by itself. */
const count = 990;
/** A step that compares each with each handles at least a quarter of this. */
const square = count * count;
const page = { limit: 1_000 };

const beliefs = [
  'nothing at all, never asked',
  'nobody leads anything',
  'only other groups have anything',
  'almost nothing is left',
] as const;

type Belief = (typeof beliefs)[number];

const move =
  (from: string | null, to: string) =>
  (key: PartitionKey): Move => ({ ...key, from, to, reason: 'drain' });

/** Lists are read in pages, and a large topic is followed by an ANALYZE: they are not asked of a store that believes that next to nothing is left. */
async function list(store: MetadataStore): Promise<void> {
  await store.listPartitions(topic, page);
  await store.listPartitionLeases({}, page);
  await store.listPartitionLeases({ agentId: 'one' }, page);
  await store.countPartitions();
}

/** All that is done to many partitions at once. `look`: when the topic has been made. */
async function work(
  stage: Stage,
  store: MetadataStore,
  look = async (): Promise<unknown> => undefined,
): Promise<void> {
  const keys = allOrders(count);
  await createOrders(store, count);
  await look();
  const { sessionId: one, fence } = await lead(store, 'one', [COORDINATOR]);
  await store.writeAssignment(fence, keys.map(move(null, 'one')));
  const led = await take(store, one, keys);
  await store.heldLeases(one);
  await store.readPlanningInput();
  await store.readTargets(keys);
  await store.readAssignment('one');
  await append(store, led.fence, [segment(0, 9)]);
  const commits = keys.map((key) => ({ ...key, offset: 0, metadata: null }));
  await store.commitOffsets('readers', commits);
  await store.commitOffsets('readers', commits);
  await store.listCommittedOffsets('readers', page);
  // In parts, as brokers' acknowledgements come: none is of half the table, which a plan might read whole.
  await store.releaseLeases(one, led.terms.slice(0, count / 3), 'released');
  await store.releaseLeases(one, led.terms.slice(count / 3, (2 * count) / 3), 'released');

  const two = await join(store, 'two');
  await take(store, two, keys.slice(0, (2 * count) / 3));
  await bury(stage, store, one);
  await take(store, two, keys.slice((2 * count) / 3));
  const successor = await take(store, two, [COORDINATOR]);
  await store.writeAssignment(successor.fence, keys.map(move('one', 'two')));
  await store.purge(0);
  await store.deleteTopic(topic);
  await bury(stage, store, two);
  await store.purge(0);
}

/** Brings about the belief. */
async function prepare(stage: Stage, belief: Belief): Promise<void> {
  if (belief === 'nothing at all, never asked' || belief === 'nobody leads anything') return;
  for (let i = 0; i < 12; i++) {
    const store = await stage.store(`g${i}`, { group: `g${i}`, poolMax: 1 });
    await createOrders(store, 10);
    await lead(store, 'a', [COORDINATOR, ...allOrders(10)]);
  }
  if (belief === 'almost nothing is left') {
    await work(stage, await stage.store('before'));
    await stage.query(`set session_replication_role = replica`);
    await stage.query(`delete from leases where kind <> 'role'`);
    await stage.query('delete from lease_history');
    await stage.query('delete from partitions');
    await stage.query(`delete from topics where group_name <> 'g0'`);
    await stage.query(`set session_replication_role = origin`);
  }
  await stage.query('analyze');
}

async function workUnder(log: PlanLog, belief: Belief, mutant?: Mutant) {
  await using stage = await Stage.open(log.url, mutant);
  await prepare(stage, belief);
  const store = await stage.store('store');
  log.forget();
  await work(stage, store, async () => {
    if (belief === 'nobody leads anything') await stage.query('analyze');
    if (belief !== 'almost nothing is left') await list(store);
  });
  if (mutant) stage.assertMutated();
  return log.look(square / 4);
}

/** Said as one would first: each lets a plan compare each with each. */
const mutants: { mutant: Mutant; belief: Belief; planKind: PlanKind }[] = [
  {
    mutant: {
      name: 'looks leases up by the group that it was told',
      edits: [
        {
          statement: 'acquire_leases',
          find: /l\.group_name = k\.group_name/,
          replace: 'l.group_name = $1::text',
        },
      ],
    },
    belief: 'only other groups have anything',
    planKind: 'custom',
  },
  {
    mutant: {
      name: 'joins the history',
      edits: [
        {
          statement: 'delete_terms',
          find: /ctid = any\(array\(select "h"\.ctid ([^]*) cross join lateral \(select [^]* from (\S+) "h" where ([^]*?) offset 0\) "h"\s*\)\)/,
          replace: `(group_name, kind, name, partition, epoch) in (
            select h.group_name, h.kind, h.name, h.partition, h.epoch $1 cross join $2 h where $3)`,
        },
      ],
    },
    belief: 'almost nothing is left',
    planKind: 'custom',
  },
  {
    mutant: {
      name: 'names a session’s own leases by "is not distinct from"',
      edits: [
        {
          statement: 'release_leases',
          find: /coalesce\((l\.session_id) = (\S+), false\)/g,
          replace: '$1 is not distinct from $2',
        },
      ],
    },
    belief: 'nobody leads anything',
    planKind: 'generic',
  },
];

/** Many rows are always planned for as they are (custom); a few as they come (generic), from a size on that only the statistics tell. */
const kinds: readonly (readonly [PostgresMajor, PlanKind, readonly Belief[]])[] = [
  [16, 'custom', beliefs],
  [14, 'custom', beliefs],
  [16, 'generic', beliefs.filter((belief) => belief !== 'almost nothing is left')],
];

describe.each(kinds.filter(([major]) => hasPostgres(major)))(
  'PostgreSQL %i, %s plans',
  (major, planKind, those) => {
    let log: PlanLog;

    beforeAll(async () => {
      log = await PlanLog.start(major, planKind);
    });
    afterAll(() => log[Symbol.asyncDispose]());

    test.each(those)('where it believes: %s', async (belief) => {
      const { statements, wasteful } = await workUnder(log, belief);
      expect(wasteful).toEqual([]);
      expect(statements).toBeGreaterThan(50);
    });

    test.each(mutants.filter((each) => major === 16 && each.planKind === planKind))(
      'a store that $mutant.name compares each with each',
      async ({ mutant, belief }) => {
        const { wasteful } = await workUnder(log, belief, mutant);
        expect(wasteful.length).toBeGreaterThan(0);
      },
    );
  },
);

test('statements for 200 rows and more are not prepared: a plan that is kept may be from when the tables were empty', async () => {
  await using stage = await Stage.open(inject('postgresTargets')[0]?.url ?? '');
  const store = await stage.store('store');
  await createOrders(store, 400);
  const sessionId = await join(store, 'a');
  const sent = await sentBy(async () => {
    await take(store, sessionId, allOrders(199));
    await take(store, sessionId, allOrders(400).slice(199, 399));
  });
  const acquires = sent.filter(({ text }) => text.startsWith('/* acquire_leases */'));
  expect(acquires.map(({ name }) => name)).toEqual(['acquire_leases', undefined]);
});
