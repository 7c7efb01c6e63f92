// What the HTTP face is given: the agent it speaks for, the clock that the agent goes by, the metrics it shows, a log and the
// program's version.
import type { AgentView } from '../coordination/agent-view.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';

export type HttpLog = Pick<Logger, 'debug' | 'info' | 'error'>;

export interface HttpDependencies {
  readonly agent: AgentView;
  /** The agent's own: what it says of moments is in its monotonic time. */
  readonly clock: Clock;
  /** Rendered for whoever scrapes. */
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> };
  readonly log: HttpLog;
  /** The program's version, as in package.json. */
  readonly version: string;
}
