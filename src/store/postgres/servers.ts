// The servers that a database URL names, and which of them takes writes. All connections of an agent are made through here, one host or
// many: who finds the new primary, or finds that the old one takes no writes any more, does so for all.
import { StoreMisconfigured, StoreUnavailable } from '../../domain/refusal.ts';
import { Backoff } from '../../platform/backoff.ts';
import { type Clock, systemClock } from '../../platform/clock.ts';
import { Patience } from '../../platform/patience.ts';
import { nameOfHost, urlsByHost } from '../host-list.ts';
import { reach, type Reached } from './encryption.ts';
import { NotWritable, PoolBusy, translateError } from './errors.ts';

export interface Server {
  /** `host:port`, for people. */
  readonly name: string;
  /** How it is reached. Reads certificates; fails as `reach` does. */
  reached(): Reached;
}

export interface ServersOptions {
  readonly connectionString: string;
  readonly caFile?: string | undefined;
}

interface Deps {
  readonly clock: Clock;
  readonly random: () => number;
}

type Listener = (server: Server) => void;

/** Before the first attempt after a failure, and at most between two, milliseconds. */
const pauseFirstMs = 50;
const pauseMaxMs = 1_000;

/** What a server that takes connections may take to answer, after attempts in vain, milliseconds. */
const patienceMaxMs = 20_000;

export class Servers {
  readonly all: readonly Server[];
  private readonly clock: Clock;
  /** Connections that were lost together do not come back together, whoever asks for them and however often. */
  private readonly backoff: Backoff;
  private readonly patience = new Patience(patienceMaxMs);
  private readonly leaving = new Set<Listener>();
  private readonly moving = new Set<Listener>();
  /** The one that was last writable; before that, the first. */
  private preferred: Server;
  /** Connecting has failed, or a connection was lost, since the last one was made. */
  private troubled = false;
  private pausing: Promise<void> | undefined;

  constructor(
    { connectionString, caFile }: ServersOptions,
    { clock, random }: Deps = { clock: systemClock, random: Math.random },
  ) {
    this.clock = clock;
    this.backoff = new Backoff({ firstMs: pauseFirstMs, maxMs: pauseMaxMs, random });
    this.all = urlsByHost(connectionString).map((url) => ({
      name: nameOfHost(url),
      reached: () => reach(url, caFile),
    }));
    const [first] = this.all;
    if (first === undefined) throw new Error('a database URL names at least one server');
    this.preferred = first;
  }

  /**
   * Connects to the first server with which `connect` succeeds, beginning with the one that was last writable. Several take `boundMs`
   * together, of which a silent one gets its share. Fails with what the only one said, with StoreMisconfigured when a person
   * must act on each of them, else with StoreUnavailable that names what each said.
   */
  async first<T>(boundMs: number, connect: (server: Server, boundMs: number) => Promise<T>): Promise<T> {
    const deadlineMs = this.clock.monotonicMs() + boundMs;
    if (this.troubled) await this.pause(boundMs / 4);
    const order = [this.preferred, ...this.all.filter((server) => server !== this.preferred)];
    const failures: Error[] = [];
    for (const [index, server] of order.entries()) {
      const leftMs = Math.max(1, deadlineMs - this.clock.monotonicMs());
      try {
        const made = await connect(server, Math.ceil(leftMs / (order.length - index)));
        this.found(server);
        return made;
      } catch (error) {
        if (error instanceof PoolBusy) throw error;
        failures.push(translateError(error));
      }
    }
    this.troubled = true;
    throw this.judge(order, failures);
  }

  /**
   * How long a server that has taken a connection may be silent, where the usual time is `boundMs`. Of several another one is asked
   * instead: it may be the new primary.
   */
  patientMs(boundMs: number): number {
    return this.all.length === 1 ? this.patience.of(boundMs) : boundMs;
  }

  /** Connections were asked for in vain, and none has been made since: there may be many who ask. */
  get isCrowded(): boolean {
    return this.patience.isTried;
  }

  /** It took a connection and was silent for so long. */
  wasSilent(ms: number): void {
    this.patience.ranOut(ms);
  }

  /** A connection was lost: the next one is not made at once. */
  lost(): void {
    this.troubled = true;
  }

  /** It answers, and takes no writes any more: what is connected to it must look for another. */
  leave(server: Server): void {
    this.troubled = true;
    for (const listener of this.leaving) listener(server);
  }

  /** Calls the listener with a server whose connections are to be dropped. Returns the way to end that. */
  onLeave(listener: Listener): () => void {
    this.leaving.add(listener);
    return () => this.leaving.delete(listener);
  }

  /** Calls the listener with the server that is writable now, when it is another than before. */
  onMove(listener: Listener): () => void {
    this.moving.add(listener);
    return () => this.moving.delete(listener);
  }

  /** One for all who come meanwhile: how many they are must not make it longer. */
  private async pause(maxMs: number): Promise<void> {
    this.pausing ??= this.clock.sleep(Math.min(this.backoff.nextMs(), maxMs)).finally(() => {
      this.pausing = undefined;
    });
    await this.pausing;
  }

  private found(server: Server): void {
    this.troubled = false;
    this.backoff.reset();
    this.patience.reset();
    if (server === this.preferred) return;
    const before = this.preferred;
    this.preferred = server;
    for (const listener of this.leaving) listener(before);
    for (const listener of this.moving) listener(server);
  }

  private judge(order: readonly Server[], failures: readonly Error[]): Error {
    const [only, ...others] = failures;
    if (only !== undefined && others.length === 0) {
      return only instanceof NotWritable
        ? new NotWritable(
            `${only.message}: waiting for a primary. Name all hosts in the URL (h1:5432,h2:5432), and the primary is found among them`,
          )
        : only;
    }
    const said = order.map(({ name }, index) => {
      const message = failures[index]?.message ?? '';
      return message.startsWith(name) ? message : `${name}: ${message}`;
    });
    const all = said.join('; ');
    return failures.every((failure) => failure instanceof StoreMisconfigured)
      ? new StoreMisconfigured(all, { cause: only })
      : new StoreUnavailable(`none of the database's ${order.length} servers takes writes: ${all}`, {
          outcomeUnknown: false,
          cause: only,
        });
  }
}
