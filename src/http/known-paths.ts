// Unknown paths are 404; known paths asked with another method are 405 with Allow. Both are answered before a body is read.
import type { HttpApp } from './http-app.ts';
import { pathOf } from './access-log.ts';
import { HttpRefusal } from './problem.ts';

/** Methods by path, as the routes were added. */
export type Paths = ReadonlyMap<string, ReadonlySet<string>>;

const pathsOfApps = new WeakMap<HttpApp, Paths>();

/** Every path of the application with its methods, those that fastify adds (HEAD) included. */
export function pathsOf(app: HttpApp): Paths {
  return pathsOfApps.get(app) ?? new Map();
}

/** Must be called before the routes are added: it listens for them. */
export function refuseUnknownPaths(app: HttpApp): void {
  const known = new Map<string, Set<string>>();
  pathsOfApps.set(app, known);
  app.addHook('onRoute', ({ url, method }) => {
    const methods = known.get(url) ?? new Set();
    for (const each of [method].flat()) methods.add(each);
    known.set(url, methods);
  });
  app.addHook('onRequest', async (request) => {
    if (!request.is404) return;
    const path = pathOf(request);
    for (const [pattern, methods] of known) {
      if (!matches(pattern, path)) continue;
      const allow = [...methods].sort().join(', ');
      throw new HttpRefusal('method_not_allowed', `${path} answers ${allow}`, { allow });
    }
    throw new HttpRefusal('not_found', `there is nothing at ${path}`);
  });
}

/**
 * Whether a path fits a route's pattern, part by part. `:name` stands for any one part, as for the router also for an
 * empty one, which the rule for names then refuses.
 */
function matches(pattern: string, path: string): boolean {
  const parts = path.split('/');
  const patternParts = pattern.split('/');
  return (
    parts.length === patternParts.length &&
    patternParts.every((expected, i) => expected.startsWith(':') || parts[i] === expected)
  );
}
