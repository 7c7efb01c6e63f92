// What a scrape of an agent can show: every series name, with its labels and the values of those that are closed sets.
import { collectDefaultMetrics, Registry } from 'prom-client';
import { z } from 'zod';
import { agentStates } from '../../src/domain/agent-state.ts';
import { instrumentsOver } from '../metrics/reading.ts';

export interface Shown {
  /** Without those that Prometheus adds to every series. */
  readonly labels: ReadonlySet<string>;
  /** Values by label, as far as there are any before anything has happened. */
  readonly values: ReadonlyMap<string, ReadonlySet<string>>;
}

const described = z.looseObject({ labelNames: z.array(z.string()) });
const histogramSuffixes = ['_bucket', '_count', '_sum'];

/** By the name that a query uses. */
export async function exposition(): Promise<ReadonlyMap<string, Shown>> {
  const none = (states: readonly string[]) => Object.fromEntries(states.map((state) => [state, 0]));
  const { registry, scrape } = instrumentsOver({
    counts: async () => ({
      agents: none(agentStates),
      partitions: none(['led', 'unled']),
      movesUnderWay: 0,
    }),
    plan: async () => ({ generation: 1, isPaused: false, waiting: 0, agents: [] }),
    storePools: () => [{ pool: 'queries', busy: 0, idle: 0, waiting: 0, max: 4 }],
    leases: () => [],
  });
  await scrape.metrics();
  const defaults = new Registry();
  collectDefaultMetrics({ register: defaults });
  const shown = new Map<string, Shown>();
  for (const each of [registry, defaults]) {
    const text = await each.metrics();
    for (const metric of each.getMetricsAsArray()) {
      const isHistogram = String(metric.type) === 'histogram';
      const { labelNames } = described.parse(metric);
      for (const suffix of isHistogram ? histogramSuffixes : ['']) {
        const name = `${metric.name}${suffix}`;
        const labels = new Set([...labelNames, ...(suffix === '_bucket' ? ['le'] : [])]);
        shown.set(name, { labels, values: valuesOf(text, name) });
      }
    }
  }
  return shown;
}

function valuesOf(text: string, name: string): Map<string, Set<string>> {
  const values = new Map<string, Set<string>>();
  for (const [, labels = ''] of text.matchAll(new RegExp(`^${name}\\{(.*)\\} \\S+$`, 'gm'))) {
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      values.set(label, (values.get(label) ?? new Set()).add(value));
    }
  }
  return values;
}
