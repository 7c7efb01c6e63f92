// Kills of agents whose brokers are attached: in what order the old leader's broker stopped and the new leader's was told. All brokers
// are clients in this one process, so that one event loop saw both.
import { z } from 'zod';
import { StreamhouseClient, type Term } from '../../src/client/client.ts';
import { eventually } from '../support/eventually.ts';
import { AgentProcess, type Env } from '../e2e/cluster.ts';

export interface Kill {
  readonly agentId: string;
  /** Terms that its broker had. */
  readonly terms: number;
  /** From the kill until the last of them had ended, milliseconds. */
  readonly stoppedMs: number;
  /** From the kill until another broker was granted the first, and the last, of those partitions. */
  readonly firstGrantMs: number;
  readonly lastGrantMs: number;
  /** Partitions that another broker was granted while the old one's term was still usable. */
  readonly ledByTwo: readonly string[];
}

interface Beside {
  readonly agent: AgentProcess;
  readonly client: StreamhouseClient;
  readonly terms: Map<string, Term>;
}

const partitionCount = 12;
const rebalanceForm = z.looseObject({
  partitions: z.looseObject({ moving: z.number() }),
  wanted: z.number(),
});

/** Three agents with a client beside each; every partition is led. */
export class KillStage implements AsyncDisposable {
  private readonly env: Env;
  private readonly besides = new Map<string, Beside>();
  private onGrant: (term: Term) => void = () => undefined;

  static async set(env: Env): Promise<KillStage> {
    const stage = new KillStage(env);
    for (const agentId of ['a', 'b', 'c']) await stage.enter(agentId);
    const created = await stage.at('a').agent.ask('POST', '/v1/topics', { name: 'orders', partitionCount });
    if (created.status !== 201) throw new Error('the topic was not created');
    await stage.balanced();
    return stage;
  }

  constructor(env: Env) {
    this.env = env;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { agent, client } of this.besides.values()) {
      await client.close();
      await agent[Symbol.asyncDispose]();
    }
  }

  /** Kills one, watches where its partitions go, and starts it again. */
  async kill(agentId: string): Promise<Kill> {
    const { agent, terms, client } = this.at(agentId);
    const before = new Map(terms);
    const [stopped, granted]: [number[], number[]] = [[], []];
    const ledByTwo: string[] = [];
    const killedMs = performance.now();
    for (const term of before.values()) {
      term.signal.addEventListener('abort', () => stopped.push(performance.now() - killedMs));
    }
    this.onGrant = (term) => {
      const old = before.get(nameOf(term));
      if (old === undefined || old.epoch >= term.epoch) return;
      granted.push(performance.now() - killedMs);
      // The signal itself, not a look at the clock: what had not been noticed by now would have gone on.
      if (!old.signal.aborted) ledByTwo.push(nameOf(term));
    };
    agent.kill('SIGKILL');
    await eventually(() => granted.length >= before.size, { what: `the partitions of ${agentId} to be led` });
    this.onGrant = () => undefined;
    await client.close();
    await agent[Symbol.asyncDispose]();
    await this.enter(agentId);
    await this.balanced();
    return {
      agentId,
      terms: before.size,
      stoppedMs: Math.max(...stopped),
      firstGrantMs: Math.min(...granted),
      lastGrantMs: Math.max(...granted),
      ledByTwo,
    };
  }

  private at(agentId: string): Beside {
    const beside = this.besides.get(agentId);
    if (beside === undefined) throw new Error(`there is no agent ${agentId}`);
    return beside;
  }

  private async enter(agentId: string): Promise<void> {
    // Each is killed again and again, and shall lead again at once.
    const agent = new AgentProcess(agentId, { ...this.env, RETURN_DELAY_MS: '0' });
    const client = new StreamhouseClient({ url: await agent.baseUrl() });
    const terms = new Map<string, Term>();
    this.besides.set(agentId, { agent, client, terms });
    void client.run({
      onTerm: (term) => {
        this.onGrant(term);
        terms.set(nameOf(term), term);
        term.signal.addEventListener('abort', () => terms.delete(nameOf(term)));
      },
    });
    await client.ready();
  }

  /** Every partition led, by equal shares, and none on its way: a move would be mistaken for a takeover. */
  private async balanced(): Promise<void> {
    const share = partitionCount / this.besides.size;
    const [witness] = this.besides.values();
    if (witness === undefined) throw new Error('there are no agents');
    await eventually(
      async () => {
        const { body } = await witness.agent.ask('GET', '/v1/rebalance');
        const { partitions, wanted } = rebalanceForm.parse(body);
        const isEven = [...this.besides.values()].every(({ terms }) => terms.size === share);
        return isEven && partitions.moving === 0 && wanted === 0;
      },
      { what: 'equal shares' },
    );
  }
}

function nameOf({ topic, partition }: Term): string {
  return `${topic}/${partition}`;
}
