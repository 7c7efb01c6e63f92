// A scrape of the largest agent that we build for: how long until it is answered, and how long the event loop waits meanwhile. The
// agent leads 10,000 partitions, shows 1,000 of them, coordinates 1,000 agents and has answered on every route.
import { collectDefaultMetrics } from 'prom-client';
import { planFigures } from '../src/coordination/plan-figures.ts';
import { createInstruments } from '../src/metrics/instruments.ts';
import { systemClock } from '../src/platform/clock.ts';
import type { LiveAgent, PlanningInput } from '../src/store/assignments.ts';
import { quietProbe } from '../test/metrics/reading.ts';
import type { Stage } from './bench.ts';
import { rowOf, type TimeRow } from './harness/findings.ts';
import { timed } from './harness/rounds.ts';

const agentCount = 1_000;
const partitionCount = 10_000;
const routeCount = 60;
const operationCount = 60;
const scrapesPerRound = 20;

const agents = Array.from({ length: agentCount }, (_, i): LiveAgent => ({
  agentId: `agent-${i}`,
  sessionId: `session-${i}`,
  weight: 1 + (i % 2),
  zone: `zone-${i % 3}`,
  managedTopics: [],
  takes: 'new',
  aliveForMs: 60_000,
  crashes: 0,
}));

/** One partition a topic is the most work: shares are counted by topic. */
const input: PlanningInput = {
  generation: 7,
  pausedSince: null,
  applyRequestedAt: null,
  agents,
  departed: [],
  partitions: Array.from({ length: partitionCount }, (_, i) => ({
    topic: `topic-${String(i).padStart(5, '0')}`,
    partition: 0,
    assignedTo: `agent-${i % agentCount}`,
    holder: `agent-${i % agentCount}`,
    pinned: false,
  })),
};
const everythingMoves = input.partitions.map(({ topic, partition, assignedTo }, i) => ({
  topic,
  partition,
  from: assignedTo,
  to: `agent-${(i + 1) % agentCount}`,
  reason: 'balance' as const,
}));
const leases = input.partitions.map(({ topic, partition }) => ({ topic, partition, epoch: 2 ** 32 }));

/** How long the work took, and the longest turn of the event loop meanwhile, for each run. */
async function turns(what: string, runs: number, work: () => Promise<unknown>): Promise<TimeRow[]> {
  const whole: number[] = [];
  const longest: number[] = [];
  for (let run = 0; run < runs; run++) {
    let [lastMs, mostMs, isOver] = [performance.now(), 0, false];
    const look = (): void => {
      const nowMs = performance.now();
      mostMs = Math.max(mostMs, nowMs - lastMs);
      lastMs = nowMs;
      if (!isOver) setImmediate(look);
    };
    setImmediate(look);
    whole.push((await timed(work)).ms);
    isOver = true;
    await new Promise<void>((resolve) => setImmediate(resolve));
    longest.push(mostMs);
  }
  return [
    rowOf(`${what}: until it is there`, whole),
    rowOf(`${what}: the longest turn of the event loop`, longest),
  ];
}

export async function measureMetrics({ rounds, findings }: Stage): Promise<void> {
  const planned = { input, plan: { moves: everythingMoves, deferred: 0 }, generation: 8 };
  const ofPlan = await turns('the figures of a plan', 4 * rounds, () => planFigures(planned, systemClock));

  const figures = await planFigures(planned, systemClock);
  const instruments = createInstruments({
    ...quietProbe,
    leasesHeld: () => partitionCount,
    leases: () => leases,
    plan: async () => figures,
    counts: async () => ({
      agents: { active: agentCount },
      partitions: { led: partitionCount, unled: 0 },
      movesUnderWay: 0,
    }),
  });
  collectDefaultMetrics({ register: instruments.registry });
  for (let i = 0; i < routeCount; i++) {
    instruments.httpRequestDuration.observe({ route: `/v1/route-${i}` }, 0.01);
    for (const status of ['2xx', '4xx', '5xx']) {
      instruments.httpRequests.inc({ method: 'GET', route: `/v1/route-${i}`, status });
    }
  }
  for (let i = 0; i < operationCount; i++) {
    for (const result of ['ok', 'refused', 'failed']) {
      instruments.storeOperationDuration.observe({ operation: `operation${i}`, result }, 0.01);
    }
  }
  const text = await instruments.scrape.metrics();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  const scrapes = scrapesPerRound * rounds;
  const inSlices = await turns('a scrape', scrapes, () => instruments.scrape.metrics());
  const atOnce = await turns('as prom-client renders it', scrapes, () => instruments.registry.metrics());
  findings.add({
    title: `A scrape with ${partitionCount} partitions and ${agentCount} agents: ${lines} series, ${Math.round(text.length / 1_024)} KiB`,
    rows: [...ofPlan, ...inSlices, ...atOnce],
  });
}
