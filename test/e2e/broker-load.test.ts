// Brokers under load and faults, a short form: every acknowledged record once, in order, at its offset, and no write from the past got
// through. `npm run load` is the long form. And the same checks on a cluster whose fence was taken away: they must fail.
import { afterEach, describe, expect, inject, test } from 'vitest';
import { AgentApi } from '../../src/demo/api.ts';
import { checkRecords } from '../../src/demo/checks/records.ts';
import { Producers } from '../../src/demo/producers.ts';
import { readBack } from '../../src/demo/read-back.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { eventually } from '../support/eventually.ts';
import { FencelessProxy } from '../load/fenceless-proxy.ts';
import { HeedlessBroker } from '../load/heedless-broker.ts';
import { leadersAt, loadPartitions, runLoad, setStage } from '../load/load-run.ts';
import { Zombies } from '../load/zombies.ts';
import { postgresStore } from './cluster.ts';

const [target] = inject('postgresTargets');
const timeout = 180_000;
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

test(
  'nothing acknowledged is lost, doubled or out of order while agents and brokers die',
  { timeout },
  async ({ skip }) => {
    skip(target === undefined, 'no PostgreSQL on this platform');
    await using store = postgresStore(target?.url ?? '');
    const lines: string[] = [];
    const { checks } = await runLoad({
      env: store.env,
      seconds: 14,
      seed: 20_261_122,
      lanes: 1,
      say: (line) => lines.push(line),
    });
    const violations = checks.flatMap((check) => check.violations);
    // The run's own words with what is wrong, for whoever reads the failure.
    expect(violations.length === 0 ? [] : [...violations, ...lines]).toEqual([]);
  },
);

describe('brokers that heed nothing', { timeout }, () => {
  test('are held by the fence', async ({ skip }) => {
    skip(target === undefined, 'no PostgreSQL on this platform');
    expect(await failedChecks('in place')).toEqual([]);
  });

  test('are caught by the checks when the fence is taken away', async ({ skip }) => {
    skip(target === undefined, 'no PostgreSQL on this platform');
    const failed = await failedChecks('taken away');
    expect(failed).toContainEqual(expect.stringMatching(/appends under epochs that were over/));
    expect(failed).toContainEqual(expect.stringMatching(/each object uploaded under its own/));
  });
});

/** What the checks find when an agent dies and its partitions go elsewhere, and its broker goes on all the same. */
async function failedChecks(fence: 'in place' | 'taken away'): Promise<string[]> {
  await using store = postgresStore(target?.url ?? '');
  await using stage = await setStage(store.env, { brokers: false });
  const urls: string[] = [];
  for (const node of stage.nodes) {
    const proxy = await FencelessProxy.before(node, stage.nodes);
    open.push(proxy);
    const agentUrl = fence === 'in place' ? node.agentUrl : proxy.url;
    urls.push(agentUrl);
    const port = Number(node.address.split(':')[1]);
    open.push(await HeedlessBroker.start({ agentUrl, data: stage.data, port }));
  }
  const partitions = loadPartitions;
  const addresses = stage.nodes.map(({ address }) => address);
  const producers = new Producers(
    { clock: systemClock, random: Math.random },
    { partitions, addresses, producersPerPartition: 1 },
  );
  const zombies = new Zombies({ urls, data: stage.data, random: Math.random });
  const stop = new AbortController();
  // What a heedless broker cannot write any more it never will: nobody waits for it.
  const working = Promise.all([producers.run(stop.signal, stop.signal), zombies.run(stop.signal)]);
  await eventually(
    () => new Set(producers.acknowledged.map(({ batch }) => batch.partition)).size === loadPartitions.length,
  );

  const [first, second] = stage.nodes;
  if (first === undefined || second === undefined) throw new Error('there are no nodes');
  first.program('agent').kill('SIGKILL');
  await first.program('agent').exited;
  await eventually(async () => {
    const leaders = await leadersAt(second.agentUrl);
    return leaders.every((leader) => leader !== null && leader !== first.name);
  });
  first.start('agent');
  await first.active();
  const before = producers.retries + producers.acknowledged.length;
  await eventually(
    () => zombies.appends.length > 2 && producers.retries + producers.acknowledged.length > before + 100,
  );
  stop.abort();
  await working;

  const read = await readBack(new AgentApi(first.agentUrl, systemClock), { data: stage.data, partitions });
  const { sent, acknowledged, surprises } = producers;
  const evidence = { partitions, sent, acknowledged, read, zombies: zombies.appends, surprises };
  return checkRecords(evidence).flatMap(({ claim, violations }) => (violations.length > 0 ? [claim] : []));
}
