// What an expression names and no agent shows. A query of such a name is empty for ever and looks as if all were well.
import type { Shown } from './exposition.ts';
import { namedIn } from './expression.ts';

/**
 * In words; empty when everything is there. Values that are variables of a dashboard (`$group`), and no value, are not looked for.
 */
export function unknownIn(expression: string, shown: ReadonlyMap<string, Shown>): string[] {
  const { selectors, labels } = namedIn(expression);
  if (selectors.length === 0) return ['names no metric'];
  const everywhere = new Set(['job', 'instance']);
  const known = new Set(selectors.flatMap(({ metric }) => [...(shown.get(metric)?.labels ?? [])]));
  return [
    ...selectors.flatMap(({ metric, matchers }) => {
      const series = shown.get(metric);
      if (series === undefined) return [`no metric ${metric}`];
      return matchers.flatMap(({ label, operator, value }) => {
        if (!series.labels.has(label)) return [`no label ${label} of ${metric}`];
        const values = operator.includes('~') ? value.split('|') : [value];
        return values
          .filter((each) => each !== '' && !each.startsWith('$'))
          .filter((each) => !series.values.get(label)?.has(each))
          .map((each) => `no ${metric} with ${label}="${each}"`);
      });
    }),
    ...labels
      .filter((label) => !known.has(label) && !everywhere.has(label))
      .map((label) => `no label ${label} of any of its metrics`),
  ];
}
