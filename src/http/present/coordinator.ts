// Who coordinates the group, in answers.
import type { LeaseView } from '../../store/leases.ts';
import type { StatusAnswer } from '../schemas/answers/status.ts';
import { timeOrNull } from './times.ts';

export function presentCoordinator(lease: LeaseView | undefined): StatusAnswer['coordinator'] {
  if (lease === undefined || lease.agentId === null) return null;
  return { agentId: lease.agentId, epoch: lease.epoch, since: timeOrNull(lease.acquiredAt) };
}
