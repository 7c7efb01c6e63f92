import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { longestFirst, longFiles } from './longest-first.ts';

const project = new URL('../../', import.meta.url);

test('the long files are there, each named once', () => {
  expect(longFiles.filter((path) => !existsSync(fileURLToPath(new URL(path, project))))).toEqual([]);
  expect(new Set(longFiles).size).toBe(longFiles.length);
});

test('the long ones begin, the others follow in the order that they had', () => {
  const [longest = '', next = ''] = longFiles;
  expect(longestFirst(['b', next, 'a', longest, 'c'], (path) => path)).toEqual([
    longest,
    next,
    'b',
    'a',
    'c',
  ]);
});
