// The agent's API as the commands use it: JSON in, checked JSON out, every other answer a CliFailure.
import type { Command } from 'commander';
import type { z } from 'zod';
import { type SourceEvent, StreamRefused } from '../client/event-source.ts';
import { connectionOf } from './connection.ts';
import type { CliContext } from './context.ts';
import { exitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import { parseProblem, problemFailure } from './problem.ts';
import { Transport, type ApiRequest, type RawAnswer, type StreamStart } from './transport.ts';

/** An answer twice: what the commands understand of it, and all of it as the agent said it, for `-o json`. */
export interface Answer<T> {
  readonly value: T;
  readonly body: unknown;
}

export class Api {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get url(): string {
    return this.#transport.url;
  }

  /** The same agent, for requests that `signal` ends instead of the user's interrupt. */
  within(signal: AbortSignal): Api {
    return new Api(this.#transport.within(signal));
  }

  async get<T>(
    path: readonly string[],
    form: z.ZodType<T>,
    query: ApiRequest['query'] = {},
  ): Promise<Answer<T>> {
    return this.call({ method: 'GET', path, query }, form);
  }

  /** Throws CliFailure when the agent refuses, when nobody answers and when the answer is not an agent's. */
  async call<T>(request: ApiRequest, form: z.ZodType<T>): Promise<Answer<T>> {
    const body = await this.perform(request);
    return { value: this.understand(form, body), body };
  }

  /** For requests whose answer says nothing but that it is done. Answers the body, undefined when there is none. */
  async perform(request: ApiRequest): Promise<unknown> {
    const answer = await this.#transport.exchange(request);
    const body = parseJson(answer);
    if (answer.status >= 200 && answer.status < 300 && body !== notJson) return body;
    throw this.#refusal(answer, body);
  }

  /** An answer that is text, not JSON. Throws as `call` does. */
  async text(path: readonly string[]): Promise<string> {
    const answer = await this.#transport.exchange({ method: 'GET', path });
    if (answer.status >= 200 && answer.status < 300) return answer.text;
    throw this.#refusal(answer, parseJson(answer));
  }

  /** The body of an answer whatever its status, for those that say "no" with a 503 and a full report. */
  async report<T>(request: ApiRequest, form: z.ZodType<T>): Promise<Answer<T> & { readonly isOk: boolean }> {
    const answer = await this.#transport.exchange(request);
    const body = parseJson(answer);
    const value = form.safeParse(body).data;
    if (body === notJson || value === undefined) throw this.#refusal(answer, body);
    return { value, body, isOk: answer.status >= 200 && answer.status < 300 };
  }

  /** The events of a stream, until it ends. Throws CliFailure as `call` does, and when the stream breaks off. */
  async *events(request: ApiRequest, from: StreamStart): AsyncGenerator<SourceEvent, void> {
    try {
      yield* this.#transport.events(request, from);
    } catch (error) {
      throw error instanceof StreamRefused ? this.#refusal(error.answer, parseJson(error.answer)) : error;
    }
  }

  /** Checks a part of an answer; tells where it differs from what an agent says. */
  understand<T>(form: z.ZodType<T>, body: unknown): T {
    const result = form.safeParse(body);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? 'the answer' : issue.path.join('.');
    throw new CliFailure(
      exitCode.error,
      `${this.#transport.url} answered with JSON that is not an agent's (${where}: ${issue?.message ?? 'unexpected'}); is another program there, or an agent of another version?`,
    );
  }

  #refusal(answer: RawAnswer, body: unknown): CliFailure {
    const { url } = this.#transport;
    const { status, contentType } = answer;
    const problem = parseProblem(body);
    if (problem !== undefined && status >= 400) return problemFailure(problem, status);
    if (status === 502 || status === 503 || status === 504) {
      return new CliFailure(
        exitCode.unreachable,
        `a proxy answers at ${url} (${status}), but no agent behind it; start one with "streamhouse agent" or name another with --url`,
      );
    }
    const what = contentType === '' ? 'nothing that is JSON' : contentType;
    return new CliFailure(
      exitCode.error,
      `${url} answered ${status} with ${what}, not as an agent does; is a proxy or another program there? Name an agent with --url`,
    );
  }
}

const notJson = Symbol('the answer is not JSON');

/** An empty body is undefined: what deletes has nothing to say. */
function parseJson({ text }: RawAnswer): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return notJson;
  }
}

/** The API of the agent that the command's options and the environment name. */
export function connect({ deps }: CliContext, command: Command): Api {
  return new Api(new Transport(connectionOf(command, deps.env), deps));
}
