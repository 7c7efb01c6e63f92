// The plan, to look at and to ask for.
import { type PlanKind, planInSlices, plannerInput } from '../../coordination/placement.ts';
import type { Move } from '../../domain/planner.ts';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { presentLoads } from '../present/loads.ts';
import { time } from '../present/times.ts';
import { noBody } from '../schemas/agents.ts';
import { applied, plan as planAnswer } from '../schemas/answers/rebalance.ts';
import { noQuery } from '../schemas/page.ts';
import { planQuery } from '../schemas/rebalance.ts';
import { storeOf } from '../store-access.ts';

/** An operator who asks for the plan gets all of it; pins and a pause do not count. */
const kind: PlanKind = 'whole';

export function planRoutes(app: HttpApp, { agent, clock }: HttpDependencies): void {
  app.get(
    '/v1/plan',
    {
      schema: {
        doc: {
          id: 'getPlan',
          tag: 'placement',
          summary: 'What exact balance would move now',
          description:
            'Made for the occasion; nothing is changed. Pins, a pause and the threshold do not count, as in an apply.',
        },
        querystring: planQuery,
        response: { 200: planAnswer },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const input = await storeOf(agent).readPlanningInput();
      const plan = await planInSlices(plannerInput(input, kind, agent.placement), clock);
      const { moves, nextCursor } = pageOf(plan.moves, limit, cursor);
      return {
        generation: input.generation,
        agents: presentLoads(input, plan, agent.placement.returnDelayMs),
        moves: moves.map(({ topic, partition, from, to, reason }) => ({
          topic,
          partition,
          from,
          to,
          reason,
        })),
        totalMoves: plan.moves.length,
        unassignable: plan.unassignable,
        ...(nextCursor !== undefined && { nextCursor }),
      };
    },
  );

  app.post(
    '/v1/plan/apply',
    {
      schema: {
        doc: {
          id: 'applyPlan',
          tag: 'placement',
          summary: 'Ask the coordinator to carry out such a plan',
          description:
            'Lifts all pins that were set before. The bound on moves under way stays: it may take several waves.',
        },
        querystring: noQuery,
        body: noBody,
        response: { 200: applied },
      },
    },
    async () => {
      const { generation, applyRequestedAt } = await storeOf(agent).requestApply();
      agent.announce('membership');
      return { generation, requestedAt: time(applyRequestedAt) };
    },
  );
}

/** Moves behind the cursor's partition, in their order. */
function pageOf(
  moves: readonly Move[],
  limit: number,
  cursor: string | undefined,
): { readonly moves: readonly Move[]; readonly nextCursor: string | undefined } {
  const rest = cursor === undefined ? moves : moves.filter((move) => isBehind(move, cursor));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    moves: page,
    nextCursor: rest.length > limit && last ? `${last.partition}.${last.topic}` : undefined,
  };
}

function isBehind({ topic, partition }: Move, cursor: string): boolean {
  const dot = cursor.indexOf('.');
  const name = cursor.slice(dot + 1);
  return topic > name || (topic === name && partition > Number(cursor.slice(0, dot)));
}
