// The open event streams by the name that their client chose: what a candidacy may live on.

export interface StreamRegistry {
  /** Aborts when that stream ends; undefined when none of this name is open. */
  signalOf(name: string): AbortSignal | undefined;
}
