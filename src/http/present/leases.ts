// Leases in answers: of partitions, of roles, and their past terms.
import type { LeaseView, ReleaseOutcome, TermRecord } from '../../store/leases.ts';
import { time, timeOrNull } from './times.ts';

/** A partition's lease; `agentId` is null when nobody holds it. */
export function presentLease({ key, agentId, address, epoch, acquiredAt, expiresInMs }: LeaseView) {
  if (key.kind !== 'partition') throw new TypeError(`the lease of role ${key.name} stands among partitions`);
  const { topic, partition } = key;
  return { topic, partition, agentId, address, epoch, acquiredAt: timeOrNull(acquiredAt), expiresInMs };
}

/** A role's lease, seen as an election. */
export function presentElection({ key, agentId, epoch, acquiredAt }: LeaseView) {
  if (key.kind !== 'role')
    throw new TypeError(`the lease of ${key.topic}/${key.partition} stands among roles`);
  return { name: key.name, agentId, epoch, since: timeOrNull(acquiredAt) };
}

/** `to` and `reason` are null for the term that has not ended. */
export function presentTerm({ epoch, agentId, from, to, reason }: TermRecord) {
  return { epoch, agentId, from: time(from), to: timeOrNull(to), reason };
}

/** What became of a term that was given up; `fenced`: it was over already, or not this agent's. */
export function presentReleased(released: ReleaseOutcome) {
  const { key, epoch } = released.term;
  if (key.kind !== 'partition') throw new TypeError(`role ${key.name} was given up as a partition`);
  const lease = { topic: key.topic, partition: key.partition, epoch };
  return released.outcome === 'released'
    ? { ...lease, outcome: 'released' }
    : { ...lease, outcome: 'fenced', currentEpoch: released.currentEpoch };
}
