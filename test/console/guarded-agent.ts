// One agent that asks for tokens and whose address and metadata hold markup; it can be killed and come back at the same address.
import { eventually } from '../support/eventually.ts';
import { AgentProcess, type SharedStore, sqliteStore } from '../e2e/cluster.ts';
import { z } from 'zod';
import { freePort } from '../../src/platform/free-port.ts';

const selfAnswer = z.looseObject({ state: z.string() });

export const changingToken = 'a-token-that-may-change-things';
export const readingToken = 'a-token-that-may-only-read';
/** Would speak up if a page took it for markup. */
export const markup = '<img src=x onerror=alert(1)>';

export class GuardedAgent implements AsyncDisposable {
  readonly #store: SharedStore = sqliteStore();
  #agent: AgentProcess | undefined;
  url = '';

  /** Active when it is answered. */
  async start(): Promise<this> {
    const port = this.url === '' ? await freePort() : Number(new URL(this.url).port);
    this.#agent = new AgentProcess('broker-1', {
      ...this.#store.env,
      HTTP_PORT: String(port),
      API_TOKEN: changingToken,
      API_READ_TOKEN: readingToken,
      AGENT_ADDRESS: `${markup}:9092`,
      AGENT_METADATA: JSON.stringify({ [markup]: markup }),
    });
    this.url = await this.#agent.baseUrl();
    await eventually(async () => selfAnswer.parse(await this.ask('GET', '/v1/agent')).state === 'active', {
      what: 'the guarded agent to be active',
    });
    return this;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]();
  }

  async ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${changingToken}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#store[Symbol.asyncDispose]();
  }
}
