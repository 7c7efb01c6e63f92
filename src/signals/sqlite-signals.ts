// Signals on one SQLite file: other processes' commits show in `PRAGMA data_version`, polled. What changed is not known, so
// every change means "look at everything of your own".
import type { Clock } from '../platform/clock.ts';
import { Scope } from '../platform/scope.ts';
import { LocalBell } from './local-bell.ts';
import type { SignalHandler, SignalKind, Signals, SignalsHealth } from './signals.ts';

export interface SqliteSignalsDeps {
  readonly clock: Clock;
  /** Grows, or at least differs, after another process has committed. */
  readonly dataVersion: () => Promise<number>;
}

export class SqliteSignals implements Signals {
  private readonly bell = new LocalBell();
  private readonly scope = new Scope(new AbortController().signal);
  private readonly deps: SqliteSignalsDeps;
  private readonly pollMs: number;
  private polling: Promise<void> | undefined;
  private failure: string | undefined;

  constructor(deps: SqliteSignalsDeps, pollMs: number) {
    this.deps = deps;
    this.pollMs = pollMs;
  }

  start(): void {
    this.polling ??= this.poll(this.scope.signal);
  }

  subscribe(handler: SignalHandler): () => void {
    return this.bell.subscribe(handler);
  }

  /** Reaches this process at once; the others see the commit that the caller made before. */
  publish(kind: SignalKind): void {
    this.bell.ring(kind);
  }

  health(): SignalsHealth {
    return this.failure === undefined
      ? { ok: true, detail: `polling every ${this.pollMs} ms` }
      : { ok: false, detail: `cannot poll: ${this.failure}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.scope.end();
    await this.polling;
  }

  private async poll(signal: AbortSignal): Promise<void> {
    let seen: number | undefined;
    while (!signal.aborted) {
      try {
        const version = await this.deps.dataVersion();
        if (seen !== undefined && version !== seen) this.bell.ring('resync');
        seen = version;
        this.failure = undefined;
      } catch (error) {
        this.failure = error instanceof Error ? error.message : String(error);
      }
      await this.deps.clock.sleep(this.pollMs, signal);
    }
  }
}
