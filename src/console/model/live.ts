// Keeps the cluster's picture fresh while somebody looks at it: events and counts say that something changed, reads say what.
import type { AgentAnswer } from '../../http/schemas/answers/agents.ts';
import type { LeaseAnswer } from '../../http/schemas/answers/leases.ts';
import type { RebalanceAnswer } from '../../http/schemas/answers/rebalance.ts';
import type { StatusAnswer } from '../../http/schemas/answers/status.ts';
import type { Api } from './api.ts';
import {
  type Cluster,
  hintsAtLeases,
  isMoving,
  type Moment,
  unknownCluster,
  withAgents,
  withLeases,
  withStatus,
} from './cluster.ts';
import { EventStream } from './event-stream.ts';
import { Poller } from './poller.ts';
import { Refusal, sentenceOf } from './problem.ts';
import { readAll } from './read-all.ts';
import { Store } from './store.ts';
import { tell } from './timeline.ts';
import { type AgentEvent, eventSentences, isHappening } from './told.ts';

export interface Connection {
  readonly stream: 'off' | 'connecting' | 'open' | 'cut';
  /** Why the last read failed; undefined when the status could be read since. */
  readonly failure: string | undefined;
}

/** Events that come at once are told at once. */
const gatherMs = 200;

export class Live {
  readonly cluster = new Store<Cluster>(unknownCluster);
  readonly connection = new Store<Connection>({ stream: 'off', failure: undefined });
  /** Rung when something of the topics, groups or placement has probably changed. */
  readonly changes = new Store<number>(0);
  readonly #api: Api;
  readonly #counts: Poller;
  readonly #leases: Poller;
  readonly #rebalance: Poller;
  readonly #events: EventStream;
  #gathered: AgentEvent[] = [];
  #isGathering = false;
  #isOn = false;
  #placementWatchers = 0;

  constructor(api: Api) {
    this.#api = api;
    this.#counts = new Poller({
      read: (signal) => this.#readCounts(signal),
      onFailure: (error) => this.#failed(error),
      everyMs: 1_000,
      restFactor: 1,
      unrungFactor: 1,
    });
    this.#leases = new Poller({
      read: (signal) => this.#readLeases(signal),
      onFailure: (error) => this.#failed(error),
      everyMs: 600,
      restFactor: 3,
      unrungFactor: 10,
    });
    this.#rebalance = new Poller({
      read: (signal) => this.#readRebalance(signal),
      onFailure: () => undefined,
      everyMs: 3_000,
      restFactor: 10,
      unrungFactor: 30,
    });
    this.#events = new EventStream(api, {
      onState: (stream) => this.connection.update((each) => ({ ...each, stream })),
      onEvent: (event) => this.#heard(event),
    });
  }

  start(): void {
    this.#isOn = true;
    for (const part of [this.#counts, this.#leases, this.#events]) part.start();
    this.#lookAtPlacement();
  }

  /** Nothing is asked until it is started again; what is known stays. */
  stop(): void {
    this.#isOn = false;
    for (const part of [this.#counts, this.#leases, this.#rebalance, this.#events]) part.stop();
  }

  /** Something was changed from here: look at once. */
  ring(): void {
    for (const part of [this.#counts, this.#leases, this.#rebalance]) part.ring();
    this.changes.update((count) => count + 1);
  }

  /** Somebody looks at moves and shares, which cost the agent a plan, until what this answers is called. */
  watchPlacement(): () => void {
    this.#placementWatchers += 1;
    this.#lookAtPlacement();
    return () => {
      this.#placementWatchers -= 1;
      this.#lookAtPlacement();
    };
  }

  #lookAtPlacement(): void {
    if (this.#isOn && (this.#placementWatchers > 0 || isMoving(this.cluster.value))) this.#rebalance.start();
    else this.#rebalance.stop();
  }

  async #readCounts(signal: AbortSignal): Promise<void> {
    const askedAtMs = performance.now();
    const [status, agents] = await Promise.all([
      this.#api.get<StatusAnswer>('v1/status', signal),
      readAll<AgentAnswer>(this.#api, 'v1/agents', 'agents', signal),
    ]);
    const before = this.cluster.value;
    const moment = momentOf(askedAtMs);
    this.cluster.set(withAgents(withStatus(before, status, moment), agents, moment));
    this.connection.update((each) => (each.failure === undefined ? each : { ...each, failure: undefined }));
    if (hintsAtLeases(before, this.cluster.value)) {
      this.#leases.ring();
      this.#rebalance.ring();
    }
  }

  async #readLeases(signal: AbortSignal): Promise<void> {
    const askedAtMs = performance.now();
    const leases = await readAll<LeaseAnswer>(this.#api, 'v1/leases', 'leases', signal);
    const mark = `leases ${leases.length}`;
    performance.mark(mark);
    const before = this.cluster.value;
    this.cluster.set(withLeases(before, leases, momentOf(askedAtMs)));
    performance.measure('compare leases', mark);
    performance.clearMarks(mark);
    if (before.leases !== this.cluster.value.leases) this.changes.update((count) => count + 1);
  }

  async #readRebalance(signal: AbortSignal): Promise<void> {
    const askedAtMs = performance.now();
    const value = await this.#api.get<RebalanceAnswer>('v1/rebalance', signal);
    this.cluster.update((cluster) => ({ ...cluster, rebalance: { value, askedAtMs } }));
    this.#lookAtPlacement();
  }

  #failed(error: unknown): void {
    // That a token is needed is said by asking for it.
    if (error instanceof Refusal && error.status === 401) return;
    this.connection.update((each) => ({ ...each, failure: sentenceOf(error) }));
  }

  #heard(event: AgentEvent): void {
    if (!isHappening(event)) return;
    this.#gathered.push(event);
    if (this.#isGathering) return;
    this.#isGathering = true;
    setTimeout(() => this.#tellGathered(), gatherMs);
    this.#leases.ring();
    this.#rebalance.ring();
  }

  #tellGathered(): void {
    const agentId = this.cluster.value.status?.value.agent.agentId ?? 'this agent';
    const texts = eventSentences(agentId, this.#gathered);
    this.#gathered = [];
    this.#isGathering = false;
    this.cluster.update((each) => ({ ...each, timeline: tell(each.timeline, Date.now(), 'told', texts) }));
    this.#leases.ring();
  }
}

function momentOf(askedAtMs: number): Moment {
  return { askedAtMs, nowMs: Date.now() };
}
