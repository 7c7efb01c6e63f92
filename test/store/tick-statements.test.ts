// What agents do on a tick is the same number of statements however many partitions there are: nothing is asked partition by partition.
import { describe, expect, inject, test } from 'vitest';
import { partitionKey, roleKey, type Term } from '../../src/domain/lease.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import type { Move } from '../../src/domain/planner.ts';
import { join, topic } from './contract/samples.ts';
import { type Open, openSqlite, postgresOpener } from './counted-stores.ts';

/** The statements of each step, where one agent coordinates, and leads what it is planned to lead. */
async function statementsOf(open: Open, partitionCount: number): Promise<Readonly<Record<string, number>>> {
  const { store, db } = await open();
  await store.createTopic(topic('orders', partitionCount));
  const sessionId = await join(store, 'a');
  const keys = Array.from({ length: partitionCount }, (_, partition) => partitionKey('orders', partition));
  const coordinator = roleKey('coordinator');
  const [role] = (await store.acquireLeases(sessionId, [coordinator])).outcomes;
  const fence = { sessionId, epoch: role?.outcome === 'granted' ? role.epoch : 0 };
  let terms: readonly Term[] = [];
  const steps: Readonly<Record<string, (store: MetadataStore) => Promise<unknown>>> = {
    'reads what to plan': () => store.readPlanningInput(),
    'writes the plan': () =>
      store.writeAssignment(
        fence,
        keys.map(({ topic: of, partition }): Move => ({
          topic: of,
          partition,
          from: null,
          to: 'a',
          reason: 'balance',
        })),
      ),
    'reads its assignment': () => store.readAssignment('a'),
    'reads targets': () => store.readTargets(keys),
    acquires: async () => {
      const { outcomes } = await store.acquireLeases(sessionId, keys);
      terms = outcomes.map((each) => ({ key: each.key, epoch: each.outcome === 'granted' ? each.epoch : 0 }));
    },
    beats: () => store.heartbeat(sessionId),
    'reads what it holds': () => store.heldLeases(sessionId),
    'observes sessions': () => store.observeSessions(),
    'observes the coordinator': () => store.observeCoordinator(2),
    'reads the generation': () => store.assignmentGeneration(),
    'reads what is asked of balancing': () => store.readRebalance(),
    'counts partitions': () => store.countPartitions(),
    'counts agents': () => store.countAgents(),
    releases: () => store.releaseLeases(sessionId, terms, 'released'),
    'reads what is left to plan': () => store.readPlanningInput(),
  };
  const counts: Record<string, number> = {};
  for (const [name, step] of Object.entries(steps)) {
    counts[name] = (await db.during(() => step(store))).length;
  }
  return counts;
}

function ticks(open: Open): void {
  test('100 partitions and 1,000 take the same statements', async () => {
    const few = await statementsOf(open, 100);
    expect(await statementsOf(open, 1_000)).toEqual(few);
    expect(few).toMatchObject({ beats: 1, 'reads its assignment': 2 });
  });
}

describe('SQLite', () => {
  ticks(openSqlite);
});

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { name, url } = target;
describe(name, () => {
  ticks(postgresOpener(url));
});
