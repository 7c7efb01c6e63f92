// Follows an agent: keeps an event stream open, asks for proof of trust while it is, and looks at the clock when something is due.
import { randomUUID } from 'node:crypto';
import { Backoff } from '../platform/backoff.ts';
import { Bell } from '../platform/bell.ts';
import type { Clock } from '../platform/clock.ts';
import type { AgentHttp } from './agent-http.ts';
import type { ClientLog } from './client-log.ts';
import { StreamhouseError } from './errors.ts';
import { EventStream } from './event-stream.ts';
import type { Leadership } from './leadership.ts';

export interface FollowerDeps {
  readonly http: AgentHttp;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: ClientLog;
  readonly leadership: Leadership;
}

const reconnectFirstMs = 50;
const reconnectMaxMs = 2_000;
const proofEveryMinMs = 50;
const proofEveryMaxMs = 1_000;
/** Without trust nothing is urgent: the stream says when it is back. */
const proofEveryUntrustedMs = 250;
const proofTimeoutMs = 2_000;
/** Of the clock's loop when nothing is due. */
const idleMs = 1_000;

export class Follower {
  private readonly deps: FollowerDeps;
  private readonly attach: boolean;
  private readonly proofBell = new Bell();
  private readonly clockBell = new Bell();
  private name = '';

  constructor(deps: FollowerDeps, options: { readonly attach: boolean }) {
    this.deps = deps;
    this.attach = options.attach;
  }

  /** The name of the stream that is open, or was last; each connection has its own. */
  get stream(): string {
    return this.name;
  }

  /** Trust, or a deadline, has changed. */
  changed(): void {
    this.clockBell.ring();
    if (!this.deps.leadership.isTrusted()) this.proofBell.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.listen(signal), this.prove(signal), this.watchClock(signal)]);
  }

  private async listen(signal: AbortSignal): Promise<void> {
    const { clock, random, leadership, log } = this.deps;
    const backoff = new Backoff({ firstMs: reconnectFirstMs, maxMs: reconnectMaxMs, random });
    let lastEventId: string | undefined;
    while (!signal.aborted) {
      this.name = randomUUID();
      const asked = leadership.asking();
      const stream = new EventStream(
        {
          ...this.deps,
          sink: {
            resumed: () => leadership.streamResumed(),
            event: (event, sessionId, opening) => leadership.handle(event, sessionId, opening),
          },
        },
        { stream: this.name, attach: this.attach, lastEventId, asked },
      );
      const why = await endOf(stream.run(signal));
      leadership.streamEnded(why);
      lastEventId = stream.caughtUp ? stream.lastEventId : undefined;
      if (stream.caughtUp) backoff.reset();
      const waitMs = backoff.nextMs();
      if (!signal.aborted) log.info({ why, retryInMs: Math.round(waitMs) }, 'event stream ended');
      await clock.sleep(waitMs, signal);
    }
  }

  private async prove(signal: AbortSignal): Promise<void> {
    const { clock, leadership } = this.deps;
    while (!signal.aborted) {
      if (leadership.isStreamOpen) {
        const trustedForMs = await this.proof();
        const everyMs = trustedForMs > 0 ? proofInterval(trustedForMs) : proofEveryUntrustedMs;
        await this.proofBell.wait(clock, everyMs, signal);
      } else {
        await this.proofBell.wait(clock, idleMs, signal);
      }
    }
  }

  private async proof(): Promise<number> {
    const { http, leadership, log } = this.deps;
    const asked = leadership.asking();
    try {
      const { body } = await http.ask({ method: 'GET', path: ['v1', 'agent'] }, proofTimeoutMs);
      const trustedForMs = body.durationMs('trustedForMs');
      leadership.proven(body.textOrNull('sessionId'), asked, trustedForMs);
      return trustedForMs;
    } catch (error) {
      // Nothing is done about it: the deadline does.
      log.debug({ err: error }, 'no proof of trust');
      return 0;
    }
  }

  private async watchClock(signal: AbortSignal): Promise<void> {
    const { clock, leadership } = this.deps;
    while (!signal.aborted) {
      leadership.check();
      const dueInMs = leadership.dueMs() - clock.monotonicMs();
      await this.clockBell.wait(clock, Math.min(idleMs, Math.max(0, dueInMs)), signal);
    }
    this.deps.leadership.check();
  }
}

function proofInterval(trustedForMs: number): number {
  return Math.max(proofEveryMinMs, Math.min(proofEveryMaxMs, trustedForMs / 4));
}

async function endOf(reading: Promise<void>): Promise<string> {
  try {
    await reading;
    return 'the agent ended the event stream';
  } catch (error) {
    if (error instanceof StreamhouseError) return error.message;
    return `the event stream broke: ${error instanceof Error ? error.message : String(error)}`;
  }
}
