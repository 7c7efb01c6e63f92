// One connection whose every attempt is bounded from our side, by destroying its socket: a server's statement_timeout does
// not bound a commit that waits for replication, and says nothing when packets vanish.
import { Socket } from 'node:net';
import { is, Placeholder } from 'drizzle-orm';
import pg from 'pg';
import { StoreUnavailable } from '../../domain/refusal.ts';
import { onLate } from '../../platform/late.ts';
import { within } from '../../platform/within.ts';
import type { Server, Servers } from './servers.ts';
import type { CompiledSql } from '../sql/dialect.ts';
import type { ParameterValues, Row } from '../sql/statement.ts';

/**
 * Values of `synchronous_commit` under which a commit that was answered can be lost in a crash or failover that `on`
 * would survive. Where the server is set to one of them, our connections ask for `on`; `remote_apply` is left alone.
 */
export const weakCommits: readonly string[] = ['off', 'local', 'remote_write'];

export interface ConnectionOptions {
  /** One host, or several with commas between them. */
  readonly connectionString: string;
  /** Those of `connectionString`, for connections that are to go to the same one. Default: found anew. */
  readonly servers?: Servers | undefined;
  /** A single host need not take writes; of several, the one that does is taken all the same. */
  readonly mayOnlyRead?: boolean;
  /** Certificate authorities to verify the server by, as a file; with `sslmode` in the URL. */
  readonly caFile?: string | undefined;
  readonly applicationName: string;
  /** Bound of one attempt, milliseconds: connecting, or one statement with its lock waits and its commit. */
  readonly attemptMs: number;
  /** Ask for `synchronous_commit = on`: the server's own setting is weaker. */
  readonly strengthenCommit?: boolean;
  /** Connecting ends when it aborts. */
  readonly stop?: AbortSignal | undefined;
}

/** Silence after which TCP asks whether the other end is there, milliseconds. */
const keepAliveMs = 30_000;

const int8 = pg.types.builtins.INT8;

/** 64-bit integers as numbers: the schema keeps them at or below 2^53 − 1. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === int8 ? readInteger : pg.types.getTypeParser(oid, format)),
};

function readInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`integer ${text} is beyond 2^53 − 1`);
  return value;
}

/** The server gives up a little before we do, so that in the ordinary case its answer tells what happened. */
function serverSettings({ attemptMs, strengthenCommit }: ConnectionOptions): string {
  const serverMs = Math.max(1, Math.floor(attemptMs * 0.9));
  return [
    `-c statement_timeout=${serverMs}`,
    `-c lock_timeout=${Math.max(1, Math.floor(attemptMs * 0.7))}`,
    `-c idle_in_transaction_session_timeout=${attemptMs * 2}`,
    `-c tcp_user_timeout=${attemptMs * 2}`,
    ...(strengthenCommit ? ['-c synchronous_commit=on'] : []),
  ].join(' ');
}

/** A pg client that can be cut off at once. */
export class BoundedClient extends pg.Client {
  private readonly socket: Socket;
  private hasEnded = false;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(config: pg.ClientConfig = {}) {
    const socket = new Socket();
    super({ ...config, stream: () => socket, types });
    this.socket = socket;
    // Without a listener a connection that dies inside a transaction would end the process; the query's own
    // rejection, or the pool, tells whoever cares.
    this.on('error', () => {});
    this.once('end', () => {
      this.hasEnded = true;
    });
  }

  /** Nothing comes of it any more. */
  get isOver(): boolean {
    return this.hasEnded || this.socket.destroyed;
  }

  /** One statement after the other. The driver would let them wait as well, but calls that deprecated. */
  async inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const asked = this.turn.then(ask);
    this.turn = asked.catch(() => undefined);
    return asked;
  }

  /** The other end took the connection, as its kernel does before the server comes to it. */
  get isReached(): boolean {
    return !this.socket.pending;
  }

  cut(): void {
    this.socket.destroy();
  }
}

