// The refusals a caller can act on: one class, a closed set of codes, and the facts that say what to do next.

export type RefusalCode =
  | 'invalid'
  | 'not_found'
  | 'already_exists'
  | 'lease_held'
  | 'fenced'
  | 'no_lease'
  | 'session_lost'
  | 'offset_gap'
  | 'offset_overlap'
  | 'conflict';

/** What a refusal may tell; every field is optional and named as in the HTTP interface. */
export interface RefusalFacts {
  readonly givenEpoch?: number;
  readonly currentEpoch?: number;
  /** The agent that holds the lease now, null when nobody does. */
  readonly holder?: string | null;
  readonly highWatermark?: number;
  /** For `fenced`: whether the segments are stored all the same, from an earlier attempt. */
  readonly committed?: boolean;
}

/** The store understood the request and says no; nothing was changed. Asking again will not help until something else changes. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  readonly facts: RefusalFacts;

  constructor(code: RefusalCode, message: string, facts: RefusalFacts = {}) {
    super(message);
    this.code = code;
    this.facts = facts;
  }
}

/**
 * The store did not answer in time or cannot answer now. When `outcomeUnknown`, the request may have taken effect;
 * every operation may be asked again with the same arguments (DESIGN 3.8).
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  readonly outcomeUnknown: boolean;

  constructor(message: string, options: { outcomeUnknown: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.outcomeUnknown = options.outcomeUnknown;
  }
}

/** The store answers, but this program cannot work with it until a person changes something; `message` says what. */
export class StoreMisconfigured extends Error {
  override readonly name = 'StoreMisconfigured';
}
