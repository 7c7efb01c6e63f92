// Answers about placement: what the plan wants, how far it is carried out, and why a partition is where it is.
import { z } from 'zod';
import { moveReasons } from '../../../domain/planner.ts';
import { agentStates } from '../../../domain/agent-state.ts';
import { name, partitionNumber } from '../names.ts';
import { epoch } from '../numbers.ts';
import { count, duration, pageEnd, time } from './values.ts';

const reason = z.enum(moveReasons).meta({ description: 'Why the partition moves.' });

const move = z
  .object({
    topic: name,
    partition: partitionNumber,
    from: name.nullable().meta({ description: 'Who it is assigned to now; null: to nobody.' }),
    to: name.nullable().meta({ description: 'Who is to lead it; null: nobody would take it.' }),
    reason,
  })
  .meta({ id: 'PlannedMove' });

const load = z
  .object({
    agentId: name,
    zone: z.string(),
    weight: z.number(),
    state: z.enum(agentStates),
    share: z
      .number()
      .nullable()
      .meta({ description: 'What is its by weight, a fraction included; null: it takes nothing new.' }),
    assigned: count.meta({ description: 'Partitions assigned to it now.' }),
    planned: count.meta({ description: 'Partitions it has when the plan is carried out.' }),
    settlesInMs: duration.meta({
      description:
        'It crashed again and again: for so long it is given nothing that somebody else would take.',
    }),
  })
  .meta({ id: 'AgentLoad' });

export const plan = z
  .object({
    generation: count.meta({ description: 'Of the assignment that it was made from.' }),
    agents: z.array(load),
    moves: z.array(move).meta({ description: 'By topic and partition.' }),
    totalMoves: count,
    unassignable: count.meta({ description: 'Partitions that no agent would take.' }),
    ...pageEnd,
  })
  .meta({ id: 'Plan' });

export const applied = z
  .object({
    generation: count,
    requestedAt: time,
  })
  .meta({ id: 'PlanRequest' });

export const pause = z
  .object({
    paused: z.boolean(),
    since: time.nullable(),
  })
  .meta({ id: 'Pause' });

const moving = z
  .object({
    topic: name,
    partition: partitionNumber,
    from: name.nullable().meta({ description: 'Who leads it still; null: nobody does now.' }),
    to: name.meta({ description: 'Who it is assigned to.' }),
  })
  .meta({ id: 'MoveUnderWay' });

export const rebalance = z
  .object({
    generation: count,
    coordinator: z
      .object({ agentId: name, epoch, since: time.nullable() })
      .nullable()
      .meta({ description: 'null while the role is vacant: then nothing is planned.' }),
    paused: z.boolean(),
    pausedSince: time.nullable(),
    applyRequestedAt: time
      .nullable()
      .meta({ description: 'An operator asked for a plan that is not carried out yet.' }),
    partitions: z.object({
      total: count,
      led: count,
      moving: count.meta({ description: 'Assigned to another agent than the one that leads them.' }),
      unassigned: count.meta({ description: 'Assigned to nobody: nobody would take them.' }),
      pinned: count.meta({ description: 'Put where they are by an operator; balance leaves them there.' }),
    }),
    wanted: count.meta({ description: 'Moves that the plan wants beyond those.' }),
    agents: z.array(load),
    moving: z.array(moving).meta({ description: 'The first 1,000.' }),
  })
  .meta({ id: 'Rebalance' });

export const explanation = z
  .object({
    topic: name,
    partition: partitionNumber,
    leader: name.nullable(),
    epoch,
    assignedTo: name.nullable(),
    reason: reason.nullable().meta({ description: 'Why it was assigned so; null: it never was.' }),
    assignedAt: time.nullable(),
    plan: z
      .object({ to: name.nullable(), reason })
      .nullable()
      .meta({ description: 'Where the plan wants it now; null: where it is assigned.' }),
    waitsFor: z.array(z.string()).meta({ description: 'What has to happen before it is where it belongs.' }),
    sentences: z.array(z.string()).meta({ description: 'All of it, for people.' }),
  })
  .meta({ id: 'Explanation' });

export type PlanAnswer = z.input<typeof plan>;
export type AgentLoadAnswer = z.input<typeof load>;
export type RebalanceAnswer = z.input<typeof rebalance>;
export type ExplanationAnswer = z.input<typeof explanation>;
export type PauseAnswer = z.input<typeof pause>;
