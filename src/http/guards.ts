// Who may speak to us. A page in the user's browser can reach a loopback port, so names and origins are checked from the
// start: the Host header stops DNS rebinding, the Origin and Sec-Fetch-Site headers stop cross-site requests that change something.
import type { FastifyRequest } from 'fastify';
import { changesSomething } from './access-log.ts';
import type { HttpApp } from './http-app.ts';
import { HttpRefusal } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Probes and scrapers come by address or service name: health and metrics answer whatever Host says. */
    readonly anyHost?: boolean;
    /** Reading this has effects (a broker attached by it): pages of other origins are refused as for a change. */
    readonly sameOriginOnly?: boolean;
  }
}

const loopbackNames = ['localhost', '127.0.0.1', '::1'];

export function allowHosts(app: HttpApp, allowedHosts: readonly string[]): void {
  const allowed = new Set([...loopbackNames, ...allowedHosts].map(canonicalName));
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.anyHost === true) return;
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
    const isGuarded = changesSomething(request) || request.routeOptions.config.sameOriginOnly === true;
    if (isGuarded && isForeign(request)) {
      throw new HttpRefusal('forbidden', 'a page of another origin may not change anything here');
    }
  });
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
