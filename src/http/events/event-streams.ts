// All event streams of this agent: who reads, one timer for their beats, a turn for each when something happened, a bound on
// how many there are, and an end for all of them when the agent stops.
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { AgentView } from '../../coordination/agent-view.ts';
import type { Instruments } from '../../metrics/instruments.ts';
import type { StreamKind } from '../../metrics/table/doors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { HttpLog } from '../dependencies.ts';
import { wholeMs } from '../present/agents.ts';
import { HttpRefusal } from '../problem.ts';
import { Follower } from './follower.ts';
import { Outlet } from './outlet.ts';
import { lookEveryMs, Reader } from './reader.ts';
import { RenderedJournal } from './rendered-journal.ts';
import type { StreamNames } from './stream-names.ts';
import { Turns } from './turns.ts';
import { eventBlock, parseEventId } from './wire.ts';

export interface EventStreamsDeps {
  readonly agent: AgentView;
  readonly clock: Clock;
  readonly log: HttpLog;
  readonly names: StreamNames;
  readonly instruments: Pick<Instruments, 'eventStreams' | 'eventStreamsDropped'>;
}

export interface EventStreamsOptions {
  /** Streams open at a time; more are refused. */
  readonly streamsMax: number;
}

export interface StreamRequest {
  /** Chosen by the client; else one is made. */
  readonly stream?: string | undefined;
  /** Whether a broker's life hangs on this stream. */
  readonly isBroker: boolean;
  readonly lastEventId: string | undefined;
  readonly requestId: string;
}

/** A crashed host says nothing; after so long without traffic the kernel asks. Milliseconds. */
const keepAliveAfterMs = 15_000;

export class EventStreams {
  private readonly deps: EventStreamsDeps;
  private readonly options: EventStreamsOptions;
  private readonly journal: RenderedJournal;
  private readonly turns: Turns;
  private readonly readers = new Set<Reader>();
  /** Stops listening and looking, while there are readers. */
  private watching: AbortController | undefined;
  private isClosing = false;
  /** However many events come in one turn, readers are woken once. */
  private readonly everybody = {
    take: (): void => {
      for (const reader of this.readers) this.turns.ask(reader);
    },
  };

  constructor(deps: EventStreamsDeps, options: EventStreamsOptions) {
    this.deps = deps;
    this.options = options;
    this.journal = new RenderedJournal(deps.agent.journal, deps.clock);
    this.turns = new Turns(deps.clock);
  }

  /** Refuses: `unavailable` when there are too many, or the agent stops. To be called before `open`, in the same turn. */
  admit(): void {
    const retry = { 'retry-after': '1' };
    if (this.isClosing) throw new HttpRefusal('unavailable', 'this agent is stopping', retry);
    const { streamsMax } = this.options;
    if (this.readers.size >= streamsMax) {
      const sentence = `this agent serves at most ${streamsMax} event streams at a time, and they are taken`;
      throw new HttpRefusal('unavailable', sentence, retry);
    }
  }

  /** Takes over the answer: sends `headers` and then events, until one side ends it. */
  open(response: ServerResponse, headers: Readonly<Record<string, string>>, request: StreamRequest): void {
    // Who has gone already would never be seen to go.
    if (response.destroyed) return;
    const { agent, clock, instruments, log } = this.deps;
    const stream = request.stream ?? randomUUID();
    sendHead(response, { ...headers, 'streamhouse-stream': stream });
    const about = { requestId: request.requestId, stream, broker: request.isBroker };
    log.debug(about, 'event stream open');

    const bonds = this.bind(stream, request);
    const onEnded = (reason: string): void => {
      const wasOpen = bonds.length > 0;
      for (const bond of bonds.splice(0)) bond[Symbol.dispose]();
      if (wasOpen) log.debug({ ...about, reason }, 'event stream ended');
    };
    const outlet = new Outlet(response, {
      onFlushed: () => this.turns.ask(reader),
      onClosed: () => {
        onEnded('the reader has gone');
        this.remove(reader);
      },
    });
    const from = parseEventId(request.lastEventId);
    const reader: Reader = new Reader({
      follower: new Follower({ agent, clock, journal: this.journal }, stream, from),
      outlet,
      beat: () => this.beat(),
      onEnded: (event, reason) => {
        if (event === 'dropped') instruments.eventStreamsDropped.inc();
        onEnded(reason);
      },
      onFault: (error) => log.error({ ...about, err: error }, 'event stream failed by a fault of ours'),
    });
    this.add(reader);
    this.turns.ask(reader);
  }

  /** Every stream ends with `closing`, after all that has happened; no new one is opened. */
  close(): void {
    this.isClosing = true;
    for (const reader of this.readers) {
      reader.finish('closing', 'the agent is stopping');
      this.turns.ask(reader);
    }
  }

  /** What lives as long as the stream does. */
  private bind(stream: string, { isBroker }: StreamRequest): Disposable[] {
    const name = this.deps.names.add(stream);
    const counted = this.count(isBroker ? 'broker' : 'reader');
    return isBroker ? [name, counted, this.deps.agent.attachBroker()] : [name, counted];
  }

  private count(kind: StreamKind): Disposable {
    const { eventStreams } = this.deps.instruments;
    eventStreams.inc({ kind });
    return { [Symbol.dispose]: () => eventStreams.dec({ kind }) };
  }

  private beat(): Buffer | undefined {
    const trustedForMs = wholeMs(this.deps.agent.status().trustedForMs);
    return trustedForMs > 0 ? eventBlock('beat', { trustedForMs }) : undefined;
  }

  private add(reader: Reader): void {
    this.readers.add(reader);
    if (this.watching !== undefined) return;
    this.watching = new AbortController();
    void this.watch(this.watching.signal);
  }

  private remove(reader: Reader): void {
    this.readers.delete(reader);
    if (this.readers.size > 0) return;
    this.watching?.abort();
    this.watching = undefined;
  }

  private async watch(signal: AbortSignal): Promise<void> {
    const { clock } = this.deps;
    const stopListening = this.deps.agent.journal.onAppend(() => this.turns.ask(this.everybody));
    while (!signal.aborted) {
      await clock.sleep(lookEveryMs, signal);
      if (signal.aborted) break;
      for (const reader of this.readers) reader.look();
      this.turns.ask(this.everybody);
    }
    stopListening();
  }
}

function sendHead(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  response.socket?.setNoDelay(true);
  response.socket?.setKeepAlive(true, keepAliveAfterMs);
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/event-stream',
    // The connection has no other use, and ends with the stream.
    connection: 'close',
    // Proxies that collect answers would hold events back.
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
}
