// Why a partition is where it is.
import { type PlanKind, planInSlices, plannerInput } from '../../coordination/placement.ts';
import { explain } from '../../domain/explain.ts';
import { settlesInMs } from '../../domain/flapping.ts';
import { COORDINATOR, partitionKey } from '../../domain/lease.ts';
import type { Move } from '../../domain/planner.ts';
import { listsTopic } from '../../domain/topic-pattern.ts';
import type { HttpDependencies } from '../dependencies.ts';
import { found } from '../found.ts';
import type { HttpApp } from '../http-app.ts';
import { stateOf } from '../present/loads.ts';
import { timeOrNull } from '../present/times.ts';
import { explanation } from '../schemas/answers/rebalance.ts';
import { partitionPath } from '../schemas/names.ts';
import { noQuery } from '../schemas/page.ts';
import { storeOf } from '../store-access.ts';

export function explainRoutes(app: HttpApp, { agent, clock }: HttpDependencies): void {
  app.get(
    '/v1/explain/:topic/:partition',
    {
      schema: {
        doc: {
          id: 'explainPartition',
          tag: 'placement',
          summary: 'Why a partition is where it is, what the plan wants and what it waits for',
          refuses: ['not_found'],
        },
        params: partitionPath,
        querystring: noQuery,
        response: { 200: explanation },
      },
    },
    async ({ params: { topic, partition } }) => {
      const store = storeOf(agent);
      const { placement } = agent;
      const [assignment, lease, coordinator, input, era] = await Promise.all([
        store.getAssignment(topic, partition),
        store.getLease(partitionKey(topic, partition)),
        store.getLease(COORDINATOR),
        store.readPlanningInput(),
        store.currentEra(),
      ]);
      const isIt = (one: { topic: string; partition: number }): boolean =>
        one.topic === topic && one.partition === partition;
      const known = found(input.partitions.find(isIt), `partition ${topic}/${partition}`);
      const moveIn = async (kind: PlanKind): Promise<Move | undefined> => {
        const { moves } = await planInSlices(plannerInput(input, kind, placement), clock);
        return moves.find(isIt);
      };
      const moves = { due: await moveIn('due'), free: await moveIn('free'), whole: await moveIn('whole') };
      const { agentId: leader = null, epoch = 0, acquiredAt = null } = lease ?? {};
      const { waitsFor, sentences } = explain({
        topic,
        partition,
        lease: { agentId: leader, epoch, acquiredAt },
        assignment,
        isPinned: known.pinned,
        home: known.home ?? null,
        prefer: known.prefer ?? [],
        agents: new Map(
          input.agents.map((each) => [
            each.agentId,
            {
              state: stateOf(each),
              settlesInMs: settlesInMs(each, placement.returnDelayMs),
              isWilling: listsTopic(each.managedTopics, topic),
            },
          ]),
        ),
        coordinator: coordinator?.agentId ?? null,
        pausedSince: input.pausedSince,
        quarantineRestMs: era.quarantineRestMs,
        moves,
      });
      const wanted = moves.due ?? moves.free;
      return {
        topic,
        partition,
        leader,
        epoch,
        assignedTo: assignment?.agentId ?? null,
        reason: assignment?.reason ?? null,
        assignedAt: timeOrNull(assignment?.assignedAt ?? null),
        plan: wanted ? { to: wanted.to, reason: wanted.reason } : null,
        waitsFor: [...waitsFor],
        sentences: [...sentences],
      };
    },
  );
}
