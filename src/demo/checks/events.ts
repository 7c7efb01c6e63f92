// Claims about what was done to the agents: departures move what was the departed one's and nothing else, a write from the past
// is refused, and no answer was beyond explanation.
import type { Check } from './check.ts';
import { type Departure, type Lease, partitionText } from '../history.ts';

/** The departed agent's partitions are led by others under higher epochs; every other lease is the one it was. */
export const departuresTakeOnlyTheirOwn: Check = ({ departures, partitions }) => {
  const violations: string[] = [];
  let counted = 0;
  for (const departure of departures) {
    counted += departure.before.length;
    if (departure.before.length !== partitions.length) {
      violations.push(
        `${departure.how} of ${departure.agentId}: ${departure.before.length} of ${partitions.length} leases were seen before it`,
      );
    }
    violations.push(...wronglyMoved(departure));
  }
  return {
    claim: `leases around ${departures.length} departures: those of the departed went on under higher epochs, the others stayed`,
    counted,
    violations,
  };
};

function wronglyMoved({ agentId, how, before, after }: Departure): string[] {
  const now = new Map(after.map((lease) => [partitionText(lease), lease]));
  return before.flatMap((was) => {
    const is = now.get(partitionText(was));
    const lawful = was.agentId === agentId ? isTakenOver(was, is) : isUntouched(was, is);
    if (lawful) return [];
    return [`${how} of ${agentId}: ${partitionText(was)} was ${describe(was)} and became ${describe(is)}`];
  });
}

function isTakenOver(was: Lease, is: Lease | undefined): boolean {
  return is !== undefined && is.agentId !== null && is.agentId !== was.agentId && is.epoch > was.epoch;
}

function isUntouched(was: Lease, is: Lease | undefined): boolean {
  return is !== undefined && is.agentId === was.agentId && is.epoch === was.epoch;
}

function describe(lease: Lease | undefined): string {
  if (lease === undefined) return 'unknown';
  return `${lease.agentId ?? 'nobody'} (epoch ${lease.epoch})`;
}

/** Refused as `fenced`, with the epoch that was current meanwhile, and not stored. */
export const zombiesAreRefused: Check = ({ zombies, stored }) => {
  const ids = new Set(stored.flatMap(({ segments }) => segments.map(({ id }) => id)));
  const violations = zombies.flatMap((zombie) => {
    const { segment, through, status, code, toldEpoch, epochBefore, epochAfter } = zombie;
    const name = `write to ${partitionText(segment)} under epoch ${segment.epoch} through ${through}`;
    const found: string[] = [];
    if (segment.epoch >= epochBefore) found.push(`${name}: that epoch was not over`);
    if (status !== 409 || code !== 'fenced') found.push(`${name}: answered ${status} ${code ?? ''}`);
    else if (toldEpoch === undefined || toldEpoch < epochBefore || toldEpoch > epochAfter) {
      found.push(`${name}: told epoch ${toldEpoch}, which was ${epochBefore} before and ${epochAfter} after`);
    }
    if (ids.has(segment.id)) found.push(`${name}: stored all the same`);
    return found;
  });
  return {
    claim: 'writes under an epoch that is over, all refused with the current one',
    counted: zombies.length,
    violations,
  };
};

/** Counted: the writes that were sent, since each of them could have had such an answer. */
export const noSurprises: Check = ({ sent, surprises }) => ({
  claim: 'segments sent, no answer that cannot be explained',
  counted: sent.length,
  violations: surprises,
});
