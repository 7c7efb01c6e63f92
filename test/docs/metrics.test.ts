// docs/metrics.md and the instruments, held to each other in both directions: every metric has a row, in the page's words those of
// the table, and no row is of something that is gone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Definition } from '../../src/metrics/definition.ts';
import { table } from '../../src/metrics/instruments.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(project, 'docs/metrics.md'), 'utf8');
const readme = readFileSync(join(project, 'README.md'), 'utf8');
const definitions: readonly Definition[] = Object.values(table);

/** The row of a metric, as the page has it. */
function rowOf({ name, kind, labels, help, whenOff }: Definition): string {
  const shown = Object.entries(labels).map(([label, values]) =>
    values === 'open' ? `\`${label}\`` : `\`${label}\`: ${values.map((value) => `\`${value}\``).join(', ')}`,
  );
  return `| \`${name}\` | ${kind} | ${shown.join('; ')} | ${help} | ${whenOff} |`;
}

const rows = [...page.matchAll(/^\| `streamhouse_.*\|$/gm)].map(([row]) => row);

test.each(definitions.map((definition) => ({ name: definition.name, row: rowOf(definition) })))(
  'the page has $name with its type, labels, meaning and what to do',
  ({ row }) => {
    expect(rows).toContain(row);
  },
);

test('the page has no other metrics, and none twice', () => {
  expect([...rows].sort()).toEqual(definitions.map(rowOf).sort());
});

test('the README names only metrics and labels that there are', () => {
  const named = [...readme.matchAll(/^\| `(streamhouse_\w+)(?:\{(\w+).*?\})?`/gm)];
  expect(named.length).toBeGreaterThan(5);
  const unknown = named.filter(([, name, label]) => {
    const definition = definitions.find((each) => each.name === name);
    return definition === undefined || (label !== undefined && !(label in definition.labels));
  });
  expect(unknown.map(([text]) => text)).toEqual([]);
});
