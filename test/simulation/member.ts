// One agent's place in the cluster: its machine, the agent that runs there now, the broker beside it. Agents come and go, the place stays.
import { Agent, type AgentOptions } from '../../src/coordination/agent.ts';
import type { PlacementOptions } from '../../src/coordination/placement.ts';
import { deriveTimeBudget } from '../../src/domain/time-budget.ts';
import { createInstruments } from '../../src/metrics/instruments.ts';
import type { Logger } from '../../src/platform/logger.ts';
import { sqlStore } from '../../src/store/sql/store.ts';
import { EraKeeper } from '../../src/store/era/era-keeper.ts';
import { SqliteFencedWrites } from '../../src/store/sqlite/fenced-writes.ts';
import { SqliteLeaseWrites } from '../../src/store/sqlite/lease-writes.ts';
import { SqliteOffsetWrites } from '../../src/store/sqlite/offset-writes.ts';
import { quietProbe } from '../metrics/reading.ts';
import { Broker } from './broker.ts';
import { Host, HostProcess } from './host.ts';
import { Violation } from './ledger.ts';
import { Link } from './link.ts';
import type { Random } from './random.ts';
import type { SignalNetwork } from './signal-network.ts';
import type { World } from './world.ts';

/** Clocks run up to so much apart from what is right: any two within 1 % of each other. */
const driftMax = 0.005;

/** An agent that has ended and should not have is started again so much later, milliseconds. */
const supervisorMs = 100;

/** How often coordinator and deputies look for crashes, milliseconds: as in src/app.ts. */
export const crashPollMs = 250;

export const placement: PlacementOptions = { thresholdPercent: 0, movesMax: 50, returnDelayMs: 1_000 };

/** Counted, never looked at: all agents of all seeds count in the same ones. */
const instruments = createInstruments({ ...quietProbe, group: 'default' });

export interface Cluster extends World {
  readonly signals: SignalNetwork;
  readonly ttlMs: number;
  readonly group: string;
  /** Whether crashes are noticed by locks, before the TTL. */
  readonly detectsCrashes: boolean;
  /** A claim did not hold: ends the simulation. */
  fail(violation: Violation): void;
}

export interface RunningAgent {
  readonly agent: Agent;
  readonly process: HostProcess;
  readonly link: Link;
  readonly stop: AbortController;
  broker: Broker | undefined;
  isOver: boolean;
}

export class Member {
  readonly agentId: string;
  readonly host: Host;
  private readonly cluster: Cluster;
  private readonly random: Random;
  private starts = 0;
  private comesBack = false;
  /** Of agents that were killed: what they sent may still be on its way. */
  private readonly graves: Link[] = [];
  private running: RunningAgent | undefined;
  /** Who was killed while a broker wrote: nothing of it is left. */
  private readonly hasBroker: boolean;

  constructor(cluster: Cluster, agentId: string, hasBroker: boolean) {
    this.cluster = cluster;
    this.agentId = agentId;
    this.hasBroker = hasBroker;
    this.random = cluster.random.fork();
    const rate = 1 + this.random.between(-driftMax, driftMax);
    this.host = new Host(cluster.scheduler, this.random.fork(), rate);
  }

  /** The agent that runs here, unless it has stopped or was killed. */
  get current(): RunningAgent | undefined {
    return this.running;
  }

