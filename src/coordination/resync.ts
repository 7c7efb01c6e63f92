// After signals were lost everything is looked at again. Everybody's listener comes back at the same moment after a restart of the database:
// each agent looks at a moment of its own. One that comes back again meanwhile is served by the same look.
import type { CoordinationDeps } from './deps.ts';

/** Agents look again within this time, milliseconds. */
const spreadMsMax = 500;

export class Resync {
  private readonly deps: CoordinationDeps;
  private readonly spreadMs: number;
  private readonly look: () => void;
  private isComing = false;

  /** `heartbeatIntervalMs`: the next heartbeat finds by itself what a look much later than that would. */
  constructor(deps: CoordinationDeps, heartbeatIntervalMs: number, look: () => void) {
    this.deps = deps;
    this.spreadMs = Math.min(spreadMsMax, heartbeatIntervalMs / 4);
    this.look = look;
  }

  async soon(ending: AbortSignal): Promise<void> {
    const { clock, random, instruments } = this.deps;
    if (this.isComing) return;
    this.isComing = true;
    await clock.sleep(random() * this.spreadMs, ending);
    this.isComing = false;
    if (ending.aborted) return;
    instruments.resyncs.inc({ reason: 'signals' });
    this.look();
  }
}
