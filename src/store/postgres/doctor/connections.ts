// Checks of the way to the server: time, round trip, what stands in between, LISTEN, and how many more connections there may be.
import { randomUUID } from 'node:crypto';
import { type Finding, found, ok } from '../../finding.ts';
import { readNumber, readNumberOrNull } from '../../sql/read.ts';
import { queryBounded } from '../client.ts';
import { ask, askOne, type Patient, quoted } from './patient.ts';
import type { Way } from './pooler.ts';

const samples = 7;
/** Nothing depends on wall clocks, but people compare logs and history by them; milliseconds. */
const clockOffMs = 2_000;
const listenMs = 2_000;

export async function checkTime(patient: Patient): Promise<Finding[]> {
  const { clock, ttlMs, statementMs } = patient.options;
  let best = { tripMs: Number.POSITIVE_INFINITY, offsetMs: 0 };
  let longestMs = 0;
  for (let sample = 0; sample < samples; sample++) {
    const [sentMs, sentWallMs] = [clock.monotonicMs(), clock.wallMs()];
    const row = await askOne(
      patient,
      'select extract(epoch from clock_timestamp())::float8 * 1000 as now_ms',
    );
    const tripMs = clock.monotonicMs() - sentMs;
    // The first one also pays for the server's preparations.
    if (sample > 0) longestMs = Math.max(longestMs, tripMs);
    if (tripMs < best.tripMs) {
      best = { tripMs, offsetMs: readNumber(row, 'now_ms') - (sentWallMs + tripMs / 2) };
    }
  }
  const offset = `the database's clock is ${Math.round(best.offsetMs)} ms from ours, give or take ${Math.ceil(best.tripMs / 2)} ms`;
  const trip = `${longestMs.toFixed(1)} ms at most; a statement of an agent may take ${statementMs} ms (TTL ${ttlMs} ms)`;
  return [
    Math.abs(best.offsetMs) - best.tripMs / 2 > clockOffMs
      ? found(
          'clock',
          'warning',
          offset,
          'run NTP on both; agents do not depend on it, but their logs and history do',
        )
      : ok('clock', offset),
    longestMs > statementMs
      ? found('round trip', 'fail', trip, 'raise SESSION_TTL_MS, or move the agents nearer to the database')
      : longestMs > statementMs / 5
        ? found(
            'round trip',
            'warning',
            trip,
            'raise SESSION_TTL_MS: a little more load and heartbeats come too late',
          )
        : ok('round trip', trip),
  ];
}

/** From another connection, as agents do it to each other. */
export async function checkListen({ ordinary, direct, options }: Patient, way: Way): Promise<Finding> {
  if (way === 'transaction') {
    return found(
      'LISTEN',
      'warning',
      'cannot be relied on behind a pooler of transactions: agents live on heartbeats alone',
      'set DIRECT_DATABASE_URL to the server itself',
    );
  }
  const { attemptMs, clock } = options;
  const channel = `streamhouse_doctor_${randomUUID().replaceAll('-', '')}`;
  const stop = new AbortController();
  let heard = false;
  direct.on('notification', (message) => {
    if (message.channel !== channel) return;
    heard = true;
    stop.abort();
  });
  await queryBounded(direct, `listen ${channel}`, [], attemptMs);
  const sentMs = clock.monotonicMs();
  await queryBounded(ordinary, 'select pg_notify($1, $2)', [channel, 'hello'], attemptMs);
  await clock.sleep(listenMs, stop.signal);
  await queryBounded(direct, `unlisten ${channel}`, [], attemptMs);
  if (heard) return ok('LISTEN', `heard after ${(clock.monotonicMs() - sentMs).toFixed(1)} ms`);
  return found(
    'LISTEN',
    'warning',
    `a notification was not heard within ${listenMs} ms: agents live on heartbeats alone, changes take up to an interval`,
    'set DIRECT_DATABASE_URL to the server itself, past any pooler',
  );
}

/** What the agents that are known need, against what the server, the database and the role allow. */
export async function checkHeadroom(patient: Patient): Promise<Finding> {
  const { poolMax, schema } = patient.options;
  const row = await askOne(
    patient,
    `select current_setting('max_connections')::integer as max,
       current_setting('superuser_reserved_connections')::integer
         + coalesce(current_setting('reserved_connections', true)::integer, 0) as reserved,
       (select count(*)::integer from pg_stat_activity where backend_type = 'client backend') as used,
       (select least(nullif(d.datconnlimit, -1), nullif(r.rolconnlimit, -1)) from pg_database d, pg_roles r
         where d.datname = current_database() and r.rolname = current_user) as limit,
       coalesce((select has_table_privilege(c.oid, 'SELECT') and has_schema_privilege(n.oid, 'USAGE')
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = $1 and c.relname = 'agents'), false) as has_agents`,
    [schema],
  );
  const known = row['has_agents'] === true ? await knownAgents(patient) : { agents: 0, connected: 0 };
  const [max, reserved, used] = [
    readNumber(row, 'max'),
    readNumber(row, 'reserved'),
    readNumber(row, 'used'),
  ];
  const limit = readNumberOrNull(row, 'limit');
  const each = 2 + poolMax;
  // Three, where none is known: fewer make no cluster.
  const agents = Math.max(known.agents, 3);
  const missing = agents * each - known.connected;
  const free = Math.min(
    max - reserved - used,
    limit === null ? Number.POSITIVE_INFINITY : limit - known.connected,
  );
  const seen = `${used} of ${max} in use, ${reserved} reserved${limit === null ? '' : `, limited to ${limit} for this role or database`}; ${agents} agents may use ${agents * each} (2 direct and a pool of ${poolMax} each)`;
  if (free >= missing) return ok('connections', seen);
  return found(
    'connections',
    free < agents * 2 ? 'fail' : 'warning',
    seen,
    `raise max_connections (or the limit of the role or database) by ${missing - free}, or lower DATABASE_POOL_MAX`,
  );
}

async function knownAgents(patient: Patient): Promise<{ agents: number; connected: number }> {
  const [row] = await ask(
    patient,
    `select (select count(*)::integer from ${quoted(patient.options.schema)}.agents) as agents,
       (select count(*)::integer from pg_stat_activity
         where application_name like 'streamhouse %' and application_name <> 'streamhouse db doctor') as connected`,
  );
  if (row === undefined) throw new Error('the agents were not counted');
  return { agents: readNumber(row, 'agents'), connected: readNumber(row, 'connected') };
}
