// One whole agent in this process as the daemon's root makes it, with the settings of production: the loops of src/coordination, its
// own store, pool, coordination connection and listener. Left out is its HTTP door, and the process's own metrics.
import { Agent } from '../../src/coordination/agent.ts';
import { CrashDetection } from '../../src/coordination/crash-detection.ts';
import { deriveTimeBudget } from '../../src/domain/time-budget.ts';
import { createInstruments } from '../../src/metrics/instruments.ts';
import { meteredStore } from '../../src/metrics/metered-store.ts';
import { systemClock as clock } from '../../src/platform/clock.ts';
import type { Logger } from '../../src/platform/logger.ts';
import { PostgresSignals } from '../../src/signals/postgres-signals.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import { Servers } from '../../src/store/postgres/servers.ts';
import { quietProbe } from '../../test/metrics/reading.ts';
import type { HostedAgent, Hosting } from './messages.ts';

export interface Running {
  readonly agent: Agent;
  /** Hands everything over; resolves when nothing is left. */
  stop(): Promise<void>;
}

const group = 'default';
const pingMs = 5_000;
const { random } = Math;

export function runAgent({ url, schema, ttlMs }: Hosting, hosted: HostedAgent, log: Logger): Running {
  const { agentId, zone } = hosted;
  const derived = deriveTimeBudget({ ttlMs });
  if (derived.outcome === 'broken') throw new Error(derived.problem);
  const { budget } = derived;
  const instruments = createInstruments({ ...quietProbe, group });
  const applicationName = `streamhouse ${agentId}`;
  const servers = new Servers({ connectionString: url });
  const open = async (opening: AbortSignal) => {
    const crashes = new CrashDetection(log);
    const store = await openPostgresStore({
      connectionString: url,
      directConnectionString: url,
      servers,
      stop: opening,
      applicationName,
      attemptMs: budget.attemptMs,
      schema,
      group,
      poolMax: 4,
      migrate: true,
      onConnectionLost: () => crashes.lost(),
      onLock: (lock) => crashes.connected(lock),
    });
    const signals = new PostgresSignals(
      { clock, log, random },
      {
        locate: () => Promise.resolve({ connectionString: url }),
        schema,
        group,
        applicationName,
        attemptMs: Math.max(budget.attemptMs, 1_000),
        silenceMs: 1.5 * pingMs,
        deafAfterMs: 4 * pingMs,
      },
    );
    signals.start();
    return {
      store: meteredStore(store, instruments),
      signals,
      onConnectionLost: (listener: () => void) => crashes.onConnectionLost(listener),
      crashDetection: () => crashes.health(),
      async [Symbol.asyncDispose]() {
        await signals[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  };
  const agent = new Agent(
    { open, clock, random, log, instruments },
    {
      agent: { agentId, address: `${agentId}:9092`, zone, weight: 1, managedTopics: [], metadata: {} },
      group,
      budget,
      process: `scale pid ${process.pid} ${agentId}`,
      shutdownTimeoutMs: 25_000,
      retentionMs: 7 * 86_400_000,
      pollMs: 250,
      detectsCrashes: true,
      pingMs,
      settleMs: 30,
      handoffTimeoutMs: 10_000,
      placement: { thresholdPercent: 0, movesMax: 500, returnDelayMs: 30_000 },
      broker: { graceMs: 2_000, healthIntervalMs: 1_000, healthFailuresMax: 3, required: false },
    },
  );
  const stopping = new AbortController();
  const done = (async () => {
    try {
      await agent.run(stopping.signal);
    } finally {
      await agent[Symbol.asyncDispose]();
    }
  })();
  return {
    agent,
    async stop() {
      stopping.abort();
      await done;
    },
  };
}
