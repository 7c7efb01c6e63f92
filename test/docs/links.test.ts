// Links between the documents lead somewhere: the file is there, and so is the heading.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
const docs = readdirSync(join(project, 'docs')).filter((name) => name.endsWith('.md'));
const documents = [
  'README.md',
  'CHANGELOG.md',
  'src/domain/README.md',
  ...docs.map((name) => `docs/${name}`),
];

const withoutBlocks = (text: string): string => text.replaceAll(/^( *)```.*?^\1```$/gms, '');

/** As GitHub makes them: lower case, spaces as hyphens, without what is neither letter, digit, hyphen nor underscore. */
function anchors(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const headings = [...withoutBlocks(text).matchAll(/^#{1,6} +(.+?)\s*$/gm)].map(([, heading = '']) => {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
  return new Set(headings);
}

/** The relative links of a text that stands in `directory` and lead nowhere. */
function dead(text: string, directory: string, self: string): string[] {
  const links = [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => String(target));
  return links
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? self : resolve(directory, path);
      if (!existsSync(file)) return true;
      return anchor !== undefined && !anchors(path === '' ? text : readFileSync(file, 'utf8')).has(anchor);
    });
}

describe('the links', () => {
  test.each(documents)('of %s lead somewhere', (name) => {
    const file = join(project, name);
    expect(dead(readFileSync(file, 'utf8'), dirname(file), file)).toEqual([]);
  });

  test('would be caught where they do not', () => {
    const text =
      '# One: `two`\n[a](#one-two) [b](#three) [c](none.md) [d](../README.md#no-such) [e](https://x/y)';
    expect(dead(text, join(project, 'docs'), join(project, 'docs/README.md'))).toEqual([
      '#three',
      'none.md',
      '../README.md#no-such',
    ]);
  });

  test('lead from the index to every page', () => {
    const index = readFileSync(join(project, 'docs/README.md'), 'utf8');
    const listed = [...index.matchAll(/\]\(([^)#]+\.md)\)/g)].map(([, target]) =>
      relative(join(project, 'docs'), resolve(project, 'docs', String(target))),
    );
    expect(docs.filter((name) => name !== 'README.md' && !listed.includes(name))).toEqual([]);
    expect(readFileSync(join(project, 'README.md'), 'utf8')).toContain('(docs/README.md)');
  });
});
