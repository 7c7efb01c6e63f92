// Agents that do nothing but take part in elections, on the stage's clock and store; heartbeats are the test's.
import { afterEach, beforeEach, expect, inject } from 'vitest';
import type { AgentEvent } from '../../src/coordination/agent-events.ts';
import { Candidacies } from '../../src/coordination/candidacies.ts';
import type { Candidacy } from '../../src/coordination/elections.ts';
import { EventJournal } from '../../src/coordination/event-journal.ts';
import { Holdings } from '../../src/coordination/holdings.ts';
import { roleKey } from '../../src/domain/lease.ts';
import { type Actor, budget, Stage, stageSchema } from './stage.ts';

/** A session of an agent, with its part in the elections. */
interface Living {
  readonly sessionId: string;
  readonly holdings: Holdings;
  beat(): Promise<void>;
  loseTrust(): void;
  end(): Promise<void>;
}

export class Electorate implements Actor {
  readonly deps: Actor['deps'];
  readonly faulty: Actor['faulty'];
  readonly logs: Actor['logs'];
  readonly candidacies: Candidacies;
  /** Operators' wishes that reached the agent's own elector. */
  coordinatorResigned = 0;
  private readonly journal = new EventJournal({ capacity: 1_000 });
  private readonly stage: Stage;
  private readonly agentId: string;
  private session: Living | undefined;

  constructor(stage: Stage, actor: Actor, agentId: string) {
    this.deps = actor.deps;
    this.faulty = actor.faulty;
    this.logs = actor.logs;
    this.stage = stage;
    this.agentId = agentId;
    this.candidacies = new Candidacies({ ...actor.deps, journal: this.journal }, { standDownMs: 10_000 });
  }

  static async join(stage: Stage, agentId: string): Promise<Electorate> {
    const joined = new Electorate(stage, await stage.actor(), agentId);
    await joined.register();
    return joined;
  }

  get now(): Living {
    if (this.session === undefined) throw new Error('no session');
    return this.session;
  }

  /** A new session. The one before must have ended in the store. */
  async register(): Promise<void> {
    const { deps, stage } = this;
    const { sessionId, trust } = await stage.register(this, this.agentId);
    const holdings = new Holdings(deps, sessionId);
    const stop = new AbortController();
    let coordinatorTerm = { key: roleKey('coordinator'), epoch: 7 };
    const session = {
      sessionId,
      holdings,
      trustedForMs: () => trust.forMs(),
      coordinator: {
        get term() {
          return coordinatorTerm;
        },
        resign: () => {
          this.coordinatorResigned += 1;
          coordinatorTerm = { ...coordinatorTerm, epoch: coordinatorTerm.epoch + 1 };
        },
      },
    };
    const beat = async (): Promise<void> => {
      const sent = trust.sending();
      const answer = await deps.store.heartbeat(sessionId);
      if (answer.outcome !== 'renewed') throw new Error(answer.reason);
      await holdings.catchUp(answer.holdingsVersion);
      this.candidacies.checkTerms();
      trust.proven(sent);
      await stage.clock.rest();
    };
    const running = this.candidacies.run(deps, session, budget.heartbeatIntervalMs, stop.signal);
    this.session = {
      sessionId,
      holdings,
      beat,
      loseTrust: () => trust.void(),
      end: async () => {
        stop.abort();
        await running;
      },
    };
    await beat();
  }

  /** As the heartbeat finds out: the session is over, and with it everything it held. */
  async loseSession(): Promise<void> {
    await this.stage.store.endSession(this.now.sessionId, 'removed');
    this.now.loseTrust();
    await this.now.end();
  }

  /** Campaigns by renewal, unless on a stream, and answers once everything has come to rest. */
  async campaign(
    role: string,
    candidate: string,
    hold: { holdMs: number } | { stream: AbortSignal } = { holdMs: 300_000 },
  ): Promise<Candidacy> {
    const on =
      'stream' in hold
        ? ({ by: 'stream', ended: hold.stream } as const)
        : ({ by: 'renewal', holdMs: hold.holdMs } as const);
    await this.candidacies.campaign(role, candidate, on, { waitMs: 0 });
    await this.stage.clock.rest();
    return this.candidacies.campaign(role, candidate, on, { waitMs: 0 });
  }

  /** Everything told so far, with short words: `won a 5`, `lost a 5 resigned`. */
  get told(): string[] {
    return (this.journal.after(0, 1_000) ?? []).map(({ event }) => words(event));
  }

  /** Epochs won, in the order they were told. */
  get won(): number[] {
    return (this.journal.after(0, 1_000) ?? []).flatMap(({ event }) =>
      event.type === 'election.won' ? [event.epoch] : [],
    );
  }

  /** The session that each event was told in. */
  get sessionsTold(): (string | null)[] {
    return (this.journal.after(0, 1_000) ?? []).map(({ sessionId }) => sessionId);
  }
}

function words(event: AgentEvent): string {
  if (event.type === 'election.won') return `${event.name}: won by ${event.candidate}`;
  if (event.type === 'election.lost') return `${event.name}: lost by ${event.candidate}, ${event.reason}`;
  return event.type;
}

export const waiting: Partial<Candidacy> = { state: 'waiting', epoch: null, since: null, trustedForMs: 0 };
export const refusal = (code: string) => expect.objectContaining({ name: 'Refusal', code });

/** For the tests of this file: in each, a stage of its own on PostgreSQL and the agents that join it. */
export function electionScene() {
  const [target] = inject('postgresTargets');
  if (target === undefined) throw new Error('no PostgreSQL to test with');
  const { url } = target;
  const schema = stageSchema(url);
  let stage: Stage;
  let joined: Electorate[];

  beforeEach(async () => {
    stage = await Stage.open(url, schema);
    joined = [];
  });

  afterEach(async () => {
    for (const { candidacies } of joined) candidacies.close();
    // Nobody is waited for who was told to stop.
    for (const { now } of joined) now.loseTrust();
    await Promise.all(joined.map(({ now }) => now.end()));
    await stage[Symbol.asyncDispose]();
  });

  return {
    get stage() {
      return stage;
    },
    async join(agentId: string): Promise<Electorate> {
      const electorate = await Electorate.join(stage, agentId);
      joined.push(electorate);
      return electorate;
    },
    async stored(role: string): Promise<{ agentId: string | null; epoch: number }> {
      const lease = await stage.store.getLease(roleKey(role));
      return { agentId: lease?.agentId ?? null, epoch: lease?.epoch ?? 0 };
    },
  };
}
