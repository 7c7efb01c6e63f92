// Durations and tables: the forms in which numbers reach people.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseTimeout } from '../../src/cli/duration.ts';
import { formatTable } from '../../src/cli/table.ts';

describe('a duration', () => {
  test.each([
    [0, '0ms'],
    [999, '999ms'],
    [1000, '1s'],
    [7499, '7.499s'],
    [60_000, '1m'],
    [90_061_000, '1d1h1m1s'],
    [604_800_000, '7d'],
    [-1200, '-1.2s'],
  ])('of %d ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('that is written as seconds or less is read as the same again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 59_999 }), (ms) => {
        expect(parseTimeout(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

test('a table of any rows has lines without blanks at their ends and columns that begin together', () => {
  const cell = fc.option(fc.oneof(fc.string(), fc.integer()));
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell)), (rows) => {
      const columns = [
        { header: 'A', value: ([a]: (typeof rows)[number]) => a },
        { header: 'MARK', value: () => '|' },
        { header: 'B', value: ([, b]: (typeof rows)[number]) => `.${b}` },
      ];
      const lines = formatTable(columns, rows).split('\n');
      expect(lines.pop()).toBe('');
      expect(lines).toHaveLength(rows.length + 1);
      const mark = Array.from(lines[0] ?? '')
        .join('')
        .indexOf('MARK');
      for (const line of lines.slice(1)) expect(Array.from(line)[mark]).toBe('|');
      for (const line of lines) expect(line).toBe(line.trimEnd());
    }),
  );
});
