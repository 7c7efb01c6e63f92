// The arguments of `streamhouse demo`, and the pace of the story that follows from them.
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Undefined: a fresh SQLite file in a temporary directory. */
  readonly databaseUrl: string | undefined;
  readonly ttlMs: number;
  readonly pace: Pace;
}

/** How long each scene is left to play before the next, milliseconds. */
export interface Pace {
  readonly beforeMoveMs: number;
  readonly beforeKillMs: number;
  readonly beforeStopMs: number;
  readonly beforeReturnMs: number;
  readonly beforeEndMs: number;
}

export type ReadOptions =
  | { readonly outcome: 'options'; readonly options: DemoOptions }
  | { readonly outcome: 'help' }
  | { readonly outcome: 'usage'; readonly problem: string };

export const demoHelp = `Usage: streamhouse demo [--short] [--ttl-ms N] [--database-url URL]

Starts three agents in this terminal with the example broker beside each, and producers that send records to whoever leads. Moves a
partition, kills one agent, stops another, starts both again; then reads every record back and proves that none that was acknowledged
was lost, doubled, moved or out of order, and that no two ever led the same partition.

  --short              less waiting between the scenes
  --ttl-ms N           how long a session lives without a heartbeat, 1000 to 60000 (3000)
  --database-url URL   sqlite:FILE or postgres://…; default: a SQLite file in a temporary directory, removed at the end.
                       The demo keeps to an agent group of its own, with a new name each time.
`;

const calm: Pace = {
  beforeMoveMs: 2_000,
  beforeKillMs: 2_000,
  beforeStopMs: 2_500,
  beforeReturnMs: 1_500,
  beforeEndMs: 2_000,
};
const hurried: Pace = {
  beforeMoveMs: 300,
  beforeKillMs: 500,
  beforeStopMs: 500,
  beforeReturnMs: 300,
  beforeEndMs: 500,
};

const ttlMsDefault = 3_000;
const ttlMsMin = 1_000;
/** The story waits for a whole TTL in one scene; longer ones are for operators, not for an audience. */
const ttlMsMax = 60_000;

export function readOptions(args: readonly string[]): ReadOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        'database-url': { type: 'string' },
        'ttl-ms': { type: 'string', default: String(ttlMsDefault) },
        short: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { outcome: 'help' };
    const ttlMs = Number(values['ttl-ms']);
    if (!Number.isInteger(ttlMs) || ttlMs < ttlMsMin || ttlMs > ttlMsMax) {
      return { outcome: 'usage', problem: `--ttl-ms takes a whole number from ${ttlMsMin} to ${ttlMsMax}` };
    }
    const pace = values.short ? hurried : calm;
    return { outcome: 'options', options: { databaseUrl: values['database-url'], ttlMs, pace } };
  } catch (error) {
    return { outcome: 'usage', problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Where the store is, for people: without user, password and parameters. */
export function describeStore(url: string | undefined): string {
  if (url === undefined) return 'SQLite, a temporary file';
  if (url.startsWith('sqlite:')) return url;
  if (!url.startsWith('postgres') || !URL.canParse(url)) return 'the given database';
  const { host, pathname } = new URL(url);
  return `PostgreSQL at ${host}${pathname}`;
}
