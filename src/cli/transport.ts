// One HTTP exchange, with a deadline over the whole answer; what goes wrong below HTTP becomes a sentence and an exit code.
import { readEvents, type SourceEvent, StreamRefused } from '../client/event-source.ts';
import { Scope } from '../platform/scope.ts';
import type { Connection } from './connection.ts';
import type { CliDeps } from './deps.ts';
import { formatDuration } from './duration.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import { fetchFor } from './fetch.ts';
import { socketPathOf } from './service-url.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface ApiRequest {
  readonly method: Method;
  /** The path's parts, not yet encoded. */
  readonly path: readonly string[];
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
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
    this.#fetch = deps.fetch ?? fetchFor(connection);
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
      const response = await this.#fetch(this.#target(request), {
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
      yield* readEvents(this.#target(request), {
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

  #target({ path, query = {} }: ApiRequest): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) search.set(name, String(value));
    }
    const suffix = search.size === 0 ? '' : `?${search.toString()}`;
    // On a Unix socket the host means nothing.
    const base = socketPathOf(this.url) === undefined ? this.url : 'http://localhost';
    return `${base}/${path.map(encodeURIComponent).join('/')}${suffix}`;
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

/** The request cannot have reached anyone. */
const neverSent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  // No such socket, or none that may be used.
  'ENOENT',
  'EACCES',
]);

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

/** The system's code, out of the causes that fetch wraps around it; failing that, its words. */
function networkCode(error: unknown): string {
  let found = 'unknown reason';
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string' && at.code !== '') return at.code;
    found = at.message;
  }
  return found;
}
