// Leases of this agent: how many, how they came and went, and how long the changes took.
import { counter, gauge, histogram } from '../definition.ts';
import { takeoverCauses } from '../../store/leases.ts';
import { failoverSeconds, stepSeconds } from './buckets.ts';

/** `session_lost`: our session ended without us; `superseded`: found gone when read anew. */
export const lostReasons = ['session_lost', 'superseded'] as const;
export const fencedOperations = ['append', 'high_watermark'] as const;

export const leaseTable = {
  leasesHeld: gauge('leases_held', {
    help: 'Partition leases this agent holds and trusts',
    whenOff: '0 while others have some: `agent_state`, `broker_state`, or it is cordoned.',
  }),
  leaseAcquisitions: counter('lease_acquisitions_total', {
    help: 'Leases asked for, by outcome',
    labels: { result: ['granted', 'already_held', 'held', 'busy', 'quarantined', 'unknown', 'failed'] },
    whenOff: '`held` grows steadily: who holds them does not let go; see `handoff_duration_seconds` there.',
  }),
  leasesLost: counter('leases_lost_total', {
    help: 'Leases that ended other than by our own release',
    labels: { reason: lostReasons },
    whenOff: 'Grows: the session was ended by others. Look for pauses of this process and for a slow store.',
  }),
  leaseHandoffs: gauge('lease_handoffs', {
    help: 'Partitions that the broker is asked to give up and has not acknowledged yet',
    whenOff:
      'Does not return to 0: the broker does not acknowledge; it loses them when HANDOFF_TIMEOUT_MS is over.',
  }),
  failoverDuration: histogram('failover_duration_seconds', {
    help: "From the old holder's last accepted heartbeat, database clock, to the new grant",
    labels: { cause: takeoverCauses },
    buckets: failoverSeconds,
    whenOff:
      '`reaped` well above the TTL, `crashed` above a few seconds: no coordinator at that time, a slow store, or too few agents alive.',
  }),
  handoffDuration: histogram('handoff_duration_seconds', {
    help: 'From asking the broker to give a partition up to its lease being free, by how it ended',
    labels: { result: ['acknowledged', 'timed_out'] },
    buckets: stepSeconds,
    whenOff: '`timed_out`: the broker does not acknowledge in HANDOFF_TIMEOUT_MS; its log says why.',
  }),
  fencedWrites: counter('fenced_writes_total', {
    help: 'Writes refused because their epoch was not current',
    labels: { operation: fencedOperations },
    whenOff: 'A few at a takeover are its proof. Steady: a broker that does not stop when it is told to.',
  }),
  electionCandidacies: gauge('election_candidacies', {
    help: 'Candidacies beside this agent: those that lead their role, and those that wait for it',
    labels: { state: ['leading', 'waiting'] },
    whenOff: 'Nobody `leading` in the whole group while some wait: look at the agents that hold the roles.',
  }),
  leaseEpoch: gauge('lease_epoch', {
    help: 'Epoch of each partition lease this agent holds and trusts; only with METRICS_PER_PARTITION=true',
    labels: { topic: 'open', partition: 'open' },
    whenOff: 'Two agents show one partition for longer than two scrapes: believe the higher epoch.',
  }),
  leaseSeriesOmitted: gauge('lease_series_omitted', {
    help: 'Leases held beyond those lease_epoch shows; only with METRICS_PER_PARTITION=true',
    whenOff: 'Above 0: the rest is in `GET /v1/held`; the number shown is bounded.',
  }),
} as const;
