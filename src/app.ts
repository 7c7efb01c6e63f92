// The composition root: the one file that knows every layer.
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { collectDefaultMetrics } from 'prom-client';
import type { AgentConfig } from './config/config.ts';
import { sqliteFile } from './config/parse.ts';
import { Agent, type OpenedStore } from './coordination/agent.ts';
import { CrashDetection } from './coordination/crash-detection.ts';
import { agentRunStates } from './coordination/agent-run-state.ts';
import { askHealth } from './platform/ask-health.ts';
import { type Reloaded, reloadDoors } from './app/reload.ts';
import { Authentication } from './http/authentication.ts';
import { type HttpServer, startHttpServer } from './http/server.ts';
import { createInstruments, type Instruments } from './metrics/instruments.ts';
import type { Probe } from './metrics/probe.ts';
import { meteredStore } from './metrics/metered-store.ts';
import { systemClock } from './platform/clock.ts';
import { trustedUntilMs } from './domain/session.ts';
import type { Logger } from './platform/logger.ts';
import { PostgresSignals } from './signals/postgres-signals.ts';
import { type PollPace, SqliteSignals } from './signals/sqlite-signals.ts';
import type { OpenedEra } from './store/era/era-keeper.ts';
import { durabilityReport } from './app/durability-report.ts';
import { locate } from './store/postgres/connect.ts';
import type { CacheName, CacheResult } from './store/cache/cache-names.ts';
import { StoreCache } from './store/cache/store-cache.ts';
import { grantsSql } from './store/postgres/grants.ts';
import { openPostgresStore } from './store/postgres/open.ts';
import { PostgresSchema } from './store/postgres/migrate.ts';
import { Servers } from './store/postgres/servers.ts';
import type { SchemaAdmin } from './store/schema-admin.ts';
import { openSqliteStore } from './store/sqlite/open.ts';
import { SqliteSchema } from './store/sqlite/migrate.ts';
import { programVersion } from './cli/version.ts';

const clock = systemClock;
const { random } = Math;
const version = programVersion();

/**
 * How often coordinator and deputies look at the sessions, milliseconds. A silence counts from the look that first saw it: where only
 * silence tells of a crash, they look more often.
 */
const pollMs = { byConnections: 250, bySilence: 100 };
/** How often an agent looks whether others have changed the SQLite file. */
const sqlitePace: PollPace = { quietMs: 50, busyMs: 10, busyForMs: 5_000 };
/** The coordinator proves that signals arrive this often, milliseconds. */
const pingMs = 5_000;
/** Bound of one attempt of `streamhouse db`, which has no heartbeat to keep up with; milliseconds. */
const schemaAttemptMs = 10_000;
/** How often the broker is asked whether it is well, and how long it may take to answer; milliseconds. */
const brokerHealthIntervalMs = 1_000;
/** Failures in a row that mean that it is down. */
const brokerHealthFailuresMax = 3;
/** Changes within this time are planned together, milliseconds. */
const settleMs = 30;

export { grantsSql };

export interface RunningAgent {
  readonly agent: Agent;
  readonly url: string;
  /** Takes over what can change while it runs: tokens and certificate. Fails with ConfigError, nothing changed. */
  reload(next: AgentConfig): Reloaded;
  /** Settles when the agent has stopped: rejects with StoreMisconfigured or NameTaken when a person must act. */
  readonly done: Promise<void>;
}

