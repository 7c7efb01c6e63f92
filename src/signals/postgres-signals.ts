// LISTEN/NOTIFY through pg-listen, on a direct connection of its own. What pg-listen leaves open is closed here: it retries
// for ever, where the primary is by then, notices a black-holed connection, leaks nothing when closed while reconnecting, and every
// (re)connection means "something may have been missed".
import { createHash, randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import type { ClientConfig } from 'pg';
import createSubscriber from 'pg-listen';
import { Backoff } from '../platform/backoff.ts';
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import { onLate } from '../platform/late.ts';
import { Patience } from '../platform/patience.ts';
import { Serial } from '../platform/serial.ts';
import { Interest } from './interest.ts';
import { LineCheck } from './line-check.ts';
import { LocalBell } from './local-bell.ts';
import {
  forThoseWhoRemember,
  type SignalHandler,
  type SignalKind,
  signalKinds,
  type Signals,
  type SignalsHealth,
} from './signals.ts';

type Way = Pick<ClientConfig, 'connectionString' | 'ssl'>;
type Subscriber = ReturnType<typeof createSubscriber.default>;

export interface PostgresSignalsOptions {
  /** The way to the server that takes writes now, asked before each attempt to connect. */
  readonly locate: () => Promise<Way>;
  /** Calls the listener when what is connected must look for another server. Returns the way to end that. */
  readonly onLeave?: (listener: () => void) => () => void;
  readonly schema: string;
  readonly group: string;
  readonly applicationName: string;
  /** Bound of connecting and of each statement, milliseconds. */
  readonly attemptMs: number;
  /** After so long without anything from the server the connection is asked whether it still is one, milliseconds. */
  readonly silenceMs: number;
  /** Without a ping of the coordinator for this long, while the connection looks well, we count as deaf; milliseconds. */
  readonly deafAfterMs: number;
}

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
}

/** What agents tell each other, and what only their signals do: somebody remembers what he looked up. */
type MessageKind = SignalKind | 'lookups';

const messageKinds: readonly MessageKind[] = [...signalKinds, 'lookups'];

interface Message {
  readonly kind: MessageKind;
  readonly sender: string;
  /** Whom it concerns. A program that does not know of it takes it for everybody's. */
  readonly agents?: readonly string[];
}

/** A channel on which nobody tells anything: see `probe`. */
const probeChannel = 'streamhouse_probe';

/** What a server that takes the connection may take to answer, after attempts in vain, milliseconds. */
const patienceMaxMs = 10_000;

/** PostgreSQL takes 8,000 bytes; what names more agents than fit names none. */
const messageBytesMax = 7_000;

/** Several clusters may share a database: the channel is keyed by schema and group, and fits PostgreSQL's 63 bytes. */
export function channelName(schema: string, group: string): string {
  return `streamhouse_${createHash('sha256').update(`${schema}\n${group}`).digest('hex').slice(0, 32)}`;
}

export class PostgresSignals implements Signals {
  private readonly deps: Deps;
  private readonly options: PostgresSignalsOptions;
  private readonly bell = new LocalBell();
  private readonly channel: string;
  private readonly sender = randomUUID();
  private readonly interest: Interest;
  private readonly line: LineCheck;
  private readonly backoff: Backoff;
  private readonly patience = new Patience(patienceMaxMs);
  /** Kinds to be sent at the end of this turn, and whom they concern; undefined: everybody. */
  private readonly outgoing = new Map<MessageKind, Set<string> | undefined>();
  /** One at a time: a client of pg asks for nothing while it waits for an answer. */
  private readonly serial = new Serial();
  private sending: Promise<void> = Promise.resolve();
  private readonly closing = new AbortController();
  private listening: Promise<void> = Promise.resolve();
  /** The one that listens. */
  private subscriber: Subscriber | undefined;
  private connected = false;
  private closed = false;
  private lastPingMs: number | undefined;

