// Who may speak to us. A page in the user's browser can reach a loopback port, so names and origins are checked from the
// start: the Host header stops DNS rebinding, the Origin and Sec-Fetch-Site headers stop cross-site requests that change something.
import type { FastifyRequest } from 'fastify';
import { changesSomething, pathOf } from './access-log.ts';
import { doorOf } from './door.ts';
import type { HttpApp } from './http-app.ts';
import { HttpRefusal } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Probes and scrapers come by address or service name: health, metrics and the API's description answer whatever Host says. */
    readonly anyHost?: boolean;
    /** Answered on the port of scrapers and probes too. */
    readonly forScrapers?: boolean;
    /** Reading this has effects (a broker attached by it): pages of other origins are refused as for a change. */
    readonly sameOriginOnly?: boolean;
  }
}

const loopbackNames = ['localhost', '127.0.0.1', '::1'];

/** The metrics' port needs no token, so it has nothing but what probes and scrapers ask for. */
export function keepMetricsDoorNarrow(app: HttpApp): void {
  app.addHook('onRequest', async (request) => {
    if (doorOf(request) !== 'metrics' || request.routeOptions.config.forScrapers === true) return;
    throw new HttpRefusal('not_found', `there is nothing at ${pathOf(request)} on this port`);
  });
}

export function allowHosts(app: HttpApp, allowedHosts: readonly string[]): void {
  const allowed = new Set([...loopbackNames, ...allowedHosts].map(canonicalName));
  app.addHook('onRequest', async (request) => {
    // DNS rebinding leads browsers to ports; none of them opens a Unix socket.
    if (request.routeOptions.config.anyHost === true || doorOf(request) === 'socket') return;
    const name = hostName(request.headers.host);
    if (name === undefined)
      throw new HttpRefusal('forbidden', 'a request needs a Host header that names a host');
    if (!allowed.has(name)) {
      throw new HttpRefusal(
        'forbidden',
        `the host name "${name.slice(0, 255)}" is not one of this agent's; HTTP_ALLOWED_HOSTS lists them`,
      );
    }
  });
}

export function refuseForeignOrigins(app: HttpApp): void {
  app.addHook('onRequest', async (request) => {
    const isGuarded = mayChange(request) || request.routeOptions.config.sameOriginOnly === true;
    if (isGuarded && isForeign(request)) {
      throw new HttpRefusal('forbidden', 'a page of another origin may not change anything here');
    }
  });
}

/**
 * Whether more than the right to read is needed. Attaching a broker is a GET, which an image on any page can send; it binds
 * leases to the stream, and whoever ends that takes the agent out of service.
 */
export function mayChange(request: FastifyRequest): boolean {
  const { query } = request;
  const attaches = typeof query === 'object' && query !== null && 'attach' in query;
  return changesSomething(request) || (request.routeOptions.url === '/v1/events' && attaches);
}

function isForeign({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return headers.origin !== undefined && !isSameOrigin(headers.origin, headers.host);
}

/** Compares host and port; the scheme is the origin's own, because something before us may speak TLS for us. */
function isSameOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: originHost } = new URL(origin);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  const ours = `${protocol}//${host}`;
  return URL.canParse(ours) && new URL(ours).host === originHost;
}

/** The name in a Host header, without port, brackets, letter case and a closing dot; undefined when there is none. */
function hostName(header: string | undefined): string | undefined {
  const match = /^(?:\[(?<address>[0-9a-f:.]+)\]|(?<name>[^:[\]/?#@\s]+))(?::\d*)?$/i.exec(header ?? '');
  const name = match?.groups?.['address'] ?? match?.groups?.['name'];
  return name === undefined ? undefined : canonicalName(name);
}

function canonicalName(name: string): string {
  return name.toLowerCase().replace(/^\[|\]$|\.$/g, '');
}