/** Starts an agent and its HTTP face; `stop` ends both gracefully. Rejects when the port cannot be had. */
export async function startAgent(config: AgentConfig, log: Logger, stop: AbortSignal): Promise<RunningAgent> {
  const { settings, budget } = config;
  const detectsCrashes = settings.CRASH_DETECTION && !settings.DATABASE_URL.startsWith('sqlite:');
  const instruments = createInstruments(
    probeOf(settings.AGENT_GROUP, settings.METRICS_PER_PARTITION, () => agent),
  );
  // The process's own: event loop lag, memory, CPU.
  collectDefaultMetrics({ register: instruments.registry });
  const ways = waysToStore(settings);
  const agent: Agent = new Agent(
    {
      open: (opening) => openStore(config, { ways, stop: opening, log, instruments }),
      askBrokerHealth: healthQuestion(settings.BROKER_HEALTH_URL),
      clock,
      random,
      log,
      instruments,
    },
    {
      agent: {
        agentId: settings.AGENT_ID,
        address: settings.AGENT_ADDRESS,
        zone: settings.AGENT_ZONE,
        weight: settings.AGENT_WEIGHT,
        managedTopics: settings.MANAGED_TOPICS,
        metadata: settings.AGENT_METADATA,
      },
      group: settings.AGENT_GROUP,
      budget,
      process: `${hostname()} pid ${process.pid}`,
      shutdownTimeoutMs: settings.SHUTDOWN_TIMEOUT_MS,
      retentionMs: settings.AGENT_RETENTION_MS,
      detectsCrashes,
      pollMs: detectsCrashes ? pollMs.byConnections : pollMs.bySilence,
      pingMs,
      settleMs,
      handoffTimeoutMs: settings.HANDOFF_TIMEOUT_MS,
      placement: {
        thresholdPercent: settings.REBALANCE_THRESHOLD_PERCENT,
        movesMax: settings.REBALANCE_MOVES_MAX,
        returnDelayMs: settings.RETURN_DELAY_MS,
      },
      broker: {
        graceMs: settings.BROKER_GRACE_MS,
        healthIntervalMs: brokerHealthIntervalMs,
        healthFailuresMax: brokerHealthFailuresMax,
        required: settings.BROKER_REQUIRED,
      },
    },
  );
  instruments.buildInfo.set({ version, node: process.version }, 1);
  instruments.agentInfo.set(
    { agent_id: settings.AGENT_ID, group: settings.AGENT_GROUP, zone: settings.AGENT_ZONE },
    1,
  );
  instruments.sessionTtlSeconds.set(budget.ttlMs / 1_000);
  instruments.sessionTrustLimitSeconds.set(trustedUntilMs(0, budget) / 1_000);
  const authentication = new Authentication(
    { clock, log },
    { full: settings.API_TOKEN, read: settings.API_READ_TOKEN },
  );
  const { HTTP_PORT: port, METRICS_PORT: metricsPort } = settings;
  const http = await startHttpServer(
    { agent, clock, instruments, log, version },
    {
      host: settings.HTTP_HOST,
      port: port === 'off' ? undefined : port,
      certificate: config.certificate,
      socket: settings.HTTP_SOCKET,
      metrics: metricsPort === undefined ? undefined : { host: settings.METRICS_HOST, port: metricsPort },
      authentication,
      allowedHosts: [...settings.HTTP_ALLOWED_HOSTS, settings.HTTP_HOST],
    },
  );
  const { url, socketUrl, metricsUrl } = http;
  log.info({ url, ...(socketUrl && { socketUrl }), ...(metricsUrl && { metricsUrl }) }, 'listening');
  let current = config;
  const reload = (next: AgentConfig): Reloaded => {
    const reloaded = reloadDoors({ authentication, http }, current, next);
    current = next;
    return reloaded;
  };
  return { agent, url, reload, done: runBoth(agent, http, stop) };
}

async function runBoth(agent: Agent, http: HttpServer, stop: AbortSignal): Promise<void> {
  try {
    await agent.run(stop);
  } finally {
    // In this order: what is still being answered needs the store.
    await http.close();
    await agent[Symbol.asyncDispose]();
  }
}

function healthQuestion(url: string | undefined): (() => Promise<void>) | undefined {
  return url === undefined ? undefined : () => askHealth(url, brokerHealthIntervalMs);
}

