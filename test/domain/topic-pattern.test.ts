// Topic patterns against examples, and against the definition written down as naively as possible.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { literalPrefix, matchesTopicPattern } from '../../src/domain/topic-pattern.ts';

describe('a topic pattern', () => {
  it.each([
    ['orders', 'orders'],
    ['*', ''],
    ['*', 'anything'],
    ['orders.*', 'orders.'],
    ['orders.*', 'orders.eu.paid'],
    ['*.dlq', 'orders.dlq'],
    ['*.dlq', 'a.dlq.dlq'],
    ['a*b*c', 'a-b-b-c'],
    ['a**c', 'ac'],
    ['order?', 'orders'],
    ['*?', 'x'],
    ['*a?c*', 'abbaacc'],
  ])('%s matches %s', (pattern, name) => {
    expect(matchesTopicPattern(pattern, name)).toBe(true);
  });

  it.each([
    ['orders', 'orders.eu'],
    ['orders', 'my-orders'],
    ['', 'orders'],
    ['orders', ''],
    ['orders.*', 'orders'],
    ['Orders', 'orders'],
    ['order?', 'order'],
    ['*?', ''],
    ['ab*ba', 'aba'],
    ['a*b*c', 'acb'],
    ['*aa*aa*', 'aaa'],
  ])('%s does not match %s', (pattern, name) => {
    expect(matchesTopicPattern(pattern, name)).toBe(false);
  });

  it('has no special characters but the two wildcards', () => {
    expect(matchesTopicPattern('a.c', 'abc')).toBe(false);
    expect(matchesTopicPattern('[ab]+(c|d)^$\\', '[ab]+(c|d)^$\\')).toBe(true);
  });

  it('does not take exponential time for a pattern of many stars that nearly matches', () => {
    expect(matchesTopicPattern(`${'*a'.repeat(2_000)}*b`, 'a'.repeat(4_000))).toBe(false);
  });

  const text = (letters: readonly string[]): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom(...letters), { maxLength: 8 }).map((parts) => parts.join(''));

  it('matches what its definition says', () => {
    fc.assert(
      fc.property(text(['a', 'b', '*', '?']), text(['a', 'b']), (pattern, name) => {
        expect(matchesTopicPattern(pattern, name)).toBe(matchesByDefinition(pattern, name));
      }),
      { numRuns: 5_000 },
    );
  });

  it('matches only names that begin with its literal prefix', () => {
    fc.assert(
      fc.property(text(['a', 'b', '*', '?']), text(['a', 'b']), (pattern, name) => {
        fc.pre(matchesTopicPattern(pattern, name));
        expect(name.startsWith(literalPrefix(pattern))).toBe(true);
      }),
    );
    expect(literalPrefix('orders')).toBe('orders');
    expect(literalPrefix('orders.?*')).toBe('orders.');
  });
});

function matchesByDefinition(pattern: string, name: string): boolean {
  if (pattern === '') return name === '';
  const rest = pattern.slice(1);
  if (pattern.startsWith('*')) {
    return matchesByDefinition(rest, name) || (name !== '' && matchesByDefinition(pattern, name.slice(1)));
  }
  return (
    name !== '' && (pattern[0] === '?' || pattern[0] === name[0]) && matchesByDefinition(rest, name.slice(1))
  );
}
