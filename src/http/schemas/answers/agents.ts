// Answers about agents: this one as it sees itself, what it holds, and the group's as the store sees them.
import { z } from 'zod';
import { agentStates, placements } from '../../../domain/agent-state.ts';
import { agentRunStates } from '../../../coordination/agent-run-state.ts';
import { name, partitionNumber } from '../names.ts';
import { epoch } from '../numbers.ts';
import { count, duration, pageEnd, time, userObject } from './values.ts';

const trustedForMs = duration.meta({
  description:
    'How long this agent may act without another heartbeat; 0 without trust. Count it on your own monotonic clock from when you sent the request.',
});

export const self = z
  .object({
    agentId: name,
    sessionId: z.uuid().nullable(),
    group: name,
    zone: name,
    state: z.enum(agentRunStates),
    detail: z.string().nullable().meta({ description: 'For people, when the state needs a sentence.' }),
    coordinator: z.boolean().meta({ description: "Whether it is its group's coordinator." }),
    trustedForMs,
    leases: count.meta({ description: 'Partitions it holds and trusts.' }),
  })
  .meta({ id: 'Self' });

export const heldTerm = z
  .object({
    topic: name,
    partition: partitionNumber,
    epoch,
    revoking: z.object({ deadlineMs: duration, to: name.nullable() }).optional().meta({
      description:
        'The broker is asked to give it up: how long it may take, and who gets it when that is known.',
    }),
  })
  .meta({ id: 'HeldTerm' });

export const held = z
  .object({
    trustedForMs,
    leases: z.array(heldTerm),
  })
  .meta({ id: 'Held' });

export const released = z
  .object({ topic: name, partition: partitionNumber, epoch })
  .meta({ id: 'Released', description: 'The lease is free at this epoch.' });

export const releasedMany = z
  .object({
    leases: z.array(
      z.object({
        topic: name,
        partition: partitionNumber,
        epoch,
        outcome: z
          .enum(['released', 'fenced'])
          .meta({ description: "fenced: the term was over already, or not this agent's." }),
        currentEpoch: epoch.optional(),
      }),
    ),
  })
  .meta({ id: 'ReleasedMany' });

export const agent = z
  .object({
    agentId: name,
    address: z.string(),
    zone: name,
    group: name,
    state: z.enum(agentStates).meta({
      description:
        'active: beats; cordoned: gets nothing new; broker_down: its broker is gone; draining: hands over all it has; expired: silent for a TTL and not reaped; dead: has no live session.',
    }),
    placement: z
      .enum(placements)
      .meta({ description: 'What its operator said last; it outlives its sessions.' }),
    weight: count,
    managedTopics: z
      .array(z.string())
      .meta({ description: 'Patterns of the topics it is willing to lead; empty: all.' }),
    sessionId: z.uuid().nullable(),
    lastHeartbeatAt: time.nullable(),
    expiresInMs: duration.nullable(),
    leases: count.meta({ description: 'Partitions it leads.' }),
    metadata: userObject,
  })
  .meta({ id: 'Agent' });

export const agentPage = z.object({ agents: z.array(agent), ...pageEnd });

export const agentRemoval = z
  .object({
    agentId: name,
    result: z
      .enum(['removed', 'asked'])
      .meta({ description: 'asked: its session is told to end, and does so at its next heartbeat.' }),
  })
  .meta({ id: 'AgentRemoval' });

export type SelfAnswer = z.input<typeof self>;
export type HeldAnswer = z.input<typeof held>;
export type AgentAnswer = z.input<typeof agent>;
export type HeldTermAnswer = z.input<typeof heldTerm>;
export type ReleasedManyAnswer = z.input<typeof releasedMany>;
