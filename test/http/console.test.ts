// The page's files as a browser gets them. What the page does is seen in a browser: test/console.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Authentication } from '../../src/http/authentication.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type Fixture, startFixture } from './fixture.ts';

let http: Fixture;
beforeAll(async () => {
  // A browser has no token before the page has asked its user for one.
  const authentication = new Authentication(
    { clock: systemClock, log: { info: () => undefined } },
    { full: 'a token' },
  );
  http = await startFixture({ backend: 'sqlite', http: { authentication } });
});
afterAll(async () => http[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(new URL(path, http.server.url), { headers });

test('all that the page asks for is there, from this agent alone', async () => {
  const waiting = ['/'];
  const seen = new Set<string>();
  for (const path of waiting) {
    if (seen.has(path)) continue;
    seen.add(path);
    const answer = await get(path);
    expect({ path, status: answer.status }).toEqual({ path, status: 200 });
    const text = await answer.text();
    for (const reference of referencesIn(path, text)) waiting.push(reference);
  }
  expect([...seen]).toContain('/console/vendor/preact.mjs');
  expect([...seen].every((path) => path.startsWith('/'))).toBe(true);
});

/** What a file asks for, as paths; addresses of other hosts stay whole, and are then not found. */
function referencesIn(path: string, text: string): string[] {
  const found = path.endsWith('.css')
    ? text.matchAll(/url\(["']?([^"')]+)/g)
    : text.matchAll(/(?:src=|href=|from |import\(|: )["'](\.{0,2}[\w./-]*\.(?:js|mjs|css|svg))["']/g);
  const base = new URL(path, http.server.url);
  return [...found].map(([, reference = '']) => {
    const url = new URL(reference, base);
    return url.origin === base.origin ? url.pathname : url.href;
  });
}

test('the policy lets nothing run but these files, and the import map by its hash', async () => {
  const answer = await get('/');
  const policy = answer.headers.get('content-security-policy') ?? '';
  const page = await answer.text();
  const [, map = ''] = /<script type="importmap">([^]*?)<\/script>/.exec(page) ?? [];
  const hash = createHash('sha256').update(map).digest('base64');
  expect(policy.split('; ')).toEqual([
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  expect(page).not.toMatch(/ on\w+=| style=|<style/);
});

test('a browser that has a file is told that it is still the same', async () => {
  const first = await get('/console/main.js');
  expect(first.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  const etag = first.headers.get('etag') ?? '';
  const again = await get('/console/main.js', { 'if-none-match': etag });
  expect({ status: again.status, text: await again.text() }).toEqual({ status: 304, text: '' });
  expect((await get('/console/main.js', { 'if-none-match': '"older"' })).status).toBe(200);
});

test.each([
  '/console/nothing.js',
  '/console/vendor/nothing.mjs',
  '/console/..%2fmain.js',
  '/console/%2e%2e%2fmain.js',
])('there is nothing at %s', async (path) => {
  const answer = await get(path);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ code: 'not_found' });
});