  constructor(deps: Deps, options: PostgresSignalsOptions) {
    this.deps = deps;
    this.options = options;
    this.channel = channelName(options.schema, options.group);
    this.interest = new Interest({ ...deps, announce: () => this.sendSoon('lookups') });
    this.line = new LineCheck(deps.clock, options.silenceMs);
    this.backoff = new Backoff({ firstMs: 100, maxMs: 5_000, random: deps.random });
  }

  /** Begins to listen; returns at once, connecting goes on for as long as it takes. */
  start(): void {
    this.listening = this.listen();
  }

  subscribe(handler: SignalHandler): () => void {
    return this.bell.subscribe(handler);
  }

  publish(kind: SignalKind, agents?: readonly string[]): void {
    this.bell.ring(kind, agents);
    if (forThoseWhoRemember.has(kind) && !this.interest.isLikely) return;
    this.sendSoon(kind, agents);
  }

  private sendSoon(kind: MessageKind, agents?: readonly string[]): void {
    const isWaiting = this.outgoing.has(kind);
    const others = isWaiting ? this.outgoing.get(kind) : new Set<string>();
    this.outgoing.set(kind, others && agents && new Set([...others, ...agents]));
    if (isWaiting) return;
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

  tellsOf(kind: SignalKind): boolean {
    if (!this.health().ok) return false;
    return !forThoseWhoRemember.has(kind) || this.interest.want();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    await this.sending;
    this.closed = true;
    this.connected = false;
    this.closing.abort();
    await this.listening;
  }

  /** One subscriber after the other, each with one connection: pg-listen cannot be told to go elsewhere. */
  private async listen(): Promise<void> {
    const { clock } = this.deps;
    const { signal } = this.closing;
    while (!signal.aborted) {
      try {
        await this.listenOnce(await this.options.locate());
      } catch (error) {
        this.onDisconnected(error);
      }
      await clock.sleep(signal.aborted ? 0 : this.backoff.nextMs(), signal);
    }
  }

  /** Fails when it cannot connect or the connection is lost; returns when signals are closed. */
  private async listenOnce(way: Way): Promise<void> {
    const { signal } = this.closing;
    if (signal.aborted) return;
    const sockets = new Set<Socket>();
    const answerMs = this.patience.of(this.options.attemptMs);
    let isReached = false;
    const onReached = (): void => {
      isReached = true;
    };
    const subscriber = this.subscriberOn(way, answerMs, sockets, onReached);
    const ended = new AbortController();
    let stopFollowing = (): void => undefined;
    const over = new Promise<void>((resolve, reject) => {
      const onClosing = (): void => resolve();
      signal.addEventListener('abort', onClosing, { once: true });
      const endFollowing = this.options.onLeave?.(() =>
        reject(new Error('the server takes no writes any more')),
      );
      // It does not try again by itself: whatever it says ends this connection.
      subscriber.events.on('error', reject);
      stopFollowing = () => {
        signal.removeEventListener('abort', onClosing);
        endFollowing?.();
      };
    });
    try {
      const connected = subscriber.connect().then(() => subscriber.listenTo(this.channel));
      connected.catch(() => undefined); // when it is over first
      await Promise.race([connected, over]);
      if (signal.aborted) return;
      this.subscriber = subscriber;
      this.onConnected();
      const checking = this.line.run(() => this.serial.run(async () => probe(subscriber)), ended.signal);
      await Promise.race([over, checking]);
    } catch (error) {
      if (!this.connected && isReached) this.patience.ranOut(answerMs);
      throw error;
    } finally {
      ended.abort();
      stopFollowing();
      over.catch(() => undefined);
      await this.end(subscriber, sockets);
      this.subscriber = undefined;
    }
  }

  /** `answerMs`: of connecting, once the server is reached. */
  private subscriberOn(way: Way, answerMs: number, sockets: Set<Socket>, onReached: () => void): Subscriber {
    const { applicationName, attemptMs } = this.options;
    const subscriber = createSubscriber.default(
      {
        ...(way.connectionString !== undefined && { connectionString: way.connectionString }),
        ...(way.ssl !== undefined && { ssl: way.ssl }),
        application_name: applicationName,
        connectionTimeoutMillis: answerMs,
        query_timeout: attemptMs,
        stream: () => {
          const socket = new Socket();
          sockets.add(socket);
          const forget = onLate(attemptMs, () => socket.destroy());
          socket.once('connect', () => {
            forget();
            onReached();
          });
          socket.once('close', () => {
            forget();
            sockets.delete(socket);
          });
          return socket;
        },
      },
      // One attempt is none: with 0 it would never give up. Its own check asks also who has heard something just now.
      { retryLimit: 1, paranoidChecking: false, parse: parsed },
    );
    subscriber.notifications.on(this.channel, (payload: unknown) => this.onNotification(payload));
    return subscriber;
  }

  /** Says goodbye when it is we who end it, and does not wait for ever for one in a black hole to say it too. */
  private async end(subscriber: Subscriber, sockets: ReadonlySet<Socket>): Promise<void> {
    const ended = new AbortController();
    if (!this.closed) for (const socket of sockets) socket.destroy();
    void subscriber
      .close()
      .catch(() => undefined)
      .finally(() => ended.abort());
    if (this.closed && sockets.size > 0) await this.deps.clock.sleep(this.options.attemptMs, ended.signal);
    for (const socket of sockets) socket.destroy();
  }

  /** Coalesced over one turn of the event loop: a burst of changes is one notification. */
  private async send(kind: MessageKind): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const agents = this.outgoing.get(kind);
    this.outgoing.delete(kind);
    const { subscriber } = this;
    if (subscriber === undefined || !this.connected || this.closed) return;
    const message: Message = { kind, sender: this.sender };
    try {
      await subscriber.notify(this.channel, concerning(message, agents));
      this.line.proven();
    } catch (error) {
      this.deps.log.debug({ err: error, kind }, 'signal not sent');
    }
  }

