// One HTTP exchange, with a deadline over the whole answer; what goes wrong below HTTP becomes a sentence and an exit code.
import { readEvents, type SourceEvent, StreamRefused } from '../client/event-source.ts';
import { networkCode, neverSent } from '../client/network-code.ts';
import { type Target, targetOf } from '../client/way.ts';
import { Scope } from '../platform/scope.ts';
import type { Connection } from './connection.ts';
import type { CliDeps } from './deps.ts';
import { formatDuration } from './duration.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import { fetchOf } from './fetch.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface ApiRequest extends Target {
  readonly method: Method;
  /** Sent as JSON. */
  readonly body?: unknown;
}

export interface RawAnswer {
  readonly status: number;
  /** Without parameters; empty when the answer does not say. */
  readonly contentType: string;
  readonly text: string;
}

export interface StreamStart {
  /** The last event that is known of an earlier stream. */
  readonly lastEventId: string | undefined;
  /** The agent has answered; events follow, or none for a long time. */
  readonly onOpen: () => void;
}

const timedOut = Symbol('the deadline of a request has passed');

export class Transport {
  readonly #connection: Connection;
  readonly #fetch: typeof globalThis.fetch;
  readonly #signal: AbortSignal;

  constructor(connection: Connection, deps: Pick<CliDeps, 'fetch' | 'signal'>) {
    this.#connection = connection;
    this.#fetch = deps.fetch ?? fetchOf(connection);
    this.#signal = deps.signal;
  }

  get url(): string {
    return this.#connection.url;
  }

  within(signal: AbortSignal): Transport {
    return new Transport(this.#connection, { fetch: this.#fetch, signal });
  }

  /** Answers whatever came back, also an error's status. Throws CliFailure: timeout, unreachable, interrupted. */
  async exchange(request: ApiRequest): Promise<RawAnswer> {
    using scope = new Scope(this.#signal);
    const timer = setTimeout(() => scope.end(timedOut), this.#connection.timeoutMs);
    try {
      const response = await this.#fetch(targetOf(this.url, request), {
        method: request.method,
        headers: this.#headers(request),
        signal: scope.signal,
        // A redirect leads to a login page or away from the token's owner, never to an agent.
        redirect: 'manual',
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      });
      const [contentType = ''] = (response.headers.get('content-type') ?? '').split(';');
      return {
        status: response.status,
        contentType: contentType.trim().toLowerCase(),
        text: await response.text(),
      };
    } catch (error) {
      throw this.#failure(error, request, scope.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * The events of a stream, until it ends; the deadline is over its beginning alone. Throws CliFailure as `exchange` does,
   * also when it breaks off, and StreamRefused for an answer that is no stream.
   */
  async *events(request: ApiRequest, from: StreamStart): AsyncGenerator<SourceEvent, void> {
    using scope = new Scope(this.#signal);
    const timer = setTimeout(() => scope.end(timedOut), this.#connection.timeoutMs);
    try {
      yield* readEvents(targetOf(this.url, request), {
        lastEventId: from.lastEventId,
        headers: this.#headers(request),
        signal: scope.signal,
        fetch: this.#fetch,
        onOpen: () => {
          clearTimeout(timer);
          from.onOpen();
        },
      });
    } catch (error) {
      throw error instanceof StreamRefused ? error : this.#failure(error, request, scope.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  #headers(request: ApiRequest): Record<string, string> {
    const { token } = this.#connection;
    return {
      accept: 'application/json, application/problem+json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    };
  }

  #failure(error: unknown, request: ApiRequest, signal: AbortSignal): CliFailure {
    const { url } = this;
    const isWrite = request.method !== 'GET';
    const unknown = isWrite
      ? '; it is not known whether the request took effect, the same command may be run again'
      : '';
    if (signal.reason === timedOut) {
      const waited = formatDuration(this.#connection.timeoutMs);
      const longer = isWrite ? unknown : '; --timeout waits longer';
      return new CliFailure(exitCode.timeout, `${url} did not answer within ${waited}${longer}`, {
        cause: error,
      });
    }
    if (signal.aborted)
      return new CliFailure(exitCode.interrupted, `interrupted${unknown}`, { cause: error });

    const code = networkCode(error);
    const outcome = neverSent.has(code) ? '' : unknown;
    return new CliFailure(exitCode.unreachable, `${unreachable(url, code)}${outcome}`, { cause: error });
  }
}

function unreachable(url: string, code: string): string {
  if (code.includes('CERT') || code.includes('VERIFY')) {
    return `the certificate of ${url} is not trusted (${code}); name the file of its authority in STREAMHOUSE_CA_FILE`;
  }
  if (code.startsWith('HPE_') || code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    const hint = url.startsWith('https:') ? 'try http://' : 'try https://';
    return `what listens at ${url} does not speak ${url.startsWith('https:') ? 'TLS' : 'HTTP'} (${code}); ${hint}`;
  }
  return `no agent answers at ${url} (${code}); start one with "streamhouse agent" or name another with --url`;
}
