// Making a connection: to the server that takes writes, whatever the URL names.
import { BoundedClient, clientConfig, type ConnectionOptions, queryBounded, weakCommits } from './client.ts';
import { Connecting } from './connecting.ts';
import { NotWritable, translateError } from './errors.ts';
import { type Server, Servers } from './servers.ts';
import type { Row } from '../sql/statement.ts';

export interface Connected {
  readonly client: BoundedClient;
  readonly server: Server;
}

export function serversOf(options: ConnectionOptions): Servers {
  return options.servers ?? new Servers(options);
}

/** Bounded by one attempt over all hosts; a single one that is slow to answer is given longer. Fails as `Servers.first` does. */
export async function connectWritable(
  options: ConnectionOptions,
  servers = serversOf(options),
): Promise<Connected> {
  const isAnyone = options.mayOnlyRead === true && servers.all.length === 1;
  return servers.first(options.attemptMs, async (server, boundMs) => {
    const client = new BoundedClient(clientConfig(options, server));
    using connecting = new Connecting(client, { servers, server, boundMs, stop: options.stop });
    try {
      await client.connect();
      if (!isAnyone) await prepare(client, server, servers, boundMs);
      return { client, server };
    } catch (error) {
      client.cut();
      throw connecting.reason(error);
    }
  });
}

/** Asks the server. */
export type Ask = (text: string, values?: readonly unknown[]) => Promise<Row[]>;

/** Each question is bounded by `boundMs`. */
export function askOn({ client }: Connected, boundMs: number): Ask {
  return (text, values = []) => queryBounded(client, text, values, boundMs);
}

/** A connection for the time of the work, as `askOn` has it. Fails as `translateError` says. */
export async function onConnection<T>(
  options: ConnectionOptions,
  work: (ask: Ask, server: Server) => Promise<T>,
  boundMs = options.attemptMs,
): Promise<T> {
  try {
    const connected = await connectWritable(options);
    try {
      return await work(askOn(connected, boundMs), connected.server);
    } finally {
      connected.client.cut();
    }
  } catch (error) {
    throw translateError(error);
  }
}

/** The server that takes writes, for whoever connects by other means. A single one is not asked. */
export async function locate(options: ConnectionOptions, servers: Servers): Promise<Server> {
  const [only, ...others] = servers.all;
  if (only !== undefined && others.length === 0) return only;
  const { client, server } = await connectWritable(options, servers);
  client.cut();
  return server;
}

/**
 * Fails with NotWritable on a standby, and where transactions are read-only by default. Of several servers not all need be set alike:
 * whether one commits weakly is seen when we get there.
 */
export async function prepare(
  client: BoundedClient,
  server: Server,
  servers: Servers,
  boundMs: number,
): Promise<void> {
  const [row] = await queryBounded(
    client,
    `select pg_is_in_recovery() as standby, current_setting('transaction_read_only')::boolean as read_only,
       current_setting('synchronous_commit') as commits`,
    [],
    boundMs,
  );
  if (row?.['standby'] !== false) throw new NotWritable(`${server.name} is a standby (read-only)`);
  if (row['read_only'] !== false) {
    throw new NotWritable(`${server.name} is read-only (default_transaction_read_only)`);
  }
  if (servers.all.length > 1 && weakCommits.includes(String(row['commits']))) {
    await queryBounded(client, 'set synchronous_commit = on', [], boundMs);
  }
}
