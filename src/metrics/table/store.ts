// The store as this agent meets it: how it answers, its connections, its clock, and the signals through it.
import { cacheNames, cacheResults } from '../../store/cache/cache-names.ts';
import { signalKinds } from '../../signals/signals.ts';
import { counter, gauge, histogram } from '../definition.ts';
import { stepSeconds } from './buckets.ts';

export const resyncReasons = ['start', 'signals', 'holdings', 'assignment'] as const;

/** By the names that `streamhouse db doctor` gives them. */
export const durabilityChecks = [
  'fsync',
  'full_page_writes',
  'synchronous_commit',
  'logged tables',
  'replication',
] as const;

export const storeTable = {
  storeUp: gauge('store_up', {
    help: '1 when the last operation of the store was answered, be it by a refusal; 0 before the first',
    whenOff: '0: the store is away, or too slow for one attempt; the log names the error.',
  }),
  storeOperationDuration: histogram('store_operation_duration_seconds', {
    help: 'Store operations by result',
    labels: { operation: 'open', result: ['ok', 'refused', 'failed'] },
    buckets: stepSeconds,
    whenOff: 'Slow in all: the database. Slow in one: its statement, or locks. `failed`: see the log.',
  }),
  storeDurabilityWarnings: gauge('store_durability_warnings', {
    help: '1 for what makes the store less durable than agents assume, 0 for the rest; looked at when it is opened and when another server becomes the primary; PostgreSQL only',
    labels: { check: durabilityChecks },
    whenOff:
      '1: a crash or failover of the database can lose grants that were answered; `streamhouse db doctor` says what to do.',
  }),
  cacheRequests: counter('cache_requests_total', {
    help: 'Reads of clients that a cache may answer, by cache',
    labels: { cache: cacheNames, result: cacheResults },
    whenOff:
      '`bypass` grows: signals are not heard, so that nothing is kept; see `signals_connected`. Mostly `miss`: what is read is more than fits, or changes all the time.',
  }),
  storeConnections: gauge('store_connections', {
    help: 'Connections of a pool by state; PostgreSQL only',
    labels: { pool: 'open', state: ['busy', 'idle'] },
    whenOff: 'All `busy` for long: see `store_connections_waiting`.',
  }),
  storeConnectionsWaiting: gauge('store_connections_waiting', {
    help: 'Operations that wait for a connection of the pool; PostgreSQL only',
    labels: { pool: 'open' },
    whenOff: 'Above 0 for long: a slow database, or raise DATABASE_POOL_MAX.',
  }),
  storeConnectionsMax: gauge('store_connections_max', {
    help: 'Connections that a pool may open; PostgreSQL only',
    labels: { pool: 'open' },
    whenOff: 'Times the number of agents it must fit `max_connections`.',
  }),
  storeClockOffset: gauge('store_clock_offset_seconds', {
    help: "The database's wall clock less ours, at the last heartbeat",
    whenOff: 'Beyond seconds: mend NTP. Safety does not depend on it; reading logs does.',
  }),
  era: gauge('era', {
    help: 'Era of the store, as the last heartbeat told it',
    whenOff:
      'It rose: the store was restored or failed over, and all sessions ended. The log names the histories.',
  }),
  signals: counter('signals_total', {
    help: 'Signals heard, by kind',
    labels: { kind: signalKinds },
    whenOff: 'No `ping` for a minute: nothing is heard; see `signals_connected`.',
  }),
  resyncs: counter('resyncs_total', {
    help: 'Times this agent read its leases or its assignment anew',
    labels: { reason: resyncReasons },
    whenOff: '`signals` grows: the connection for signals breaks again and again.',
  }),
} as const;
