// What most pages are opened on: three agents on one PostgreSQL schema, a topic that they lead, and a consumer group.
import { AgentProcess, heldCounts, type SharedStore } from '../e2e/cluster.ts';
import { eventually } from '../support/eventually.ts';

export const groupName = 'page-tests';
export const partitionCount = 6;
const agentIds = ['broker-1', 'broker-2', 'broker-3'];

/** Started and leading. Pages are opened on `broker-1`, which lives as long as the group. */
export class LiveGroup implements AsyncDisposable {
  readonly #store: SharedStore;
  readonly #agents = new Map<string, AgentProcess>();
  url = '';

  constructor(store: SharedStore) {
    this.#store = store;
  }

  async start(): Promise<this> {
    for (const agentId of agentIds) this.begin(agentId);
    const first = this.agent('broker-1');
    this.url = await first.baseUrl();
    await Promise.all([...this.#agents.values()].map((agent) => agent.active()));
    await mustDo(first, 'POST', '/v1/topics', { name: 'orders', partitionCount });
    await mustDo(first, 'PUT', '/v1/groups/billing/offsets/orders/0', { offset: 0 });
    await this.untilAllLead();
    return this;
  }

  agent(agentId: string): AgentProcess {
    const agent = this.#agents.get(agentId);
    if (agent === undefined) throw new Error(`there is no ${agentId}`);
    return agent;
  }

  begin(agentId: string): AgentProcess {
    const env = { ...this.#store.env, AGENT_GROUP: groupName, RETURN_DELAY_MS: '0' };
    const agent = new AgentProcess(agentId, env);
    this.#agents.set(agentId, agent);
    return agent;
  }

  /** As at the start, after whatever a test did to them. */
  async untilAllLead(): Promise<void> {
    await eventually(
      async () => (await heldCounts(agentIds.map((id) => this.agent(id)))).every((held) => held > 0),
      { what: 'every agent to lead something' },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent[Symbol.asyncDispose]()));
    await this.#store[Symbol.asyncDispose]();
  }
}

/** Asks for a change until the agent answers, whose store may be slow on a busy machine: what is asked for twice is done once. */
export async function mustDo(
  agent: AgentProcess,
  method: string,
  path: string,
  body?: object,
): Promise<void> {
  let isRepeated = false;
  await eventually(
    async () => {
      const { status, body: answer } = await agent.ask(method, path, body);
      if (status < 300 || (isRepeated && status === 409)) return true;
      isRepeated = true;
      if (status === 503) return false;
      throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    },
    { what: `${method} ${path}`, everyMs: 200 },
  );
}
