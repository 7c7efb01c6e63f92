// Agents on a clock that a test moves, each behind a store that may fail, on a real PostgreSQL. The TTL is half a minute: time
// enough for nothing to expire by itself. A session expires, for the database, when the test says so.
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { Agent } from '../../src/coordination/agent.ts';
import type { CoordinationDeps } from '../../src/coordination/deps.ts';
import type { PlacementOptions } from '../../src/coordination/placement.ts';
import { register, type Registered } from '../../src/coordination/registration.ts';
import type { TimeBudget } from '../../src/domain/session.ts';
import { createInstruments } from '../../src/metrics/instruments.ts';
import { LocalBell } from '../../src/signals/local-bell.ts';
import type { Signals } from '../../src/signals/signals.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import type { AgentDescription } from '../../src/store/sessions.ts';
import { dropSchema, freshSchemaName } from '../support/schema.ts';
import { recordingLogger, runAndClose, silentProbe, storeOptions, type TestAgent } from './cluster.ts';
import { atRest, FaultyStore } from './faulty-store.ts';
import { ManualClock } from './manual-clock.ts';

export const budget: TimeBudget = {
  ttlMs: 32_000,
  heartbeatIntervalMs: 8_000,
  trustMarginMs: 6_400,
  attemptMs: 4_800,
};

export const trustMs = budget.ttlMs - budget.trustMarginMs;
export const pollMs = 1_000;

/** One agent, or a part of one, and what a test holds of it. */
export interface Actor {
  readonly deps: CoordinationDeps;
  readonly faulty: FaultyStore;
  readonly logs: TestAgent['logs'];
}

/** An actor whose coordination connection the test can lose: what it hears of that, while the store goes on. */
export interface Connected extends Actor {
  loseConnection(): void;
}

export interface StagedAgent extends Connected {
  readonly agent: Agent;
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

export function describeAgent(agentId: string): AgentDescription {
  return {
    agentId,
    address: `${agentId}:9092`,
    zone: 'default',
    weight: 1,
    managedTopics: [],
    metadata: {},
  };
}

export class Stage implements AsyncDisposable {
  readonly clock: ManualClock;
  /** The store as the test itself sees it: never faulty. */
  readonly store: MetadataStore;
  private readonly url: string;
  private readonly schema: string;
  private readonly group: string;
  private readonly stores = new Set<FaultyStore>();
  private readonly agents = new Set<StagedAgent>();

  private constructor(url: string, schema: string, group: string, store: MetadataStore) {
    this.url = url;
    this.schema = schema;
    this.group = group;
    this.store = store;
    this.clock = new ManualClock(() => atRest(this.stores));
  }

  /** A group of its own in the schema, so that the tests of a file can share one. */
  static async open(url: string, schema: string): Promise<Stage> {
    const group = `g-${randomUUID()}`;
    const options = { ...storeOptions(url, schema), group, migrate: false };
    return new Stage(url, schema, group, await openPostgresStore(options));
  }

  /** What a part of an agent needs, with a store and signals of its own. */
  async actor(applicationName = 'streamhouse test', random = () => 0.5): Promise<Connected> {
    const options = { ...storeOptions(this.url, this.schema), group: this.group, applicationName };
    const real = await openPostgresStore({ ...options, migrate: false });
    const faulty = new FaultyStore(real);
    this.stores.add(faulty);
    const logs: TestAgent['logs'] = [];
    const listeners = new Set<() => void>();
    const deps: CoordinationDeps = {
      store: faulty.store,
      signals: new LocalSignals(),
      onConnectionLost: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      clock: this.clock,
      random,
      log: recordingLogger(logs),
      instruments: createInstruments(silentProbe),
    };
    const loseConnection = (): void => {
      for (const listener of listeners) listener();
    };
    return { deps, faulty, logs, loseConnection };
  }

  /** A session of its own, kept alive by nobody. */
  async register({ deps }: Actor, agentId: string): Promise<Registered> {
    const options = {
      agent: describeAgent(agentId),
      budget,
      process: `${agentId} process`,
      serving: () => 'serving' as const,
    };
    const registered = await register(deps, options, () => undefined, new AbortController().signal);
    if (registered === undefined) throw new Error('not registered');
    return registered;
  }

