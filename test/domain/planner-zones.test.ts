// Zones: a topic is spread over them, and what leaves an agent stays in its zone, as far as balance allows.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plan, type PlannerAgent, type PlannerPartition } from '../../src/domain/planner.ts';
import { agent, apply, at, check, countBy, loads, shares, topic } from './planner-clusters.ts';

/** Two agents in zone x, and one each in y and z. */
const uneven = [
  agent('a', { zone: 'x' }),
  agent('b', { zone: 'x' }),
  agent('c', { zone: 'y' }),
  agent('d', { zone: 'z' }),
];

describe('zones', () => {
  it('get equally many of a topic where balance leaves the choice', () => {
    const after = apply(topic('orders', 3), plan({ agents: uneven, partitions: topic('orders', 3) }));
    expect(zonesOf(uneven, after)).toEqual({ x: 1, y: 1, z: 1 });
  });

  it('come after balance', () => {
    const after = apply(topic('orders', 8), plan({ agents: uneven, partitions: topic('orders', 8) }));
    expect(zonesOf(uneven, after)).toEqual({ x: 4, y: 2, z: 2 });
  });

  it('keep what left an agent of theirs, by its own word or not', () => {
    const partitions = [at('orders', 0, 'gone'), at('orders', 1, 'a'), at('payments', 0, 'c')];
    const departed = [{ agentId: 'gone', zone: 'z', hasCrashed: true }];
    const agents = [...uneven, agent('e', { zone: 'z', takes: 'nothing', leaving: 'drain' })];
    const { moves } = plan({ agents, partitions: [...partitions, at('refunds', 0, 'b')], departed });
    expect(moves).toMatchObject([{ to: 'd', reason: 'agent_crashed' }]);
    const drained = [at('orders', 0, 'e'), ...partitions.slice(1), at('refunds', 0, 'b')];
    expect(plan({ agents, partitions: drained }).moves).toMatchObject([{ to: 'd', reason: 'drain' }]);
  });

  it('wait for each other: what can stay in its zone does, though another agent was left before', () => {
    // Everybody in y has one less: whatever comes first must go there, and that is what is from y.
    const agents = ['x1', 'x2', 'y1', 'y2'].map((id) => agent(id, { zone: id.slice(0, 1) }));
    const partitions = [
      ...topic('a-of-x', 2, 'x0'),
      ...topic('b-of-y', 4, 'y0'),
      at('c', 0, 'x1'),
      at('c', 1, 'x2'),
    ];
    const departed = ['x0', 'y0'].map((agentId) => ({
      agentId,
      zone: agentId.slice(0, 1),
      hasCrashed: false,
    }));
    const after = apply(partitions, plan({ agents, partitions, departed }));
    expect(countBy(after.map((each) => `${each.topic} in ${each.assignedTo?.slice(0, 1)}`))).toEqual({
      'a-of-x in x': 2,
      'b-of-y in y': 4,
      'c in x': 2,
    });
  });

  it('leave to what is new the turns of others', () => {
    const agents = [agent('x1', { zone: 'x', weight: 2 }), agent('y1', { zone: 'y' })];
    const departed = [{ agentId: 'gone', zone: 'x', hasCrashed: false }];
    const { moves } = plan({ agents, partitions: [...topic('a', 6, 'gone'), ...topic('b', 3)], departed });
    expect(countBy(moves.map((move) => `${move.topic} to ${move.to}`))).toEqual({
      'a to x1': 6,
      'b to y1': 3,
    });
  });

  it('of agents that nobody knows any more do not matter', () => {
    const { moves } = plan({ agents: uneven, partitions: topic('orders', 4, 'gone') });
    expect(countBy(moves.map(({ to }) => to))).toEqual({ a: 1, b: 1, c: 1, d: 1 });
  });
});

