// Requests that fetch would not send: a Host of our own, a path as it is, a method of our invention, bytes that are no request.
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  /** `host: undefined` leaves the header out. */
  readonly headers?: Record<string, string | undefined>;
  readonly body?: string | Buffer;
}

/** `at`: a port on loopback, or the path of a Unix socket. */
export async function rawRequest(at: number | string, wanted: RawRequest): Promise<RawAnswer> {
  const { method = 'GET', path, body } = wanted;
  const given = Object.entries(wanted.headers ?? {});
  const headers = Object.fromEntries(
    given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const isSized = given.some(([name]) =>
    ['content-length', 'transfer-encoding'].includes(name.toLowerCase()),
  );
  // Node sends the body of a DELETE without saying how long it is.
  if (body !== undefined && !isSized) headers['content-length'] = String(Buffer.byteLength(body));
  const setHost = !given.some(([name]) => name.toLowerCase() === 'host');
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...(typeof at === 'string' ? { socketPath: at } : { host: '127.0.0.1', port: at }),
        method,
        path,
        headers,
        setHost,
        agent: false,
      },
      (response) => {
        // It would never end.
        if (response.headers['content-type']?.startsWith('text/event-stream') === true) {
          response.destroy();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: '' });
          return;
        }
        text(response).then(
          (content) =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text: content }),
          reject,
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Sends bytes as they are and answers all that comes back until the server closes. */
export async function rawBytes(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}
