// How far the assignment is carried out, and the operator's pause.
import { type PlanKind, planInSlices, plannerInput } from '../../coordination/placement.ts';
import { COORDINATOR } from '../../domain/lease.ts';
import type { PlannerPartition } from '../../domain/planner.ts';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { presentCoordinator } from '../present/coordinator.ts';
import { presentLoads } from '../present/loads.ts';
import { timeOrNull } from '../present/times.ts';
import { noBody } from '../schemas/agents.ts';
import { pause, rebalance } from '../schemas/answers/rebalance.ts';
import { noQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';

/** Moves under way that are listed; all are counted. */
const movingMax = 1_000;
const free: PlanKind = 'free';

export function rebalanceRoutes(app: HttpApp, { agent, clock }: HttpDependencies): void {
  app.get(
    '/v1/rebalance',
    {
      schema: {
        doc: {
          id: 'getRebalance',
          tag: 'placement',
          summary: 'How far the assignment is carried out, and who has how much',
        },
        querystring: noQuery,
        response: { 200: rebalance },
      },
    },
    async () => {
      const store = storeOf(agent);
      const [input, coordinator] = await Promise.all([
        store.readPlanningInput(),
        store.getLease(COORDINATOR),
      ]);
      const plan = await planInSlices(plannerInput(input, free, agent.placement), clock);
      const moving = input.partitions.filter(isMoving);
      return {
        generation: input.generation,
        coordinator: presentCoordinator(coordinator),
        paused: input.pausedSince !== null,
        pausedSince: timeOrNull(input.pausedSince),
        applyRequestedAt: timeOrNull(input.applyRequestedAt),
        partitions: {
          total: input.partitions.length,
          led: count(input.partitions, ({ holder }) => holder !== null),
          moving: moving.length,
          unassigned: count(input.partitions, ({ assignedTo }) => assignedTo === null),
          pinned: count(input.partitions, ({ pinned }) => pinned),
        },
        wanted: plan.moves.length,
        agents: presentLoads(input, plan, agent.placement.returnDelayMs),
        moving: moving.slice(0, movingMax).map(({ topic, partition, assignedTo, holder }) => ({
          topic,
          partition,
          from: holder,
          to: assignedTo,
        })),
      };
    },
  );

  for (const paused of [true, false]) {
    app.post(
      paused ? '/v1/pause' : '/v1/resume',
      {
        schema: {
          doc: {
            id: paused ? 'pause' : 'resume',
            tag: 'placement',
            summary: paused
              ? 'Maintenance: takeover works, balancing does not'
              : 'Balance again after a pause',
          },
          querystring: noQuery,
          body: noBody,
          response: { 200: pause },
        },
      },
      async () => {
        const { pausedSince } = await storeOf(agent).setPaused(paused);
        agent.announce('membership');
        return { paused: pausedSince !== null, since: timeOrNull(pausedSince) };
      },
    );
  }
}

/** Assigned to another agent than the one that leads it, if any does. */
function isMoving<P extends PlannerPartition>(
  partition: P,
): partition is P & { readonly assignedTo: string } {
  return partition.assignedTo !== null && partition.assignedTo !== partition.holder;
}

function count<T>(items: readonly T[], matches: (item: T) => boolean): number {
  return items.reduce((sum, item) => (matches(item) ? sum + 1 : sum), 0);
}
