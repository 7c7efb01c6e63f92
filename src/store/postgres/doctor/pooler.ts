// Whether something stands between us and the server, and whether it leaves us what agents need: a session of our own on the direct
// connection, prepared statements on the other.
import { randomUUID } from 'node:crypto';
import { type Finding, found, ok } from '../../finding.ts';
import { readNumber, readText } from '../../sql/read.ts';
import { type BoundedClient, queryBounded } from '../client.ts';

/** Two connections through one URL: one whose session is watched, and one that presses it out of its place. */
export interface Pair {
  readonly client: BoundedClient;
  readonly rival: BoundedClient;
}

/** `session`: something stands between that keeps our session; `transaction`: each transaction may run elsewhere. */
export type Way = 'direct' | 'session' | 'transaction';

const looks = 3;
/** How long an answer may keep us waiting before we take it that the rival sits on the only server connection. */
const patienceMs = 1_000;

export function judgeDirect(way: Way): Finding {
  if (way === 'direct') return ok('direct connection', 'nothing between us and the server');
  if (way === 'session') {
    return found(
      'direct connection',
      'note',
      'something stands between us and the server (its process id is not the one we were told), and keeps our session',
      'nothing if it always does; else set DIRECT_DATABASE_URL to the server itself',
    );
  }
  return found(
    'direct connection',
    'fail',
    'a pooler gives each transaction another server connection: LISTEN and the settings of a session are lost',
    'set DIRECT_DATABASE_URL to the server itself',
  );
}

/** `isOn`: what the agents' CRASH_DETECTION says. */
export function judgeCrashDetection(way: Way, isOn: boolean): Finding {
  if (isOn && way === 'direct')
    return ok('crash detection', "a lock on each agent's connection shows that it lives");
  const why = isOn
    ? 'off by itself: a lock would be that of the pooler, not of the agent'
    : 'off by CRASH_DETECTION=off';
  return found(
    'crash detection',
    'note',
    `${why}; a crash is noticed after the TTL`,
    isOn ? 'set DIRECT_DATABASE_URL to the server itself' : 'nothing if that is meant',
  );
}

export async function checkPooled(pair: Pair, attemptMs: number): Promise<Finding> {
  const way = await wayOf(pair, attemptMs);
  if (way === 'direct') return ok('pooled connection', 'no pooler');
  if (await keepsPrepared(pair, attemptMs)) {
    return ok('pooled connection', `pooled by ${way}, prepared statements are kept`);
  }
  return found(
    'pooled connection',
    'fail',
    `pooled by ${way}, and prepared statements are lost; agents use them for everything`,
    'PgBouncer 1.21 or later with max_prepared_statements = 200, or pool_mode = session',
  );
}

export async function wayOf({ client, rival }: Pair, attemptMs: number): Promise<Way> {
  const mark = randomUUID();
  const before = await sessionOf(client, attemptMs);
  await queryBounded(client, `select set_config('streamhouse.doctor', $1, false)`, [mark], attemptMs);
  for (let look = 0; look < looks; look++) {
    const seen = await underPressure(rival, attemptMs, () => sessionOf(client, attemptMs));
    if (seen === undefined || seen.pid !== before.pid || seen.mark !== mark) return 'transaction';
  }
  // A pooler makes up the process id that it tells its clients.
  return 'processID' in client && client.processID === before.pid ? 'direct' : 'session';
}

async function keepsPrepared({ client, rival }: Pair, attemptMs: number): Promise<boolean> {
  const prepared = { name: 'streamhouse_doctor', text: 'select 1 as one' };
  try {
    await client.query(prepared);
    for (let look = 0; look < looks; look++) {
      await underPressure(rival, attemptMs, () => client.query(prepared));
    }
    return true;
  } catch {
    return false;
  }
}

async function sessionOf(client: BoundedClient, attemptMs: number): Promise<{ pid: number; mark: string }> {
  const [row] = await queryBounded(
    client,
    `select pg_backend_pid() as pid, coalesce(current_setting('streamhouse.doctor', true), '') as mark`,
    [],
    attemptMs,
  );
  if (row === undefined) throw new Error('the server does not say which process it is');
  return { pid: readNumber(row, 'pid'), mark: readText(row, 'mark') };
}

/** While the rival holds a transaction open. Undefined when the answer had to wait for its end. */
async function underPressure<T>(
  rival: BoundedClient,
  attemptMs: number,
  work: () => Promise<T>,
): Promise<T | undefined> {
  await queryBounded(rival, 'begin', [], attemptMs);
  await queryBounded(rival, 'select 1', [], attemptMs);
  const answer = work();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    await queryBounded(rival, 'commit', [], attemptMs);
    await answer.catch(() => undefined);
  }
}
