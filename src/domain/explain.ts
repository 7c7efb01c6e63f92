// Why a partition is where it is, what the plan wants and what that waits for, in sentences for people.
import type { AgentState } from './agent-state.ts';
import type { Move, MoveReason } from './planner.ts';

/** An agent with a live session, as far as it matters here. */
export interface AgentInPlay {
  readonly state: AgentState;
  /** It crashed again and again: for so long it is given nothing that somebody else would take, milliseconds. */
  readonly settlesInMs: number;
  /** Whether it is willing to lead the topic. */
  readonly isWilling: boolean;
}

export interface PartitionFacts {
  readonly topic: string;
  readonly partition: number;
  readonly lease: {
    readonly agentId: string | null;
    readonly epoch: number;
    readonly acquiredAt: Date | null;
  };
  /** Null: nobody is wanted to lead it. */
  readonly assignment: {
    readonly agentId: string;
    readonly reason: MoveReason;
    readonly assignedAt: Date;
  } | null;
  readonly isPinned: boolean;
  readonly home: string | null;
  /** Best first. */
  readonly prefer: readonly string[];
  readonly agents: ReadonlyMap<string, AgentInPlay>;
  readonly coordinator: string | null;
  readonly pausedSince: Date | null;
  /** For so long leases are granted only to agents that trusted them when the era began, milliseconds; 0: to anybody. */
  readonly quarantineRestMs: number;
  /** What is planned for it: next; without the bound on moves under way; and when an operator asks for all of it. */
  readonly moves: {
    readonly due: Move | undefined;
    readonly free: Move | undefined;
    readonly whole: Move | undefined;
  };
}

export interface Explanation {
  readonly waitsFor: readonly string[];
  readonly sentences: readonly string[];
}

export function explain(facts: PartitionFacts): Explanation {
  const waitsFor = waits(facts);
  return {
    waitsFor,
    sentences: [
      leaderSentence(facts),
      ...assignmentSentences(facts),
      ...planSentences(facts),
      ...waitsFor.map((wait) => `It waits for ${wait}.`),
    ],
  };
}

function leaderSentence({ topic, partition, lease }: PartitionFacts): string {
  const name = `${topic}/${partition}`;
  if (lease.agentId === null) return `Nobody leads ${name} now; its last epoch is ${lease.epoch}.`;
  const since = lease.acquiredAt === null ? '' : ` since ${lease.acquiredAt.toISOString()}`;
  return `${name} is led by ${lease.agentId} under epoch ${lease.epoch}${since}.`;
}

/** As the end of "it was assigned to it, because". */
const because: Readonly<Record<MoveReason, string>> = {
  new_partition: 'the partition was new and had nobody',
  agent_left: 'the agent before it left',
  agent_crashed: 'the agent before it crashed',
  drain: 'the agent before it was drained',
  broker_down: 'the agent before it lost its broker',
  agent_joined: 'it had just joined and had less than its share',
  balance: 'it had less than its share',
  prefer: 'the topic prefers it',
  not_willing: 'the agent before it does not lead this topic any more',
  operator: 'an operator put it there',
};

function assignmentSentences({ assignment, isPinned, home, prefer, agents }: PartitionFacts): string[] {
  if (assignment === null) return ['It is assigned to nobody.'];
  const { agentId, reason, assignedAt } = assignment;
  const sentences = [
    `It was assigned to ${agentId} at ${assignedAt.toISOString()}, because ${because[reason]}.`,
  ];
  if (isPinned) sentences.push('Balance leaves it there, until "rebalance apply" or another move.');
  if (home !== null && home !== agentId) {
    sentences.push(`Its home is ${home}: it goes back when that agent is back and balance allows.`);
  }
  for (const preferred of prefer) {
    if (preferred === agentId) break;
    sentences.push(`The topic prefers ${preferred}, ${cannotLead(agents.get(preferred))}.`);
  }
  return sentences;
}

/** Said of an agent that should lead and does not. */
function cannotLead(agent: AgentInPlay | undefined): string {
  if (agent === undefined) return 'which is not there';
  if (!agent.isWilling) return 'which does not list this topic';
  if (agent.state !== 'active') return `which is ${agent.state.replace('_', ' ')}`;
  if (agent.settlesInMs > 0) return 'which crashed again and again and is not settled yet';
  return 'which takes partitions';
}

function planSentences({ moves, assignment, pausedSince, agents }: PartitionFacts): string[] {
  const { due, free, whole } = moves;
  if (due !== undefined) return [`The next plan ${moveText(due)}.`];
  if (free !== undefined) return [`The plan ${moveText(free)}, when moves before it are done.`];
  if (whole !== undefined) {
    const why =
      pausedSince === null
        ? 'but not by itself: it is pinned, or the imbalance is below the threshold; "rebalance apply" does it'
        : `but balancing is paused since ${pausedSince.toISOString()}; "resume" or "rebalance apply" does it`;
    return [`Exact balance ${moveText(whole)}, ${why}.`];
  }
  if (assignment !== null) return ['The plan leaves it there.'];
  return [`The plan finds nobody for it: ${nobodySentence([...agents.values()])}.`];
}

function moveText({ to, reason }: Move): string {
  return to === null ? `takes it from where it is (${reason})` : `moves it to ${to} (${reason})`;
}

function nobodySentence(agents: readonly AgentInPlay[]): string {
  if (agents.length === 0) return 'no agent lives';
  const willing = agents.filter(({ isWilling }) => isWilling).length;
  if (willing === 0) return `none of ${agents.length} living agents lists the topic`;
  return `none of ${willing} living agents that list the topic takes new partitions`;
}

function waits(facts: PartitionFacts): string[] {
  const { lease, assignment, agents, coordinator, moves, quarantineRestMs } = facts;
  const waitsFor: string[] = [];
  if (lease.agentId === null && quarantineRestMs > 0) {
    const seconds = Math.ceil(quarantineRestMs / 1_000);
    waitsFor.push(`the end of the new era's quarantine, in ${seconds} s`);
  }
  if (assignment !== null && assignment.agentId !== lease.agentId) {
    const { agentId } = assignment;
    const isThere = agents.has(agentId);
    if (lease.agentId !== null) waitsFor.push(`${lease.agentId} and its broker to hand it over`);
    waitsFor.push(isThere ? `${agentId} to acquire it` : `a plan without ${agentId}, which is gone`);
  }
  const isUnplanned = moves.free !== undefined || (assignment !== null && !agents.has(assignment.agentId));
  if (isUnplanned && coordinator === null) waitsFor.push('a coordinator: nobody has that role now');
  if (moves.due === undefined && moves.free !== undefined) {
    waitsFor.push('moves under way, of which there are as many as are allowed at a time');
  }
  return waitsFor;
}
