// Every instrument in one table: name, meaning, labels with their closed sets of values. Base units; prefix `streamhouse_`.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { moveReasons } from '../domain/planner.ts';
import { signalKinds } from '../signals/signals.ts';

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const failoverSeconds = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 15, 30, 60, 120, 300];

export type Instruments = ReturnType<typeof createInstruments>;

/** What is only known at the moment of a scrape. */
export interface Probe {
  readonly group: string;
  /** Each state an agent can be in, and whether it is in it. */
  agentStates(): Readonly<Record<string, boolean>>;
  leasesHeld(): number;
  trustedForMs(): number;
  signalsConnected(): boolean;
  /** Agents and partitions of the group by state; empty unless this agent is the coordinator. */
  agents(): Promise<Readonly<Record<string, number>>>;
  partitions(): Promise<Readonly<Record<string, number>>>;
}

export function createInstruments(probe: Probe) {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <L extends string = never>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    collect?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L> =>
    new Gauge<L>({
      name: `streamhouse_${name}`,
      help,
      labelNames,
      registers,
      ...(collect && {
        collect() {
          return collect(this);
        },
      }),
    });
  const byState = async (
    target: Gauge<'group' | 'state'>,
    counts: Promise<Readonly<Record<string, number>>>,
  ) => {
    const read = await counts;
    target.reset();
    for (const [state, count] of Object.entries(read)) target.set({ group: probe.group, state }, count);
  };
  const counter = <L extends string = never>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `streamhouse_${name}`, help, labelNames, registers });
  const histogram = <L extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[] = [],
  ) => new Histogram({ name: `streamhouse_${name}`, help, buckets, labelNames, registers });

  const instruments = {
    buildInfo: gauge('build_info', 'Always 1; the program version', ['version', 'node']),
    agentInfo: gauge('agent_info', 'Always 1; who this agent is', ['agent_id', 'group', 'zone']),
    agentState: gauge(
      'agent_state',
      '1 for the state this agent is in, 0 for the others',
      ['state'],
      (target) => {
        for (const [state, now] of Object.entries(probe.agentStates())) target.set({ state }, now ? 1 : 0);
      },
    ),
    leasesHeld: gauge('leases_held', 'Partition leases this agent holds and trusts', [], (target) =>
      target.set(probe.leasesHeld()),
    ),
    sessionTrustedSeconds: gauge(
      'session_trusted_seconds',
      'How long this agent may act without another heartbeat',
      [],
      (target) => target.set(probe.trustedForMs() / 1000),
    ),
    heartbeats: counter('heartbeats_total', 'Heartbeats by result', ['result']),
    heartbeatDuration: histogram('heartbeat_duration_seconds', 'Heartbeat round trip', seconds),
    leaseAcquisitions: counter('lease_acquisitions_total', 'Leases asked for, by outcome', ['result']),
    leasesLost: counter('leases_lost_total', 'Leases that ended other than by our own release', ['reason']),
    fencedWrites: counter('fenced_writes_total', 'Writes refused because their epoch was not current', [
      'operation',
    ]),
    coordinator: gauge('coordinator', '1 while this agent is the coordinator of its group', ['group']),
    coordinatorEpoch: gauge('coordinator_epoch', 'Epoch of the coordinator term last seen', ['group']),
    coordinatorChanges: counter('coordinator_changes_total', 'Coordinator terms that this agent has begun'),
    agents: gauge('agents', 'Agents of the group by state; coordinator only', ['group', 'state'], (target) =>
      byState(target, probe.agents()),
    ),
    partitions: gauge(
      'partitions',
      'Partitions of the group by state; coordinator only',
      ['group', 'state'],
      (target) => byState(target, probe.partitions()),
    ),
    rebalances: counter('rebalances_total', 'Assignments written, by what asked for them', ['reason']),
    moves: counter('moves_total', 'Assignment changes, by reason and result', ['reason', 'result']),
    reaps: counter('reaps_total', 'Attempts to end a silent session, by result', ['result']),
    failoverDuration: histogram(
      'failover_duration_seconds',
      "From the old holder's last accepted heartbeat, database clock, to the new grant",
      failoverSeconds,
      ['cause'],
    ),
    handoffDuration: histogram(
      'handoff_duration_seconds',
      'From asking the broker to give a partition up to its lease being free, by how it ended',
      seconds,
      ['result'],
    ),
    electionCandidacies: gauge(
      'election_candidacies',
      'Candidacies beside this agent: those that lead their role, and those that wait for it',
      ['state'],
    ),
    storeOperationDuration: histogram(
      'store_operation_duration_seconds',
      'Store operations by result',
      seconds,
      ['operation', 'result'],
    ),
    storeClockOffset: gauge(
      'store_clock_offset_seconds',
      "The database's wall clock less ours, at the last heartbeat",
    ),
    signalsConnected: gauge('signals_connected', '1 while signals of other agents can arrive', [], (target) =>
      target.set(probe.signalsConnected() ? 1 : 0),
    ),
    signals: counter('signals_total', 'Signals heard, by kind', ['kind']),
    resyncs: counter('resyncs_total', 'Times this agent read its leases or its assignment anew', ['reason']),
  };

  for (const result of ['renewed', 'failed', 'lost']) instruments.heartbeats.inc({ result }, 0);
  for (const result of ['granted', 'already_held', 'held', 'busy', 'unknown', 'failed']) {
    instruments.leaseAcquisitions.inc({ result }, 0);
  }
  for (const reason of lostReasons) instruments.leasesLost.inc({ reason }, 0);
  for (const operation of fencedOperations) instruments.fencedWrites.inc({ operation }, 0);
  for (const kind of signalKinds) instruments.signals.inc({ kind }, 0);
  for (const reason of resyncReasons) instruments.resyncs.inc({ reason }, 0);
  for (const reason of rebalanceReasons) instruments.rebalances.inc({ reason }, 0);
  for (const reason of moveReasons) {
    for (const result of ['written', 'fenced']) instruments.moves.inc({ reason, result }, 0);
  }
  for (const state of ['leading', 'waiting']) instruments.electionCandidacies.set({ state }, 0);
  instruments.failoverDuration.zero({ cause: 'reaped' });
  for (const result of ['acknowledged', 'timed_out']) instruments.handoffDuration.zero({ result });
  for (const result of ['reaped', 'alive', 'already_ended', 'failed']) instruments.reaps.inc({ result }, 0);
  return { registry, ...instruments };
}

/** `session_lost`: our session ended without us; `superseded`: found gone when read anew. */
export const lostReasons = ['session_lost', 'superseded'] as const;
export const fencedOperations = ['append', 'high_watermark'] as const;
export const resyncReasons = ['start', 'signals', 'holdings', 'assignment'] as const;
export const rebalanceReasons = ['elected', 'membership', 'topics', 'generation', 'wave', 'settled'] as const;
export type RebalanceReason = (typeof rebalanceReasons)[number];
