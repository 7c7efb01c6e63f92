// Writing n moves costs n steps also where the server believes that nothing is assigned: it was told so when that was true,
// or everything was taken away a moment ago. Counted in pages touched, as EXPLAIN ANALYZE tells: not in time.
import { describe, expect, inject, test } from 'vitest';
import type { Move } from '../../../src/domain/planner.ts';
import { COORDINATOR } from '../../../src/domain/lease.ts';
import { createOrders, lead, topic } from './cast.ts';
import type { Mutant } from './mutants.ts';
import { Stage } from './stage.ts';

const partitions = 8_000;

const joinsTopics: Mutant['edits'] = [
  {
    statement: 'change_assignments',
    find: /\(select t\.topic_id from (\S+) t\s+where (t\.group_name = \S+ and t\.name = m\.topic)\) as topic_id\s+from (\(select \* from unnest[^]*? as u\([^)]*\)\)) as m\)/,
    replace: 't.topic_id from $3 as m cross join $1 t where $2)',
  },
];

function explaining(plans: unknown[], edits: Mutant['edits']): Mutant {
  return {
    name: 'explains its write',
    edits: [
      {
        statement: 'change_assignments',
        find: /^\/\* change_assignments \*\/ update/,
        replace: 'explain (analyze, buffers, timing off, format json) update',
      },
      ...edits,
    ],
    rows: () => (statement, row) => {
      if (statement === 'change_assignments') plans.push(row['QUERY PLAN']);
      return row;
    },
  };
}

const all = (from: string | null, to: string | null): Move[] =>
  Array.from({ length: partitions }, (_, partition) => ({ topic, partition, from, to, reason: 'drain' }));

/** Of the last write, on a table whose rows have just gone. */
async function pagesTouched(url: string, edits: Mutant['edits']): Promise<number> {
  const plans: unknown[] = [];
  await using stage = await Stage.open(url, explaining(plans, edits));
  const store = await stage.store('store');
  await stage.query('alter table assignments set (autovacuum_enabled = off)');
  await createOrders(store, partitions);
  const { fence } = await lead(store, 'a', [COORDINATOR]);
  const write = async (moves: readonly Move[]): Promise<void> => {
    await store.writeAssignment(fence, moves);
    await store.assignmentRewritten(moves.length);
  };
  await write(all(null, 'a'));
  await write(all('a', 'b'));
  await write(all('b', null));
  await write(all('a', 'b'));
  stage.assertMutated();
  const [touched] = [...JSON.stringify(plans.at(-1)).matchAll(/"Shared Hit Blocks":(\d+)/g)];
  return Number(touched?.[1]);
}

describe.each(inject('postgresTargets').map(({ name, url }) => [name, url] as const))('%s', (_name, url) => {
  test('each move looks up one row', async () => {
    expect(await pagesTouched(url, [])).toBeLessThan(8 * partitions);
  });

  test('each move reads many where topics are joined, which lets the server look up numbers alone', async () => {
    expect(await pagesTouched(url, joinsTopics)).toBeGreaterThan(12 * partitions);
  });
});
