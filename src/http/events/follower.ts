// What one reader has been told, and what comes next: a snapshot or the events it missed, then the journal for ever. It holds
// a number and, while a snapshot is told, the moment that it tells.
import type { AgentView } from '../../coordination/agent-view.ts';
import type { Clock } from '../../platform/clock.ts';
import type { RenderedJournal } from './rendered-journal.ts';
import { Snapshot } from './snapshot.ts';
import { type EventId, resumedBlock } from './wire.ts';

export interface FollowerDeps {
  readonly agent: AgentView;
  readonly journal: RenderedJournal;
  readonly clock: Clock;
}

export class Follower {
  private readonly deps: FollowerDeps;
  private readonly stream: string;
  private snapshot: Snapshot | undefined;
  private mustSayResumed = false;
  /** Number of the last event told. */
  private told = 0;

  /** `from`: the last event that this reader knows of an earlier stream. */
  constructor(deps: FollowerDeps, stream: string, from: EventId | undefined) {
    this.deps = deps;
    this.stream = stream;
    const { agent, journal } = deps;
    if (from !== undefined && from.sessionId === agent.sessionId && journal.has(from.n)) {
      this.told = from.n;
      this.mustSayResumed = true;
    } else {
      this.startAgain();
    }
  }

  /** Whether all has been told that has happened until now. */
  get isCaughtUp(): boolean {
    return !this.mustSayResumed && this.snapshot === undefined && this.told === this.deps.journal.last;
  }

  /** The next bytes, at most a chunk; undefined when all has been told. */
  next(): Buffer | undefined {
    if (this.mustSayResumed) {
      this.mustSayResumed = false;
      return resumedBlock;
    }
    if (this.snapshot === undefined && this.told === this.deps.journal.last) return undefined;
    const chunk = this.snapshot === undefined ? this.deps.journal.after(this.told) : undefined;
    if (chunk !== undefined) {
      this.told = chunk.last;
      return chunk.bytes;
    }
    // Either it is being told a snapshot, or more has happened than we remember.
    return this.nextPart(this.snapshot ?? this.startAgain());
  }

  private startAgain(): Snapshot {
    this.snapshot = new Snapshot(this.deps.agent, this.stream);
    return this.snapshot;
  }

  private nextPart(snapshot: Snapshot): Buffer {
    const part = snapshot.nextPart(this.deps.clock);
    if (snapshot.isComplete) {
      this.told = snapshot.last;
      this.snapshot = undefined;
    }
    return part;
  }
}
