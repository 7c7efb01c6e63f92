// What happens to a cluster that a real Prometheus watches: work, then everything that dashboards and alerts are about, each at least once.
import {
  AgentProcess,
  type Env,
  type Lease,
  postgresStore,
  segment,
  type SharedStore,
  untilLedBy,
} from '../e2e/cluster.ts';
import { expect } from 'vitest';
import { z } from 'zod';
import { eventually, eventuallyHolds } from '../support/eventually.ts';
import type { PrometheusBinaries } from '../support/prometheus-binaries.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { LivePrometheus, type Series } from './live-prometheus.ts';

/** With what a regular expression would read as its own: Grafana must escape it. */
const group = 'live.1';
const partitions = 12;
const tokens = { API_TOKEN: 'token-of-the-live-agent', API_READ_TOKEN: 'reading-token-of-the-live-agent' };

/** The first coordinator, which dies and comes back. */
const mortal = 'live-a';
/** Has a broker, and for a moment no way to the store. */
export const shownAgent = 'live-b';
/** Asks for a token. */
const guarded = 'live-c';

const listedForm = z.looseObject({
  agents: z.array(z.looseObject({ agentId: z.string(), state: z.string() })),
});

export class LiveScenario implements AsyncDisposable {
  /** Before anything was wrong, and after rules had been evaluated over several scrapes. */
  alertsInHealth: readonly Series[] = [];
  /** When the first scrape can have been, Unix seconds. */
  startedAt = 0;
  endedAt = 0;
  private readonly store: SharedStore;
  private readonly proxy: FaultProxy;
  private readonly agents = new Map<string, AgentProcess>();
  private readonly streams = new AbortController();
  private readonly followed: Promise<unknown>[] = [];
  private watching: LivePrometheus | undefined;

  private constructor(store: SharedStore, proxy: FaultProxy) {
    this.store = store;
    this.proxy = proxy;
  }

  /** Lives through all of it; what was scraped can be asked for until it is disposed of. */
  static async run(binaries: PrometheusBinaries, databaseUrl: string): Promise<LiveScenario> {
    const url = new URL(databaseUrl);
    const proxy = await startProxy(Number(url.port || 5432), { targetHost: url.hostname });
    const scenario = new LiveScenario(postgresStore(databaseUrl), proxy);
    url.host = `127.0.0.1:${proxy.port}`;
    try {
      await scenario.begin(binaries, url.href);
      await scenario.beHealthy();
      await scenario.work();
      await scenario.handOff();
      await scenario.steer();
      await scenario.beRefused();
      await scenario.loseTheStore();
      await scenario.takeOver();
      await scenario.end();
    } catch (error) {
      await scenario[Symbol.asyncDispose]();
      throw error;
    }
    return scenario;
  }

  get prometheus(): LivePrometheus {
    if (this.watching === undefined) throw new Error('Prometheus has not been started');
    return this.watching;
  }

  private async begin(binaries: PrometheusBinaries, proxiedUrl: string): Promise<void> {
    // Alone, it becomes the coordinator.
    const first = this.start(mortal);
    await eventually(async () => (await first.self()).coordinator, { what: `${mortal} to coordinate` });
    const others = [this.start(shownAgent, { DATABASE_URL: proxiedUrl }), this.start(guarded, tokens)];
    const targets = await Promise.all([first, ...others].map(hostOf));
    this.startedAt = Date.now() / 1000;
    this.watching = await LivePrometheus.start(binaries, targets);
    await this.untilActive(mortal, shownAgent, guarded);
    await first.ask('POST', '/v1/topics', { name: 'orders', partitionCount: partitions });
    await untilLedBy([...this.agents.values()], partitions);
  }

