// What the runbook tells somebody at three in the morning to type exists, and each section answers the same five questions. That each
// alert has a section is held by test/prometheus/rules.test.ts.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { settingNames } from '../../src/config/settings.ts';
import { documentedCommands, unexplained } from './documented-commands.ts';

const docs = fileURLToPath(new URL('../../docs', import.meta.url));
const runbook = readFileSync(join(docs, 'runbook.md'), 'utf8');
const sections = runbook
  .split(/^## /m)
  .slice(1)
  .map((text) => ({ name: text.slice(0, text.indexOf('\n')), text }));
const commands = documentedCommands(runbook);

describe('the runbook', () => {
  test.each(sections)('answers five questions under $name', ({ text }) => {
    const questions = [...text.matchAll(/^- \*\*(.+?)\*\*/gm)].map(([, question]) => question);
    expect(questions).toEqual(['Means', 'By itself', 'Look', 'Do', 'Do not']);
  });

  test.each(commands)('has commands that exist: streamhouse %s', (line) => {
    expect(unexplained(line)).toEqual([]);
  });

  test('would be caught with one that does not', () => {
    expect(unexplained('agents evict broker-1')).toEqual(['agents is not a whole command']);
    expect(unexplained('agents drain broker-1 --now')).toEqual(['--now']);
  });

  test('names settings that exist', () => {
    const named = [...runbook.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, name]) => String(name));
    const known: readonly string[] = [...settingNames, 'STREAMHOUSE_URL', 'STREAMHOUSE_TOKEN'];
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('links to what is there', () => {
    const linked = [...runbook.matchAll(/\]\(([^)#]+)\)/g)].map(([, target]) => String(target));
    expect(linked.filter((target) => !existsSync(join(docs, target)))).toEqual([]);
  });
});
