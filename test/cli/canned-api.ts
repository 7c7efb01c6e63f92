// A real HTTP server that answers what a test has written down, and records what it was asked: the agent's part in the
// tests of its client.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

export interface CannedAnswer {
  /** Default 200. */
  readonly status?: number;
  /** Default: by the body, `application/json` or, from status 400, `application/problem+json`. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string as it is; none is an empty body. */
  readonly body?: unknown;
  /** `silent`: nothing is ever answered. `cut`: the connection is closed instead. `stalled`: the headers alone arrive. */
  readonly fault?: 'silent' | 'cut' | 'stalled';
}

export interface RecordedRequest {
  /** Method, path and query, as `GET /v1/topics?limit=2`. */
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers by request line; several answers for one line are given one after another, the last for ever. */
export type CannedRoutes = Readonly<Record<string, CannedAnswer | readonly CannedAnswer[]>>;

export class CannedApi implements AsyncDisposable {
  readonly requests: RecordedRequest[] = [];
  readonly url: string;
  readonly #close: () => Promise<void>;

  constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  get lines(): string[] {
    return this.requests.map(({ line }) => line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

export async function cannedApi(routes: CannedRoutes): Promise<CannedApi> {
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const api = new CannedApi(`http://127.0.0.1:${address.port}`, async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const line = `${request.method} ${request.url}`;
    const earlier = api.lines.filter((each) => each === line).length;
    api.requests.push({ line, headers: request.headers, body: await text(request) });
    const canned = routes[line];
    const answers: readonly CannedAnswer[] = canned === undefined ? [] : [canned].flat();
    give(response, answers[Math.min(earlier, answers.length - 1)] ?? unexpected(line));
  }

  return api;
}

function give(
  response: ServerResponse,
  { status = 200, type, headers = {}, body, fault }: CannedAnswer,
): void {
  if (fault === 'silent') return;
  if (fault === 'cut') {
    response.destroy();
    return;
  }
  const typeOfBody = typeof body === 'string' ? 'text/html; charset=utf-8' : jsonType(status);
  response.writeHead(status, {
    ...(body === undefined ? {} : { 'content-type': type ?? typeOfBody }),
    ...headers,
  });
  if (fault === 'stalled') {
    response.flushHeaders();
    return;
  }
  response.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
}

function jsonType(status: number): string {
  return status >= 400 ? 'application/problem+json' : 'application/json; charset=utf-8';
}

/** No agent's answer, so that a request nobody wrote down fails the test that made it. */
function unexpected(line: string): CannedAnswer {
  return { status: 501, body: `<p>no answer was written down for ${line}</p>` };
}
