// The group: who coordinates it, and what only the coordinator knows. Its series are there while this agent is the coordinator.
import { agentStates } from '../../domain/agent-state.ts';
import { moveReasons } from '../../domain/planner.ts';
import { counter, gauge } from '../definition.ts';

export const rebalanceReasons = ['elected', 'membership', 'topics', 'generation', 'wave', 'settled'] as const;
export type RebalanceReason = (typeof rebalanceReasons)[number];

export const coordinatorTable = {
  coordinator: gauge('coordinator', {
    help: '1 while this agent is the coordinator of its group, by a term that it trusts',
    labels: { group: 'open' },
    whenOff: 'The sum over a group is not 1: none plans, or two clusters share a name.',
  }),
  coordinatorEpoch: gauge('coordinator_epoch', {
    help: 'Epoch of the last coordinator term that this agent has begun',
    labels: { group: 'open' },
    whenOff: 'Grows often: coordinators come and go; see their heartbeats.',
  }),
  coordinatorChanges: counter('coordinator_changes_total', {
    help: 'Coordinator terms that this agent has begun',
    whenOff: 'Grows without restarts: sessions are lost.',
  }),
  coordinatorsRetired: counter('coordinators_retired_total', {
    help: 'Coordinators that this agent took the role from because their work made no progress for a TTL',
    whenOff:
      'Grows: its log names the session; look at the processor and the pooled connection of that agent.',
  }),
  agents: gauge('agents', {
    help: 'Agents of the group by state; coordinator only, counted at the scrape',
    labels: { group: 'open', state: agentStates },
    whenOff: '`expired` or `dead`: agents that failed; `broker_down`: agents without a broker.',
  }),
  partitions: gauge('partitions', {
    help: 'Partitions of the group by state; coordinator only, counted at the scrape',
    labels: { group: 'open', state: ['led', 'unled'] },
    whenOff:
      '`unled` stays above 0: nobody can take them, or who should does not get them; `streamhouse explain` says.',
  }),
  paused: gauge('paused', {
    help: '1 while balancing is paused by an operator; coordinator only, as of its last plan',
    labels: { group: 'open' },
    whenOff: '1 and no maintenance under way: `streamhouse resume`.',
  }),
  movesPlanned: gauge('moves_planned', {
    help: 'Moves by state; coordinator only: assigned to an agent that does not lead it yet, counted at the scrape (under_way), and held back by the last plan (waiting)',
    labels: { group: 'open', state: ['under_way', 'waiting'] },
    whenOff:
      'Stays above 0: handoffs do not end (`lease_handoffs`), or the receivers do not take what they are given.',
  }),
  agentPartitions: gauge('agent_partitions', {
    help: 'Partitions assigned to each live agent; coordinator only, as of its last plan',
    labels: { group: 'open', agent_id: 'open' },
    whenOff: 'Far from `agent_share`: pins, a pause, or topics that few agents list.',
  }),
  agentShare: gauge('agent_share', {
    help: "Partitions that are an agent's by weight, a fraction included; absent for agents that take nothing new; coordinator only, as of its last plan",
    labels: { group: 'open', agent_id: 'open' },
    whenOff: 'Not what was meant: AGENT_WEIGHT and MANAGED_TOPICS.',
  }),
  assignmentGeneration: gauge('assignment_generation', {
    help: 'Generation of the assignment; coordinator only, as of its last plan',
    labels: { group: 'open' },
    whenOff: 'Grows without end: something changes the assignment again and again; see `rebalances_total`.',
  }),
  rebalances: counter('rebalances_total', {
    help: 'Assignments written, by what asked for them',
    labels: { reason: rebalanceReasons },
    whenOff: 'Grows without joins and leaves: see which reason.',
  }),
  moves: counter('moves_total', {
    help: 'Assignment changes, by reason and result',
    labels: { reason: moveReasons, result: ['written', 'fenced'] },
    whenOff: '`fenced`: a coordinator planned on after its term; harmless when rare.',
  }),
  reaps: counter('reaps_total', {
    help: 'Attempts to end a silent session, by result',
    labels: { result: ['reaped', 'alive', 'already_ended', 'failed'] },
    whenOff: '`reaped` grows: agents die or stall. `alive`: heartbeats arrive at the last moment.',
  }),
} as const;
