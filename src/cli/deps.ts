// What the command line needs from outside. `main.ts` gives the real things; tests give streams they can read.
import type { Readable, Writable } from 'node:stream';

/** Where a store is and how to reach it, for the commands that open it themselves. */
export interface DbOptions {
  /** PostgreSQL schema; SQLite has none and ignores it. */
  readonly schema: string;
  /** From `DATABASE_CA_FILE`: the certificate authority of a PostgreSQL server, as a path. */
  readonly caFile: string | undefined;
  readonly signal: AbortSignal;
}

export interface DbStatus {
  /** Migrations applied, by name, oldest first. */
  readonly applied: readonly string[];
  /** Migrations this program knows and the store lacks. */
  readonly pending: readonly string[];
  /** The lowest program schema level that may use the store. */
  readonly minCompatible: number;
  /** A copy into the store is not finished: agents refuse to start on it. */
  readonly isHalfCopied: boolean;
}

/**
 * Opens a store by URL and closes it again. Both fail with an error named `StoreUnavailable` when the store does not
 * answer and `StoreMisconfigured` when a person must act; a message must not contain the URL's password.
 */
export interface DbCommands {
  /** Applies what is pending; answers what this call applied. */
  migrate(url: string, options: DbOptions): Promise<{ readonly applied: readonly string[] }>;
  /** Looks without changing anything. */
  status(url: string, options: DbOptions): Promise<DbStatus>;
  /** Copies a whole store into another one. Fails with an error named `CopyRefused` when something stands in the way. */
  copy(from: string, to: string, options: CopyOptions): Promise<CopyOutcome>;
  /**
   * Opens a new era above all epochs that may have been given out. Fails with an error named `NewEraRefused` when something stands
   * in the way.
   */
  fence(url: string, options: FenceOptions): Promise<NewEraOutcome>;
  /** Examines a store and the way to it. Changes nothing. */
  doctor(url: string, options: DoctorOptions): Promise<readonly Finding[]>;
  /** The SQL, for PostgreSQL, that gives a role the rights agents need. */
  grants(options: GrantOptions): string | Promise<string>;
}

export interface CopyOptions {
  /** PostgreSQL schema of either store. */
  readonly fromSchema: string;
  readonly toSchema: string;
  readonly caFile: string | undefined;
  /** Delete what the target holds. */
  readonly replace: boolean;
  /** Do not wait for the TTL of agents that were killed. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  /** Asked before anything is changed; the copy ends without a deed when it answers false. */
  confirm(plan: CopyPlan): Promise<boolean>;
  onProgress(progress: CopyProgress): Promise<void>;
}

export interface CopyPlan {
  readonly way: 'begin' | 'resume' | 'replace';
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly there: number }[];
}

export interface CopyProgress {
  readonly phase: 'copying' | 'verifying';
  readonly table: string;
  readonly rows: number;
  readonly of: number;
}

export type CopyOutcome =
  | { readonly outcome: 'not_confirmed' }
  | { readonly outcome: 'interrupted' }
  | {
      readonly outcome: 'copied';
      readonly way: CopyPlan['way'];
      readonly era: number;
      readonly tables: readonly {
        readonly table: string;
        readonly rows: number;
        readonly checksum: string;
      }[];
    };

export interface FenceOptions extends DbOptions {
  /** The highest epoch of the lost history that somebody knows of; 0: none. */
  readonly above: number;
  /** End the sessions of agents that run. */
  readonly force: boolean;
  /** Asked before anything is changed; the era stays when it answers false. */
  confirm(plan: NewEraPlan): Promise<boolean>;
}

export interface NewEraPlan {
  readonly era: number;
  readonly nextEra: number;
  /** The highest epoch that the store knows of. */
  readonly epochMax: number;
  /** Sessions that end with the era. */
  readonly sessions: readonly {
    readonly agentId: string;
    readonly group: string;
    readonly isLive: boolean;
    readonly leases: number;
  }[];
}

export type NewEraOutcome =
  | { readonly outcome: 'not_confirmed' }
  | ({ readonly outcome: 'opened' } & NewEraPlan);

export interface DoctorOptions extends DbOptions {
  /** Where agents LISTEN and coordinate; the store's URL when it is direct already. */
  readonly directUrl: string | undefined;
  readonly ttlMs: number;
  /** The agents' CRASH_DETECTION. */
  readonly detectsCrashes: boolean;
  /** Connections of one agent's pool. */
  readonly poolMax: number;
}

export interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'note' | 'warning' | 'fail';
  /** What was seen, with figures. */
  readonly seen: string;
  /** What to do about it; undefined when there is nothing. */
  readonly todo?: string | undefined;
}

export interface GrantOptions {
  readonly role: string;
  readonly schema: string;
  /** Whether the agents apply migrations themselves. */
  readonly migrate: boolean;
}

export interface CliDeps {
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Where a confirmation is read from. Default: `process.stdin`. */
  readonly stdin?: Readable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stdout is a terminal: only then come hints beside the data. */
  readonly isTty: boolean;
  readonly fetch?: typeof globalThis.fetch;
  /** Runs the daemon with its raw arguments, --help among them, until it stops; resolves to its exit code. */
  runAgent(args: string[]): Promise<number>;
  runDemo(args: string[]): Promise<number>;
  /** What `streamhouse agent --help` prints, for `streamhouse help agent`: the layer that knows the flags words it. */
  agentHelp?(): string;
  readonly db: DbCommands;
  /** Aborts on SIGINT or SIGTERM. The agent listens to it by itself. */
  readonly signal: AbortSignal;
}
