// The HTTP face as a whole: one application behind up to three doors. Says where it listens, and stops without cutting off what
// is being answered.
import { once } from 'node:events';
import { lookup } from 'node:dns/promises';
import type { RequestListener } from 'node:http';
import { createApp } from './app.ts';
import type { Authentication } from './authentication.ts';
import type { HttpDependencies } from './dependencies.ts';
import type { HttpApp } from './http-app.ts';
import { type Certificate, Listener, type PortPlace } from './listener.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 picks a free one; undefined: no port, for a server behind a Unix socket alone. */
  readonly port: number | undefined;
  /** The port then speaks TLS; the socket and the metrics' port do not. */
  readonly certificate?: Certificate | undefined;
  /** Path of a Unix socket to listen on as well. */
  readonly socket?: string | undefined;
  /** A second port with metrics and health alone. */
  readonly metrics?: { readonly host: string; readonly port: number } | undefined;
  /** Default: no token is asked for. */
  readonly authentication?: Authentication | undefined;
  /** `Host` names accepted beside the loopback names, without port. */
  readonly allowedHosts: readonly string[];
  /** How long requests in flight may take once the server stops, milliseconds; then they are cut. Default 5,000. */
  readonly closeGraceMs?: number;
  /** Event streams open at a time. Default 1,000. */
  readonly eventStreamsMax?: number | undefined;
}

export interface HttpServer extends AsyncDisposable {
  /** Where people reach it: a wildcard address is shown as loopback, a server without a port by its socket (`unix:PATH`). */
  readonly url: string;
  /** Of the API; 0 when it has none. */
  readonly port: number;
  /** `unix:PATH`, when there is a socket. */
  readonly socketUrl: string | undefined;
  /** Of the second port, when there is one. */
  readonly metricsUrl: string | undefined;
  /** For connections made from now on. Without TLS from the start it has no effect. */
  setCertificate(certificate: Certificate): void;
  /** Accepts nothing new, lets requests in flight end, bounded by `closeGraceMs`. Safe to call twice. */
  close(): Promise<void>;
}

const closeGraceMsDefault = 5_000;

/** Listens at once, whether or not the store is there yet. Fails with ListenFailed, and then listens nowhere. */
export async function startHttpServer(
  deps: HttpDependencies,
  options: HttpServerOptions,
): Promise<HttpServer> {
  const { closeGraceMs = closeGraceMsDefault } = options;
  const app = createApp(deps, options);
  await app.ready();
  const listeners: Listener[] = [];
  const close = closeOnce(app, listeners, closeGraceMs);
  try {
    const where = await openDoors(app, listeners, options);
    return {
      ...where,
      setCertificate: (certificate) => {
        for (const listener of listeners) listener.setCertificate(certificate);
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens what is wanted, each into `listeners` as soon as it exists, so that a failure leaves nothing behind. */
async function openDoors(
  app: HttpApp,
  listeners: Listener[],
  options: HttpServerOptions,
): Promise<Pick<HttpServer, 'url' | 'port' | 'socketUrl' | 'metricsUrl'>> {
  const { host, port: wanted, certificate, socket, metrics } = options;
  const handler: RequestListener = (request, response) => app.routing(request, response);
  let url: string | undefined;
  let port = 0;
  if (wanted !== undefined) {
    const place = { host, port: wanted, setting: 'HTTP_PORT' };
    port = await openPort(listeners, () => new Listener('port', handler, certificate), place);
    url = urlOf(certificate === undefined ? 'http' : 'https', host, port);
  }
  let socketUrl: string | undefined;
  if (socket !== undefined) {
    const listener = new Listener('socket', handler);
    await listener.listenOnSocket(socket);
    listeners.push(listener);
    socketUrl = `unix:${socket}`;
  }
  let metricsUrl: string | undefined;
  if (metrics !== undefined) {
    const place = { ...metrics, setting: 'METRICS_PORT' };
    const metricsPort = await openPort(listeners, () => new Listener('metrics', handler), place);
    metricsUrl = urlOf('http', metrics.host, metricsPort);
  }
  url ??= socketUrl;
  if (url === undefined) throw new TypeError('a server needs a port or a socket');
  return { url, port, socketUrl, metricsUrl };
}

/** `localhost` means every address it has, as long as the first can be had: clients try them in an order of their own. */
async function openPort(listeners: Listener[], make: () => Listener, place: PortPlace): Promise<number> {
  const first = make();
  const port = await first.listenOnPort(place);
  listeners.push(first);
  if (place.host !== 'localhost') return port;
  const others = await lookup(place.host, { all: true }).catch(() => []);
  for (const { address } of others) {
    if (address === first.address.address) continue;
    const other = make();
    const isListening = other.listenOnPort({ ...place, host: address, port }).then(
      () => true,
      () => false,
    );
    if (await isListening) listeners.push(other);
  }
  return port;
}

/** The application first: from then on answers close their connections and streams end; it waits for no request. */
function closeOnce(app: HttpApp, listeners: readonly Listener[], graceMs: number): () => Promise<void> {
  const close = async (): Promise<void> => {
    let isOver = false;
    const cutAll = (): void => listeners.forEach((listener) => listener.cut());
    const grace = new AbortController();
    const timer = setTimeout(() => {
      isOver = true;
      cutAll();
      grace.abort();
    }, graceMs);
    const graceOver = once(grace.signal, 'abort').catch(() => undefined);
    await Promise.race([app.close(), graceOver]);
    const closed = Promise.all(listeners.map((listener) => listener.close()));
    if (isOver) cutAll();
    await closed;
    clearTimeout(timer);
  };
  let closing: Promise<void> | undefined;
  return () => (closing ??= close());
}

function urlOf(scheme: 'http' | 'https', host: string, port: number): string {
  if (host === '0.0.0.0' || host === '') return `${scheme}://127.0.0.1:${port}`;
  if (host === '::') return `${scheme}://[::1]:${port}`;
  return host.includes(':') ? `${scheme}://[${host}]:${port}` : `${scheme}://${host}:${port}`;
}
