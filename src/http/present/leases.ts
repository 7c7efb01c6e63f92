// Leases in answers: of partitions, of roles, and their past terms.
import type { LeaseView, TermRecord } from '../../store/leases.ts';
import type { ElectionAnswer, LeaseAnswer, TermAnswer } from '../schemas/answers/leases.ts';
import { time, timeOrNull } from './times.ts';

/** A partition's lease; `agentId` is null when nobody holds it. */
export function presentLease(lease: LeaseView): LeaseAnswer {
  const { key, agentId, address, epoch, acquiredAt, expiresInMs } = lease;
  if (key.kind !== 'partition') throw new TypeError(`the lease of role ${key.name} stands among partitions`);
  const { topic, partition } = key;
  return { topic, partition, agentId, address, epoch, acquiredAt: timeOrNull(acquiredAt), expiresInMs };
}

/** A role's lease, seen as an election. */
export function presentElection({ key, agentId, epoch, acquiredAt }: LeaseView): ElectionAnswer {
  if (key.kind !== 'role')
    throw new TypeError(`the lease of ${key.topic}/${key.partition} stands among roles`);
  return { name: key.name, agentId, epoch, since: timeOrNull(acquiredAt) };
}

/** `to` and `reason` are null for the term that has not ended. */
export function presentTerm({ epoch, agentId, from, to, reason }: TermRecord): TermAnswer {
  return { epoch, agentId, from: time(from), to: timeOrNull(to), reason };
}
