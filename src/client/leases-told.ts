// What the agent has told on its stream about the partitions it holds, with each one's session. Pure: it neither trusts nor acts.
import type { PartitionName, PartitionTerm, SnapshotLease } from './wire-event.ts';

/** The agent asks for the partition: finish what is under way and return from the callback, which acknowledges. */
export interface Revocation {
  /** The agent that gets the partition, if that is known. */
  readonly to: string | null;
  /** When the agent takes it away in any case, monotonic clock (`performance.now()`). */
  readonly deadlineMs: number;
}

export interface LeaseTold extends PartitionTerm {
  /** The agent's session that holds it: trust in another session says nothing about it. */
  readonly sessionId: string | null;
  readonly revocation: Revocation | undefined;
}

export class LeasesTold {
  private leases = new Map<string, LeaseTold>();
  /** Parts of a snapshot that has not come to its end. */
  private parts: SnapshotLease[] = [];

  get all(): Iterable<LeaseTold> {
    return this.leases.values();
  }

  get(name: PartitionName): LeaseTold | undefined {
    return this.leases.get(partitionText(name));
  }

  /** Whether the snapshot is whole now, and has replaced everything. */
  snapshot(
    part: { readonly part: number; readonly parts: number; readonly leases: readonly SnapshotLease[] },
    sessionId: string | null,
    nowMs: number,
  ): boolean {
    // The first part begins a new one, whatever became of the one before.
    if (part.part <= 1) this.parts = [];
    for (const lease of part.leases) this.parts.push(lease);
    if (part.part < part.parts) return false;
    this.leases = new Map(
      this.parts.map(({ revoking, ...term }) => {
        const revocation = revoking && { to: revoking.to, deadlineMs: nowMs + revoking.deadlineMs };
        return [partitionText(term), { ...term, sessionId, revocation }];
      }),
    );
    this.parts = [];
    return true;
  }

  /** Whether it is news: an epoch that is not higher than the one known has been told before. */
  granted({ topic, partition, epoch }: PartitionTerm, sessionId: string | null): boolean {
    const known = this.get({ topic, partition });
    if (known !== undefined && known.epoch >= epoch) return false;
    this.leases.set(partitionText({ topic, partition }), {
      topic,
      partition,
      epoch,
      sessionId,
      revocation: undefined,
    });
    return true;
  }

  revoking(term: PartitionTerm, revocation: Revocation): boolean {
    const known = this.get(term);
    if (known === undefined || known.epoch !== term.epoch || known.revocation !== undefined) return false;
    this.leases.set(partitionText(term), { ...known, revocation });
    return true;
  }

  lost(term: PartitionTerm): boolean {
    const known = this.get(term);
    // An old term's end says nothing about a newer one.
    if (known === undefined || known.epoch > term.epoch) return false;
    return this.leases.delete(partitionText(term));
  }
}

export function partitionText({ topic, partition }: PartitionName): string {
  // No name of a topic has a slash in it.
  return `${topic}/${partition}`;
}
