// An agent that hears no signals lives on its heartbeats: later than the others, and as right as they are.
import { expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startProxy } from '../support/proxy.ts';
import { Neighbours } from './neighbours.ts';

const [target] = inject('postgresTargets');
if (target === undefined) throw new Error('no PostgreSQL to test with');
const { url } = target;

const orders = { name: 'orders', partitionCount: 12, retentionMs: null, config: {} };

test.each(['a follower', 'the coordinator', 'everybody'])(
  'assignment changes are followed although %s hears nothing, and it says so',
  async (who) => {
    await using proxy = await startProxy(Number(new URL(url).port));
    proxy.mode = 'blackhole';
    const hole = new URL(url);
    hole.port = String(proxy.port);
    const isDeaf = (place: number): boolean =>
      who === 'everybody' || (who === 'the coordinator' ? place === 0 : place === 1);
    await using neighbours = await Neighbours.open(url);
    const join = (agentId: string, place: number) =>
      neighbours.join(agentId, isDeaf(place) ? { signalsUrl: hole.href } : {});
    await neighbours.store.createTopic(orders);
    await join('a', 0);
    await neighbours.settled([12]);
    await join('b', 1);
    await neighbours.settled([6, 6]);
    await join('c', 2);
    await neighbours.settled([4, 4, 4]);
    await neighbours.store.deleteTopic('orders');
    await neighbours.settled([0, 0, 0]);
    await neighbours.store.createTopic({ ...orders, name: 'payments', partitionCount: 6 });
    await neighbours.settled([2, 2, 2]);
    for (const [place, { agent }] of neighbours.agents.entries()) {
      const signals = (): boolean | undefined => agent.readiness().find(({ name }) => name === 'signals')?.ok;
      await eventually(() => signals() !== isDeaf(place));
      expect(agent.status().state).toBe('active');
    }
    expect(neighbours.violations).toEqual([]);
  },
);
