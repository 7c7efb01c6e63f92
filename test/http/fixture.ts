// A server over a real store, PostgreSQL unless told otherwise, with a hand-made agent that holds a real session in it.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import type {
  AgentStatus,
  AgentView,
  Change,
  Held,
  HeldTerm,
  ReadinessCheck,
} from '../../src/coordination/agent-view.ts';
import { Candidacies } from '../../src/coordination/candidacies.ts';
import { EventJournal } from '../../src/coordination/event-journal.ts';
import type { PlacementOptions } from '../../src/coordination/placement.ts';
import { partitionKey } from '../../src/domain/lease.ts';
import { createApp } from '../../src/http/app.ts';
import type { HttpApp } from '../../src/http/http-app.ts';
import { startHttpServer, type HttpServer, type HttpServerOptions } from '../../src/http/server.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { ReleaseOutcome } from '../../src/store/leases.ts';
import { StoreCache } from '../../src/store/cache/store-cache.ts';
import type { Lookups } from '../../src/store/lookups.ts';
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { createInstruments, type Instruments } from '../../src/metrics/instruments.ts';
import { recordingLogger, silentProbe } from '../coordination/cluster.ts';
import { dropSchema, freshSchemaName } from '../support/schema.ts';
import { type ApiDescription, describe } from './api-description.ts';
import { instrumentsOver } from '../metrics/reading.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'error';
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Matches a time in an answer. */
export const rfc3339: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** An agent as the HTTP face sees it; tests change its fields. */
export class FakeAgent implements AgentView {
  store: MetadataStore | undefined;
  /** As an agent has it, while `store` is the one it stands beside. */
  cache: StoreCache | undefined;
  sessionId: string | null = null;
  heldNow: Held = { trustedForMs: 0, terms: [] };
  checks: ReadinessCheck[] = [
    { name: 'session', ok: true, detail: 'the session was renewed 10 ms ago' },
    { name: 'store', ok: true, detail: 'the store answered 10 ms ago' },
  ];
  readonly announced: Change[] = [];
  readonly journal = new EventJournal({ capacity: 100 });
  /** Real ones; a test that wants roles to be won runs them. */
  readonly elections = new Candidacies(
    {
      clock: systemClock,
      log: recordingLogger([]),
      instruments: createInstruments(silentProbe),
      journal: this.journal,
    },
    { standDownMs: 10_000 },
  );
  placement: PlacementOptions = { thresholdPercent: 0, movesMax: 500, returnDelayMs: 30_000 };
  /** Open event streams of brokers. */
  attached = 0;
  state: Pick<AgentStatus, 'state' | 'detail'> = { state: 'active', detail: null };

  get lookups(): Lookups | undefined {
    return this.store !== undefined && this.store === this.cache?.store ? this.cache.lookups : this.store;
  }

  status(): AgentStatus {
    const { sessionId, heldNow } = this;
    return {
      agentId: 'agent-1',
      group: 'g',
      zone: 'z1',
      ...this.state,
      sessionId,
      isCoordinator: true,
      trustedForMs: heldNow.trustedForMs,
      leases: heldNow.terms.length,
    };
  }

  held(): Held {
    return this.heldNow;
  }

  holds(): readonly HeldTerm[] {
    return this.heldNow.terms;
  }

  attachBroker(): Disposable {
    this.attached += 1;
    return {
      [Symbol.dispose]: () => {
        this.attached -= 1;
      },
    };
  }

  async acknowledge(terms: readonly HeldTerm[]): Promise<readonly ReleaseOutcome[]> {
    if (this.store === undefined || this.sessionId === null) throw new Error('no session');
    return (await this.store.releaseLeases(this.sessionId, terms, 'released')).outcomes;
  }

  readiness(): readonly ReadinessCheck[] {
    return this.checks;
  }

  announce(change: Change): void {
    this.announced.push(change);
  }
}

/** The application without a server and a store, for what only looks at its routes. */
export function bareApp(): HttpApp {
  const nothing = (): void => {};
  const log = { debug: nothing, info: nothing, error: nothing };
  const deps = {
    agent: new FakeAgent(),
    clock: systemClock,
    instruments: instrumentsOver(),
    log,
    version: '1.2.3',
  };
  return createApp(deps, { allowedHosts: [] });
}

let described: Promise<ApiDescription> | undefined;

/** The API as it describes itself; made once, because it depends on nothing but the program. */
export function describedApi(): Promise<ApiDescription> {
  return (described ??= describe(bareApp()));
}

export class Fixture implements AsyncDisposable {
  readonly agent: FakeAgent;
  readonly store: MetadataStore;
  readonly server: HttpServer;
  readonly instruments: Instruments;
  readonly lines: LogLine[];
  readonly #cleanUp: () => Promise<void>;

  constructor(
    parts: Pick<Fixture, 'agent' | 'store' | 'server' | 'instruments' | 'lines'>,
    cleanUp: () => Promise<void>,
  ) {
    this.agent = parts.agent;
    this.store = parts.store;
    this.server = parts.server;
    this.instruments = parts.instruments;
    this.lines = parts.lines;
    this.#cleanUp = cleanUp;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp();
  }

