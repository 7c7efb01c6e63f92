// The reader of expressions finds what a rule could misspell.
import { expect, test } from 'vitest';
import { namedIn } from './expression.ts';

const metrics = (expression: string) => namedIn(expression).selectors.map(({ metric }) => metric);

test('metrics are told from functions, words, numbers and durations', () => {
  expect(metrics('sum by (a) (rate(x_total[5m])) > 0.25 or absent(y) unless 1e3 * z:w offset 5m')).toEqual([
    'x_total',
    'y',
    'z:w',
  ]);
});

test('labels of lists are no metrics', () => {
  const { selectors, labels } = namedIn('x * on (job, instance) group_left (agent_id) y');
  expect(selectors.map(({ metric }) => metric)).toEqual(['x', 'y']);
  expect(labels).toEqual(['job', 'instance', 'agent_id']);
});

test('matchers belong to their metric, whatever is in their values', () => {
  expect(namedIn('x{a="b} y", c=~"d|e", f!="g"}').selectors).toEqual([
    {
      metric: 'x',
      matchers: [
        { label: 'a', operator: '=', value: 'b} y' },
        { label: 'c', operator: '=~', value: 'd|e' },
        { label: 'f', operator: '!=', value: 'g' },
      ],
    },
  ]);
});