  /** Nothing is wrong, and Prometheus knows it. */
  private async beHealthy(): Promise<void> {
    await this.untilScraped('sum(streamhouse_leases_held) == 12 and max(streamhouse_moves_planned) == 0');
    const since = Date.now();
    await this.untilScraped(
      'min(count_over_time(streamhouse_leases_held[2s])) >= 3 and count(streamhouse_leases_held) == 3',
    );
    await eventually(
      async () => (await this.prometheus.rules()).every((rule) => rule.lastEvaluation > since),
      {
        what: 'every rule to be evaluated',
      },
    );
    // A machine that is overloaded while agents start is slow in truth, and some alerts say so until it is over.
    await eventually(async () => (await this.prometheus.at('ALERTS')).length === 0, {
      what: 'a moment without alerts',
    }).catch(() => undefined);
    this.alertsInHealth = await this.prometheus.at('ALERTS');
  }

  /** A broker attaches, a reader listens, records are committed, a role is campaigned for. */
  private async work(): Promise<void> {
    const agent = this.agent(shownAgent);
    await this.follow(agent, '/v1/events?attach=broker');
    await this.follow(agent, '/v1/events');
    const { partition, epoch } = await this.leaseOf(shownAgent);
    const path = `/v1/topics/orders/partitions/${partition}`;
    await agent.ask('POST', `${path}/segments`, { epoch, ...segment('one', 0, 9) });
    await agent.ask('PUT', `${path}/high-watermark`, { epoch, offset: 10 });
    await agent.ask('GET', '/v1/topics');
    const lookups = [path, `${path}/segments/at/5`, '/v1/topics/orders', `/v1/leases/orders/${partition}`];
    for (const lookup of [...lookups, ...lookups]) await agent.ask('GET', lookup);
    await agent.ask('POST', '/v1/elections/cleaner/campaign', { candidate: 'one', holdMs: 60_000 });
  }

  /** Two partitions are asked back: the broker gives up the first, and says nothing of the second. */
  private async handOff(): Promise<void> {
    const agent = this.agent(shownAgent);
    const acknowledged = await this.leaseOf(shownAgent);
    await this.moveAway(acknowledged);
    await eventually(
      async () => {
        const { partition, epoch } = acknowledged;
        await agent.ask('POST', `/v1/held/orders/${partition}/released`, { epoch });
        return (await this.leases()).get(`orders/${partition}`)?.epoch !== epoch;
      },
      { what: 'the acknowledged partition to be led anew' },
    );
    const silent = await this.leaseOf(shownAgent);
    await this.moveAway(silent);
    await this.untilScraped('max(streamhouse_lease_handoffs) > 0');
    await this.untilScraped('sum(streamhouse_handoff_duration_seconds_count{result="timed_out"}) > 0');
  }

  /** An operator pauses balancing for a while. */
  private async steer(): Promise<void> {
    const agent = this.agent(mortal);
    await agent.ask('POST', '/v1/pause');
    await this.untilScraped('max(streamhouse_paused) == 1');
    await agent.ask('POST', '/v1/resume');
    await this.untilScraped('max(streamhouse_paused) == 0');
  }

