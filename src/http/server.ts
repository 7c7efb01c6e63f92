// The listener: takes the port, says where it listens, and stops without cutting off what is being answered.
import { createApp } from './app.ts';
import type { HttpDependencies } from './dependencies.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** `Host` names accepted beside the loopback names, without port. */
  readonly allowedHosts: readonly string[];
  /** How long requests in flight may take once the server stops, milliseconds; then they are cut. Default 5,000. */
  readonly closeGraceMs?: number;
  /** Event streams open at a time. Default 1,000. */
  readonly eventStreamsMax?: number;
}

export interface HttpServer extends AsyncDisposable {
  /** Where people reach it: a wildcard address is shown as loopback. */
  readonly url: string;
  readonly port: number;
  /** Accepts nothing new, lets requests in flight end, bounded by `closeGraceMs`. Safe to call twice. */
  close(): Promise<void>;
}

const closeGraceMsDefault = 5_000;

/** Listens at once, whether or not the store is there yet. Rejects when the port cannot be had. */
export async function startHttpServer(
  deps: HttpDependencies,
  options: HttpServerOptions,
): Promise<HttpServer> {
  const { host, closeGraceMs = closeGraceMsDefault } = options;
  const app = createApp(deps, options);
  await app.listen({ host, port: options.port });
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;

  let closing: Promise<void> | undefined;
  const closeOnce = async (): Promise<void> => {
    const timer = setTimeout(() => app.server.closeAllConnections(), closeGraceMs);
    try {
      await app.close();
    } finally {
      clearTimeout(timer);
    }
  };
  const close = (): Promise<void> => (closing ??= closeOnce());
  return { url: urlOf(host, port), port, close, [Symbol.asyncDispose]: close };
}

function urlOf(host: string, port: number): string {
  if (host === '0.0.0.0' || host === '') return `http://127.0.0.1:${port}`;
  if (host === '::') return `http://[::1]:${port}`;
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`;
}
