// A child of an AbortSignal that can be ended by itself and leaves no listener behind on its parent.

export class Scope implements Disposable {
  private readonly controller = new AbortController();
  private readonly parent: AbortSignal;
  private readonly follow = (): void => this.controller.abort(this.parent.reason);

  constructor(parent: AbortSignal) {
    this.parent = parent;
    if (parent.aborted) this.follow();
    else parent.addEventListener('abort', this.follow, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(reason?: unknown): void {
    this.parent.removeEventListener('abort', this.follow);
    this.controller.abort(reason);
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
