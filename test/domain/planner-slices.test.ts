// Planning in slices, and a cluster of the size that we build for.
import { describe, expect, it } from 'vitest';
import { plan, type Plan, planAssignment } from '../../src/domain/planner.ts';
import { agent, agents, apply, at, countBy, topic } from './planner-clusters.ts';

describe('planning in slices', () => {
  it('gives the same plan whatever the size of a slice', () => {
    const input = { agents: agents('a', 'b', 'c'), partitions: [...topic('x', 40, 'a'), ...topic('y', 9)] };
    const tiny = inSlices(planAssignment(input, { sliceSize: 1 }));
    const huge = inSlices(planAssignment(input, { sliceSize: 1_000_000 }));
    expect(tiny.plan).toEqual(huge.plan);
    expect(tiny.slices).toBeGreaterThan(49);
    expect(huge.slices).toBe(1);
  });

  it('does not depend on the order of its input, also where that takes more than one slice to sort', () => {
    const partitions = [
      ...Array.from({ length: 4_000 }, (_, i) => topic(`topic-${i}`, 1)).flat(),
      ...topic('a', 4_000),
    ];
    const mixed = partitions.map(
      (_, i) => partitions[(i * 4_999) % partitions.length] ?? at('none', 0, null),
    );
    const sorted = plan({ agents: agents('a', 'b', 'c'), partitions });
    expect(plan({ agents: agents('c', 'a', 'b'), partitions: mixed })).toEqual(sorted);
    const names = sorted.moves.map((move) => move.topic);
    expect(names).toEqual(names.toSorted());
  });

  it('covers 100,000 partitions on 1,000 agents in some hundred slices', () => {
    const names = Array.from({ length: 1_001 }, (_, i) => `agent-${i}`);
    const old = names.slice(0, 1_000);
    const fresh = Array.from({ length: 1_000 }, (_, i) => topic(`topic-${i}`, 100)).flat();

    const start = inSlices(planAssignment({ agents: agents(...old), partitions: fresh }));
    expect(start.slices).toBeGreaterThan(100);
    expect(start.slices).toBeLessThan(1_000);
    expect(start.plan.moves).toHaveLength(100_000);
    const placed = apply(fresh, start.plan);
    expect(countBy(Object.values(countBy(placed.map((partition) => partition.assignedTo))))).toEqual({
      100: 1_000,
    });
    // Spread: 100 partitions of a topic go to 100 different agents.
    expect(new Set(placed.map(({ topic, assignedTo }) => `${topic} ${assignedTo}`)).size).toBe(100_000);

    const idle = inSlices(planAssignment({ agents: agents(...old), partitions: placed }));
    expect(idle.plan.moves).toEqual([]);
    expect(idle.slices).toBeGreaterThan(100);

    const join = plan({ agents: agents(...names), partitions: placed, previousAgents: old });
    expect(join.moves).toHaveLength(99);
    expect(join.moves.every(({ to, reason }) => to === 'agent-1000' && reason === 'agent_joined')).toBe(true);

    const leave = plan({ agents: agents(...old.slice(1)), partitions: placed });
    expect(leave.moves).toHaveLength(100);
    expect(leave.moves.every(({ from, reason }) => from === 'agent-0' && reason === 'agent_left')).toBe(true);
  });

  it('takes no more of them for weights, zones, wishes and homes, nor for a zone that is gone', () => {
    const all = Array.from({ length: 1_000 }, (_, i) =>
      agent(`agent-${i}`, { weight: 1 + (i % 2), zone: ['x', 'y', 'z'][i % 3] ?? 'x' }),
    );
    const fresh = Array.from({ length: 1_000 }, (_, i) => topic(`topic-${i}`, 100))
      .flat()
      .map((each, i) => (i % 100 === 7 ? { ...each, prefer: [`agent-${i % 991}`] } : each));
    const start = inSlices(planAssignment({ agents: all, partitions: fresh }));
    expect(start.slices).toBeLessThan(1_000);
    const placed = apply(fresh, start.plan);

    const agents = all.filter(({ zone }) => zone !== 'x');
    const departed = all.filter(({ zone }) => zone === 'x').map((each) => ({ ...each, hasCrashed: true }));
    const outage = inSlices(planAssignment({ agents, partitions: placed, departed }));
    expect(outage.slices).toBeLessThan(1_000);
    const back = inSlices(planAssignment({ agents: all, partitions: apply(placed, outage.plan) }));
    expect(back.slices).toBeLessThan(1_000);
    const restored = apply(apply(placed, outage.plan), back.plan);
    expect(restored.map(({ assignedTo }) => assignedTo)).toEqual(placed.map(({ assignedTo }) => assignedTo));
  });
});

function inSlices(planning: Generator<void, Plan>): { plan: Plan; slices: number } {
  for (let slices = 1; ; slices += 1) {
    const step = planning.next();
    if (step.done) return { plan: step.value, slices };
  }
}
