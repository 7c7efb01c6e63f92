// The token, and what the agent thinks of it. It is kept here alone: not in storage, a cookie or an address.
import { Store } from './store.ts';

export interface Access {
  /** `needed`: the agent asks for a token, and nothing is sent until one is given. */
  readonly token: 'none' | 'given' | 'needed';
  /** The agent did not accept the one that was given last. */
  readonly isWrong: boolean;
  /** A change was refused: what we have may read only. */
  readonly readsOnly: boolean;
}

const open: Access = { token: 'none', isWrong: false, readsOnly: false };

export class Keyring {
  readonly access = new Store<Access>(open);
  #token: string | undefined;

  get token(): string | undefined {
    return this.#token;
  }

  use(token: string): void {
    this.#token = token;
    this.access.set({ ...open, token: 'given' });
  }

  forget(): void {
    this.#token = undefined;
    this.access.set(open);
  }

  /** A request that carried `used` was answered 401. One given meanwhile is not blamed for it. */
  refused(used: string | undefined): void {
    if (used !== this.#token) return;
    this.#token = undefined;
    this.access.set({ token: 'needed', isWrong: used !== undefined, readsOnly: false });
  }

  /** A change that carried `used` was answered 403. */
  readsOnly(used: string | undefined): void {
    if (used === this.#token) this.access.set({ ...this.access.value, readsOnly: true });
  }

  /** Settles when requests may be sent. Rejects when the signal aborts. */
  async usable(signal: AbortSignal): Promise<void> {
    await this.access.until(({ token }) => token !== 'needed', signal);
  }
}
