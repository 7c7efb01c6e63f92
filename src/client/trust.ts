// Whether this broker may act at all: its duties (DESIGN section 4) as one object that answers "why not?".
//
// Trust stands on four legs, and falls with the first that breaks:
//   the stream   it is open, and the agent has not said on it that its session is suspended;
//   the beat     an event `beat` came within the last 1.5 s;
//   the proof    the agent told how long it trusts its session; counted from when the question was SENT, on our monotonic clock;
//   the session  the proof is of the session that the stream speaks of: trust in another vouches for none of its terms.
// Trust that fell comes back with a new proof, asked for after the fall, and a beat behind that. So what lay in a socket while this
// process was frozen (old beats, above all) raises nothing.
import type { Clock } from '../platform/clock.ts';
import type { TermOverReason } from './errors.ts';

export interface TrustLoss {
  readonly reason: TermOverReason;
  readonly detail: string;
}

/** When a question was sent. */
export interface Asked {
  /** Monotonic clock. */
  readonly sentMs: number;
  /** Wall clock less monotonic clock: they part when the machine sleeps. */
  readonly skewMs: number;
}

interface Proof {
  readonly sessionId: string;
  readonly untilMs: number;
  readonly skewMs: number;
}

export const beatTimeoutMs = 1_500;
/** How far wall and monotonic clock may part between two proofs. A step of the wall clock stops us too: too often, never too late. */
const skewMaxMs = 500;

export class Trust {
  private readonly clock: Clock;
  private streamEnd: string | undefined = 'not connected yet';
  private suspension: string | undefined;
  private streamSession: string | null = null;
  private proof: Proof | undefined;
  private beatMs: number | undefined;
  /** Proofs asked for before this moment no longer count. */
  private fellMs = -Infinity;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The session whose terms may be used while there is no loss; null before the first. */
  get sessionId(): string | null {
    return this.streamSession;
  }

  get isStreamOpen(): boolean {
    return this.streamEnd === undefined;
  }

  streamOpened(): void {
    this.streamEnd = undefined;
    this.suspension = undefined;
    this.beatMs = undefined;
  }

  streamEnded(why: string): void {
    this.streamEnd = why;
  }

  /** The stream speaks of this session from here on. */
  session(sessionId: string | null): void {
    this.streamSession = sessionId;
  }

  suspended(why: string): void {
    this.suspension = why;
  }

  resumed(): void {
    this.suspension = undefined;
  }

  /** To be called before a question is sent. */
  asking(): Asked {
    const sentMs = this.clock.monotonicMs();
    return { sentMs, skewMs: this.clock.wallMs() - sentMs };
  }

  /** The agent answered that it trusts `sessionId` for so long. */
  proven(sessionId: string | null, { sentMs, skewMs }: Asked, trustedForMs: number): void {
    if (sentMs < this.fellMs) return;
    this.proof = sessionId === null ? undefined : { sessionId, untilMs: sentMs + trustedForMs, skewMs };
  }

  /** Beats behind a proof count. An agent sends them only while it trusts its session, so one also ends a suspension. */
  beat(): void {
    this.suspension = undefined;
    if (this.proof !== undefined) this.beatMs = this.clock.monotonicMs();
  }

  /** Why nothing may be done now; undefined when all legs stand. Looks at the clock first. */
  loss(): TrustLoss | undefined {
    const { proof, beatMs, clock } = this;
    const nowMs = clock.monotonicMs();
    if (this.streamEnd !== undefined) return { reason: 'stream_ended', detail: this.streamEnd };
    if (this.suspension !== undefined) return { reason: 'suspended', detail: this.suspension };
    if (proof === undefined || nowMs >= proof.untilMs) {
      return { reason: 'deadline', detail: 'the agent has not told in time that it trusts its session' };
    }
    if (beatMs === undefined || nowMs >= beatMs + beatTimeoutMs) {
      return { reason: 'no_beat', detail: `no beat of the agent for ${beatTimeoutMs} ms` };
    }
    if (proof.sessionId !== this.streamSession) {
      return { reason: 'session_changed', detail: 'the agent has another session than its events speak of' };
    }
    if (Math.abs(clock.wallMs() - nowMs - proof.skewMs) > skewMaxMs) {
      return { reason: 'machine_slept', detail: 'wall and monotonic clock have parted' };
    }
    return undefined;
  }

  /** It was found lost: what proved it before proves nothing any more. */
  fall(): void {
    this.fellMs = this.clock.monotonicMs();
    this.proof = undefined;
    this.beatMs = undefined;
  }

  /** When it is lost unless something is heard before, monotonic clock; -Infinity when it is lost already. */
  dueMs(): number {
    if (this.proof === undefined || this.beatMs === undefined) return -Infinity;
    return Math.min(this.proof.untilMs, this.beatMs + beatTimeoutMs);
  }
}
