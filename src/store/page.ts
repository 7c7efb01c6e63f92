// Paging: every list is bounded, in key order, and continues behind the last key it gave.

export interface PageRequest {
  /** At most this many; 1 to 10,000. */
  readonly limit: number;
  /** From an earlier page's `nextCursor`. Opaque to callers; a malformed one is refused as `invalid`. */
  readonly cursor?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}
