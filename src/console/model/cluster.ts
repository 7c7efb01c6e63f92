// What the page knows of the cluster, and how each read changes it. Pure: the reads are made in live.ts.
import type { AgentAnswer } from '../../http/schemas/answers/agents.ts';
import type { LeaseAnswer } from '../../http/schemas/answers/leases.ts';
import type { RebalanceAnswer } from '../../http/schemas/answers/rebalance.ts';
import type { StatusAnswer } from '../../http/schemas/answers/status.ts';
import { agentSentences, leaseSentences, statusSentences } from './happenings.ts';
import { compareLeases, type LeaseTable, leaseTable } from './leases.ts';
import { tell, type Timeline } from './timeline.ts';

/** Something that was read, and when the question was sent: remaining times count from there. */
export interface Reading<T> {
  readonly value: T;
  /** By `performance.now()`. */
  readonly askedAtMs: number;
}

export interface Cluster {
  readonly status?: Reading<StatusAnswer>;
  readonly agents?: Reading<readonly AgentAnswer[]>;
  /** The same object as long as no lease changes hands. */
  readonly leases?: LeaseTable;
  readonly leasesAskedAtMs?: number;
  readonly rebalance?: Reading<RebalanceAnswer>;
  /** Per agent the longest remaining time that was seen of any session: about its TTL, milliseconds. */
  readonly ttlMs: ReadonlyMap<string, number>;
  readonly timeline: Timeline;
}

export const unknownCluster: Cluster = { ttlMs: new Map(), timeline: [] };

export interface Moment {
  readonly askedAtMs: number;
  /** By the wall clock, for people. */
  readonly nowMs: number;
}

export function withStatus(cluster: Cluster, value: StatusAnswer, { askedAtMs, nowMs }: Moment): Cluster {
  const texts = cluster.status === undefined ? [] : statusSentences(cluster.status.value, value);
  return {
    ...cluster,
    status: { value, askedAtMs },
    timeline: tell(cluster.timeline, nowMs, 'seen', texts),
  };
}

export function withAgents(
  cluster: Cluster,
  value: readonly AgentAnswer[],
  { askedAtMs, nowMs }: Moment,
): Cluster {
  const texts = cluster.agents === undefined ? [] : agentSentences(cluster.agents.value, value);
  const ttlMs = new Map(
    value.map(({ agentId, expiresInMs }) => [
      agentId,
      Math.max(cluster.ttlMs.get(agentId) ?? 0, expiresInMs ?? 0),
    ]),
  );
  return {
    ...cluster,
    ttlMs,
    agents: { value, askedAtMs },
    timeline: tell(cluster.timeline, nowMs, 'seen', texts),
  };
}

export function withLeases(
  cluster: Cluster,
  all: readonly LeaseAnswer[],
  { askedAtMs, nowMs }: Moment,
): Cluster {
  const leases = leaseTable(all);
  if (cluster.leases === undefined) return { ...cluster, leases, leasesAskedAtMs: askedAtMs };
  const difference = compareLeases(cluster.leases, leases);
  if (difference.isNothing) return { ...cluster, leasesAskedAtMs: askedAtMs };
  const texts = leaseSentences(difference);
  return {
    ...cluster,
    leases,
    leasesAskedAtMs: askedAtMs,
    timeline: tell(cluster.timeline, nowMs, 'seen', texts),
  };
}

/** Whether leases are probably not as they were read: what is counted has changed. */
export function hintsAtLeases(before: Cluster, after: Cluster): boolean {
  return sumsOf(before) !== sumsOf(after);
}

function sumsOf({ status, agents }: Cluster): string {
  const { partitions, topics, coordinator } = status?.value ?? {};
  const counts = agents?.value.map(({ agentId, leases }) => `${agentId} ${leases}`);
  return JSON.stringify([partitions, topics, coordinator?.epoch, counts]);
}

/** Whether some partition is on its way, as far as the last look at the assignment said. */
export function isMoving({ rebalance }: Cluster): boolean {
  return rebalance !== undefined && rebalance.value.partitions.moving > 0;
}
