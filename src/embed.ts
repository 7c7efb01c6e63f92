// `streamhouse-agent`: the agent inside another Node process, as a library. The same agent as the daemon's, without what belongs to a
// process: it handles no signals, reads no environment, writes nothing and exits nothing.
import { startAgent as startFromConfig } from './app.ts';
import { configFromValues } from './config/config.ts';
import type { SettingValues } from './config/values.ts';
import type { AgentStatus } from './coordination/agent-view.ts';
import type { Logger } from './platform/logger.ts';

export { ConfigError } from './config/config-error.ts';
export type { SettingValues } from './config/values.ts';
export type { AgentRunState } from './coordination/agent-run-state.ts';
export type { AgentStatus } from './coordination/agent-view.ts';
export type { Logger } from './platform/logger.ts';

export interface EmbeddedAgentOptions extends SettingValues {
  /** Where the agent logs; pino fits. Default: nowhere. */
  readonly logger?: Logger;
}

/** What the agent holds and trusts at this moment. */
export interface HeldPartitions {
  /** How long it may be used without asking again, milliseconds. */
  readonly trustedForMs: number;
  readonly leases: readonly { readonly topic: string; readonly partition: number; readonly epoch: number }[];
}

export interface EmbeddedAgent extends AsyncDisposable {
  readonly agentId: string;
  /** Of its HTTP interface: what `StreamhouseClient` takes, also in this process. */
  readonly url: string;
  held(): HeldPartitions;
  status(): AgentStatus;
  /** Settles when the agent has stopped; rejects when it cannot go on until a person acts: the name is taken, the store is misconfigured. */
  readonly done: Promise<void>;
  /** Hands everything over and stops; resolves when nothing is left. Rejects as `done` does. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts an agent in this process, with its HTTP interface listening (`httpPort: 0` picks a port). Settings are those of the daemon
 * in camelCase, by value. Throws ConfigError when one is wrong; rejects when the port cannot be had. A store that does not
 * answer is waited for, as by the daemon.
 */
export async function startAgent({
  logger = silent,
  ...values
}: EmbeddedAgentOptions): Promise<EmbeddedAgent> {
  const config = configFromValues(values);
  const stopping = new AbortController();
  const { agent, url, done } = await startFromConfig(config, logger, stopping.signal);
  // Whoever does not look at `done` is not ended by it: Node ends a process for a rejection that nobody looks at.
  done.catch(() => undefined);
  const stop = (): Promise<void> => {
    stopping.abort();
    return done;
  };
  return {
    agentId: config.settings.AGENT_ID,
    url,
    held() {
      const { trustedForMs, terms } = agent.held();
      const leases = terms.map(({ key: { topic, partition }, epoch }) => ({ topic, partition, epoch }));
      return { trustedForMs, leases };
    },
    status: () => agent.status(),
    done,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};