  /** A whole agent, from now on. `open` fails as often as it is told to before it opens the store. */
  async start(
    agentId: string,
    more: {
      process?: string;
      failures?: Error[];
      placement?: Partial<PlacementOptions>;
      random?: () => number;
      pingMs?: number;
    } = {},
  ): Promise<StagedAgent> {
    const actor = await this.actor(undefined, more.random);
    const { deps } = actor;
    const failures = [...(more.failures ?? [])];
    const stop = new AbortController();
    const agent = new Agent(
      {
        ...deps,
        open: async () => {
          const failure = failures.shift();
          if (failure) throw failure;
          // The stage closes the store, so that its waiting for calls to come to rest covers the agent's end too.
          const { store, signals, onConnectionLost } = deps;
          const crashDetection = () => ({ active: false, detail: 'off on a stage' });
          return { store, signals, onConnectionLost, crashDetection, async [Symbol.asyncDispose]() {} };
        },
      },
      {
        agent: describeAgent(agentId),
        group: this.group,
        budget,
        process: more.process ?? `${agentId} process`,
        shutdownTimeoutMs: 5_000,
        retentionMs: 86_400_000,
        pollMs,
        detectsCrashes: true,
        pingMs: more.pingMs ?? 5_000,
        settleMs: 20,
        handoffTimeoutMs: 3_000,
        placement: { thresholdPercent: 0, movesMax: 500, returnDelayMs: 30_000, ...more.placement },
        broker: { graceMs: 2_000, healthIntervalMs: 1_000, healthFailuresMax: 3, required: false },
      },
    );
    const done = runAndClose(agent, stop.signal);
    done.catch(() => undefined); // who expects it to fail awaits it
    const staged: StagedAgent = {
      ...actor,
      agent,
      done,
      stop: async () => {
        stop.abort();
        actor.faulty.heal();
        await done;
      },
    };
    this.agents.add(staged);
    return staged;
  }

  /** A whole agent that leads whatever there is to lead: the coordinator, if it is the first. */
  async join(agentId: string, more: Parameters<Stage['start']>[1] = {}): Promise<StagedAgent> {
    const agent = await this.start(agentId, more);
    await this.clock.advance(2 * pollMs);
    return agent;
  }

  /** For the database the session has expired. A heartbeat makes it young again. */
  async expire(sessionId: string): Promise<void> {
    await this.query(
      `update ${this.schema}.sessions set expires_at = clock_timestamp() - interval '1 second' where session_id = $1`,
      [sessionId],
    );
  }

  /** For the database, the agent's session was registered so long ago. */
  async liveFor(agentId: string, ms: number): Promise<void> {
    await this.query(
      `update ${this.schema}.sessions set registered_at = clock_timestamp() - $3 * interval '1 millisecond'
        where group_name = $1 and agent_id = $2 and ended_at is null`,
      [this.group, agentId, ms],
    );
  }

  /** Ends the server's side of every connection that an actor of this name has. */
  async cutConnections(applicationName: string): Promise<number> {
    const rows = await this.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
      [applicationName],
    );
    return rows.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.stores) store.letGoAll();
    const stopping = new Set<StagedAgent>();
    const stop = async (agent: StagedAgent): Promise<void> => {
      stopping.add(agent);
      await agent.stop().catch(() => undefined);
      stopping.delete(agent);
    };
    const stops = Promise.all([...this.agents].map(stop));
    // A stop may wait for a broker's answer, and time passes only here.
    while (stopping.size > 0) await this.clock.advance(1_000);
    await stops;
    await Promise.all([...this.stores].map(({ store }) => store[Symbol.asyncDispose]()));
    await this.store[Symbol.asyncDispose]();
  }

  private async query(text: string, values: readonly unknown[]): Promise<unknown[]> {
    const client = new Client({ connectionString: this.url });
    await client.connect();
    try {
      return (await client.query(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }
}

/** The schema that the stages of a test file share: made before its first test, dropped after its last. */
export function stageSchema(url: string): string {
  const schema = freshSchemaName();
  beforeAll(async () => {
    await (await openPostgresStore(storeOptions(url, schema)))[Symbol.asyncDispose]();
  });
  afterAll(() => dropSchema(url, schema));
  return schema;
}

/** Signals that nobody else hears: agents that live on their heartbeats. */
export class LocalSignals implements Signals {
  private readonly bell = new LocalBell();

  subscribe(handler: Parameters<Signals['subscribe']>[0]): () => void {
    return this.bell.subscribe(handler);
  }

  publish(...[kind, agents]: Parameters<Signals['publish']>): void {
    this.bell.ring(kind, agents);
  }

  health(): ReturnType<Signals['health']> {
    return { ok: true, detail: 'local' };
  }

  tellsOf(): boolean {
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
