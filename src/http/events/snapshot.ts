// Everything an agent holds at one moment, told in parts that are made one at a time: what a reader starts from, and starts
// again from when the journal has forgotten what it lacks.
import type { AgentView, HeldTerm } from '../../coordination/agent-view.ts';
import type { Clock } from '../../platform/clock.ts';
import { presentHeldTerm, wholeMs } from '../present/agents.ts';
import { chunkBytesMax, eventBlock, eventId } from './wire.ts';

const leasesPerPartMax = 1_000;

/** For all of a part but its leases: two names of at most 249 bytes, a session's id, a state and some numbers. */
const partHeadBytesMax = 1_000;

/** A moment of the agent: what it holds and the journal's number change in the same turn, so that the two belong together. */
export class Snapshot {
  /** Number of the newest event that it contains. */
  readonly last: number;
  private readonly agent: AgentView;
  private readonly stream: string;
  private readonly terms: readonly HeldTerm[];
  private readonly sessionId: string | null;
  private readonly about: {
    readonly agentId: string;
    readonly sessionId: string | null;
    readonly state: string;
  };
  private made = 0;

  constructor(agent: AgentView, stream: string) {
    this.agent = agent;
    this.stream = stream;
    this.last = agent.journal.last;
    this.terms = agent.holds();
    const { agentId, sessionId, state } = agent.status();
    this.sessionId = sessionId;
    this.about = { agentId, sessionId, state };
  }

  get isComplete(): boolean {
    return this.made === partEnds(this.terms).length;
  }

  /** Only the last part can be resumed from. */
  nextPart(clock: Clock): Buffer {
    const ends = partEnds(this.terms);
    const start = ends[this.made - 1] ?? 0;
    const leases = this.terms.slice(start, ends[this.made]);
    this.made += 1;
    const data = {
      stream: this.stream,
      part: this.made,
      parts: ends.length,
      ...this.about,
      trustedForMs: this.trustedForMs(),
      leases: leases.map((term) => presentHeldTerm(term, clock.monotonicMs())),
    };
    return eventBlock('snapshot', data, this.isComplete ? eventId(this.sessionId, this.last) : undefined);
  }

  /** Of the session that the snapshot names: trust in a later one says nothing about these leases. */
  private trustedForMs(): number {
    const { sessionId, trustedForMs } = this.agent.status();
    return sessionId === this.sessionId ? wholeMs(trustedForMs) : 0;
  }
}

/** Readers that come at once share what is held, and where it is divided. */
const endsOf = new WeakMap<readonly HeldTerm[], readonly number[]>();

/** Where each part ends: bounded in leases, and in bytes, so that no part is larger than a chunk. One part when nothing is held. */
function partEnds(terms: readonly HeldTerm[]): readonly number[] {
  const known = endsOf.get(terms);
  if (known !== undefined) return known;
  const ends: number[] = [];
  let start = 0;
  let bytes = 0;
  for (const [index, term] of terms.entries()) {
    const more = termBytesMax(term);
    if (index - start === leasesPerPartMax || bytes + more > chunkBytesMax - partHeadBytesMax) {
      ends.push(index);
      start = index;
      bytes = 0;
    }
    bytes += more;
  }
  ends.push(terms.length);
  endsOf.set(terms, ends);
  return ends;
}

/** Names are ASCII, a time has at most sixteen digits. */
function termBytesMax({ key, epoch, revoking }: HeldTerm): number {
  const fixed = '{"topic":"","partition":,"epoch":},'.length;
  const own = fixed + key.topic.length + String(key.partition).length + String(epoch).length;
  if (revoking === undefined) return own;
  return own + ',"revoking":{"deadlineMs":,"to":null}'.length + 16 + (revoking.to?.length ?? 0);
}
