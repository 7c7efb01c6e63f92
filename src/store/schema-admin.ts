// Port: the store's schema and its migrations.

export interface SchemaStatus {
  /** Migrations applied, by name, oldest first. */
  readonly applied: readonly string[];
  /** Migrations this program knows and the store lacks. */
  readonly pending: readonly string[];
  /** The lowest program schema level that may use the store. */
  readonly minCompatible: number;
  /** A copy into the store is not finished: agents refuse to start on it. */
  readonly isHalfCopied: boolean;
}

export interface SchemaAdmin {
  schemaStatus(): Promise<SchemaStatus>;
  /**
   * Applies what is pending, each backend under its own lock, so that any number of agents may start at once. Answers what this
   * call applied. Refuses to touch a store that needs a newer program (`StoreMisconfigured`).
   */
  migrate(): Promise<readonly string[]>;
}
