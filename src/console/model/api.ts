// The agent's API as the page asks it: relative addresses, the token, time-outs, and waiting when told to.
import type { Keyring } from './access.ts';
import { Refusal, refusalOf, sentenceOf } from './problem.ts';
import { sleep } from './sleep.ts';

/** Longer than an agent waits for its store, so that its own sentence comes first. */
const timeoutMs = 10_000;

export class Api {
  readonly keyring: Keyring;
  /** Where the page stands, however long the path before it. */
  readonly #base: string;
  /** Told to wait (429), nothing is sent with the same token before; by `performance.now()`. */
  #quiet: { readonly token: string | undefined; readonly untilMs: number } | undefined;
  /** The last one that was good enough, which may be none. */
  #proven: { readonly token: string | undefined } | undefined;
  /** There while one request asks for all whether the token is good; settled with its answer. */
  #proof: { readonly settled: Promise<void>; readonly settle: () => void } | undefined;

  constructor(keyring: Keyring, base: string) {
    this.keyring = keyring;
    this.#base = base;
  }

  /** Waits for a token while the agent asks for one. Throws Refusal, or the signal's reason. */
  async get<T>(path: string, signal: AbortSignal): Promise<T> {
    await this.ready(signal);
    const answer = await this.send(path, {}, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
    return JSON.parse(await answer.text());
  }

  /** Throws Refusal. One without a status may have been carried out all the same. */
  async post<T>(path: string, body: object = {}): Promise<T> {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    const answer = await this.send(path, init, AbortSignal.timeout(timeoutMs));
    return JSON.parse(await answer.text());
  }

  /**
   * Settles when it makes sense to ask, and then `send` has to follow at once: a token is there if one is needed, and we were not
   * told to wait. While it is not known whether the token is good one request asks for all: an agent counts failures and locks
   * their address out for a minute.
   */
  async ready(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.keyring.usable(signal);
      const { token } = this.keyring;
      const quietMs = this.#quiet?.token === token ? (this.#quiet?.untilMs ?? 0) - performance.now() : 0;
      if (quietMs > 0) await sleep(quietMs, signal);
      else if (this.#isProven(token)) return;
      else if (this.#proof === undefined) {
        this.#proof = openProof();
        return;
      } else await this.#proof.settled;
      signal.throwIfAborted();
    }
  }

  /** The answer's head; what reads on has to bound its own time. */
  async send(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    try {
      return await this.#sendWith(this.keyring.token, path, init, signal);
    } finally {
      this.#proof?.settle();
      this.#proof = undefined;
    }
  }

  #isProven(token: string | undefined): boolean {
    return this.#proven !== undefined && this.#proven.token === token;
  }

  async #sendWith(
    token: string | undefined,
    path: string,
    init: RequestInit,
    signal: AbortSignal,
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    const answer = await this.#fetch(path, { ...init, headers, signal });
    if (answer.ok) {
      this.#proven = { token };
      return answer;
    }
    const refusal = await refusalOf(answer);
    if (answer.status === 401) {
      this.#proven = undefined;
      this.keyring.refused(token);
    }
    if (answer.status === 403 && init.method === 'POST') this.keyring.readsOnly(token);
    if (answer.status === 429) {
      this.#quiet = { token, untilMs: performance.now() + (refusal.retryAfterMs ?? 1_000) };
    }
    throw refusal;
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(new URL(path, this.#base), {
        ...init,
        credentials: 'omit',
        redirect: 'error',
      });
    } catch (error) {
      const isLate = error instanceof DOMException && error.name === 'TimeoutError';
      throw new Refusal(0, isLate ? 'timeout' : 'unreachable', noAnswer(isLate, error), { cause: error });
    }
  }
}

function noAnswer(isLate: boolean, error: unknown): string {
  return isLate
    ? `the agent did not answer within ${timeoutMs / 1_000} s`
    : `the agent cannot be reached (${sentenceOf(error)})`;
}

/** Names are plain, but what people type into the address is not. */
export function pathOf(...segments: readonly (string | number)[]): string {
  return segments.map((segment) => encodeURIComponent(segment)).join('/');
}

function openProof(): { settled: Promise<void>; settle: () => void } {
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => (settle = resolve));
  return { settled, settle };
}
