// A takeover of n leases costs n steps also on a store that PostgreSQL has never analyzed, such as one whose topics are a minute old.
// Until then the planner expects one row everywhere, and a join that looks free at one row is quadratic at a thousand.
// Counted in rows that joins compared and threw away, as EXPLAIN ANALYZE tells: not in time.
import { describe, expect, inject, test } from 'vitest';
import { allOrders, createOrders, join } from './cast.ts';
import type { Mutant } from './mutants.ts';
import { Stage } from './stage.ts';

const leases = 1_000;

const comparesWithConstant: Mutant['edits'] = [
  { statement: 'acquire_leases', find: /h\.group_name = g\.group_name/, replace: `h.group_name = 'g'` },
];

/** The acquire explains itself; the row it seems to answer is nobody's. */
function explaining(plans: unknown[], edits: Mutant['edits']): Mutant {
  return {
    name: 'explains its acquire',
    edits: [
      {
        statement: 'acquire_leases',
        find: /^\s*with free/,
        replace: 'explain (analyze, timing off, format json) with free',
      },
      ...edits,
    ],
    rows: () => (statement, row) => {
      if (statement !== 'acquire_leases') return row;
      plans.push(row['QUERY PLAN']);
      return {
        kind: 'role',
        name: '',
        partition: 0,
        epoch: 0,
        agent_before: null,
        silent_ms: null,
        holdings_version: 1,
      };
    },
  };
}

/** A thousand leases of a session that was reaped, written by hand because the stage's acquire only explains. */
async function deadLeader(stage: Stage, sessionId: string): Promise<void> {
  await stage.query(`
    alter table leases set (autovacuum_enabled = off);
    alter table lease_history set (autovacuum_enabled = off);
    update leases set session_id = '${sessionId}', epoch = epoch + 1, acquired_at = now();
    insert into lease_history (group_name, kind, name, partition, epoch, session_id, agent_id, acquired_at)
      select group_name, kind, name, partition, epoch, session_id, 'dead', now() from leases;
    update sessions set ended_at = now(), end_reason = 'reaped' where session_id = '${sessionId}'`);
}

async function rowsThrownAway(url: string, edits: Mutant['edits']): Promise<number> {
  const plans: unknown[] = [];
  await using stage = await Stage.open(url, explaining(plans, edits));
  const store = await stage.store('store');
  await createOrders(store, leases);
  await deadLeader(stage, await join(store, 'dead'));
  await store.acquireLeases(await join(store, 'successor'), allOrders(leases));
  stage.assertMutated();
  const counts = JSON.stringify(plans).matchAll(/"Rows Removed by (?:Join )?Filter":(\d+)/g);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

describe.each(inject('postgresTargets').map(({ name, url }) => [name, url] as const))('%s', (_name, url) => {
  test('a takeover on a young store compares each lease a few times', async () => {
    expect(await rowsThrownAway(url, [])).toBeLessThan(5 * leases);
  });

  test('it compares each with each where the history is looked up by a constant', async () => {
    expect(await rowsThrownAway(url, comparesWithConstant)).toBeGreaterThan((leases * leases) / 4);
  });
});
