// One machine of a small cluster: an agent and the example broker beside it, as processes that can be killed, frozen and started again.
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { type Program, startProgram } from '../support/program.ts';

export type Part = 'agent' | 'broker';

const brokerProgram = fileURLToPath(new URL('../../examples/broker/broker.js', import.meta.url));
const selfForm = z.looseObject({ state: z.string() });

export interface NodeOptions {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** The directory that plays the object store. */
  readonly data: string;
}

export class LoadNode implements AsyncDisposable {
  readonly name: string;
  readonly agentUrl: string;
  /** Of its broker, as producers are told. */
  readonly address: string;
  private readonly options: NodeOptions;
  private readonly ports: { readonly agent: number; readonly broker: number };
  private readonly parts = new Map<Part, Program>();

  /** Ports that stay through restarts: its broker and the producers know them. */
  static async on(options: NodeOptions): Promise<LoadNode> {
    return new LoadNode(options, { agent: await freePort(), broker: await freePort() });
  }

  constructor(options: NodeOptions, ports: LoadNode['ports']) {
    this.name = options.name;
    this.options = options;
    this.ports = ports;
    this.agentUrl = `http://127.0.0.1:${ports.agent}`;
    this.address = `127.0.0.1:${ports.broker}`;
  }

  /** `through`: where the broker finds its agent, when that is not straight. */
  start(part: Part, through = this.agentUrl): void {
    const { name, data, env } = this.options;
    const program =
      part === 'agent'
        ? startProgram(['agent'], {
            env: {
              SESSION_TTL_MS: '2000',
              // Killed again and again, it shall lead again at once.
              RETURN_DELAY_MS: '0',
              LOG_FORMAT: 'json',
              ...env,
              AGENT_ID: name,
              AGENT_ADDRESS: this.address,
              HTTP_PORT: String(this.ports.agent),
            },
          })
        : startProgram(['--agent', through, '--port', String(this.ports.broker), '--data', data], {
            entry: brokerProgram,
          });
    this.parts.set(part, program);
  }

  program(part: Part): Program {
    const program = this.parts.get(part);
    if (program === undefined) throw new Error(`${part} ${this.name} was never started`);
    return program;
  }

  /** The end of what each half has logged, for whoever wonders. */
  lastWords(): string[] {
    return [...this.parts].flatMap(([part, program]) =>
      [...program.stdoutLines, ...program.stderrLines]
        .slice(-15)
        .map((line) => `${part} ${this.name}: ${line}`),
    );
  }

  /** Resolves when the agent trusts its session, or has nothing to lead because its broker is not there. */
  async active(): Promise<void> {
    await eventually(
      async () => {
        const answer = await fetch(`${this.agentUrl}/v1/agent`);
        const { state } = selfForm.parse(await answer.json());
        return state === 'active' || state === 'broker_down';
      },
      { what: `agent ${this.name} to be active` },
    );
  }

  /** Resolves when its broker, as it was started last, is attached and may lead. */
  async attached(): Promise<void> {
    await this.program('broker').waitForLog(({ msg }) => msg === 'the agent trusts its session: leading');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.parts.values()].map((program) => program[Symbol.asyncDispose]()));
  }
}