  private onConnected(): void {
    if (this.closed) return;
    this.connected = true;
    this.backoff.reset();
    this.patience.reset();
    this.line.proven();
    this.lastPingMs = undefined;
    this.interest.connected();
    this.deps.log.debug({ channel: this.channel }, 'signals connected');
    this.bell.ring('resync');
  }

  private onDisconnected(error?: unknown): void {
    if (this.closed) return;
    if (this.connected) this.deps.log.warn({ err: error }, 'signals disconnected, retrying');
    this.connected = false;
  }

  private onNotification(payload: unknown): void {
    this.line.proven();
    const message = readMessage(payload);
    if (message === undefined) return this.bell.ring('resync');
    const { kind, sender, agents } = message;
    if (kind === 'ping') this.lastPingMs = this.deps.clock.monotonicMs();
    if (sender === this.sender) return;
    if (kind === 'lookups') this.interest.heard();
    else this.bell.ring(kind, agents);
  }
}

/** pg-listen lets nothing else be asked that is answered and wakes nobody. */
async function probe(subscriber: Subscriber): Promise<void> {
  if (subscriber.getSubscribedChannels().includes(probeChannel)) await subscriber.unlisten(probeChannel);
  else await subscriber.listenTo(probeChannel);
}

/** With the agents named, if they fit. */
function concerning(message: Message, agents: ReadonlySet<string> | undefined): Message {
  if (agents === undefined) return message;
  const naming = { ...message, agents: [...agents] };
  return Buffer.byteLength(JSON.stringify(naming)) <= messageBytesMax ? naming : message;
}

/** What is no JSON is not ours, or broken: `readMessage` makes nothing of it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readMessage(payload: unknown): Message | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { kind, sender, agents } = payload as Partial<Record<keyof Message, unknown>>;
  const known = messageKinds.find((candidate) => candidate === kind);
  if (known === undefined || typeof sender !== 'string') return undefined;
  return isListOfNames(agents) ? { kind: known, sender, agents } : { kind: known, sender };
}

function isListOfNames(agents: unknown): agents is readonly string[] {
  return Array.isArray(agents) && agents.every((name) => typeof name === 'string');
}
