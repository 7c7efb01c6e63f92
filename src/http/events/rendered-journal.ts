// The journal as bytes for readers: every event is rendered once for all of them, and the latest chunk is kept, because readers
// that keep up all ask for the same one.
import type { Journal, JournalEntry } from '../../coordination/event-journal.ts';
import type { Clock } from '../../platform/clock.ts';
import { wholeMs } from '../present/agents.ts';
import { chunkBytesMax, eventBlock, eventHead, eventId } from './wire.ts';

export interface Chunk {
  readonly bytes: Buffer;
  /** Number of the last event in it. */
  readonly last: number;
}

/** An event's bytes; of `lease.revoking` all but the time that is left, which is written when it is sent. */
interface Rendered {
  readonly bytes: Buffer;
  readonly releasedAtMs: number | undefined;
}

/** Events looked at for one chunk: more than fit into one. */
const entriesMax = 1_024;

export class RenderedJournal {
  private readonly journal: Journal;
  private readonly clock: Clock;
  /** Forgotten with its event. */
  private readonly rendered = new WeakMap<JournalEntry, Rendered>();
  private latest:
    | (Chunk & { readonly after: number; readonly newest: number; readonly atMs: number })
    | undefined;

  constructor(journal: Journal, clock: Clock) {
    this.journal = journal;
    this.clock = clock;
  }

  get last(): number {
    return this.journal.last;
  }

  /** Whether the events behind number `n` are all still there. */
  has(n: number): boolean {
    return this.journal.after(n, 0) !== undefined;
  }

  /** As many of the events behind number `n` as fit into one chunk; undefined when one of them is forgotten. Asked when there are some. */
  after(n: number): Chunk | undefined {
    const { latest } = this;
    const nowMs = Math.floor(this.clock.monotonicMs());
    // Within a millisecond, because of the time that is left to a `lease.revoking`.
    if (latest?.after === n && latest.newest === this.last && latest.atMs === nowMs) return latest;
    const entries = this.journal.after(n, entriesMax);
    if (entries === undefined) return undefined;
    const chunk = this.chunk(entries);
    this.latest = { ...chunk, after: n, newest: this.last, atMs: nowMs };
    return chunk;
  }

  private chunk(entries: readonly JournalEntry[]): Chunk {
    const pieces: Buffer[] = [];
    let size = 0;
    let last = 0;
    for (const entry of entries) {
      const { bytes, releasedAtMs } = this.render(entry);
      const rest = releasedAtMs === undefined ? undefined : this.timeLeft(releasedAtMs);
      size += bytes.length + (rest?.length ?? 0);
      if (size > chunkBytesMax && pieces.length > 0) break;
      pieces.push(bytes);
      if (rest !== undefined) pieces.push(rest);
      last = entry.n;
    }
    const [only] = pieces;
    return { bytes: only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces), last };
  }

  private render(entry: JournalEntry): Rendered {
    const known = this.rendered.get(entry);
    if (known !== undefined) return known;
    const made = rendering(entry);
    this.rendered.set(entry, made);
    return made;
  }

  private timeLeft(releasedAtMs: number): Buffer {
    return Buffer.from(`,"deadlineMs":${wholeMs(releasedAtMs - this.clock.monotonicMs())}}\n\n`);
  }
}

function rendering({ sessionId, n, event }: JournalEntry): Rendered {
  const id = eventId(sessionId, n);
  if (event.type !== 'lease.revoking') {
    const { type, ...data } = event;
    return { bytes: eventBlock(type, data, id), releasedAtMs: undefined };
  }
  const { type, releasedAtMs, topic, partition, epoch, to } = event;
  const open = JSON.stringify({ topic, partition, epoch, to }).slice(0, -1);
  return { bytes: Buffer.from(eventHead(type, id) + open), releasedAtMs };
}
