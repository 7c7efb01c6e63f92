// The lock of a coordination connection, and what its process has heard of its loss: others take a lock that vanished for a crash, and
// who lives is in time only if it hears of it.
import { crashGraceMs, lostConnectionTrustMs } from '../../src/domain/crash-watch.ts';
import type { HostProcess } from './host.ts';

export interface ConnectionLock {
  key: number | undefined;
  /** By the server. */
  isHeld: boolean;
  /** By the process: nothing is taken on this connection any more. */
  isClosed: boolean;
  /** The server knows nothing of this connection, and says so when something comes by it. */
  isReset: boolean;
  /** When the server dropped it though others went by it. */
  droppedMs: number | undefined;
}

export function noLock(): ConnectionLock {
  return {
    key: undefined,
    isHeld: false,
    isClosed: false,
    isReset: false,
    droppedMs: undefined,
  };
}

/** Who hears of a loss so soon has stopped to act before anybody may take it for dead; clocks apart. */
const inTimeMs = (crashGraceMs - lostConnectionTrustMs) * 0.99;

export class LockLosses {
  private readonly process: HostProcess;
  private readonly listeners = new Set<() => void>();
  private readonly unheard = new Set<ConnectionLock>();
  /** On the process's monotonic clock. */
  private excusedUntilMs = 0;

  constructor(process: HostProcess) {
    this.process = process;
  }

  onLost(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  dropped(lock: ConnectionLock, nowMs: number): void {
    lock.droppedMs = nowMs;
    this.unheard.add(lock);
  }

  heard(lock: ConnectionLock, nowMs: number): void {
    this.unheard.delete(lock);
    if (lock.droppedMs !== undefined && nowMs - lock.droppedMs > inTimeMs) {
      this.excusedUntilMs = this.process.monotonicMs() + lostConnectionTrustMs;
    }
    for (const listener of this.listeners) listener();
  }

  /** The process was told that its session is over: it knows. */
  toldOver(): void {
    this.excusedUntilMs = 0;
    this.unheard.clear();
  }

  /** Whether the process cannot know that others may have begun: its lock was dropped, and it did not hear of it in time. */
  isExcused(nowMs: number): boolean {
    if (this.process.monotonicMs() <= this.excusedUntilMs) return true;
    for (const { droppedMs = nowMs } of this.unheard) if (nowMs - droppedMs > inTimeMs) return true;
    return false;
  }
}
