// Signals on one SQLite file: other processes' commits show in `PRAGMA data_version`, polled. Most of them are heartbeats; a
// small digest tells what a change is worth looking at for.
import type { Clock } from '../platform/clock.ts';
import { Scope } from '../platform/scope.ts';
import { LocalBell } from './local-bell.ts';
import type { SignalHandler, SignalKind, Signals, SignalsHealth } from './signals.ts';

export interface SqliteSignalsDeps {
  readonly clock: Clock;
  /** Grows, or at least differs, after another process has committed. */
  readonly dataVersion: () => Promise<number>;
  readonly digest: () => Promise<ChangeDigest>;
}

export interface ChangeDigest {
  /** The assignment's generation. */
  readonly generation: number;
  /** The live sessions and who coordinates them, as one comparable text. */
  readonly members: string;
}

/** How often it looks, milliseconds: with each look costing what a wake-up costs, rarely while nothing moves. */
export interface PollPace {
  readonly quietMs: number;
  /** For `busyForMs` after the assignment or the members changed: partitions are about to change hands. */
  readonly busyMs: number;
  readonly busyForMs: number;
}

export class SqliteSignals implements Signals {
  private readonly bell = new LocalBell();
  private readonly scope = new Scope(new AbortController().signal);
  private readonly deps: SqliteSignalsDeps;
  private readonly pace: PollPace;
  private polling: Promise<void> | undefined;
  private failure: string | undefined;
  /** Monotonic. */
  private busyUntilMs = 0;

  constructor(deps: SqliteSignalsDeps, pace: PollPace) {
    this.deps = deps;
    this.pace = pace;
  }

  start(): void {
    this.polling ??= this.poll(this.scope.signal);
  }

  subscribe(handler: SignalHandler): () => void {
    return this.bell.subscribe(handler);
  }

  /** Reaches this process at once; the others see the commit that the caller made before. */
  publish(kind: SignalKind, agents?: readonly string[]): void {
    this.bell.ring(kind, agents);
  }

  health(): SignalsHealth {
    return this.failure === undefined
      ? { ok: true, detail: `polling every ${this.pace.quietMs} ms, and faster while partitions move` }
      : { ok: false, detail: `cannot poll: ${this.failure}` };
  }

  /** Whatever others commit shows. */
  tellsOf(): boolean {
    return this.failure === undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.scope.end();
    await this.polling;
  }

  private async poll(signal: AbortSignal): Promise<void> {
    let version: number | undefined;
    let digest: ChangeDigest | undefined;
    while (!signal.aborted) {
      try {
        const now = await this.deps.dataVersion();
        if (now !== version) {
          digest = await this.tellChanges(digest);
          version = now;
        }
        this.failure = undefined;
      } catch (error) {
        this.failure = error instanceof Error ? error.message : String(error);
      }
      const isBusy = this.deps.clock.monotonicMs() < this.busyUntilMs;
      await this.deps.clock.sleep(isBusy ? this.pace.busyMs : this.pace.quietMs, signal);
    }
  }

  private async tellChanges(before: ChangeDigest | undefined): Promise<ChangeDigest> {
    const now = await this.deps.digest();
    const isReassigned = before?.generation !== now.generation;
    const isOfOthers = before?.members !== now.members;
    if (isReassigned || isOfOthers) {
      this.busyUntilMs = this.deps.clock.monotonicMs() + this.pace.busyForMs;
    }
    if (isReassigned) this.bell.ring('assignment');
    if (isOfOthers) this.bell.ring('membership');
    this.bell.ring('leases');
    this.bell.ring('written');
    return now;
  }
}
