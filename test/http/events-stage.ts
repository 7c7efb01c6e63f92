// A server with an agent whose events are made by hand, without a store, on a clock that a test may move.
import type { AgentEvent } from '../../src/coordination/agent-events.ts';
import type { HeldTerm } from '../../src/coordination/agent-view.ts';
import { EventJournal } from '../../src/coordination/event-journal.ts';
import { partitionKey } from '../../src/domain/lease.ts';
import type { Instruments } from '../../src/metrics/instruments.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../../src/http/server.ts';
import { ManualClock } from '../coordination/manual-clock.ts';
import { eventually } from '../support/eventually.ts';
import { type EventReader, readEvents } from './event-reader.ts';
import { FakeAgent, type LogLine } from './fixture.ts';
import { instrumentsOver } from '../metrics/reading.ts';

export const session1 = '11111111-1111-4111-8111-111111111111';
export const session2 = '22222222-2222-4222-8222-222222222222';
/** Above 32 bits, as epochs are on PostgreSQL. */
export const epoch1 = 2 ** 32 + 1;

export class EventAgent extends FakeAgent {
  override readonly journal: EventJournal;

  constructor(capacity: number) {
    super();
    this.journal = new EventJournal({ capacity });
    this.sessionId = session1;
    this.trust(7_000.9);
  }

  trust(trustedForMs: number): void {
    this.heldNow = { ...this.heldNow, trustedForMs };
  }

  hold(terms: readonly HeldTerm[]): void {
    this.heldNow = { ...this.heldNow, terms };
  }

  happen(...events: readonly AgentEvent[]): void {
    this.journal.append(this.sessionId, events);
  }

  /** That many events, the next ones in number. */
  granted(count: number): void {
    const { last } = this.journal;
    this.happen(...Array.from({ length: count }, (_, i) => granted(last + 1 + i)));
  }
}

export function granted(n: number, topic = 'orders'): AgentEvent {
  return { type: 'lease.granted', topic, partition: n, epoch: epoch1, highWatermark: n };
}

export function terms(count: number, topic = 'orders'): HeldTerm[] {
  return Array.from({ length: count }, (_, i) => ({ key: partitionKey(topic, i), epoch: epoch1 + i }));
}

export interface EventStage extends AsyncDisposable {
  readonly agent: EventAgent;
  readonly clock: ManualClock;
  readonly server: HttpServer;
  readonly instruments: Instruments;
  readonly lines: LogLine[];
  read(query?: string, headers?: Readonly<Record<string, string>>): Promise<EventReader>;
  /** A reader that has had its snapshot. */
  readOn(query?: string): Promise<EventReader>;
}

export interface EventStageOptions extends Partial<HttpServerOptions> {
  /** Events the journal keeps. Default 1,000. */
  readonly capacity?: number;
}

export async function eventStage({
  capacity = 1_000,
  ...options
}: EventStageOptions = {}): Promise<EventStage> {
  const agent = new EventAgent(capacity);
  const clock = new ManualClock();
  const lines: LogLine[] = [];
  const write = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, message, ...fields });
  };
  const log = { debug: write('debug'), info: write('info'), error: write('error') };
  const instruments = instrumentsOver();
  const server = await startHttpServer(
    { agent, clock, instruments, log, version: '1.2.3' },
    { host: '127.0.0.1', port: 0, allowedHosts: [], ...options },
  );
  const readers: EventReader[] = [];
  const read = async (query?: string, headers?: Readonly<Record<string, string>>): Promise<EventReader> => {
    const reader = await readEvents(server.port, query, headers);
    readers.push(reader);
    return reader;
  };
  return {
    agent,
    clock,
    server,
    instruments,
    lines,
    read,
    async readOn(query) {
      const reader = await read(query);
      await eventually(() => reader.of('snapshot').length > 0);
      return reader;
    },
    async [Symbol.asyncDispose]() {
      for (const reader of readers) reader.crash();
      await server.close();
    },
  };
}
