// One agent over HTTP: JSON in, JSON out, every failure one of the client's errors, every wait bounded.
import type { Clock } from '../platform/clock.ts';
import { Scope } from '../platform/scope.ts';
import { NotAnAgents, StreamhouseError, Unavailable } from './errors.ts';
import { Fields } from './fields.ts';
import { networkCode, neverSent } from './network-code.ts';
import { refusalOf } from './refusal.ts';
import { type Target, targetOf } from './way.ts';

export interface AgentRequest extends Target {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Sent as JSON. */
  readonly body?: unknown;
}

export interface AgentHttpOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token?: string | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** For one request and its whole answer. */
  readonly timeoutMs: number;
}

/** The answer to a request that succeeded. */
export interface AgentAnswer {
  readonly status: number;
  readonly body: Fields;
}

const late = Symbol('the deadline of a request has passed');

export class AgentHttp {
  private readonly options: AgentHttpOptions;

  constructor(options: AgentHttpOptions) {
    this.options = options;
  }

  /** Throws Refused (and its kinds) on 4xx, Unavailable on everything that says nothing about the request's effect. */
  async ask(request: AgentRequest, timeoutMs = this.options.timeoutMs): Promise<AgentAnswer> {
    const exchange = new AbortController();
    using _ = this.alarm(timeoutMs, () => exchange.abort(late));
    const { status, text } = await this.exchange(request, exchange.signal, timeoutMs);
    const body = fieldsOf(text, request);
    if (status < 300 && body !== undefined) return { status, body };
    throw this.problem(request, status, body);
  }

  /** An answer whose body goes on; `timeoutMs` is for its beginning, `signal` for all of it. */
  async open(
    request: AgentRequest,
    options: { readonly signal: AbortSignal; readonly headers: Readonly<Record<string, string>> },
  ): Promise<Response> {
    const { timeoutMs } = this.options;
    const scope = new Scope(options.signal);
    using _ = this.alarm(timeoutMs, () => scope.end(late));
    const response = await this.send(request, scope.signal, timeoutMs, options.headers);
    if (response.status === 200 && response.body !== null) return response;
    const text = await response.text().catch(() => '');
    throw this.problem(request, response.status, fieldsOf(text, request));
  }

  private async exchange(
    request: AgentRequest,
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const response = await this.send(request, signal, timeoutMs, { accept: 'application/json' });
    try {
      return { status: response.status, text: await response.text() };
    } catch (error) {
      throw this.silence(request, error, signal, timeoutMs);
    }
  }

  private async send(
    request: AgentRequest,
    signal: AbortSignal,
    timeoutMs: number,
    headers: Readonly<Record<string, string>>,
  ): Promise<Response> {
    const { fetch, token } = this.options;
    try {
      return await fetch(targetOf(this.options.url, request), {
        method: request.method,
        signal,
        // A redirect leads away from the token's owner, never to an agent.
        redirect: 'manual',
        headers: {
          ...headers,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(request.body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      });
    } catch (error) {
      throw this.silence(request, error, signal, timeoutMs);
    }
  }

  /** Calls back after `ms`, unless it is disposed of before. */
  private alarm(ms: number, ring: () => void): Disposable {
    const disposed = new AbortController();
    const wait = async (): Promise<void> => {
      await this.options.clock.sleep(ms, disposed.signal);
      if (!disposed.signal.aborted) ring();
    };
    void wait();
    return { [Symbol.dispose]: () => disposed.abort() };
  }

  private problem(request: AgentRequest, status: number, problem: Fields | undefined): StreamhouseError {
    if (status === 429 || status >= 500) {
      const said = problem?.optionalText('detail') ?? 'no reason given';
      return new Unavailable(`${this.options.url} answered ${status}: ${said}`, {
        // A fault of the agent, or of a proxy before it, says nothing about what became of a write.
        outcomeUnknown: status >= 500 && request.method !== 'GET',
        retryAfterMs: problem?.optionalWhole('retryAfterMs'),
      });
    }
    if (status >= 400) return refusalOf(status, problem);
    return new StreamhouseError(
      `${this.options.url} answered ${status} and not as an agent does; is a proxy or another program there?`,
    );
  }

  private silence(
    request: AgentRequest,
    error: unknown,
    signal: AbortSignal,
    timeoutMs: number,
  ): StreamhouseError {
    const { url } = this.options;
    const code = networkCode(error);
    const isLate = signal.reason === late;
    const what = isLate ? `did not answer within ${timeoutMs} ms` : `does not answer (${code})`;
    return new Unavailable(`${url} ${what}`, {
      outcomeUnknown: request.method !== 'GET' && (isLate || !neverSent.has(code)),
      cause: error,
    });
  }
}

/** An empty body is an object without fields: what deletes or resigns has nothing to say. */
function fieldsOf(text: string, { method, path }: AgentRequest): Fields | undefined {
  try {
    return Fields.parse(text === '' ? '{}' : text, `the answer to ${method} /${path.join('/')}`);
  } catch (error) {
    if (error instanceof NotAnAgents) return undefined;
    throw error;
  }
}