/** The schema of the store that `url` names, for `streamhouse db`. */
export function schemaAdmin(
  url: string,
  options: { readonly schema: string; readonly caFile?: string | undefined },
): SchemaAdmin {
  if (url.startsWith('sqlite:')) return new SqliteSchema(resolve(sqliteFile(url)), schemaAttemptMs);
  return new PostgresSchema(
    {
      connectionString: url,
      applicationName: 'streamhouse db',
      attemptMs: schemaAttemptMs,
      caFile: options.caFile,
    },
    options.schema,
  );
}

interface OpeningDeps {
  readonly ways: () => Ways;
  readonly stop: AbortSignal;
  readonly log: Logger;
  readonly instruments: Instruments;
}

/** The servers of a PostgreSQL URL, and those of the direct one, which may be the same. */
interface Ways {
  readonly servers: Servers;
  readonly direct: Servers;
}

/** Made once, when they are needed first: what one attempt to open the store learns of the servers is for the next. */
function waysToStore({
  DATABASE_URL,
  DIRECT_DATABASE_URL,
  DATABASE_CA_FILE,
}: AgentConfig['settings']): () => Ways {
  const to = (connectionString: string): Servers =>
    new Servers({ connectionString, caFile: DATABASE_CA_FILE }, { clock, random });
  let ways: Ways | undefined;
  return () => {
    if (ways === undefined) {
      const servers = to(DATABASE_URL);
      const direct = DIRECT_DATABASE_URL ?? DATABASE_URL;
      ways = { servers, direct: direct === DATABASE_URL ? servers : to(direct) };
    }
    return ways;
  };
}

async function openStore(config: AgentConfig, deps: OpeningDeps): Promise<OpenedStore> {
  const { settings } = config;
  const { log, instruments } = deps;
  const opened = settings.DATABASE_URL.startsWith('sqlite:')
    ? await openSqlite(config, log)
    : await openPostgres(config, deps);
  const store = meteredStore(opened.store, instruments);
  log.info({ backend: store.backend, schema: settings.DATABASE_SCHEMA }, 'store open');
  const { signals, onConnectionLost, crashDetection } = opened;
  const count = (cache: CacheName, result: CacheResult): void =>
    instruments.cacheRequests.inc({ cache, result });
  const cache = new StoreCache(store, { clock, signals, count });
  return {
    store: cache.store,
    lookups: cache.lookups,
    signals,
    onConnectionLost,
    crashDetection,
    async [Symbol.asyncDispose]() {
      cache[Symbol.dispose]();
      await opened[Symbol.asyncDispose]();
    },
  };
}

async function openPostgres(
  { settings, budget }: AgentConfig,
  { ways, stop, log, instruments }: OpeningDeps,
): Promise<OpenedStore> {
  const direct = settings.DIRECT_DATABASE_URL ?? settings.DATABASE_URL;
  const applicationName = `streamhouse ${settings.AGENT_ID}`.slice(0, 63);
  const crashes = settings.CRASH_DETECTION ? new CrashDetection(log) : undefined;
  const caFile = settings.DATABASE_CA_FILE;
  const { servers, direct: directServers } = ways();
  const report = durabilityReport(log, instruments);
  const store = await openPostgresStore({
    connectionString: settings.DATABASE_URL,
    directConnectionString: direct,
    servers,
    directServers,
    stop,
    onDurability: report,
    caFile,
    applicationName,
    attemptMs: budget.attemptMs,
    schema: settings.DATABASE_SCHEMA,
    group: settings.AGENT_GROUP,
    poolMax: settings.DATABASE_POOL_MAX,
    migrate: settings.AUTO_MIGRATE,
    onConnectionLost: crashes && (() => crashes.lost()),
    onLock: (lock) => crashes?.connected(lock),
    eras: {
      onOpened: (era) => tellEra(log, era),
      onHistoryHidden: () =>
        log.warn(
          {},
          'the server does not show its system identifier and timeline: after a failover that may have lost commits, a new era is opened by hand (streamhouse db fence --new-era)',
        ),
    },
  });
  const signalsMs = Math.max(budget.attemptMs, 1_000);
  const way = { connectionString: direct, caFile, applicationName, attemptMs: signalsMs };
  const signals = new PostgresSignals(
    { clock, log, random },
    {
      locate: async () => (await locate(way, directServers)).reached(),
      onLeave: (listener) => directServers.onLeave(listener),
      applicationName,
      schema: settings.DATABASE_SCHEMA,
      group: settings.AGENT_GROUP,
      attemptMs: signalsMs,
      // Where a coordinator pings, one ping may be late and still nothing is asked.
      silenceMs: 1.5 * pingMs,
      deafAfterMs: 4 * pingMs,
    },
  );
  signals.start();
  return closingBoth(store, signals, crashes ?? CrashDetection.off(log, 'off by CRASH_DETECTION=off'));
}

