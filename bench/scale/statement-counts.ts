// Counts what this process sends to PostgreSQL, by the statement's name: everything goes through the driver's one method, that of
// pg-listen too, so that nothing is left out.
import pg from 'pg';

export type Counts = Record<string, number>;

const counts: Counts = {};

/** Counts from now on. */
export function countStatements(): void {
  const ask: unknown = Reflect.get(pg.Client.prototype, 'query');
  if (typeof ask !== 'function') throw new TypeError('the driver has no query to watch');
  Reflect.set(pg.Client.prototype, 'query', function query(this: unknown, ...args: unknown[]): unknown {
    const name = nameOf(args[0]);
    counts[name] = (counts[name] ?? 0) + 1;
    return Reflect.apply(ask, this, args) as unknown;
  });
}

export function statementCounts(): Counts {
  return { ...counts };
}

/** Prepared statements have a name; those that are not, for many rows, begin with theirs, and commands are one. */
function nameOf(asked: unknown): string {
  if (typeof asked === 'string') return textName(asked);
  if (typeof asked !== 'object' || asked === null) return 'unknown';
  const { name, text } = asked as { readonly name?: unknown; readonly text?: unknown };
  if (typeof name === 'string') return name;
  return typeof text === 'string' ? textName(text) : 'unknown';
}

function textName(text: string): string {
  const [, name] = /^\/\* (\w+) \*\//.exec(text) ?? [];
  return name ?? text.trim().replaceAll(/\s+/g, ' ').toLowerCase().slice(0, 40);
}
