// What to tell of a passage from the words of the brokers: who had stopped when, and what was acknowledged.
import type { BrokerTerm, Passage, TermEnd } from './history.ts';
import { partitionText } from './partition-name.ts';
import { seconds } from './report.ts';

/** When the broker beside the killed agent stopped, against when another began. `sinceMs`: of the kill. */
export function tellKill(passage: Passage, terms: readonly BrokerTerm[], sinceMs: number): string {
  const ends = endsOf(passage, terms);
  const epochs = new Map(passage.moved.map((lease) => [partitionText(lease), lease.epoch]));
  const begun = terms
    .filter((term) => term.epoch > (epochs.get(partitionText(term)) ?? Infinity))
    .map((term) => term.begunMs);
  const reasons = [...new Set(ends.map(({ reason }) => reason))].join(', ');
  const stopped = Math.max(...ends.map(({ atMs }) => atMs));
  return `the broker beside ${passage.agentId} had stopped after ${seconds(stopped - sinceMs)} (${reasons}); another began after ${seconds(Math.min(...begun) - sinceMs)}`;
}

/** How many partitions were acknowledged, and how long that took from when the broker was asked. */
export function tellHandoff(passage: Passage, terms: readonly BrokerTerm[]): string {
  const times = endsOf(passage, terms).flatMap(({ reason, atMs, askedMs }) =>
    reason === 'released' && askedMs !== undefined ? [atMs - askedMs] : [],
  );
  const count = `its broker acknowledged ${times.length} of ${passage.moved.length}`;
  if (times.length === 0) return count;
  return `${count}, each within ${Math.max(...times).toFixed(1)} ms of being asked: last segment appended under the old epoch`;
}

/** The ends of the terms that the passage was about. */
function endsOf({ agentId, moved }: Passage, terms: readonly BrokerTerm[]): TermEnd[] {
  const epochs = new Map(moved.map((lease) => [partitionText(lease), lease.epoch]));
  return terms.flatMap((term) => {
    const isOne = term.agentId === agentId && term.epoch === epochs.get(partitionText(term));
    return isOne && term.end !== undefined ? [term.end] : [];
  });
}
