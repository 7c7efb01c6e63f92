// One machine of a run: an agent as a process, with a road of its own to the store, and a broker beside it that outlives its agent.
import { writeFileSync } from 'node:fs';
import { freePort } from '../../src/platform/free-port.ts';
import { AgentProcess, type Env } from '../e2e/cluster.ts';
import { type FaultProxy, startProxy } from '../support/proxy.ts';
import { ChaosBroker, type BrokerNotes } from './broker.ts';
import type { FakeTime } from './fake-time.ts';

export const ttlMs = 4_000;
/** As long as the time budget allows: a busy machine is not among the faults. */
const intervalMs = Math.floor(ttlMs / 3);
const attemptMs = Math.floor(0.58 * intervalMs);

export interface NodeOptions {
  readonly agentId: string;
  readonly serverPort: number;
  readonly env: Env;
  /** Whose clock can be set, if any's can. */
  readonly fakeTime: FakeTime | undefined;
  readonly notes: BrokerNotes;
}

export class ChaosNode implements AsyncDisposable {
  readonly agentId: string;
  readonly road: FaultProxy;
  agent: AgentProcess;
  isFrozen = false;
  private isOver = false;
  private readonly struck: { readonly fault: string; readonly atMs: number; untilMs: number }[] = [];
  private readonly options: NodeOptions;
  private readonly httpPort: number;
  private readonly broker: ChaosBroker;

  static async start(options: NodeOptions): Promise<ChaosNode> {
    const road = await startProxy(options.serverPort, { isPostgres: true });
    return new ChaosNode(options, road, await freePort());
  }

  constructor(options: NodeOptions, road: FaultProxy, httpPort: number) {
    this.agentId = options.agentId;
    this.options = options;
    this.road = road;
    this.httpPort = httpPort;
    this.agent = this.begin();
    this.broker = new ChaosBroker(this.agentId, `http://127.0.0.1:${httpPort}`, options.notes);
  }

  /** The same agent again; the one before must have ended, and the run not be over. */
  begin(): AgentProcess {
    if (this.isOver) throw new Error(`${this.agentId} begins no more`);
    const { agentId, env, fakeTime } = this.options;
    this.setClock(0);
    this.agent = new AgentProcess(agentId, {
      DATABASE_URL: `postgres://postgres@127.0.0.1:${this.road.port}/postgres`,
      SESSION_TTL_MS: String(ttlMs),
      HEARTBEAT_INTERVAL_MS: String(intervalMs),
      STATEMENT_TIMEOUT_MS: String(attemptMs),
      HTTP_PORT: String(this.httpPort),
      AGENT_ADDRESS: agentId,
      RETURN_DELAY_MS: '0',
      HANDOFF_TIMEOUT_MS: '2000',
      MANAGED_TOPICS: 'orders',
      ...env,
      ...fakeTime?.envOf(agentId),
    });
    return this.agent;
  }

  /** A fault of this node begins; the answer says that it is over. */
  strike(fault: string): () => void {
    const strike = { fault, atMs: performance.now(), untilMs: Infinity };
    this.struck.push(strike);
    return () => (strike.untilMs = performance.now());
  }

  /** What was done to this node at that moment, or shortly before. */
  faultsAt(atMs: number): string[] {
    return this.struck
      .filter((strike) => strike.atMs <= atMs && atMs <= strike.untilMs + ttlMs)
      .map(({ fault }) => fault);
  }

  /** How far its wall clock is from ours from now on, seconds. */
  setClock(offsetSeconds: number): void {
    const { fakeTime, agentId } = this.options;
    if (fakeTime !== undefined)
      writeFileSync(fakeTime.fileOf(agentId), `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isOver = true;
    await this.broker[Symbol.asyncDispose]();
    await this.agent[Symbol.asyncDispose]();
    await this.road[Symbol.asyncDispose]();
  }
}
