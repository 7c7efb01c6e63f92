// What the client throws. Each class is one thing a caller can act on; `cause` keeps what is underneath.

/** Everything the client throws by itself is one of these. */
export class StreamhouseError extends Error {
  override readonly name: string = 'StreamhouseError';
}

/** What was answered is not what an agent says. */
export class NotAnAgents extends StreamhouseError {
  override readonly name = 'NotAnAgents';
}

/**
 * No answer, or one that says "not now". When `outcomeUnknown`, the request may have taken effect: send the same one again, a
 * segment with the same id, never with a new one.
 */
export class Unavailable extends StreamhouseError {
  override readonly name = 'Unavailable';
  readonly outcomeUnknown: boolean;
  /** When the agent says that asking again is worth it, milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: {
      readonly outcomeUnknown: boolean;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: options.cause });
    this.outcomeUnknown = options.outcomeUnknown;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The facts of a refusal, named as in the HTTP interface; what the agent did not say is undefined. */
export interface RefusalFacts {
  readonly currentEpoch: number | undefined;
  /** The agent that holds the lease now, null when nobody does. */
  readonly holder: string | null | undefined;
  readonly highWatermark: number | undefined;
  /** The segments are stored all the same, from an earlier attempt. */
  readonly committed: boolean;
}

/** The agent understood and says no; nothing was changed. The same request will be refused again until something else changes. */
export class Refused extends StreamhouseError {
  override readonly name: string = 'Refused';
  readonly status: number;
  /** As in the HTTP interface: `not_found`, `conflict`, `unauthorized`, … */
  readonly code: string;
  readonly facts: RefusalFacts;

  constructor(status: number, code: string, message: string, facts: RefusalFacts) {
    super(message);
    this.status = status;
    this.code = code;
    this.facts = facts;
  }
}

/** The term is over as the store sees it: `fenced`, `no_lease` or `session_lost`. */
export class Fenced extends Refused {
  override readonly name = 'Fenced';
}

/** The segment does not begin at the high watermark, which is in `facts`. `OffsetGap`: it begins behind it. */
export class OffsetMismatch extends Refused {
  override readonly name: string = 'OffsetMismatch';
}

/** The segment begins behind the high watermark: something before it was not appended. */
export class OffsetGap extends OffsetMismatch {
  override readonly name = 'OffsetGap';
}

/** The segment begins before the high watermark: those offsets are taken. */
export class OffsetOverlap extends OffsetMismatch {
  override readonly name = 'OffsetOverlap';
}

/** The segment's id is stored with other content: an earlier attempt, perhaps by another broker, was stored. */
export class AlreadyExists extends Refused {
  override readonly name = 'AlreadyExists';
}

export class NotFound extends Refused {
  override readonly name = 'NotFound';
}

/**
 * Why a term may no longer be used. `lost`: the agent says that the lease is gone; `fenced`: the store refused a write under it;
 * `released`: we gave it up; `handoff_timeout`: asked to give it up, and the time for that has passed. The rest is loss of trust, which ends
 * all terms at once: `suspended`, `session_changed` (the agent's session), `stream_ended`, `no_beat`, `deadline` (the trust it told has passed),
 * `machine_slept`, `closed` (this client).
 */
export type TermOverReason =
  | 'lost'
  | 'fenced'
  | 'released'
  | 'handoff_timeout'
  | 'suspended'
  | 'session_changed'
  | 'stream_ended'
  | 'no_beat'
  | 'deadline'
  | 'machine_slept'
  | 'closed';

/** The reason of a term's signal, and what every use of a term that is over throws. */
export class TermOver extends StreamhouseError {
  override readonly name = 'TermOver';
  readonly reason: TermOverReason;

  constructor(reason: TermOverReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
