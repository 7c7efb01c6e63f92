// The crew of the demo: agents and the example broker beside each, real processes of this same package. A broker stays when its agent
// goes, and finds it again where it was.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../platform/free-port.ts';
import { AgentApi } from './api.ts';
import { BrokerProcess, brokerScript } from './broker.ts';
import { type Child, Children } from './children.ts';
import type { Guardian } from './guardian.ts';
import { Interrupted, type Patience } from './patience.ts';

export interface CrewOptions {
  readonly databaseUrl: string;
  /**
   * Whether the agents see the caller's environment: a store elsewhere may need it (DATABASE_SCHEMA, DATABASE_CA_FILE, PGPASSWORD);
   * a store of our own does not, and what is set for another agent must not end up in these.
   */
  readonly inheritEnvironment: boolean;
  readonly group: string;
  readonly ttlMs: number;
  /** For logs, and for the directory that plays the object store. */
  readonly directory: string;
}

/** One run of one agent. */
export interface AgentProcess {
  readonly agentId: string;
  /** Names the run in the history: a restarted agent is another holder of leases. */
  readonly holder: string;
  readonly child: Child;
  readonly api: AgentApi;
}

/** Where an agent and its broker are found, through all restarts. */
interface Ports {
  readonly agent: number;
  readonly broker: number;
}

const agentScript = fileURLToPath(new URL('../main.js', import.meta.url));

export class Crew {
  /** The directory that plays the object store. */
  readonly data: string;
  private readonly patience: Patience;
  private readonly options: CrewOptions;
  private readonly children: Children;
  private readonly ports = new Map<string, Ports>();
  private readonly runs: AgentProcess[] = [];
  private readonly besides: BrokerProcess[] = [];

  constructor(patience: Patience, guardian: Guardian, options: CrewOptions) {
    this.patience = patience;
    this.options = options;
    this.data = join(options.directory, 'segments');
    this.children = new Children(guardian, options.directory);
  }

  /** Agents that run, in the order they were started. */
  live(): readonly AgentProcess[] {
    return this.runs.filter(({ child }) => child.isRunning);
  }

  brokers(): readonly BrokerProcess[] {
    return this.besides;
  }

  /** Where producers find the brokers. */
  addresses(): string[] {
    return [...this.ports.values()].map(({ broker }) => `127.0.0.1:${broker}`);
  }

  /** Resolves when the agent has a session, with what it holds still to come. */
  async start(agentId: string): Promise<AgentProcess> {
    const { clock } = this.patience;
    const ports = await this.portsOf(agentId);
    const earlier = this.runs.filter((run) => run.agentId === agentId).length;
    const holder = earlier === 0 ? agentId : `${agentId} again`;
    const child = this.children.start({
      name: `agent ${agentId}`,
      script: agentScript,
      args: ['agent', ...this.flags(agentId, ports)],
      inheritEnvironment: this.options.inheritEnvironment,
      logName: `${holder.replace(' ', '-')}.log`,
    });
    const api = new AgentApi(urlOf(ports), clock);
    await child.until(this.patience, 'be ready', async () => (await api.isReady()) || undefined);
    const run = { agentId, holder, child, api };
    this.runs.push(run);
    return run;
  }

  /** Its agent may come later. */
  async startBroker(agentId: string): Promise<void> {
    const ports = await this.portsOf(agentId);
    const child = this.children.start({
      name: `the broker beside ${agentId}`,
      script: brokerScript,
      args: ['--agent', urlOf(ports), '--port', String(ports.broker), '--data', this.data],
      inheritEnvironment: false,
      logName: `${agentId}-broker.log`,
    });
    const broker = new BrokerProcess(agentId, child, this.patience.clock);
    this.besides.push(broker);
    await child.until(this.patience, 'listen', () => broker.isListening() || undefined);
  }

  async stopBrokers(): Promise<void> {
    await this.children.stop((child) => this.besides.some((broker) => broker.child === child));
  }

  /** Everything that runs. Brokers first: an agent without one has nobody to ask before it ends. */
  async stop(): Promise<void> {
    await this.stopBrokers();
    await this.children.stop(() => true);
  }

  private async portsOf(agentId: string): Promise<Ports> {
    let ports = this.ports.get(agentId);
    if (ports === undefined) {
      ports = { agent: await freePort(), broker: await freePort() };
      // An agent and its broker start side by side: both have to mean the first one's choice.
      ports = this.ports.get(agentId) ?? ports;
      this.ports.set(agentId, ports);
    }
    if (this.patience.signal.aborted) throw new Interrupted('interrupted');
    return ports;
  }

  /** Flags win over the environment: whatever the story depends on is said here. */
  private flags(agentId: string, ports: Ports): string[] {
    const { databaseUrl, group, ttlMs } = this.options;
    const interval = Math.floor(ttlMs / 4);
    return [
      `--database-url=${databaseUrl}`,
      `--agent-id=${agentId}`,
      `--agent-group=${group}`,
      `--agent-zone=zone-${agentId}`,
      `--agent-address=127.0.0.1:${ports.broker}`,
      '--agent-weight=1',
      '--managed-topics=',
      `--session-ttl-ms=${ttlMs}`,
      `--heartbeat-interval-ms=${interval}`,
      `--statement-timeout-ms=${Math.floor(0.6 * interval)}`,
      `--trust-margin-ms=${Math.ceil(ttlMs / 5)}`,
      '--http-host=127.0.0.1',
      `--http-port=${ports.agent}`,
      '--auto-migrate=true',
      '--log-level=info',
      '--log-format=json',
    ];
  }
}

function urlOf({ agent }: Ports): string {
  return `http://127.0.0.1:${agent}`;
}