describe('for any agents of equal weight in zones', () => {
  const anyZones = fc.array(fc.constantFrom('w', 'x', 'y', 'z'), { minLength: 1, maxLength: 9 });
  const cluster = fc.tuple(anyZones, fc.nat(30), fc.integer({ min: 1, max: 25 }));

  check(
    'a new topic has in no zone two more than in another, unless balance leaves no choice',
    cluster,
    ([zones, old, size]) => {
      const agents = zones.map((zone, i) => agent(`a${i}`, { zone }));
      const before = apply(topic('old', old), plan({ agents, partitions: topic('old', old) }));
      const partitions = [...before, ...topic('new', size)];
      const after = apply(partitions, plan({ agents, partitions }));
      const fresh = after.filter((each) => each.topic === 'new');
      const inZone = zonesOf(agents, fresh);
      const load = loads(after);
      for (const giver of agents.filter(({ agentId }) => fresh.some((p) => p.assignedTo === agentId))) {
        for (const taker of agents) {
          // Only what was above the level of the taker could have gone there instead.
          if ((load[taker.agentId] ?? 0) >= (load[giver.agentId] ?? 0)) continue;
          expect(inZone[giver.zone] ?? 0).toBeLessThanOrEqual((inZone[taker.zone] ?? 0) + 1);
        }
      }
    },
  );

  check(
    'what leaves an agent stays in its zone while somebody there is among the least loaded',
    fc.tuple(anyZones, fc.nat(60), fc.nat()),
    ([zones, size, which]) => {
      const all = zones.map((zone, i) => agent(`a${i}`, { zone }));
      const before = apply(topic('t', size), plan({ agents: all, partitions: topic('t', size) }));
      const leaver = all[which % all.length] ?? agent('none');
      const agents = all.filter((each) => each !== leaver);
      if (agents.length === 0) return;
      const departed = [{ agentId: leaver.agentId, zone: leaver.zone, hasCrashed: false }];
      const after = apply(before, plan({ agents, partitions: before, departed }));
      const load = loads(after);
      const moved = after.filter((_, i) => before[i]?.assignedTo === leaver.agentId);
      const strays = agents.filter(
        ({ agentId, zone }) => zone !== leaver.zone && moved.some((p) => p.assignedTo === agentId),
      );
      for (const stray of strays) {
        for (const neighbour of agents.filter(({ zone }) => zone === leaver.zone)) {
          // It could have taken what the stray has on top, and nobody would have more than before.
          expect(load[neighbour.agentId] ?? 0).toBeGreaterThanOrEqual(load[stray.agentId] ?? 0);
        }
      }
    },
  );

  check('balance does not suffer', cluster, ([zones, old, size]) => {
    const agents = zones.map((zone, i) => agent(`a${i}`, { zone, weight: 1 + (i % 3) }));
    const partitions = [...topic('old', old, 'a0'), ...topic('new', size)];
    const load = loads(apply(partitions, plan({ agents, partitions })));
    for (const { agentId, least, most } of shares(agents, partitions.length)) {
      expect(load[agentId] ?? 0).toBeGreaterThanOrEqual(least);
      expect(load[agentId] ?? 0).toBeLessThanOrEqual(most);
    }
  });

  it('each topic of many is spread over zones of equal size', () => {
    const agents = Array.from({ length: 40 }, (_, i) =>
      agent(`a${String(i).padStart(2, '0')}`, { zone: i < 14 ? 'x' : i < 27 ? 'y' : 'z' }),
    );
    const partitions = Array.from({ length: 100 }, (_, i) => topic(`t${i}`, 4)).flat();
    const after = apply(partitions, plan({ agents, partitions }));
    for (let i = 0; i < 100; i += 1) {
      const ofTopic = after.filter((each) => each.topic === `t${i}`);
      const counts = zonesOf(agents, ofTopic);
      const inZone = ['x', 'y', 'z'].map((zone) => counts[zone] ?? 0);
      expect(Math.max(...inZone) - Math.min(...inZone)).toBeLessThanOrEqual(1);
    }
  });
});

function zonesOf(
  agents: readonly PlannerAgent[],
  partitions: readonly PlannerPartition[],
): Record<string, number> {
  const zones = new Map(agents.map(({ agentId, zone }) => [agentId, zone]));
  return countBy(partitions.map(({ assignedTo }) => zones.get(assignedTo ?? '') ?? null));
}
