// Agents on a real PostgreSQL, each with a network of its own that a test may cut, and a witness that looks all the time.
import type { MetadataStore } from '../../src/store/metadata-store.ts';
import { leaseKeyText } from '../../src/domain/lease.ts';
import { openPostgresStore } from '../../src/store/postgres/open.ts';
import { eventually } from '../support/eventually.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { dropSchema, freshSchemaName } from '../support/schema.ts';
import { startTestAgent, storeOptions, type TestAgent, type TestAgentOptions } from './cluster.ts';

/** Real time: long enough for a busy machine, short enough to wait for. */
export const ttlMs = 1_800;

export interface Neighbour extends TestAgent {
  readonly agentId: string;
  readonly proxy: FaultProxy;
}

export interface LeaseNow {
  readonly agentId: string | null;
  readonly epoch: number;
}

export class Neighbours implements AsyncDisposable {
  readonly agents: Neighbour[] = [];
  /** The store as the test sees it, around all proxies. */
  readonly store: MetadataStore;
  readonly schema: string;
  private readonly url: string;
  private readonly witness: Witness;
  private coordinatorsLooks = 0;

  private constructor(url: string, schema: string, store: MetadataStore) {
    this.url = url;
    this.schema = schema;
    this.store = store;
    this.witness = new Witness(this.agents);
  }

  static async open(url: string): Promise<Neighbours> {
    const schema = freshSchemaName();
    return new Neighbours(url, schema, await openPostgresStore(storeOptions(url, schema)));
  }

  /** Resolves when the agent is active: the first one to join coordinates, the next two are its deputies. */
  async join(agentId: string, more: Partial<TestAgentOptions> = {}): Promise<Neighbour> {
    const proxy = await startProxy(Number(new URL(this.url).port));
    const through = new URL(this.url);
    through.port = String(proxy.port);
    const wrapStore = (store: MetadataStore) => this.countingLooks(store);
    const options = { url: through.href, schema: this.schema, agentId, ttlMs, wrapStore, ...more };
    const started = startTestAgent(options);
    const neighbour = { ...started, agentId, proxy };
    this.agents.push(neighbour);
    await eventually(() => neighbour.agent.status().state === 'active', { what: `${agentId} to be active` });
    return neighbour;
  }

  /** Until the agents hold as many leases as said, in the order they joined. */
  async settled(expected: readonly number[]): Promise<void> {
    const counts = (): string => this.agents.map(({ agent }) => agent.held().terms.length).join();
    await eventually(
      () => counts() === expected.join() || Promise.reject(new Error(`they are ${counts()}`)),
      {
        what: `leases held to be ${expected.join()}`,
      },
    );
  }

  async leases(): Promise<ReadonlyMap<string, LeaseNow>> {
    const { items } = await this.store.listPartitionLeases({}, { limit: 10_000 });
    return new Map(items.map(({ key, agentId, epoch }) => [leaseKeyText(key), { agentId, epoch }]));
  }

  sessions(): (string | null)[] {
    return this.agents.map(({ agent }) => agent.sessionId);
  }

  /** Until every live session has beaten so often from now on. */
  async beats(count: number): Promise<void> {
    const read = async () => {
      const { sessions } = await this.store.observeSessions();
      return new Map(sessions.map(({ sessionId, beat }) => [sessionId, beat]));
    };
    const before = await read();
    await eventually(async () => {
      const now = await read();
      return [...before].every(([sessionId, beat]) => (now.get(sessionId) ?? Infinity) >= beat + count);
    });
  }

  /** Until the coordinator has looked at all sessions so often from now on. */
  async looks(count: number): Promise<void> {
    const until = this.coordinatorsLooks + count;
    await eventually(() => this.coordinatorsLooks >= until, { what: `${count} looks of the coordinator` });
  }

  /** What the witness saw that must never be. */
  get violations(): readonly string[] {
    return this.witness.violations;
  }

  private countingLooks(store: MetadataStore): MetadataStore {
    return {
      ...store,
      observeSessions: async () => {
        const seen = await store.observeSessions();
        this.coordinatorsLooks += 1;
        return seen;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.witness.stop();
    for (const { proxy } of this.agents) {
      proxy.mode = 'pass';
      proxy.cutAll();
    }
    await Promise.all(this.agents.map((agent) => agent.stop().catch(() => undefined)));
    await Promise.all(this.agents.map(({ proxy }) => proxy.close()));
    await this.store[Symbol.asyncDispose]();
    await dropSchema(this.url, this.schema);
  }
}

/**
 * Looks every few milliseconds at what all agents show as held, at one moment: never two of them the same partition, and never
 * a term that is older than one already seen.
 */
class Witness {
  readonly violations: string[] = [];
  private readonly newest = new Map<string, { readonly epoch: number; readonly agentId: string }>();
  private readonly agents: readonly Neighbour[];
  private readonly timer: NodeJS.Timeout;

  constructor(agents: readonly Neighbour[]) {
    this.agents = agents;
    this.timer = setInterval(() => this.look(), 5);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const holders = new Map<string, string>();
    const coordinators = this.agents.filter(({ agent }) => agent.status().isCoordinator);
    if (coordinators.length > 1) {
      this.violations.push(`coordinators: ${coordinators.map(({ agentId }) => agentId).join()}`);
    }
    for (const { agent, agentId } of this.agents) {
      for (const { key, epoch } of agent.held().terms) {
        const text = leaseKeyText(key);
        const other = holders.get(text);
        if (other !== undefined) this.violations.push(`${text} held by ${other} and ${agentId}`);
        holders.set(text, agentId);
        const newest = this.newest.get(text);
        if (newest === undefined || epoch > newest.epoch) this.newest.set(text, { epoch, agentId });
        else if (epoch < newest.epoch || newest.agentId !== agentId) {
          this.violations.push(
            `${text} shown by ${agentId} at ${epoch} after ${newest.agentId} at ${newest.epoch}`,
          );
        }
      }
    }
  }
}
