// Who plays: the agents, a broker beside each, the sampler, and the history that they write.
import { Scope } from '../platform/scope.ts';
import type { AgentProcess, Crew } from './agents.ts';
import { bodyOf } from './api.ts';
import { Broker } from './broker.ts';
import { History, type Lease } from './history.ts';
import { type Patience, until } from './patience.ts';
import { sample } from './sampler.ts';

interface Engagement {
  readonly broker: Broker;
  readonly scope: Scope;
  readonly done: Promise<void>;
}

export class Stage {
  readonly history = new History();
  readonly crew: Crew;
  readonly patience: Patience;
  private readonly scope: Scope;
  private readonly brokers = new Map<string, Engagement>();
  private sampling: { readonly scope: Scope; readonly done: Promise<void> } | undefined;
  private broken: unknown;

  /** `scope`: ended when something in the background fails, so that nobody waits for what cannot come. */
  constructor(crew: Crew, patience: Patience, scope: Scope) {
    this.crew = crew;
    this.patience = patience;
    this.scope = scope;
  }

  /** The failure that ended the scope, undefined when there was none. */
  get failure(): unknown {
    return this.broken;
  }

  /** Some agent that lives; by name when it matters which. */
  agent(agentId?: string): AgentProcess {
    const run = this.crew.live().find((each) => agentId === undefined || each.agentId === agentId);
    if (run === undefined) throw new Error(`no agent ${agentId ?? ''} is running`);
    return run;
  }

  /** Starts an agent and the broker beside it. */
  async enter(agentId: string): Promise<AgentProcess> {
    const run = await this.crew.start(agentId);
    const { clock } = this.patience;
    const { holder, api } = run;
    const broker = new Broker({ api, clock, history: this.history, random: Math.random }, { holder });
    const scope = new Scope(this.scope.signal);
    this.brokers.set(holder, { broker, scope, done: this.inBackground(broker.run(scope.signal)) });
    return run;
  }

  broker(holder: string): Broker | undefined {
    return this.brokers.get(holder)?.broker;
  }

  /** Its agent is gone: another process may listen on that port soon. */
  async dismissBroker(holder: string): Promise<void> {
    const engagement = this.brokers.get(holder);
    engagement?.scope.end();
    await engagement?.done;
    this.brokers.delete(holder);
  }

  startSampling(): void {
    const { clock } = this.patience;
    const scope = new Scope(this.scope.signal);
    const live = () => this.crew.live();
    const done = this.inBackground(sample({ clock, history: this.history }, live, scope.signal));
    this.sampling = { scope, done };
  }

  /** Resolves when the last request of brokers and sampler has its answer. */
  async quiet(): Promise<void> {
    await Promise.all([...this.brokers.keys()].map((holder) => this.dismissBroker(holder)));
    this.sampling?.scope.end();
    await this.sampling?.done;
  }

  async leases(): Promise<readonly Lease[]> {
    return bodyOf(await this.agent().api.leases(), 'the leases').leases;
  }

  /** Waits until all `count` partitions are led by live agents, none of which leads over one more than another. */
  async balanced(count: number, timeoutMs: number): Promise<readonly Lease[]> {
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
      return led === count && isEven ? leases : undefined;
    });
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
