// The console page, for people with a browser. Its files are open to all: they hold nothing of this cluster, and what they show they
// ask the API for, with the token that the user gives them.
import { createHash } from 'node:crypto';
import { type ConsoleFile, readConsoleFiles } from '../console-files.ts';
import { pathOf } from '../access-log.ts';
import type { HttpApp } from '../http-app.ts';
import { HttpRefusal } from '../problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A file of the page, not a part of the API. */
    readonly page?: boolean;
  }
}

/** Everything is served by these three, however many files there are. */
const patterns = ['/', '/console/:module', '/console/:folder/:file'];

export function consoleRoutes(app: HttpApp): void {
  const files = readConsoleFiles();
  const byPath = new Map(files.map((file) => [file.path, file]));
  const policy = contentSecurityPolicy(files);
  for (const pattern of patterns) {
    app.get(pattern, { config: { open: true, page: true } }, async (request, reply) => {
      const path = pathOf(request);
      const file = byPath.get(path);
      if (file === undefined) throw new HttpRefusal('not_found', `there is nothing at ${path}`);
      reply.headers({
        'content-security-policy': policy,
        'referrer-policy': 'no-referrer',
        // Asked for anew each time, and sent again only after an upgrade.
        'cache-control': 'no-cache',
        etag: file.etag,
      });
      if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
      return reply.type(file.contentType).send(file.content);
    });
  }
}

/** Nothing but our own files runs, is shown or is asked; the import map stands in the page itself and is named by its hash. */
function contentSecurityPolicy(files: readonly ConsoleFile[]): string {
  const page = files.find(({ path }) => path === '/')?.content.toString('utf8') ?? '';
  const hashes = [...page.matchAll(/<script type="importmap">([^]*?)<\/script>/g)].map(
    ([, map = '']) => `'sha256-${createHash('sha256').update(map).digest('base64')}'`,
  );
  return [
    "default-src 'none'",
    `script-src ${["'self'", ...hashes].join(' ')}`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