  /** A write from the past, a wrong token, and a token for reading alone. */
  private async beRefused(): Promise<void> {
    const { partition, epoch } = await this.leaseOf(shownAgent);
    const written = await this.agent(shownAgent).ask(
      'POST',
      `/v1/topics/orders/partitions/${partition}/segments`,
      { epoch: epoch - 1, ...segment('late', 0, 9) },
    );
    expectStatus(written.status, 409);
    const pause = async (token: string) =>
      fetch(`${await this.agent(guarded).baseUrl()}/v1/pause`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
    expectStatus((await pause('guessed')).status, 401);
    expectStatus((await pause(tokens.API_READ_TOKEN)).status, 403);
    await this.untilScraped('sum(streamhouse_fenced_writes_total) > 0');
    await this.untilScraped('sum(streamhouse_authentication_failures_total) >= 2');
  }

  /** One agent's connections break, and new ones are refused until that is seen. */
  private async loseTheStore(): Promise<void> {
    this.proxy.mode = 'refuse';
    this.proxy.cutAll();
    await this.untilScraped('min(streamhouse_store_up) == 0');
    this.proxy.mode = 'pass';
    await this.untilScraped('min(streamhouse_store_up) == 1');
  }

  /** kill -9 of the coordinator: another takes its role, the others its partitions, and it is started again. */
  private async takeOver(): Promise<void> {
    const dead = this.agent(mortal);
    const { port } = new URL(await dead.baseUrl());
    dead.kill('SIGKILL');
    await dead.program.exited;
    await untilLedBy([this.agent(shownAgent), this.agent(guarded)], partitions);
    this.start(mortal, { HTTP_PORT: port });
    await this.untilActive(mortal);
    await this.untilScraped('sum(streamhouse_coordinator) == 1 and count(streamhouse_agent_info) == 3');
    await this.untilScraped('sum(streamhouse_failover_duration_seconds_count) > 0');
  }

  /** Two more scrapes, so that the last of it is between two of them. */
  private async end(): Promise<void> {
    const last = Date.now() / 1000;
    await this.untilScraped(`min(timestamp(streamhouse_agent_info)) > ${last + 1}`);
    this.endedAt = Date.now() / 1000;
  }

  private start(agentId: string, env: Env = {}): AgentProcess {
    const agent = new AgentProcess(agentId, {
      ...this.store.env,
      AGENT_GROUP: group,
      HANDOFF_TIMEOUT_MS: '1000',
      METRICS_PER_PARTITION: 'true',
      ...env,
    });
    this.agents.set(agentId, agent);
    return agent;
  }

  private agent(agentId: string): AgentProcess {
    const agent = this.agents.get(agentId);
    if (agent === undefined) throw new Error(`${agentId} has not been started`);
    return agent;
  }

  /** Asked of an agent that is there all the time and wants no token. */
  private leases(): Promise<ReadonlyMap<string, Lease>> {
    return this.agent(shownAgent).leases();
  }

  private async leaseOf(agentId: string): Promise<Lease> {
    const found = [...(await this.leases()).values()].find((lease) => lease.agentId === agentId);
    if (found === undefined) throw new Error(`${agentId} leads nothing`);
    return found;
  }

  private async moveAway({ partition, epoch }: Lease): Promise<void> {
    const path = `/v1/leases/orders/${partition}/move`;
    const { status } = await this.agent(mortal).ask('POST', path, { expectedEpoch: epoch, to: mortal });
    expectStatus(status, 200);
  }

  /** Opens an event stream that lasts until the scenario is over. */
  private async follow(agent: AgentProcess, path: string): Promise<void> {
    const response = await fetch(`${await agent.baseUrl()}${path}`, { signal: this.streams.signal });
    expectStatus(response.status, 200);
    // Read all the time, as a broker does; a body that nobody holds is closed when memory is collected.
    this.followed.push(response.text().catch(() => undefined));
  }

  private async untilActive(...agentIds: readonly string[]): Promise<void> {
    await eventuallyHolds(
      async () => {
        const { body } = await this.agent(shownAgent).ask('GET', '/v1/agents');
        const { agents } = listedForm.parse(body);
        const active = agents.filter(({ state }) => state === 'active').map(({ agentId }) => agentId);
        expect(active).toEqual(expect.arrayContaining([...agentIds]));
      },
      { what: `${agentIds.join()} to be active` },
    );
  }

  private async untilScraped(condition: string): Promise<void> {
    await eventually(async () => (await this.prometheus.at(condition)).length > 0, {
      what: `Prometheus to find ${condition}`,
      everyMs: 50,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.streams.abort();
    await Promise.all(this.followed);
    await this.watching?.[Symbol.asyncDispose]();
    await Promise.all([...this.agents.values()].map((agent) => agent[Symbol.asyncDispose]()));
    await this.proxy.close();
    await this.store[Symbol.asyncDispose]();
  }
}

async function hostOf(agent: AgentProcess): Promise<string> {
  return new URL(await agent.baseUrl()).host;
}

function expectStatus(status: number, expected: number): void {
  if (status !== expected) throw new Error(`answered ${status} instead of ${expected}`);
}
