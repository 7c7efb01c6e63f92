// The page's files, as built, and the library that it is made with: few and small, so that they are read once and served from
// memory.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ConsoleFile {
  /** As in the page's addresses: `/`, `/console/main.js`. */
  readonly path: string;
  readonly contentType: string;
  readonly content: Buffer;
  /** Changes with the content. */
  readonly etag: string;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

/** Browsers take a package's name for an address of its own: the page's import map says these instead. */
const vendored: Readonly<Record<string, string>> = {
  preact: 'preact.mjs',
  'preact/hooks': 'preact-hooks.mjs',
  'preact/jsx-runtime': 'preact-jsx-runtime.mjs',
  'eventsource-parser': 'eventsource-parser.mjs',
};

/** `src/http` and `dist/http` are equally deep. */
const built = fileURLToPath(new URL('../../dist/console', import.meta.url));

/** Empty when the program was not built: then it has no page. */
export function readConsoleFiles(): readonly ConsoleFile[] {
  if (!existsSync(built)) return [];
  const names = readdirSync(built, { recursive: true, encoding: 'utf8' }).filter(
    (name) => extname(name) in contentTypes,
  );
  const own = names.map((name) => fileAt(join(built, name), addressOf(name.split(sep).join('/'))));
  const libraries = Object.entries(vendored).map(([name, file]) =>
    fileAt(fileURLToPath(import.meta.resolve(name)), `/console/vendor/${file}`),
  );
  return [...own, ...libraries];
}

function addressOf(name: string): string {
  return name === 'index.html' ? '/' : `/console/${name}`;
}

function fileAt(file: string, path: string): ConsoleFile {
  const content = readFileSync(file);
  return {
    path,
    contentType: contentTypes[extname(file)] ?? 'application/octet-stream',
    content,
    etag: `"${createHash('sha256').update(content).digest('base64url')}"`,
  };
}
