// Tells the group, through the session's row, whether this agent takes work: the coordinator plans accordingly. Told until it is heard.
import type { Serving } from '../domain/agent-state.ts';
import { Backoff } from '../platform/backoff.ts';
import { Bell } from '../platform/bell.ts';
import type { CoordinationDeps } from './deps.ts';
import { isSessionLost } from './holdings.ts';

export class ServingTeller {
  private readonly deps: CoordinationDeps;
  private readonly sessionId: string;
  private readonly bell = new Bell();
  private told: Serving;
  private wanted: Serving;

  /** `told`: what the session was registered with. */
  constructor(deps: CoordinationDeps, sessionId: string, told: Serving) {
    this.deps = deps;
    this.sessionId = sessionId;
    this.told = told;
    this.wanted = told;
  }

  set(serving: Serving): void {
    this.wanted = serving;
    this.bell.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, random, signals, store } = this.deps;
    const backoff = new Backoff({ firstMs: 50, maxMs: 1_000, random });
    while (!signal.aborted) {
      const { wanted } = this;
      if (wanted === this.told) {
        await this.bell.wait(clock, idleMs, signal);
        continue;
      }
      try {
        await store.setServing(this.sessionId, wanted);
        this.told = wanted;
        signals.publish('membership');
        backoff.reset();
      } catch (error) {
        // The session is registered anew with what is true then.
        if (isSessionLost(error)) return;
        log.info({ err: error, serving: wanted }, 'cannot tell the group yet');
        await clock.sleep(backoff.nextMs(), signal);
      }
    }
  }
}

/** Nothing is due; a change rings the bell. Milliseconds. */
const idleMs = 3_600_000;
