// The blocks of a document by name: what readers are told is what tests run.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Blocks fenced as ```` ```sql NAME ````, by name; of another language where it is named. */
export function documentedSql(document: string, language = 'sql'): (name: string) => string {
  const text = readFileSync(fileURLToPath(new URL(`../../docs/${document}`, import.meta.url)), 'utf8');
  const fenced = new RegExp(`^\`\`\`${language} (\\S+)\\n(.*?)^\`\`\`$`, 'gms');
  const blocks = new Map([...text.matchAll(fenced)].map(([, name = '', block = '']) => [name, block.trim()]));
  return (name) => {
    const block = blocks.get(name);
    if (block === undefined) throw new Error(`${document} has no block "${language} ${name}"`);
    return block;
  };
}
