// Which event streams are open, by the name that their client chose: what a candidacy is bound to, for as long as one of them is.

export class StreamNames {
  private readonly open = new Map<string, { count: number; readonly ended: AbortController }>();

  /** A stream of this name is open until what this answers is disposed of. Several may share a name: a client that reconnects. */
  add(name: string): Disposable {
    const entry = this.open.get(name) ?? { count: 0, ended: new AbortController() };
    this.open.set(name, entry);
    entry.count += 1;
    let isOpen = true;
    return {
      [Symbol.dispose]: () => {
        if (!isOpen) return;
        isOpen = false;
        entry.count -= 1;
        if (entry.count > 0) return;
        this.open.delete(name);
        entry.ended.abort();
      },
    };
  }

  /** Aborts when the last stream of this name has ended; undefined when none is open. */
  signalOf(name: string): AbortSignal | undefined {
    return this.open.get(name)?.ended.signal;
  }
}