/** As loud as can be: every session of every group has ended. */
function tellEra(log: Logger, { why, before, seen, opened }: OpenedEra): void {
  const { number: era, quarantineMs } = opened;
  log.error(
    { why, before, seen, era, quarantineMs },
    'the store went on from another history; opened a new era, all sessions end',
  );
}

async function openSqlite({ settings, budget }: AgentConfig, log: Logger): Promise<OpenedStore> {
  const store = await openSqliteStore({
    file: sqliteFile(settings.DATABASE_URL),
    group: settings.AGENT_GROUP,
    attemptMs: budget.attemptMs,
    migrate: settings.AUTO_MIGRATE,
    onEraOpened: (era) => tellEra(log, era),
  });
  const digest = async () => {
    const { sessions, coordinatorSessionId } = await store.observeSessions();
    const members = [
      ...sessions.map((session) => session.sessionId),
      `coordinator ${coordinatorSessionId}`,
    ].join(' ');
    return { generation: await store.assignmentGeneration(), members };
  };
  const signals = new SqliteSignals({ clock, dataVersion: () => store.dataVersion(), digest }, sqlitePace);
  signals.start();
  const crashDetection = CrashDetection.off(
    log,
    'off by itself on SQLite, where nobody sees who has the file open',
  );
  return closingBoth(store, signals, crashDetection);
}

function closingBoth(
  store: OpenedStore['store'],
  signals: OpenedStore['signals'],
  crashDetection: CrashDetection,
): OpenedStore {
  return {
    store,
    signals,
    onConnectionLost: (listener) => crashDetection.onConnectionLost(listener),
    crashDetection: () => crashDetection.health(),
    async [Symbol.asyncDispose]() {
      await signals[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** What a scrape reads from the agent at that moment. */
function probeOf(group: string, isPerPartition: boolean, agent: () => Agent): Probe {
  return {
    group,
    agentStates: () => {
      const { state } = agent().status();
      return Object.fromEntries(agentRunStates.map((known) => [known, known === state]));
    },
    brokerState: () => agent().brokerState,
    leasesHeld: () => agent().status().leases,
    leaseHandoffs: () =>
      agent()
        .holds()
        .filter(({ revoking }) => revoking !== undefined).length,
    isCoordinator: () => agent().status().isCoordinator,
    trustedForMs: () => agent().status().trustedForMs,
    signalsConnected: () =>
      agent()
        .readiness()
        .some(({ name, ok }) => name === 'signals' && ok),
    crashDetectionActive: () => agent().crashDetection?.active ?? false,
    storePools: () => agent().store?.pools ?? [],
    leases: () =>
      isPerPartition
        ? agent()
            .held()
            .terms.map(({ key: { topic, partition }, epoch }) => ({ topic, partition, epoch }))
        : undefined,
    plan: () => agent().planFigures(),
    // The coordinator counts its group when it is scraped, not on a tick; the others show nothing.
    counts: async () => {
      const { store } = agent();
      if (store === undefined || !agent().status().isCoordinator) return undefined;
      const [agents, { total, led, moving }] = await Promise.all([
        store.countAgents(),
        store.countPartitions(),
      ]);
      // The role may have gone meanwhile.
      if (!agent().status().isCoordinator) return undefined;
      return { agents, partitions: { led, unled: total - led }, movesUnderWay: moving };
    },
  };
}
