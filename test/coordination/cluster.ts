// Whole agents in this process, on a real store: the loops of src/coordination as the daemon runs them, without HTTP.
import { CrashDetection } from '../../src/coordination/crash-detection.ts';
import { Agent, type AgentOptions } from '../../src/coordination/agent.ts';
import { deriveTimeBudget } from '../../src/domain/time-budget.ts';
import type { Probe } from '../../src/metrics/probe.ts';
import { createInstruments } from '../../src/metrics/instruments.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Logger } from '../../src/platform/logger.ts';
import { PostgresSignals } from '../../src/signals/postgres-signals.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { openPostgresStore, type PostgresOptions } from '../../src/store/postgres/open.ts';
import { quietProbe } from '../metrics/reading.ts';

export interface TestAgent {
  readonly agent: Agent;
  readonly done: Promise<void>;
  readonly logs: { level: string; message: string; fields: object }[];
  stop(): Promise<void>;
}

export interface TestAgentOptions {
  readonly url: string;
  readonly schema: string;
  readonly agentId: string;
  readonly ttlMs?: number;
  readonly weight?: number;
  readonly managedTopics?: readonly string[];
  /** Another way to the same database for signals alone. Default: `url`. */
  readonly signalsUrl?: string;
  /** Which process it says it is. */
  readonly process?: string;
  /** Default: on, as in the daemon. */
  readonly detectsCrashes?: boolean;
  /** Stands between the agent and its store. */
  readonly wrapStore?: (store: MetadataStore) => MetadataStore;
}

export const silentProbe: Probe = { ...quietProbe, group: 'default' };

export function storeOptions(url: string, schema: string, attemptMs = 5_000): PostgresOptions {
  return {
    connectionString: url,
    directConnectionString: url,
    applicationName: 'streamhouse test',
    attemptMs,
    schema,
    group: 'default',
    poolMax: 4,
    migrate: true,
  };
}

export function startTestAgent(options: TestAgentOptions): TestAgent {
  const { url, schema, agentId, ttlMs = 2_000, weight = 1, managedTopics = [] } = options;
  const { signalsUrl = url, wrapStore = (store: MetadataStore) => store, detectsCrashes = true } = options;
  const answer = deriveTimeBudget({ ttlMs });
  if (answer.outcome === 'broken') throw new Error(answer.problem);
  const { budget } = answer;
  const logs: TestAgent['logs'] = [];
  const log = recordingLogger(logs);
  const agentOptions: AgentOptions = {
    agent: { agentId, address: `${agentId}:9092`, zone: 'default', weight, managedTopics, metadata: {} },
    group: 'default',
    budget,
    process: options.process ?? `test pid ${process.pid} ${agentId}`,
    shutdownTimeoutMs: 5_000,
    retentionMs: 86_400_000,
    pollMs: 100,
    detectsCrashes,
    pingMs: 1_000,
    settleMs: 20,
    handoffTimeoutMs: 3_000,
    placement: { thresholdPercent: 0, movesMax: 500, returnDelayMs: 30_000 },
    broker: { graceMs: 1_000, healthIntervalMs: 1_000, healthFailuresMax: 3, required: false },
  };
  const clock = systemClock;
  const { random } = Math;
  const open = async () => {
    const crashDetection = new CrashDetection(log);
    const store = await openPostgresStore({
      ...storeOptions(url, schema, budget.attemptMs),
      onConnectionLost: detectsCrashes ? () => crashDetection.lost() : undefined,
      onLock: (lock) => crashDetection.connected(lock),
    });
    const signals = new PostgresSignals(
      { clock, log, random },
      {
        locate: () => Promise.resolve({ connectionString: signalsUrl }),
        schema,
        group: 'default',
        applicationName: 'streamhouse test',
        attemptMs: 1_000,
        silenceMs: 5_000,
        deafAfterMs: 20_000,
      },
    );
    signals.start();
    return {
      store: wrapStore(store),
      signals,
      onConnectionLost: (listener: () => void) => crashDetection.onConnectionLost(listener),
      crashDetection: () => crashDetection.health(),
      async [Symbol.asyncDispose]() {
        await signals[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  };
  const stop = new AbortController();
  const agent = new Agent(
    { open, clock, random, log, instruments: createInstruments(silentProbe) },
    agentOptions,
  );
  const done = runAndClose(agent, stop.signal);
  return {
    agent,
    done,
    logs,
    async stop() {
      stop.abort();
      await done;
    },
  };
}

export function recordingLogger(logs: TestAgent['logs']): Logger {
  const at = (level: string) => (fields: object, message: string) => {
    logs.push({ level, message, fields });
  };
  const log: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  };
  return log;
}

/** As the program does: the store is closed when the agent has stopped. */
export async function runAndClose(agent: Agent, stop: AbortSignal): Promise<void> {
  try {
    await agent.run(stop);
  } finally {
    await agent[Symbol.asyncDispose]();
  }
}
