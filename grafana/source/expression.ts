// Pieces of PromQL that the dashboards share. `$group` and `$agent` are variables of the dashboards, the ones with `__` Grafana's own.

/** Who is shown: what an agent says of itself has no name on it, `streamhouse_agent_info` of the same target has. */
export type Scope = 'group' | 'agent';

const chosen = {
  group: 'streamhouse_agent_info{group=~"$group"}',
  agent: 'streamhouse_agent_info{group=~"$group",agent_id=~"$agent"}',
} as const;

/** `expression`, which has the labels of its target, for the chosen agents alone, with `labels` of theirs. */
export function named(expression: string, scope: Scope, labels = 'agent_id, group'): string {
  return `${expression} * on (job, instance) group_left (${labels}) ${chosen[scope]}`;
}

/** `expression` for the chosen agents alone, unchanged. */
export function within(expression: string, scope: Scope): string {
  return `${expression} and on (job, instance) ${chosen[scope]}`;
}

/** Per second. */
export const rate = (selector: string): string => `rate(${selector}[$__rate_interval])`;

/**
 * How much a counter grew from one point of a graph to the next, each event once and whole. Where a label is open, a series begins with its first event,
 * at 1, in which `increase` sees no growth: so a new series counts from 0, if its agent was scraped before.
 */
export function counted(selector: string): string {
  const before = 'offset $__interval';
  const grown = `clamp_min(${selector} - ${selector} ${before}, 0)`;
  const begun = `${selector} unless ${selector} ${before} and on (job, instance) streamhouse_agent_info ${before}`;
  return `(${grown} or ${begun})`;
}

/** Within the whole time that is shown. */
export const inAll = (selector: string): string => `increase(${selector}[$__range])`;

/** The quantile of a histogram whose `_bucket` series `counted` gives as rates or increases with the label `le`. */
export function quantile(q: number, counted: string, by: readonly string[] = []): string {
  return `histogram_quantile(${q}, sum by (${[...by, 'le'].join(', ')}) (${counted}))`;
}

/** What only the coordinator shows, once for each group even while a new coordinator already shows it too. */
export function ofCoordinator(selector: string, by: readonly string[] = []): string {
  return `max by (${['group', ...by].join(', ')}) (${selector})`;
}
