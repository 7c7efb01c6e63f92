// The blocks of a document by name: what readers are told is what tests run.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Blocks fenced as ```` ```sql NAME ````, by name; of another language where it is named. */
export function documentedSql(document: string, language = 'sql'): (name: string) => string {
  const text = readFileSync(fileURLToPath(new URL(`../../docs/${document}`, import.meta.url)), 'utf8');
  // A block of a list's item is indented as the item is.
  const fenced = new RegExp(`^( *)\`\`\`${language} (\\S+)\\n(.*?)^\\1\`\`\`$`, 'gms');
  const blocks = new Map(
    [...text.matchAll(fenced)].map(([, indent = '', name = '', block = '']) => [
      name,
      block.replaceAll(new RegExp(`^${indent}`, 'gm'), '').trim(),
    ]),
  );
  return (name) => {
    const block = blocks.get(name);
    if (block === undefined) throw new Error(`${document} has no block "${language} ${name}"`);
    return block;
  };
}
