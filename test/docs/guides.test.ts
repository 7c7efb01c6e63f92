// What the guides tell to type and to set exists. That their commands also do what they say is held by `npm run load -- --restore` and
// by the tests that each guide names.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { settingNames } from '../../src/config/settings.ts';
import { documentedCommands, unexplained } from './documented-commands.ts';

const guides = ['high-availability', 'backup-and-restore', 'upgrade', 'rotation', 'sizing'];
/** Named in the guides, and no settings of an agent. */
const others = [
  'STREAMHOUSE_URL',
  'STREAMHOUSE_TOKEN',
  'STREAMHOUSE_CA_FILE',
  'SUPERUSER_URL',
  'RESTORED_URL',
  'ON_ERROR_STOP',
];

describe.each(guides)('docs/%s.md', (name) => {
  const text = readFileSync(fileURLToPath(new URL(`../../docs/${name}.md`, import.meta.url)), 'utf8');

  test('has commands that exist', () => {
    const commands = documentedCommands(text);
    expect(commands.length).toBeGreaterThan(0);
    expect(commands.flatMap((line) => unexplained(line).map((word) => `${line}: ${word}`))).toEqual([]);
  });

  test('names settings that exist', () => {
    const named = [...text.matchAll(/\b([A-Z]+(?:_[A-Z]+)+)(?==|`)/g)].map(([, setting]) => String(setting));
    const known: readonly string[] = [
      ...settingNames,
      ...settingNames.map((each) => `${each}_FILE`),
      ...others,
    ];
    expect(
      named.filter((each) => !known.includes(each.replace(/^STREAMHOUSE_/, '')) && !known.includes(each)),
    ).toEqual([]);
  });

  test('says what was not tested', () => {
    expect(text).toMatch(/^## What was (?:tested, and what was )?not(?: tested)?$/m);
    expect(text).toMatch(/^Not tested: /m);
  });
});

test('a command that does not exist would be caught', () => {
  const text = '`streamhouse agents evict broker-1`\n```\nstreamhouse db fence --new-eras | less\n```\n';
  expect(documentedCommands(text)).toEqual(['agents evict broker-1', 'db fence --new-eras']);
  expect(unexplained('agents evict broker-1')).toEqual(['agents is not a whole command']);
  expect(unexplained('db fence --new-eras')).toEqual(['--new-eras']);
});
