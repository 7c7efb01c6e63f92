// Who plays: the agents with their brokers, the producers, the sampler, and the history that they write.
import { Scope } from '../platform/scope.ts';
import type { AgentProcess, Crew } from './agents.ts';
import { bodyOf } from './api.ts';
import { type BrokerTerm, type Evidence, History, type Lease } from './history.ts';
import { type PartitionName, partitionText } from './partition-name.ts';
import { DemoFailed, type Patience, until } from './patience.ts';
import { Producers } from './producers.ts';
import { readBack } from './read-back.ts';
import { sample } from './sampler.ts';

interface Background {
  readonly scope: Scope;
  readonly done: Promise<void>;
}

/** Of one producer to one partition, milliseconds. */
const betweenBatchesMs = 250;
/** How long producers may take to have their last batches acknowledged; far beyond what it does take. */
const lastBatchTimeoutMs = 20_000;

export class Stage {
  readonly history = new History();
  readonly crew: Crew;
  readonly patience: Patience;
  private readonly scope: Scope;
  private readonly partitions: readonly PartitionName[];
  private producing: (Background & { readonly producers: Producers }) | undefined;
  private sampling: Background | undefined;
  private broken: unknown;

  /** `scope`: ended when something in the background fails, so that nobody waits for what cannot come. */
  constructor(crew: Crew, patience: Patience, scope: Scope, partitions: readonly PartitionName[]) {
    this.crew = crew;
    this.patience = patience;
    this.scope = scope;
    this.partitions = partitions;
  }

  /** The failure that ended the scope, undefined when there was none. */
  get failure(): unknown {
    return this.broken;
  }

  get producers(): Producers {
    if (this.producing === undefined) throw new Error('nobody produces yet');
    return this.producing.producers;
  }

  /** Some agent that lives; by name when it matters which. */
  agent(agentId?: string): AgentProcess {
    const run = this.crew.live().find((each) => agentId === undefined || each.agentId === agentId);
    if (run === undefined) throw new DemoFailed(`agent ${agentId ?? ''} is not running`);
    return run;
  }

  startProducers(): void {
    const { clock } = this.patience;
    const { partitions } = this;
    const addresses = this.crew.addresses();
    const producers = new Producers(
      { clock, random: Math.random },
      { partitions, addresses, producersPerPartition: 1, betweenBatchesMs },
    );
    const scope = new Scope(this.scope.signal);
    const done = this.inBackground(producers.run(scope.signal, this.scope.signal));
    this.producing = { scope, done, producers };
  }

  startSampling(): void {
    const { clock } = this.patience;
    const scope = new Scope(this.scope.signal);
    const live = () => this.crew.live();
    const done = this.inBackground(sample({ clock, history: this.history }, live, scope.signal));
    this.sampling = { scope, done };
  }

  /** Every producer has its last batch acknowledged before it ends; then nobody asks anything any more. */
  async quiet(): Promise<void> {
    this.producing?.scope.end();
    const wait = { what: 'the last batches to be acknowledged', timeoutMs: lastBatchTimeoutMs };
    let isDone = this.producing === undefined;
    void this.producing?.done.then(() => (isDone = true));
    if (!this.scope.signal.aborted) await until(this.patience, wait, () => isDone || undefined);
    await this.stopSampling();
  }

  /** Without patience for what is under way; safe after `quiet`. */
  async abandon(): Promise<void> {
    this.scope.end();
    await this.producing?.done;
    await this.stopSampling();
  }

  async evidence(): Promise<Evidence> {
    const { partitions, patience, crew } = this;
    const { sent, acknowledged, surprises } = this.producers;
    const { claims, moments, passages, zombies } = this.history;
    const read = await readBack(this.agent().api, { data: crew.data, partitions, signal: patience.signal });
    const complaints = crew.brokers().flatMap((broker) => broker.complaints());
    return {
      partitions,
      sent,
      acknowledged,
      read,
      zombies,
      surprises: [...surprises, ...complaints],
      claims,
      moments,
      terms: this.terms(),
      passages,
    };
  }

  async leases(): Promise<readonly Lease[]> {
    return bodyOf(await this.agent().api.leases(), 'the leases').leases;
  }

  /** What all brokers have said of their terms so far. */
  terms(): BrokerTerm[] {
    return this.crew.brokers().flatMap((broker) => broker.terms());
  }

  /** Waits until all partitions are led by live agents, none of which leads over one more than another, and by their brokers. */
  async balanced(timeoutMs: number): Promise<readonly Lease[]> {
    const count = this.partitions.length;
    const what = `${count} partitions to be led, in equal shares`;
    return until(this.patience, { what, timeoutMs }, async () => {
      const answer = await this.agent().api.leases();
      if (answer.kind !== 'ok') return undefined;
      const { leases } = answer.body;
      const shares = this.crew
        .live()
        .map(({ agentId }) => leases.filter((lease) => lease.agentId === agentId).length);
      const led = shares.reduce((sum, share) => sum + share, 0);
      const isEven = Math.max(...shares) - Math.min(...shares) <= 1;
      return led === count && isEven && this.areLedByBrokers(leases) ? leases : undefined;
    });
  }

  /** Whether a broker has said of each lease that it leads under it. */
  areLedByBrokers(leases: readonly Lease[]): boolean {
    const open = this.terms().filter(({ end }) => end === undefined);
    const led = new Set(open.map((term) => `${partitionText(term)} ${term.agentId} ${term.epoch}`));
    return leases.every((lease) => led.has(`${partitionText(lease)} ${lease.agentId} ${lease.epoch}`));
  }

  private async stopSampling(): Promise<void> {
    this.sampling?.scope.end();
    await this.sampling?.done;
  }

  private async inBackground(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.broken ??= error;
      this.scope.end();
    }
  }
}