  start(): void {
    if (this.running !== undefined) return;
    const { cluster, agentId, host, random } = this;
    this.starts += 1;
    const process = new HostProcess(host, agentId);
    const budget = budgetOf(cluster.ttlMs);
    const link = new Link(cluster, process, {
      attemptMs: budget.attemptMs,
      detectsCrashes: cluster.detectsCrashes,
    });
    const signals = cluster.signals.join(process);
    const agent = new Agent(
      {
        open: async () => {
          const { pool: db, coordination } = link;
          const store = sqlStore(
            {
              name: 'sqlite',
              db,
              coordination,
              leaseWrites: new SqliteLeaseWrites(db),
              fencedWrites: new SqliteFencedWrites(db),
              offsetWrites: new SqliteOffsetWrites(db),
              eras: new EraKeeper(db, { excludeLeaseWrites: async () => undefined }),
              close: async () => undefined,
            },
            cluster.group,
          );
          await store.ping();
          return {
            store,
            signals,
            onConnectionLost: (listener) => link.losses.onLost(listener),
            crashDetection: () => ({ active: cluster.detectsCrashes, detail: 'simulated' }),
            async [Symbol.asyncDispose]() {},
          };
        },
        clock: process,
        random: () => random.next(),
        newSessionId: () => random.uuid(),
        log: this.logger(process),
        instruments,
      },
      this.agentOptions(),
    );
    const stop = new AbortController();
    const running: RunningAgent = { agent, process, link, stop, broker: undefined, isOver: false };
    this.running = running;
    cluster.note(agentId, `started (${this.starts})`);
    void agent.run(stop.signal).then(
      () => this.over(running, 'stopped'),
      (error: unknown) => {
        // Its name was still another's, as far as it could see: whoever supervises it tries again.
        this.comesBack = true;
        this.over(running, String(error));
      },
    );
    if (this.hasBroker) this.startBroker();
  }

  /** Now, or as soon as the agent that is being stopped has stopped. */
  startAgain(): void {
    if (this.running === undefined) this.start();
    else this.comesBack = true;
  }

  startBroker(): void {
    const { running, cluster } = this;
    if (running === undefined || !this.hasBroker) return;
    const broker = new Broker(cluster, new HostProcess(this.host, `b-${this.agentId}`), running.agent);
    running.broker = broker;
    broker.start();
  }

  killBroker(): void {
    this.running?.broker?.kill();
    if (this.running !== undefined) this.running.broker = undefined;
  }

  /** As SIGKILL. What it has sent may still take effect. */
  kill(): void {
    const { running } = this;
    if (running === undefined) return;
    this.graves.push(running.link);
    this.over(running, 'killed');
  }

  /** What the dead had sent and is still on its way arrives no more. */
  buryTheDead(): void {
    for (const link of this.graves.splice(0)) link.cut();
  }

  /** As SIGTERM. */
  stop(): void {
    this.running?.stop.abort();
  }

  private over(running: RunningAgent, why: string): void {
    running.isOver = true;
    running.broker?.kill();
    running.process.kill();
    running.link.died();
    if (this.running !== running) return;
    this.running = undefined;
    this.cluster.note(this.agentId, why);
    if (!this.comesBack) return;
    this.comesBack = false;
    this.cluster.scheduler.after(supervisorMs, () => this.start());
  }

  private agentOptions(): AgentOptions {
    const { agentId, cluster } = this;
    return {
      agent: { agentId, address: agentId, zone: 'default', weight: 1, managedTopics: [], metadata: {} },
      group: cluster.group,
      budget: budgetOf(cluster.ttlMs),
      process: `${agentId} (${this.starts})`,
      shutdownTimeoutMs: 4_000,
      retentionMs: 15_000,
      pollMs: cluster.detectsCrashes ? crashPollMs : cluster.ttlMs / 4,
      detectsCrashes: cluster.detectsCrashes,
      pingMs: 5_000,
      settleMs: 30,
      handoffTimeoutMs: 1_500,
      placement,
      broker: { graceMs: 1_000, healthIntervalMs: 1_000, healthFailuresMax: 3, required: false },
    };
  }

  private logger(process: HostProcess): Logger {
    const note = (_: object, message: string): void => this.cluster.note(process.name, message);
    const log: Logger = {
      debug: () => undefined,
      info: note,
      warn: note,
      error: (fields, message) => {
        const why = 'err' in fields ? String(fields.err) : '';
        this.cluster.fail(new Violation('no loop meets what it did not foresee', `${message}: ${why}`));
      },
      child: () => log,
    };
    return log;
  }
}

export function budgetOf(ttlMs: number) {
  const answer = deriveTimeBudget({ ttlMs });
  if (answer.outcome === 'broken') throw new Error(answer.problem);
  return answer.budget;
}
