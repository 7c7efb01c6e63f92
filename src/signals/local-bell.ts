// Handlers of one process, shared by both kinds of signals.
import type { SignalHandler, SignalKind } from './signals.ts';

export class LocalBell {
  private readonly handlers = new Set<SignalHandler>();

  subscribe(handler: SignalHandler): () => void {
    this.handlers.add(handler);
    return () => this.handlers.delete(handler);
  }

  ring(kind: SignalKind, agents?: readonly string[]): void {
    for (const handler of this.handlers) handler(kind, agents);
  }
}
