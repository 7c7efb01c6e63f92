// One connection of the event stream: opens it, reads it to its end, and hands every event on in the turn in which its bytes came.
import type { Clock } from '../platform/clock.ts';
import { Scope } from '../platform/scope.ts';
import type { AgentHttp } from './agent-http.ts';
import { NotAnAgents } from './errors.ts';
import { arrivals, type SourceEvent } from './event-source.ts';
import type { Asked } from './trust.ts';
import { parseEvent, parseEventId, type WireEvent } from './wire-event.ts';

export interface EventSink {
  /** The stream continues the one before it: no snapshot comes. */
  resumed(): void;
  /** `sessionId`: of the event's id, undefined when it has none; `opening`: for the first snapshot, when the stream was asked for. */
  event(event: WireEvent, sessionId: string | null | undefined, opening: Asked | undefined): void;
}

export interface EventStreamDeps {
  readonly http: AgentHttp;
  readonly clock: Clock;
  readonly sink: EventSink;
}

export interface EventStreamOptions {
  /** Our own name for this connection, under which campaigns are bound to it. */
  readonly stream: string;
  /** Whether the broker's life is bound to it. */
  readonly attach: boolean;
  readonly lastEventId: string | undefined;
  readonly asked: Asked;
}

/** Without a byte for so long the connection counts as dead; an agent that trusts itself beats every 500 ms. */
const silenceMaxMs = 15_000;

export class EventStream {
  private readonly deps: EventStreamDeps;
  private readonly options: EventStreamOptions;
  private state: 'opening' | 'snapshot' | 'live' = 'opening';
  private heardMs = 0;
  private lastN = -1;
  private id: string | undefined;

  constructor(deps: EventStreamDeps, options: EventStreamOptions) {
    this.deps = deps;
    this.options = options;
    this.id = options.lastEventId;
    if (this.id !== undefined) this.lastN = parseEventId(this.id)?.n ?? -1;
  }

  /** Where the next connection goes on; undefined: with a snapshot. */
  get lastEventId(): string | undefined {
    return this.id;
  }

  /** Whether the agent told everything there was to tell when it opened. */
  get caughtUp(): boolean {
    return this.state === 'live';
  }

  /** Reads until the stream ends, for whatever reason, or `signal` aborts. Rejects with why it could not be opened or read. */
  async run(signal: AbortSignal): Promise<void> {
    const { attach, stream, lastEventId } = this.options;
    using scope = new Scope(signal);
    const response = await this.deps.http.open(
      {
        method: 'GET',
        path: ['v1', 'events'],
        query: { attach: attach ? 'broker' : undefined, stream },
      },
      {
        signal: scope.signal,
        headers: {
          accept: 'text/event-stream',
          ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
        },
      },
    );
    if (response.body === null) return;
    void this.watchSilence(scope);
    await this.read(response.body);
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    try {
      for await (const pieces of arrivals(body)) {
        this.heardMs = this.deps.clock.monotonicMs();
        for (const piece of pieces) {
          if ('data' in piece) this.message(piece);
          else if (piece.comment === 'resumed') this.resumed();
        }
      }
    } catch (error) {
      // What could not be understood may have been the end of a term: the next stream begins with a snapshot.
      if (error instanceof NotAnAgents) this.id = undefined;
      throw error;
    }
  }

  private message({ event: type, data, id }: SourceEvent): void {
    const event = parseEvent(type, data);
    const told = id === undefined ? undefined : parseEventId(id);
    if (event?.type === 'snapshot') return this.snapshot(event, id, told?.n);
    // Only what comes behind a snapshot or a resumption has a number.
    if (told !== undefined && this.state === 'opening') this.resumed();
    if (told !== undefined) {
      if (told.n <= this.lastN) return;
      this.lastN = told.n;
    }
    if (id !== undefined && this.state === 'live') this.id = id;
    if (event !== undefined) this.deps.sink.event(event, told?.sessionId, undefined);
  }

  private snapshot(
    event: Extract<WireEvent, { type: 'snapshot' }>,
    id: string | undefined,
    n: number | undefined,
  ): void {
    const isFirst = this.state !== 'live';
    if (isFirst) this.state = 'snapshot';
    const isWhole = event.part >= event.parts;
    if (isWhole) {
      this.state = 'live';
      this.id = id;
      this.lastN = n ?? -1;
    }
    this.deps.sink.event(event, undefined, isFirst && isWhole ? this.options.asked : undefined);
  }

  private resumed(): void {
    if (this.state !== 'opening') return;
    this.state = 'live';
    this.deps.sink.resumed();
  }

  private async watchSilence(scope: Scope): Promise<void> {
    const { clock } = this.deps;
    this.heardMs = clock.monotonicMs();
    while (!scope.signal.aborted) {
      const quietMs = clock.monotonicMs() - this.heardMs;
      if (quietMs >= silenceMaxMs) scope.end(new Error(`the stream carried nothing for ${silenceMaxMs} ms`));
      else await clock.sleep(silenceMaxMs - quietMs, scope.signal);
    }
  }
}
