// `streamhouse db doctor` on PostgreSQL: connects as agents do, and looks at one thing after the other.
import { type Finding, found } from '../../finding.ts';
import type { BoundedClient, ConnectionOptions } from '../client.ts';
import { connectWritable } from '../connect.ts';
import { RefusedByPooler, translateError } from '../errors.ts';
import { checkBudget } from './budget.ts';
import { checkHeadroom, checkListen, checkTime } from './connections.ts';
import { checkOld } from './old.ts';
import type { DoctorOptions, Patient } from './patient.ts';
import { checkPooled, judgeCrashDetection, judgeDirect, wayOf } from './pooler.ts';
import { checkSchema } from './schema.ts';
import { checkHistory, checkServer, isStandby } from './server.ts';

/** Fails with StoreUnavailable or StoreMisconfigured when the server cannot be asked at all. Changes nothing. */
export async function examinePostgres(options: DoctorOptions): Promise<readonly Finding[]> {
  const { attemptMs } = options;
  const viaDirect = { ...options, connectionString: options.directConnectionString };
  await using clients = new Clients();
  try {
    const direct = await clients.connect(viaDirect);
    const rival = await clients.connect(viaDirect);
    const isOne = options.connectionString === options.directConnectionString;
    const pooled = isOne ? { client: direct, rival } : await connectPooled(clients, options);
    const way = await wayOf({ client: direct, rival }, attemptMs);
    const patient: Patient = { direct, ordinary: 'client' in pooled ? pooled.client : rival, options };
    const server = [...(await checkServer(patient)), ...(await checkTime(patient))];
    // A standby allows half of the other questions, and the answers that count are the primary's.
    if (await isStandby(patient)) return server;
    return [
      ...server,
      await checkHistory(patient),
      judgeDirect(way),
      judgeCrashDetection(way, options.detectsCrashes),
      'client' in pooled ? await checkPooled(pooled, attemptMs) : pooled,
      await checkListen(patient, way),
      await checkHeadroom(patient),
      ...(await checkBudget(patient)),
      ...(await checkOld(patient)),
      ...(await checkSchema(patient)),
    ];
  } catch (error) {
    throw translateError(error);
  }
}

/** Where the pooler turns agents away, the rest can still be looked at. */
async function connectPooled(
  clients: Clients,
  options: ConnectionOptions,
): Promise<{ client: BoundedClient; rival: BoundedClient } | Finding> {
  try {
    return { client: await clients.connect(options), rival: await clients.connect(options) };
  } catch (error) {
    if (!(error instanceof RefusedByPooler)) throw error;
    return found('pooled connection', 'fail', error.seen, error.todo);
  }
}

class Clients implements AsyncDisposable {
  readonly #open: BoundedClient[] = [];

  async connect(options: ConnectionOptions): Promise<BoundedClient> {
    // What a standby lacks is told like the rest.
    const { client } = await connectWritable({ ...options, mayOnlyRead: true });
    this.#open.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#open) client.cut();
  }
}
