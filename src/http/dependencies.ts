// What the HTTP face is given: the agent it speaks for, the clock that the agent goes by, the metrics it shows, a log and the
// program's version.
import type { AgentView } from '../coordination/agent-view.ts';
import type { Instruments } from '../metrics/instruments.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';

export type HttpLog = Pick<Logger, 'debug' | 'info' | 'error'>;

export interface HttpDependencies {
  readonly agent: AgentView;
  /** The agent's own: what it says of moments is in its monotonic time. */
  readonly clock: Clock;
  /** What is shown to scrapers, and what the doors count. */
  readonly instruments: Instruments;
  readonly log: HttpLog;
  /** The program's version, as in package.json. */
  readonly version: string;
}
