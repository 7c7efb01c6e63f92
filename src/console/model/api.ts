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
  /** By `performance.now()`: told to wait (429), nothing is sent before. */
  #quietUntilMs = 0;

  constructor(keyring: Keyring, base: string) {
    this.keyring = keyring;
    this.#base = base;
  }

  /** Waits for a token while the agent asks for one. Throws Refusal, or the signal's reason. */
  async get<T>(path: string, signal: AbortSignal): Promise<T> {
    const answer = await this.send(path, {}, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
    return answer.json();
  }

  /** Throws Refusal. One without a status may have been carried out all the same. */
  async post<T>(path: string, body: object = {}): Promise<T> {
    const answer = await this.send(
      path,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      AbortSignal.timeout(timeoutMs),
    );
    return answer.json();
  }

  /** The answer's head; what reads on has to bound its own time. */
  async send(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    await this.keyring.usable(signal);
    const quietMs = this.#quietUntilMs - performance.now();
    if (quietMs > 0) await sleep(quietMs, signal);
    const { token } = this.keyring;
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    const answer = await this.#fetch(path, { ...init, headers, signal });
    if (answer.ok) return answer;
    const refusal = await refusalOf(answer);
    if (answer.status === 401) this.keyring.refused(token);
    if (answer.status === 403 && init.method === 'POST') this.keyring.readsOnly(token);
    if (answer.status === 429) this.#quietUntilMs = performance.now() + (refusal.retryAfterMs ?? 1_000);
    throw refusal;
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(new URL(path, this.#base), {
        ...init,
        cache: 'no-store',
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
