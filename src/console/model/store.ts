// A value that is looked at and told of when it changes.

export class Store<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of this.#listeners) listener();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  /** Answers what ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Settles once the value matches. Rejects with the signal's reason. */
  async until(matches: (value: T) => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (matches(this.#value)) return;
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void): void => {
        unsubscribe();
        signal.removeEventListener('abort', onAbort);
        settle();
      };
      const onAbort = (): void => end(() => reject(signal.reason));
      const unsubscribe = this.subscribe(() => {
        if (matches(this.#value)) end(resolve);
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