/** The time of connecting is bounded by `Connecting`. */
export function clientConfig(options: ConnectionOptions, server: Server): pg.ClientConfig {
  return {
    ...server.reached(),
    application_name: options.applicationName,
    options: serverSettings(options),
    keepAlive: true,
    // A connection that nobody uses for long stays known to firewalls on the way.
    keepAliveInitialDelayMillis: keepAliveMs,
  };
}

/**
 * Rows in one parameter from which on a statement is planned anew for each run. A prepared one's plan may be from when the tables were all but
 * empty, made for one row, and is kept; next to what so many rows take, another plan costs nothing.
 */
const plannedAnewFrom = 200;

/** Runs a compiled statement by name (prepared once per connection, except for many rows) and cuts the connection when the time is up. */
export function runBounded(
  client: BoundedClient,
  name: string,
  compiled: CompiledSql,
  parameters: ParameterValues,
  attemptMs: number,
): Promise<Row[]> {
  return bounded(client, attemptMs, () => ask(client, name, compiled, parameters));
}

function ask(
  client: BoundedClient,
  name: string,
  compiled: CompiledSql,
  parameters: ParameterValues,
): Promise<pg.QueryResult<Row>> {
  const isLarge = Object.values(parameters).some(
    (value) => Array.isArray(value) && value.length >= plannedAnewFrom,
  );
  const text = { text: compiled.text, values: valuesOf(compiled, parameters) };
  return client.inTurn(() => client.query<Row>(isLarge ? text : { name, ...text }));
}

/** The statement's parameters as the driver wants them, in the order of its placeholders. */
export function valuesOf(compiled: CompiledSql, parameters: ParameterValues): unknown[] {
  return compiled.parameters.map((parameter) => valueOf(parameter, parameters));
}

/** Runs a text that is made for the occasion, unprepared. */
export function queryBounded(
  client: BoundedClient,
  text: string,
  values: readonly unknown[],
  attemptMs: number,
): Promise<Row[]> {
  return bounded(client, attemptMs, () => client.query<Row>(text, [...values]));
}

/** Runs a command without parameters: BEGIN, COMMIT, ROLLBACK. */
export async function commandBounded(client: BoundedClient, text: string, attemptMs: number): Promise<void> {
  await bounded(client, attemptMs, () => client.query(text));
}

async function bounded(
  client: BoundedClient,
  attemptMs: number,
  run: () => Promise<pg.QueryResult<Row>>,
): Promise<Row[]> {
  let late = false;
  const forget = onLate(attemptMs, () => {
    late = true;
    client.cut();
  });
  try {
    return (await run()).rows;
  } catch (error) {
    if (!late) throw error;
    throw new StoreUnavailable(`${noAnswer(attemptMs)}; the connection was cut`, {
      outcomeUnknown: true,
      cause: error,
    });
  } finally {
    forget();
  }
}

/** The time was up, and the connection still waits for its answer. */
export class LeftWaiting extends StoreUnavailable {}

/** As `runBounded`, but fails with LeftWaiting when the time is up and leaves the connection, which nobody can use before it has answered. */
export async function runOrLeave(
  client: BoundedClient,
  name: string,
  compiled: CompiledSql,
  parameters: ParameterValues,
  attemptMs: number,
): Promise<Row[]> {
  const { rows } = await within(
    ask(client, name, compiled, parameters),
    attemptMs,
    () => new LeftWaiting(noAnswer(attemptMs), { outcomeUnknown: true }),
  );
  return rows;
}

function noAnswer(attemptMs: number): string {
  return `PostgreSQL gave no answer within ${attemptMs} ms`;
}

/** The value of one placeholder. A parameter that is a set of rows becomes one array per column, named as the dialect does. */
function valueOf(placeholder: unknown, parameters: ParameterValues): unknown {
  if (!is(placeholder, Placeholder)) return placeholder;
  const [name = '', column] = placeholder.name.split('.');
  const value = parameters[name];
  if (value === undefined) throw new Error(`no value was given for parameter ${name}`);
  return Array.isArray(value) && column !== undefined
    ? value.map((row: Readonly<Record<string, unknown>>) => row[column])
    : value;
}
