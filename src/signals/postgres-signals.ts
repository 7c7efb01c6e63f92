// LISTEN/NOTIFY through pg-listen, on a direct connection of its own. What pg-listen leaves open is closed here: it retries
// for ever, notices a black-holed connection, leaks nothing when closed while reconnecting, and every (re)connection
// means "something may have been missed".
import { createHash, randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import type { ClientConfig } from 'pg';
import createSubscriber from 'pg-listen';
import { Backoff } from '../platform/backoff.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { Serial } from '../platform/serial.ts';
import { LocalBell } from './local-bell.ts';
import {
  type SignalHandler,
  type SignalKind,
  signalKinds,
  type Signals,
  type SignalsHealth,
} from './signals.ts';

export interface PostgresSignalsOptions extends Pick<ClientConfig, 'connectionString' | 'ssl'> {
  readonly schema: string;
  readonly group: string;
  readonly applicationName: string;
  /** Bound of connecting and of each statement, milliseconds. */
  readonly attemptMs: number;
  /** How often the connection is probed, milliseconds. */
  readonly probeMs: number;
  /** Without a ping of the coordinator for this long, while the connection looks well, we count as deaf; milliseconds. */
  readonly deafAfterMs: number;
}

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
}

interface Message {
  readonly kind: SignalKind;
  readonly sender: string;
}

/** Several clusters may share a database: the channel is keyed by schema and group, and fits PostgreSQL's 63 bytes. */
export function channelName(schema: string, group: string): string {
  return `streamhouse_${createHash('sha256').update(`${schema}\n${group}`).digest('hex').slice(0, 32)}`;
}

export class PostgresSignals implements Signals {
  private readonly deps: Deps;
  private readonly options: PostgresSignalsOptions;
  private readonly bell = new LocalBell();
  private readonly subscriber: ReturnType<typeof createSubscriber.default>;
  private readonly channel: string;
  private readonly sender = randomUUID();
  private readonly backoff: Backoff;
  /** Kinds to be sent at the end of this turn. */
  private readonly outgoing = new Set<SignalKind>();
  /** One at a time: a client of pg asks for nothing while it waits for an answer. */
  private readonly serial = new Serial();
  private sending: Promise<void> = Promise.resolve();
  /** What pg-listen has opened: it keeps its clients to itself, and waits for ever for one in a black hole to say goodbye. */
  private readonly sockets = new Set<Socket>();
  private connected = false;
  private closed = false;
  private lastPingMs: number | undefined;

  constructor(deps: Deps, options: PostgresSignalsOptions) {
    this.deps = deps;
    this.options = options;
    this.channel = channelName(options.schema, options.group);
    this.backoff = new Backoff({ firstMs: 100, maxMs: 5_000, random: deps.random });
    this.subscriber = createSubscriber.default(
      {
        ...(options.connectionString !== undefined && { connectionString: options.connectionString }),
        ...(options.ssl !== undefined && { ssl: options.ssl }),
        application_name: options.applicationName,
        connectionTimeoutMillis: options.attemptMs,
        query_timeout: options.attemptMs,
        stream: () => this.openSocket(),
      },
      {
        retryTimeout: Number.POSITIVE_INFINITY,
        retryInterval: () => this.retryDelayMs(),
        paranoidChecking: options.probeMs,
      },
    );
    this.subscriber.events.on('connected', () => this.onConnected());
    this.subscriber.events.on('reconnect', () => this.onDisconnected());
    // Also where payloads that do not parse end up; they are not ours, or broken: look at everything.
    this.subscriber.events.on('error', (error) => {
      if (this.closed) return;
      this.deps.log.warn({ err: error }, 'signal connection error');
      this.bell.ring('resync');
    });
    this.subscriber.notifications.on(this.channel, (payload: unknown) => this.onNotification(payload));
  }

  /** Begins to listen; returns at once, connecting goes on for as long as it takes. */
  start(): void {
    // A rejected connect() goes on retrying by itself; the channel is listened to again after each reconnection.
    this.subscriber.connect().catch((error: unknown) => this.onDisconnected(error));
    // It is told of before it listens: what was sent in between is looked for once it does.
    const listening = this.subscriber.listenTo(this.channel) ?? Promise.resolve();
    const onListening = (): void => this.bell.ring('resync');
    void this.serial.run(() => listening.then(onListening, () => undefined));
  }

  subscribe(handler: SignalHandler): () => void {
    return this.bell.subscribe(handler);
  }

  publish(kind: SignalKind): void {
    this.bell.ring(kind);
    if (this.outgoing.has(kind)) return;
    this.outgoing.add(kind);
    this.sending = this.serial.run(() => this.send(kind));
  }

  health(): SignalsHealth {
    if (!this.connected)
      return { ok: false, detail: 'not listening: the signal connection is down, retrying' };
    const silentMs = this.lastPingMs === undefined ? 0 : this.deps.clock.monotonicMs() - this.lastPingMs;
    if (silentMs > this.options.deafAfterMs) {
      return {
        ok: false,
        detail: `no ping of the coordinator for ${Math.round(silentMs)} ms: living on heartbeats`,
      };
    }
    return { ok: true, detail: 'listening' };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    await this.sending;
    this.closed = true;
    this.connected = false;
    const ended = new AbortController();
    void this.subscriber
      .close()
      .catch(() => undefined)
      .finally(() => ended.abort());
    await this.deps.clock.sleep(this.options.attemptMs, ended.signal);
    for (const socket of this.sockets) socket.destroy();
  }

  private openSocket(): Socket {
    // Ends an attempt of pg-listen to reconnect that was under way when we closed.
    if (this.closed) throw new Error('signals are closed');
    const socket = new Socket();
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  }

  /** Coalesced over one turn of the event loop: a burst of changes is one notification. */
  private async send(kind: SignalKind): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.outgoing.delete(kind);
    if (!this.connected || this.closed) return;
    const message: Message = { kind, sender: this.sender };
    try {
      await this.subscriber.notify(this.channel, message);
    } catch (error) {
      this.deps.log.debug({ err: error, kind }, 'signal not sent');
    }
  }

  private onConnected(): void {
    if (this.closed) return;
    this.connected = true;
    this.backoff.reset();
    this.lastPingMs = undefined;
    this.deps.log.debug({ channel: this.channel }, 'signals connected');
    this.bell.ring('resync');
  }

  private onDisconnected(error?: unknown): void {
    if (this.closed) return;
    if (this.connected) this.deps.log.warn({ err: error }, 'signals disconnected, retrying');
    this.connected = false;
  }

  private onNotification(payload: unknown): void {
    const message = readMessage(payload);
    if (message === undefined) return this.bell.ring('resync');
    if (message.kind === 'ping') this.lastPingMs = this.deps.clock.monotonicMs();
    if (message.sender !== this.sender) this.bell.ring(message.kind);
  }

  private retryDelayMs(): number {
    // Thrown into pg-listen's retry loop, the only way to end it.
    if (this.closed) throw new Error('signals are closed');
    return this.backoff.nextMs();
  }
}

function readMessage(payload: unknown): Message | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { kind, sender } = payload as Partial<Record<keyof Message, unknown>>;
  const known = signalKinds.find((candidate) => candidate === kind);
  return known !== undefined && typeof sender === 'string' ? { kind: known, sender } : undefined;
}
