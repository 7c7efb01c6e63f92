// Claims about partitions that went from one agent to others: what was to go went, nothing else did, and where an agent could still be
// asked, its broker gave every one of them up by itself.
import { type BrokerTerm, type Evidence, type Lease, type Passage } from '../history.ts';
import { byPartition, partitionText } from '../partition-name.ts';
import type { Check } from './check.ts';

/** What was to go is led by others under higher epochs; every other lease is the one it was. */
export const passagesTakeOnlyTheirOwn: Check<Evidence> = ({ passages, partitions }) => {
  const violations: string[] = [];
  let counted = 0;
  for (const passage of passages) {
    const { how, agentId, before, moved } = passage;
    counted += before.length;
    if (before.length !== partitions.length) {
      violations.push(
        `${how} of ${agentId}: ${before.length} of ${partitions.length} leases were seen before it`,
      );
    }
    if (moved.length === 0) violations.push(`${how} of ${agentId}: there was nothing to go`);
    violations.push(...wronglyMoved(passage));
  }
  return {
    claim: `leases around ${passages.length} passages: those that were to go went on under higher epochs, the others stayed`,
    counted,
    violations,
  };
};

function wronglyMoved({ agentId, how, to, moved, before, after }: Passage): string[] {
  const now = new Map(after.map((lease) => [partitionText(lease), lease]));
  const toGo = new Set(moved.map(partitionText));
  return before.flatMap((was) => {
    const is = now.get(partitionText(was));
    const lawful = toGo.has(partitionText(was)) ? isTakenOver(was, is, to) : isUntouched(was, is);
    if (lawful) return [];
    return [`${how} of ${agentId}: ${partitionText(was)} was ${describe(was)} and became ${describe(is)}`];
  });
}

function isTakenOver(was: Lease, is: Lease | undefined, to: string | undefined): boolean {
  if (is === undefined || is.agentId === null || is.epoch <= was.epoch) return false;
  return is.agentId !== was.agentId && (to === undefined || is.agentId === to);
}

function isUntouched(was: Lease, is: Lease | undefined): boolean {
  return is !== undefined && is.agentId === was.agentId && is.epoch === was.epoch;
}

function describe(lease: Lease | undefined): string {
  if (lease === undefined) return 'unknown';
  return `${lease.agentId ?? 'nobody'} (epoch ${lease.epoch})`;
}

/** The broker beside an agent that hands over was asked for each of those partitions, and released it itself. */
export const handoffsAreAcknowledged: Check<Evidence> = ({ passages, terms }) => {
  const violations: string[] = [];
  let counted = 0;
  const termsOf = byPartition(terms);
  for (const { how, agentId, moved } of passages) {
    if (how === 'SIGKILL') continue;
    for (const lease of moved) {
      counted += 1;
      const last = termsOf
        .get(partitionText(lease))
        ?.findLast((term) => term.agentId === agentId && term.epoch === lease.epoch);
      if (isAcknowledged(last)) continue;
      violations.push(`${how} of ${agentId}: ${partitionText(lease)} ${ending(last)}`);
    }
  }
  return {
    claim: 'partitions handed over, each asked for and acknowledged by the broker that led it',
    counted,
    violations,
  };
};

function isAcknowledged(term: BrokerTerm | undefined): boolean {
  return term?.end?.reason === 'released' && term.end.askedMs !== undefined;
}

function ending(term: BrokerTerm | undefined): string {
  if (term === undefined) return 'was not led by its broker';
  if (term.end === undefined) return 'is led by its broker still';
  if (term.end.reason === 'released') return 'was given up by its broker and never asked for';
  return `was not acknowledged: its term ended as ${term.end.reason}`;
}