  /**
   * Asks and reads the answer: `body` is parsed when it is JSON, else text. Every answer must be as the API describes it; a bug (500)
   * is nowhere described, and whoever provokes one says so.
   */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(this.server.url + path, {
      method,
      headers: { ...json, ...headers },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const mediaType = response.headers.get('content-type')?.split(';', 1)[0];
    const answered: unknown = mediaType?.includes('json') === true && text !== '' ? JSON.parse(text) : text;
    const { status } = response;
    const fault = (await describedApi()).faultOf(method, path, { status, mediaType, body: answered });
    if (status !== 500) expect(fault).toBeUndefined();
    return { status, headers: response.headers, body: answered };
  }

  /** Lets the agent take partitions of a topic; answers their epochs in the order asked. */
  async acquire(topic: string, ...partitions: number[]): Promise<number[]> {
    const { sessionId } = this.agent;
    if (sessionId === null) throw new Error('the agent has no session');
    const keys = partitions.map((partition) => partitionKey(topic, partition));
    const { outcomes } = await this.store.acquireLeases(sessionId, keys);
    return outcomes.map((outcome) => {
      if (outcome.outcome !== 'granted') throw new Error(`not granted: ${outcome.outcome}`);
      return outcome.epoch;
    });
  }

  /** Everything the HTTP interface may change, to see that a refused request changed nothing. */
  async contents(): Promise<unknown> {
    const page = { limit: 10_000 };
    const topics = (await this.store.listTopics(page)).items;
    const agents = (await this.store.listAgents(page)).items;
    const groups = (await this.store.listConsumerGroups(page)).items;
    return {
      topics,
      agents: agents.map(({ agentId, sessionId, placement }) => ({ agentId, sessionId, placement })),
      generation: await this.store.assignmentGeneration(),
      leases: (await this.store.listPartitionLeases({}, page)).items.map(({ key, agentId, epoch }) => [
        key,
        agentId,
        epoch,
      ]),
      groups: await Promise.all(
        groups.map(async (group) => [
          group,
          await this.store.listCommittedOffsets(group.consumerGroup, page),
        ]),
      ),
      partitions: await Promise.all(
        topics.map(async ({ name }) => {
          const { items } = await this.store.listPartitions(name, page);
          const segments = items.map(({ partition }) => this.store.listSegments(name, partition, 0, page));
          return [items, await Promise.all(segments)];
        }),
      ),
    };
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export function nextCursorOf({ body }: Answer): string | undefined {
  if (typeof body !== 'object' || body === null || !('nextCursor' in body)) return undefined;
  return String(body.nextCursor);
}

export interface FixtureOptions {
  readonly backend?: 'postgres' | 'sqlite';
  /** Through which PostgreSQL is reached, such as a proxy's; default: straight. */
  readonly port?: number;
  /** Bound of one attempt at the store, milliseconds. */
  readonly attemptMs?: number;
  readonly allowedHosts?: readonly string[];
  /** Doors and locks beyond a port on loopback without TLS and tokens. */
  readonly http?: Partial<HttpServerOptions>;
}

export function postgresUrl(): URL {
  const [target] = inject('postgresTargets');
  if (target === undefined) throw new Error('there is no PostgreSQL to test against');
  return new URL(target.url);
}

/** A fresh store with one registered agent, `agent-1`, and a server on a free port. */
export async function startFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const open = options.backend === 'sqlite' ? openSqlite : openPostgres;
  const { store: opened, remove } = await open(options);
  const signals = {
    subscribe: () => () => undefined,
    // Nobody else is there.
    tellsOf: () => true,
  };
  const cache = new StoreCache(opened, { clock: systemClock, signals, count: () => undefined });
  const { store } = cache;
  const agent = new FakeAgent();
  agent.cache = cache;
  agent.store = store;
  agent.sessionId = await registerAgent(store, 'agent-1');
  const lines: LogLine[] = [];
  const write = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, message, ...fields });
  };
  const log = { debug: write('debug'), info: write('info'), error: write('error') };
  const instruments = instrumentsOver();
  const server = await startHttpServer(
    { agent, clock: systemClock, instruments, log, version: '1.2.3' },
    { host: '127.0.0.1', port: 0, allowedHosts: options.allowedHosts ?? [], ...options.http },
  );
  return new Fixture({ agent, store, server, instruments, lines }, async () => {
    await server.close();
    await opened[Symbol.asyncDispose]();
    await remove();
  });
}

interface Opened {
  readonly store: MetadataStore;
  readonly remove: () => Promise<void>;
}

const attemptMsDefault = 5_000;

async function openPostgres(options: FixtureOptions): Promise<Opened> {
  const through = postgresUrl();
  if (options.port !== undefined) through.host = `127.0.0.1:${options.port}`;
  const schema = freshSchemaName();
  const store = await openPostgresStore({
    connectionString: through.href,
    directConnectionString: through.href,
    applicationName: 'http-test',
    attemptMs: options.attemptMs ?? attemptMsDefault,
    schema,
    group: 'g',
    poolMax: 4,
    migrate: true,
  });
  return { store, remove: () => dropSchema(postgresUrl().href, schema) };
}

async function openSqlite({ attemptMs = attemptMsDefault }: FixtureOptions): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'streamhouse-http-'));
  const store = await openSqliteStore({ file: join(folder, 'm.db'), group: 'g', attemptMs, migrate: true });
  return { store, remove: () => rm(folder, { recursive: true }) };
}

/** Registers another agent with a live session, and answers that session. */
export async function registerAgent(
  store: MetadataStore,
  agentId: string,
  managedTopics: readonly string[] = ['orders*'],
): Promise<string> {
  const sessionId = randomUUID();
  const agent = {
    agentId,
    address: `${agentId}:9092`,
    zone: 'z1',
    weight: 2,
    managedTopics,
    metadata: { rack: 'r1' },
  };
  await store.registerSession({ sessionId, agent, ttlMs: 60_000, process: `${agentId} pid 1` });
  return sessionId;
}
