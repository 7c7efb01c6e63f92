// Brokers under load and faults, a short form: every acknowledged record once, in order, at its offset, and no write from the past got
// through. `npm run load` is the long form. And the same checks on a cluster whose fence was taken away: they must fail.
import { setMaxListeners } from 'node:events';
import { afterEach, expect, inject, test } from 'vitest';
import { checkRecords } from '../../src/demo/checks/records.ts';
import { eventually } from '../support/eventually.ts';
import { FencelessProxy } from '../load/fenceless-proxy.ts';
import { HeedlessBroker } from '../load/heedless-broker.ts';
import { leadersAt, loadPartitions, runLoad, setStage } from '../load/load-run.ts';
import { Producers } from '../load/producers.ts';
import { readBack } from '../load/read-back.ts';
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

test(
  'without the fence, brokers that heed nothing are caught by the checks',
  { timeout },
  async ({ skip }) => {
    skip(target === undefined, 'no PostgreSQL on this platform');
    await using store = postgresStore(target?.url ?? '');
    await using stage = await setStage(store.env, { brokers: false });
    const proxies: FencelessProxy[] = [];
    for (const node of stage.nodes) {
      const proxy = await FencelessProxy.before(node, stage.nodes);
      proxies.push(proxy);
      const port = Number(node.address.split(':')[1]);
      open.push(proxy, await HeedlessBroker.start({ agentUrl: proxy.url, data: stage.data, port }));
    }
    const producers = new Producers({
      partitions: loadPartitions,
      addresses: stage.nodes.map(({ address }) => address),
      producersPerPartition: 1,
      random: Math.random,
    });
    const zombies = new Zombies({
      urls: proxies.map(({ url }) => url),
      data: stage.data,
      random: Math.random,
    });
    const stop = new AbortController();
    setMaxListeners(0, stop.signal); // every producer sleeps on it
    const working = Promise.all([producers.run(stop.signal), zombies.run(stop.signal)]);
    await eventually(() => producers.acknowledged.length > 100);
    const [first, second] = stage.nodes;
    if (first === undefined || second === undefined) throw new Error('there are no nodes');
    // Its partitions are led elsewhere, and it goes on all the same, through an agent that is back.
    first.program('agent').kill('SIGKILL');
    await first.program('agent').exited;
    await eventually(async () => {
      const leaders = await leadersAt(second.agentUrl);
      return leaders.every((leader) => leader !== null && leader !== first.name);
    });
    first.start('agent');
    await first.active();
    await eventually(() => zombies.appends.length > 0 && proxies.some(({ rewritten }) => rewritten > 10));
    stop.abort();
    await working;

    const read = await readBack(first.agentUrl, stage.data, loadPartitions);
    const { sent, acknowledged } = producers;
    const checks = checkRecords({
      partitions: loadPartitions,
      sent,
      acknowledged,
      read,
      zombies: zombies.appends,
    });
    const failed = checks.filter(({ violations }) => violations.length > 0).map(({ claim }) => claim);
    expect(failed).toContainEqual(expect.stringMatching(/appends under epochs that were over/));
    expect(failed).toContainEqual(expect.stringMatching(/each object uploaded under its own/));
  },
);
