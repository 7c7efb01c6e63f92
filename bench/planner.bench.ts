// How long planning takes for the largest cluster that we build for, and how long the event loop waits for one slice of it.
import {
  type DepartedAgent,
  type Plan,
  planAssignment,
  type PlannerAgent,
  type PlannerInput,
  type PlannerPartition,
} from '../src/domain/planner.ts';
import type { Stage } from './bench.ts';
import { rowOf, type TimeRow } from './harness/findings.ts';

const agentCount = 1_000;
const topicCount = 1_000;
const partitionsOfTopic = 100;
const runsPerRound = 3;

const zones = ['a', 'b', 'c'] as const;
const agents = Array.from({ length: agentCount }, (_, i) => agent(agentId(i), i));
const fresh: readonly PlannerPartition[] = Array.from({ length: topicCount }, (_, topic) =>
  Array.from({ length: partitionsOfTopic }, (__, partition) => ({
    topic: `topic-${String(topic).padStart(4, '0')}`,
    partition,
    assignedTo: null,
    holder: null,
    pinned: false,
    ...(partition === 7 && { prefer: [agentId((topic * 7) % agentCount)] }),
  })),
).flat();

export async function measurePlanner({ rounds, findings }: Stage): Promise<void> {
  const wishing = away(carriedOut(fresh, planned({ agents, partitions: fresh })));
  const placed = carriedOut(wishing, planned({ agents, partitions: wishing }));
  const previousAgents = agents.map((agent) => agent.agentId);
  const newcomer = agent('newcomer', 0);
  const cases: readonly (readonly [string, PlannerInput])[] = [
    ['everything is new', { agents, partitions: fresh }],
    ['nothing changed', { agents, partitions: placed, previousAgents }],
    [
      'one agent is gone',
      without(
        ([first]) =>
          (agent) =>
            agent === first,
        placed,
      ),
    ],
    ['one agent joined', { agents: [...agents, newcomer], partitions: placed, previousAgents }],
    ['a zone is gone', without(() => (agent) => agent.zone === 'a', placed)],
    [
      'nothing changed, moves are bounded',
      {
        agents,
        partitions: placed,
        previousAgents,
        policy: { balances: true, thresholdPercent: 5, movesMax: 50 },
      },
    ],
  ];
  const whole: TimeRow[] = [];
  const slices: TimeRow[] = [];
  const notes: string[] = [];
  for (const [what, input] of cases) {
    notes.push(`${what}: ${planned(input).moves.length} moves`);
    const timings = Array.from({ length: runsPerRound * rounds }, () => inSlices(input));
    whole.push(
      rowOf(
        `plan: ${what}`,
        timings.map(({ totalMs }) => totalMs),
      ),
    );
    slices.push(
      rowOf(
        `longest slice: ${what}`,
        timings.map(({ longestMs }) => longestMs),
      ),
    );
  }
  findings.add({
    title: '100,000 partitions planned for 1,000 agents of weights 1 and 2 in three zones',
    rows: [...whole, ...slices],
    values: [
      { what: 'longest slice of any plan', amount: Math.max(...slices.map(({ ms }) => ms.max)), unit: 'ms' },
    ],
    notes,
  });
}

function agent(id: string, i: number): PlannerAgent {
  return {
    agentId: id,
    weight: 1 + (i % 2),
    zone: zones[i % zones.length] ?? 'a',
    managedTopics: [],
    takes: 'new',
  };
}

function agentId(i: number): string {
  return `agent-${String(i).padStart(4, '0')}`;
}

function without(
  leaves: (agents: readonly PlannerAgent[]) => (agent: PlannerAgent) => boolean,
  partitions: readonly PlannerPartition[],
): PlannerInput {
  const isGone = leaves(agents);
  const departed = agents
    .filter(isGone)
    .map(({ agentId: id, zone }): DepartedAgent => ({ agentId: id, zone, hasCrashed: true }));
  return { agents: agents.filter((agent) => !isGone(agent)), partitions, departed };
}

/** Each fiftieth remembers an agent that it would go back to, were there room. */
function away(partitions: readonly PlannerPartition[]): readonly PlannerPartition[] {
  return partitions.map((each, i) => (i % 50 === 0 ? { ...each, home: agentId(i % agentCount) } : each));
}

function carriedOut(partitions: readonly PlannerPartition[], { moves }: Plan): readonly PlannerPartition[] {
  const to = new Map(moves.map((move) => [`${move.topic}/${move.partition}`, move.to]));
  return partitions.map((each) => {
    const agent = to.get(`${each.topic}/${each.partition}`) ?? each.assignedTo;
    return { ...each, assignedTo: agent, holder: agent };
  });
}

function planned(input: PlannerInput): Plan {
  const planning = planAssignment(input);
  for (;;) {
    const step = planning.next();
    if (step.done) return step.value;
  }
}

function inSlices(input: PlannerInput): { readonly totalMs: number; readonly longestMs: number } {
  const planning = planAssignment(input);
  let totalMs = 0;
  let longestMs = 0;
  for (;;) {
    const startedMs = performance.now();
    const { done } = planning.next();
    const ms = performance.now() - startedMs;
    totalMs += ms;
    longestMs = Math.max(longestMs, ms);
    if (done) return { totalMs, longestMs };
  }
}
