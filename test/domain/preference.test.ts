// Who should lead a partition, as a topic's config says: read leniently for the plan, checked strictly at creation.
import { describe, expect, test } from 'vitest';
import { checkPreferences, readPreferences } from '../../src/domain/preference.ts';

const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `a${i}`);

describe('what the planner goes by', () => {
  test.each([
    ['one agent', { prefer: 'a' }, ['a']],
    ['a list with commas, the best first', { prefer: 'b, a' }, ['b', 'a']],
    ['an array', { prefer: ['b', 'a'] }, ['b', 'a']],
    ['nobody', {}, []],
    ['nobody, in a config about other things', { preference: 'a', 'prefer-me': 'b', retention: 1 }, []],
  ])('%s', (_, config, agents) => {
    expect(readPreferences(config)(3)).toEqual(agents);
  });

  test("a partition's own list goes before the topic's", () => {
    const preferred = readPreferences({ prefer: 'a', 'prefer.0': ['b'], 'prefer.3': 'c,d' });
    expect([0, 1, 3].map(preferred)).toEqual([['b'], ['a'], ['c', 'd']]);
  });

  test.each([
    { prefer: 7 },
    { prefer: null },
    { prefer: { a: 1 } },
    { prefer: [] },
    { prefer: '' },
    { prefer: ' , ' },
    { prefer: [['a'], null, 3] },
    { 'prefer.x': 'a', 'prefer.': 'a', 'prefer.03': 'a', 'prefer.-3': 'a', 'prefer.3e0': 'a' },
  ])('of %j nobody is preferred', (config) => {
    expect(readPreferences(config)(3)).toEqual([]);
  });

  test('of what is partly malformed the rest counts', () => {
    const preferred = readPreferences({
      prefer: ['a', 'a', 'no name', 7, 'b'],
      'prefer.3': '',
      'prefer.4': 5,
    });
    expect([0, 3, 4].map(preferred)).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(readPreferences({ prefer: many(20) })(0)).toEqual(many(16));
  });
});

describe('what creation refuses', () => {
  test.each([
    {},
    { prefer: 'a' },
    { prefer: 'a,b', 'prefer.0': ['c'], 'prefer.3': 'd' },
    { prefer: many(16) },
    { preference: '?' },
  ])('nothing in %j', (config) => {
    expect(checkPreferences(config, 4)).toBeUndefined();
  });

  test.each([
    [{ prefer: 7 }, /"prefer": must be an agent id/],
    [{ prefer: null }, /"prefer": must be/],
    [{ prefer: { a: 'b' } }, /"prefer": must be/],
    [{ prefer: '' }, /"prefer": names no agent/],
    [{ prefer: [] }, /"prefer": names no agent/],
    [{ prefer: 'a,,b' }, /"prefer": "" is no agent id/],
    [{ prefer: 'a/b' }, /"a\/b" is no agent id/],
    [{ prefer: ['a', 7] }, /7 is no agent id/],
    [{ prefer: '..' }, /"\.\." is no agent id/],
    [{ prefer: 'a,b,a' }, /names agent "a" twice/],
    [{ prefer: many(17) }, /names 17 agents; at most 16/],
    [{ 'prefer.4': 'a' }, /"prefer\.4": there is no partition 4; the topic has 4, 0 to 3/],
    [{ 'prefer.x': 'a' }, /"x" is no partition/],
    [{ 'prefer.': 'a' }, /"" is no partition/],
    [{ 'prefer.01': 'a' }, /"01" is no partition/],
    [{ 'prefer.0': 'a', 'prefer.1': 'no name' }, /"prefer\.1": "no name" is no agent id/],
  ])('the mistake in %j', (config, message) => {
    expect(checkPreferences(config, 4)).toMatch(message);
  });
});
