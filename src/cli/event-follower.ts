// An agent's events across connections: goes on where it was when the agent restarts, and says so.
import type { SourceEvent } from '../client/event-source.ts';
import { Backoff } from '../platform/backoff.ts';
import { systemClock } from '../platform/clock.ts';
import type { Api } from './api.ts';
import { parseEventData, understandEvent } from './event-lines.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';

export interface FollowOptions {
  /** The last event known already. */
  readonly since: string | undefined;
  readonly signal: AbortSignal;
  /** Tells a person what happens to the connection. */
  readonly tell: (line: string) => void;
}

const request = { method: 'GET', path: ['v1', 'events'] } as const;

/** An agent that restarts is back within a second or two. */
const retryFirstMs = 250;
const retryMaxMs = 5_000;

export class EventFollower {
  private readonly api: Api;
  private readonly options: FollowOptions;
  private readonly backoff = new Backoff({ firstMs: retryFirstMs, maxMs: retryMaxMs, random: Math.random });
  private lastEventId: string | undefined;
  private hasAnswered = false;
  /** Why there is no stream now, as it was told; the same is not told at every attempt. */
  private outage: string | undefined;

  constructor(api: Api, options: FollowOptions) {
    this.api = api;
    this.options = options;
    this.lastEventId = options.since;
  }

  /**
   * Ends when the signal aborts. Throws CliFailure when the agent refuses, and when it cannot be reached at first: later it
   * is waited for.
   */
  async *events(): AsyncGenerator<SourceEvent, void> {
    const { signal, tell } = this.options;
    while (!signal.aborted) {
      const why = yield* this.oneStream();
      if (signal.aborted) return;
      if (why !== this.outage) tell(`${why}; connecting again`);
      this.outage = why;
      await systemClock.sleep(this.backoff.nextMs(), signal);
    }
  }

  /** From one connection to its end; answers why it ended. */
  private async *oneStream(): AsyncGenerator<SourceEvent, string> {
    const { api, lastEventId } = this;
    let isOpen = false;
    let isFirst = true;
    let ending = 'broke off';
    const onOpen = (): void => {
      isOpen = true;
      this.opened();
    };
    try {
      for await (const event of api.events(request, { lastEventId, onOpen })) {
        if (isFirst && event.event === 'snapshot' && lastEventId !== undefined)
          this.options.tell(
            `the agent does not remember what followed ${lastEventId}: what it holds now comes instead`,
          );
        isFirst = false;
        ending = endingOf(event) ?? ending;
        this.lastEventId = event.id ?? this.lastEventId;
        yield event;
      }
    } catch (error) {
      const mayPass =
        error instanceof CliFailure && (isOpen || (this.hasAnswered && passing.has(error.exitCode)));
      if (!mayPass) throw error;
      if (!isOpen) return error.message;
    }
    return `the stream of ${api.url} ${ending}`;
  }

  private opened(): void {
    this.hasAnswered = true;
    this.backoff.reset();
    if (this.outage !== undefined) this.options.tell('connected again');
    this.outage = undefined;
  }
}

/** An agent that restarts is away like this for a while. */
const passing: ReadonlySet<ExitCode> = new Set([exitCode.unreachable, exitCode.timeout]);

/** An agent that ends a stream says why. */
function endingOf(event: SourceEvent): string | undefined {
  if (event.event !== 'closing' && event.event !== 'dropped') return undefined;
  const { reason } = understandEvent(parseEventData(event));
  return reason ? `has ended: ${reason}` : 'has ended';
}
