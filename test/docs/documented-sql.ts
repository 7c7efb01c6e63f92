// The SQL of a document, block by block: what readers are told is what tests run.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Blocks fenced as ```` ```sql NAME ````, by name. */
export function documentedSql(document: string): (name: string) => string {
  const text = readFileSync(fileURLToPath(new URL(`../../docs/${document}`, import.meta.url)), 'utf8');
  const blocks = new Map(
    [...text.matchAll(/^```sql (\S+)\n(.*?)^```$/gms)].map(([, name = '', sql = '']) => [name, sql.trim()]),
  );
  return (name) => {
    const sql = blocks.get(name);
    if (sql === undefined) throw new Error(`${document} has no block "sql ${name}"`);
    return sql;
  };
}
