// What a PromQL expression names: enough of its grammar to tell metrics and labels from everything else. Whether it is well
// formed is promtool's question.

export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

export interface Matcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

export interface Named {
  readonly selectors: readonly Selector[];
  /** Labels that are grouped by, joined on or carried over. */
  readonly labels: readonly string[];
}

const lists = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const words = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);

export function namedIn(expression: string): Named {
  const labels = [...expression.matchAll(lists)].flatMap(([, list = '']) => list.split(','));
  // Without lists and ranges, a name that is not a word of the language and is not called is a metric.
  const bare = expression.replace(lists, ' ').replaceAll(/\[[^\]]*\]/g, ' ');
  const selectors = [
    ...bare.matchAll(
      /(?<![\w."])(?<metric>[a-zA-Z_:][\w:]*)(?![\w:])(?!\s*\()\s*(?:\{(?<matchers>(?:[^}"]|"[^"]*")*)\})?/g,
    ),
  ].flatMap(({ groups }) => {
    const { metric = '', matchers = '' } = groups ?? {};
    return words.has(metric.toLowerCase()) ? [] : [{ metric, matchers: matchersIn(matchers) }];
  });
  return { selectors, labels: labels.map((label) => label.trim()).filter((label) => label !== '') };
}

function matchersIn(text: string): Matcher[] {
  return [...text.matchAll(/(?<label>\w+)\s*(?<operator>=~|!~|!=|=)\s*"(?<value>[^"]*)"/g)].map(
    ({ groups }) => ({
      label: groups?.['label'] ?? '',
      operator: operatorOf(groups?.['operator']),
      value: groups?.['value'] ?? '',
    }),
  );
}

function operatorOf(text: string | undefined): Matcher['operator'] {
  if (text === '=' || text === '!=' || text === '=~' || text === '!~') return text;
  throw new Error(`not an operator: ${text}`);
}
