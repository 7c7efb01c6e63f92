// The changes that the page offers, as questions: what will happen, in names and epochs, and what happened.
import type { AgentAnswer } from '../http/schemas/answers/agents.ts';
import type { LeaseMoveAnswer } from '../http/schemas/answers/leases.ts';
import type { PauseAnswer } from '../http/schemas/answers/rebalance.ts';
import { type Api, pathOf } from './model/api.ts';
import { placeOf } from './model/happenings.ts';
import type { Question } from './desk.ts';

/** One partition under the term that the user saw: a change of another term is refused by the agent. */
export interface SeenTerm {
  readonly topic: string;
  readonly partition: number;
  readonly agentId: string | null;
  readonly epoch: number;
}

function partitionsOf(count: number): string {
  return count === 1 ? '1 partition' : `${count} partitions`;
}

export function cordonQuestion(api: Api, { agentId, leases }: AgentAnswer): Question {
  return {
    title: `Cordon ${agentId}?`,
    verb: 'Cordon',
    sentences: [
      `${agentId} is given nothing new. The ${partitionsOf(leases)} that it leads stay.`,
      'That outlives its restarts, until it is uncordoned.',
    ],
    run: async () => {
      await api.post<AgentAnswer>(`v1/agents/${pathOf(agentId)}/cordon`);
      return `${agentId} is cordoned.`;
    },
  };
}

export function uncordonQuestion(api: Api, { agentId, placement }: AgentAnswer): Question {
  return {
    title: `Uncordon ${agentId}?`,
    verb: 'Uncordon',
    sentences: [`${agentId} (${placement} now) is given work again, and balance may move partitions to it.`],
    run: async () => {
      await api.post<AgentAnswer>(`v1/agents/${pathOf(agentId)}/uncordon`);
      return `${agentId} is given work again.`;
    },
  };
}

export function drainQuestion(api: Api, { agentId, leases }: AgentAnswer): Question {
  return {
    title: `Drain ${agentId}?`,
    verb: 'Drain',
    sentences: [
      `${agentId} hands over the ${partitionsOf(leases)} that it leads, each with its broker's acknowledgement, and is given nothing new.`,
      'That outlives its restarts, until it is uncordoned.',
    ],
    run: async () => {
      await api.post<AgentAnswer>(`v1/agents/${pathOf(agentId)}/drain`);
      return `${agentId} is draining: ${partitionsOf(leases)} to hand over.`;
    },
  };
}

/** The least loaded other agent. */
const anybody = '';

export function moveQuestion(api: Api, seen: SeenTerm, agents: readonly AgentAnswer[]): Question {
  const place = placeOf(seen);
  const others = agents.filter(({ agentId, state }) => agentId !== seen.agentId && state === 'active');
  return {
    title: `Move ${place}?`,
    verb: 'Move',
    sentences: [
      `${place} is led by ${seen.agentId ?? 'nobody'} at epoch ${seen.epoch}. The leader's broker is asked to give it up; then the other begins a new term, with a higher epoch.`,
      'The plan leaves it there as long as that agent takes it.',
    ],
    choice: {
      label: 'Move to',
      options: [
        { value: anybody, text: 'the least loaded other agent' },
        ...others.map(({ agentId, leases }) => ({ value: agentId, text: `${agentId} (leads ${leases})` })),
      ],
    },
    run: async (choice) => {
      const to = choice === anybody ? {} : { to: choice };
      const answer = await api.post<LeaseMoveAnswer>(`v1/leases/${pathOf(seen.topic, seen.partition)}/move`, {
        expectedEpoch: seen.epoch,
        ...to,
      });
      if (answer.result === 'in_place') return `${place} is led by ${answer.to} already, and stays.`;
      if (answer.result === 'vacant') return `${place}: nobody leads it; ${answer.to} is to take it.`;
      return `${place}: ${answer.agentId ?? 'its leader'} is asked to give it up to ${answer.to}.`;
    },
  };
}

export function releaseQuestion(api: Api, seen: SeenTerm): Question {
  const place = placeOf(seen);
  return {
    title: `Release ${place}?`,
    verb: 'Release',
    sentences: [
      `${seen.agentId ?? 'Nobody'} leads ${place} at epoch ${seen.epoch}. Its broker is asked to give it up; the plan decides who leads next, perhaps the same agent with a higher epoch.`,
    ],
    run: async () => {
      const answer = await api.post<{ agentId: string | null; result: 'asked' | 'vacant' }>(
        `v1/leases/${pathOf(seen.topic, seen.partition)}/release`,
        { expectedEpoch: seen.epoch },
      );
      if (answer.result === 'vacant') return `${place}: nobody leads it.`;
      return `${place}: ${answer.agentId ?? 'its leader'} is asked to give it up.`;
    },
  };
}

export function pauseQuestion(api: Api, isPaused: boolean): Question {
  const verb = isPaused ? 'Resume' : 'Pause';
  return {
    title: `${verb} balancing?`,
    verb,
    sentences: [
      isPaused
        ? 'The plan is carried out again: partitions may move at once.'
        : 'Partitions without a leader are taken over as ever; nothing else moves until balancing is resumed. Other operators see the pause.',
    ],
    run: async () => {
      const { paused } = await api.post<PauseAnswer>(isPaused ? 'v1/resume' : 'v1/pause');
      return paused ? 'Balancing is paused.' : 'Balancing goes on.';
    },
  };
}
