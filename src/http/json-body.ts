// Request bodies: JSON in UTF-8, bounded in size and depth, holding nothing that a store would change or could not keep.
import type { HttpApp } from './http-app.ts';
import { HttpRefusal } from './problem.ts';

export const bodyBytesMax = 1_048_576;

/** Levels of arrays and objects. Deeper ones would overflow recursive code, ours or the store's. */
const depthMax = 32;

/** The only body type there is: all of fastify's own parsers are removed. */
export function readJsonBodies(app: HttpApp): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: bodyBytesMax },
    async (_request: unknown, bytes: Buffer) => parseBody(bytes),
  );
}

/** An empty body is no body: routes that need one say so. */
function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  const value = parseJson(decode(bytes));
  refuseWhatCannotBeKept(value);
  return value;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new HttpRefusal('invalid', 'the body is not UTF-8');
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const said = error instanceof Error ? error.message.slice(0, 200) : '';
    throw new HttpRefusal('invalid', `the body is not JSON: ${said}`);
  }
}

/** Walks without recursion: the depth is only known while walking. */
function refuseWhatCannotBeKept(root: unknown): void {
  const pending = [{ value: root, path: '', depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, path, depth } = next;
    const problem = problemWith(value);
    if (problem !== undefined)
      throw new HttpRefusal('invalid', `${path === '' ? 'the body' : path}: ${problem}`);
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= depthMax)
      throw new HttpRefusal('invalid', `the body is nested deeper than ${depthMax} levels`);
    for (const [key, inner] of Object.entries(value)) {
      if (key === '__proto__') throw new HttpRefusal('invalid', 'a field must not be called __proto__');
      const badKey = problemWith(key);
      if (badKey !== undefined) throw new HttpRefusal('invalid', `a field's name ${badKey}`);
      const innerPath = (path === '' ? key : `${path}.${key}`).slice(0, 200);
      pending.push({ value: inner, path: innerPath, depth: depth + 1 });
    }
  }
}

function problemWith(value: unknown): string | undefined {
  if (typeof value === 'string') {
    if (value.includes('\0')) return 'must not contain a NUL character';
    if (/\p{Surrogate}/u.test(value)) return 'must not contain half of a surrogate pair';
  }
  // Beyond this JSON.parse has already rounded, so that what is kept would differ from what was sent.
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    return 'must not be a number beyond 2^53 − 1; send it as a string';
  }
  return undefined;
}
