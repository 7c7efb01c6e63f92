// One partition in a line: who leads it since when, under which epoch, and where it is going.
import type { LeaseAnswer } from '../../http/schemas/answers/leases.ts';
import { placeOf } from '../model/happenings.ts';
import { durationText } from '../model/times.ts';
import { Moment } from './moment.tsx';
import { useDesk } from '../desk.ts';

export interface PartitionLineProps {
  readonly lease: LeaseAnswer;
  readonly movesTo: string | undefined;
}

export function PartitionLine({ lease, movesTo }: PartitionLineProps) {
  const { live } = useDesk();
  const { agents } = live.cluster.value;
  const holder = agents?.value.find(({ agentId }) => agentId === lease.agentId);
  const leftMs =
    agents === undefined || holder === undefined || holder.expiresInMs === null
      ? undefined
      : holder.expiresInMs - (performance.now() - agents.askedAtMs);
  return (
    <span>
      <strong class="name">{placeOf(lease)}</strong>
      {lease.agentId === null ? ' is led by nobody' : ` is led by ${lease.agentId}`}, epoch {lease.epoch}
      {lease.acquiredAt !== null && lease.agentId !== null && (
        <>
          , since <Moment time={lease.acquiredAt} />
        </>
      )}
      {leftMs !== undefined && `, session has ${durationText(leftMs)} left`}
      {movesTo !== undefined && `, moving to ${movesTo}`}
    </span>
  );
}
