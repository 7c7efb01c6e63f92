// One of a pair dies. A dead agent: its broker has stopped before another is granted its partitions. A dead broker: its agent hands them
// over and leads nothing until the broker is back. `npm run load -- --kills 50` is the long form of the first.
import { afterEach, describe, expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { KillStage } from '../load/kills.ts';
import { killBroker } from '../load/broker-kills.ts';
import { leadersAt, setStage } from '../load/load-run.ts';
import { postgresStore, type SharedStore } from './cluster.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

describe('on PostgreSQL', () => {
  const open: AsyncDisposable[] = [];

  afterEach(async () => {
    for (const each of open.splice(0).toReversed()) await each[Symbol.asyncDispose]();
  });

  function makeStore(): SharedStore {
    const store = postgresStore(url);
    open.push(store);
    return store;
  }

  test(
    'kill -9 of an agent: its broker has stopped before any of its partitions is granted again',
    { timeout: 120_000 },
    async () => {
      const stage = await KillStage.set(makeStore().env);
      open.push(stage);
      for (const agentId of ['a', 'b', 'c']) {
        const kill = await stage.kill(agentId);
        expect(kill).toMatchObject({ agentId, terms: 4, ledByTwo: [] });
        expect(kill.stoppedMs).toBeLessThan(kill.firstGrantMs);
      }
    },
  );

  test(
    'kill -9 of a broker: its agent hands everything over, lives, and leads again when the broker is back',
    { timeout: 120_000 },
    async () => {
      const stage = await setStage(makeStore().env);
      open.push(stage);
      const [first, second] = stage.nodes;
      if (first === undefined || second === undefined) throw new Error('there are no nodes');
      await killBroker(first, second);
      const self: unknown = await (await fetch(`${first.agentUrl}/v1/agent`)).json();
      expect(self).toMatchObject({ state: 'broker_down', leases: 0 });
      first.start('broker');
      await eventually(async () => (await leadersAt(second.agentUrl)).includes(first.name));
      expect(await (await fetch(`${first.agentUrl}/v1/agent`)).json()).toMatchObject({ state: 'active' });
    },
  );
});
