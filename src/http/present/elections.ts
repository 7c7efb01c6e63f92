// A candidacy in answers: who leads the role now, as in every answer about an election, and what of it is the candidate's own.
import type { Candidacy } from '../../coordination/elections.ts';
import type { LeaseView } from '../../store/leases.ts';
import type { CandidacyAnswer } from '../schemas/answers/leases.ts';
import { presentElection } from './leases.ts';
import { timeOrNull } from './times.ts';

/** Who leads a role; `agentId` and `since` are null when nobody does, `epoch` is then the last one. */
export type ElectionNow = Omit<ReturnType<typeof presentElection>, 'name'>;

/** Who leads is known without the store when it is the candidate itself. */
export function leaderByItself({ epoch, since }: Candidacy, agentId: string): ElectionNow | undefined {
  return epoch === null ? undefined : { agentId, epoch, since: timeOrNull(since) };
}

export function leaderByLease(lease: LeaseView | undefined): ElectionNow {
  if (lease === undefined) return { agentId: null, epoch: 0, since: null };
  const { agentId, epoch, since } = presentElection(lease);
  return { agentId, epoch, since };
}

/** `ownEpoch` and `trustedForMs` are the candidate's own, null and 0 while it waits; `epoch` is the leader's. */
export function presentCandidacy(candidacy: Candidacy, now: ElectionNow): CandidacyAnswer {
  const { name, candidate, state, epoch: ownEpoch, trustedForMs } = candidacy;
  const leader = now.agentId === null ? null : now;
  return { name, ...now, candidate, state, ownEpoch, trustedForMs, leader };
}
