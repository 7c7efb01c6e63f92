// The closing lines are read by programs: their form is a promise.

import { expect, test } from 'vitest';
import { closingLines } from './closing-reporter.ts';

test('the last line counts the tests', () => {
  expect(closingLines({ passed: 312, failed: 1, skipped: 2, notRun: [] })).toEqual([
    'suites not run: 0',
    '312 passed, 1 failed, 2 skipped',
  ]);
});

test('the line before it counts and names what was not run', () => {
  const notRun = [
    { name: 'PostgreSQL 14', reason: 'not available' },
    { name: 'PostgreSQL 16', reason: 'not available either' },
  ];
  expect(closingLines({ passed: 1, failed: 0, skipped: 0, notRun })[0]).toBe(
    'suites not run: 2 (PostgreSQL 14: not available; PostgreSQL 16: not available either)',
  );
});
