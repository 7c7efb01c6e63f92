// One scrape: what is only known at its moment is read, then everything is rendered, never long at a time: heartbeats go on beside it.
import type { Registry } from 'prom-client';
import type { Clock } from '../platform/clock.ts';
import type { Made } from './definition.ts';
import type { GroupCounts, PlanFigures, Probe } from './probe.ts';
import type { agentTable } from './table/agent.ts';
import { brokerStates } from './table/agent.ts';
import type { coordinatorTable } from './table/coordinator.ts';
import type { leaseTable } from './table/leases.ts';
import type { storeTable } from './table/store.ts';

/** The instruments that are set at a scrape, and their neighbours in the tables. */
type Scraped = Made<typeof agentTable & typeof leaseTable & typeof coordinatorTable & typeof storeTable>;

/** Leases shown one by one at most; the rest is counted. */
export const leaseSeriesMax = 1_000;

/** How long a scrape waits for counts of the store, milliseconds; it then answers without them. */
export const countsWaitMs = 500;

/** Text rendered in one turn of the event loop, characters: about 400 series. A metric is rendered in one turn. */
const renderedPerTurn = 32_768;

export class Scrape {
  private readonly registry: Registry;
  private readonly instruments: Scraped;
  private readonly probe: Probe;
  private readonly clock: Clock;
  private underWay: Promise<string> | undefined;
  private counting: Promise<GroupCounts | undefined> | undefined;

  constructor(registry: Registry, instruments: Scraped, probe: Probe, clock: Clock) {
    this.registry = registry;
    this.instruments = instruments;
    this.probe = probe;
    this.clock = clock;
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /**
   * The exposition, in the text format of Prometheus. Whoever asks while one is being made gets the same one. Waits for the store no
   * longer than `countsWaitMs` and never rejects because of it.
   */
  metrics(): Promise<string> {
    this.underWay ??= this.render().finally(() => {
      this.underWay = undefined;
    });
    return this.underWay;
  }

  private async render(): Promise<string> {
    const [plan, counts] = await Promise.all([this.probe.plan(), this.countsInTime()]);
    this.showAgent();
    this.showLeases();
    this.showPools();
    this.showGroup(plan, counts);
    await this.clock.sleep(0);
    const rendered: string[] = [];
    let inThisTurn = 0;
    for (const metric of this.registry.getMetricsAsArray()) {
      if (inThisTurn > renderedPerTurn) {
        await this.clock.sleep(0);
        inThisTurn = 0;
      }
      const text = await this.registry.getSingleMetricAsString(metric.name);
      rendered.push(text);
      inThisTurn += text.length;
    }
    return `${rendered.join('\n\n')}\n`;
  }

  /** A read that takes longer is left to end, and no second one is begun beside it. */
  private async countsInTime(): Promise<GroupCounts | undefined> {
    this.counting ??= this.probe
      .counts()
      .catch(() => undefined)
      .finally(() => {
        this.counting = undefined;
      });
    const waiting = new AbortController();
    const late = this.clock.sleep(countsWaitMs, waiting.signal).then(() => undefined);
    try {
      return await Promise.race([this.counting, late]);
    } finally {
      waiting.abort();
    }
  }

  private showAgent(): void {
    const { instruments, probe } = this;
    for (const [state, now] of Object.entries(probe.agentStates())) {
      instruments.agentState.set({ state }, now ? 1 : 0);
    }
    const broker = probe.brokerState();
    for (const state of brokerStates) instruments.brokerState.set({ state }, state === broker ? 1 : 0);
    instruments.coordinator.set({ group: probe.group }, probe.isCoordinator() ? 1 : 0);
    instruments.leasesHeld.set(probe.leasesHeld());
    instruments.leaseHandoffs.set(probe.leaseHandoffs());
    instruments.sessionTrustedSeconds.set(probe.trustedForMs() / 1000);
    instruments.signalsConnected.set(probe.signalsConnected() ? 1 : 0);
    instruments.crashDetectionActive.set(probe.crashDetectionActive() ? 1 : 0);
  }

  private showLeases(): void {
    const { leaseEpoch, leaseSeriesOmitted } = this.instruments;
    const leases = this.probe.leases();
    leaseEpoch.reset();
    leaseSeriesOmitted.remove();
    if (leases === undefined) return;
    for (const { topic, partition, epoch } of leases.slice(0, leaseSeriesMax)) {
      leaseEpoch.set({ topic, partition: String(partition) }, epoch);
    }
    leaseSeriesOmitted.set(Math.max(0, leases.length - leaseSeriesMax));
  }

  private showPools(): void {
    const { storeConnections, storeConnectionsWaiting, storeConnectionsMax } = this.instruments;
    for (const each of [storeConnections, storeConnectionsWaiting, storeConnectionsMax]) each.reset();
    for (const { pool, busy, idle, waiting, max } of this.probe.storePools()) {
      storeConnections.set({ pool, state: 'busy' }, busy);
      storeConnections.set({ pool, state: 'idle' }, idle);
      storeConnectionsWaiting.set({ pool }, waiting);
      storeConnectionsMax.set({ pool }, max);
    }
  }

  /** All of it vanishes with the role: whatever was shown before is forgotten first. */
  private showGroup(plan: PlanFigures | undefined, counts: GroupCounts | undefined): void {
    const { agents, partitions, paused, movesPlanned, agentPartitions, agentShare, assignmentGeneration } =
      this.instruments;
    const { group } = this.probe;
    for (const each of [
      agents,
      partitions,
      paused,
      movesPlanned,
      agentPartitions,
      agentShare,
      assignmentGeneration,
    ]) {
      each.reset();
    }
    if (counts !== undefined) {
      for (const [state, count] of Object.entries(counts.agents)) agents.set({ group, state }, count);
      for (const [state, count] of Object.entries(counts.partitions)) partitions.set({ group, state }, count);
      movesPlanned.set({ group, state: 'under_way' }, counts.movesUnderWay);
    }
    if (plan === undefined) return;
    paused.set({ group }, plan.isPaused ? 1 : 0);
    assignmentGeneration.set({ group }, plan.generation);
    movesPlanned.set({ group, state: 'waiting' }, plan.waiting);
    for (const agent of plan.agents) {
      const labels = { group, agent_id: agent.agentId };
      agentPartitions.set(labels, agent.partitions);
      if (agent.share !== undefined) agentShare.set(labels, agent.share);
    }
  }
}
