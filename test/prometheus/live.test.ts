// Dashboards and alerts against a real Prometheus that scrapes three real agents on a real PostgreSQL: every query of every panel,
// variable, annotation and alert returns data once what it is about has happened, and no alert stirs before.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  columnsOf,
  filled,
  type Filling,
  labelsNamedIn,
  labelValuesOf,
  readDashboards,
  type Target,
} from './dashboards-read.ts';
import { namedIn } from './expression.ts';
import { LiveScenario, shownAgent } from './live-scenario.ts';
import { type LivePrometheus, scrapeMs, type Series } from './live-prometheus.ts';
import { withoutThresholds } from './live-thresholds.ts';

const rules = z
  .object({
    groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
  })
  .parse(
    parse(
      readFileSync(fileURLToPath(new URL('../../prometheus/rules/streamhouse.yml', import.meta.url)), 'utf8'),
    ),
  )
  .groups.flatMap((group) => group.rules);

describe('an expression without its thresholds', () => {
  test.each([
    ['absent(a{b="c"})', 'a{b="c"}'],
    ['sum by (a) (x == 0) > 0.25', 'sum by (a) (x)'],
    ['(x > 2 or x < -2) * on (a) y', '(x or x) * on (a) y'],
    ['x == 0\n and on (a) y == 1', 'x\n and on (a) y'],
    ['min(x) < 0.25 * max(x)', 'min(x) < bool 0.25 * max(x)'],
    ['max by (a) (x)\n  > count by (a) (y)', 'max by (a) (x)\n  > bool count by (a) (y)'],
    ['x{a!="b"} and y{a=~"c"}', 'x{a!="b"} and y{a=~"c"}'],
  ])('%s', (expression, expected) => {
    expect(withoutThresholds(expression)).toBe(expected);
  });
});

const binaries = inject('prometheusBinaries');
const [target] = inject('postgresTargets');

// Where one of the two cannot be had, the closing lines of the run say so.
describe.each(binaries === null || target === undefined ? [] : [{ binaries, url: target.url }])(
  'on a cluster that lives through everything',
  ({ binaries, url }) => {
    let scenario: LiveScenario;
    let prometheus: LivePrometheus;
    let filling: Filling;

    beforeAll(async () => {
      scenario = await LiveScenario.run(binaries, url);
      ({ prometheus } = scenario);
      const { startedAt, endedAt } = scenario;
      const groups = await prometheus.labelValues('group', 'streamhouse_agent_info', startedAt, endedAt);
      filling = {
        variables: { group: groups, agent: shownAgent },
        scrapeMs,
        intervalMs: stepMs,
        rangeSeconds: Math.round(endedAt - startedAt),
      };
    });
    afterAll(async () => scenario?.[Symbol.asyncDispose]());

    const stepMs = 1_000;

    /** What Grafana gets for it over the whole time. */
    function shownBy(expr: string, isInstant: boolean): Promise<Series[]> {
      const query = filled(expr, filling);
      const { startedAt, endedAt } = scenario;
      if (isInstant) return prometheus.at(query, endedAt);
      return prometheus.during(query, startedAt, endedAt, stepMs / 1_000);
    }

    test('no alert fired or was about to while all was well, and every rule had been evaluated', async () => {
      expect(scenario.alertsInHealth).toEqual([]);
      const evaluated = await prometheus.rules();
      expect(evaluated.map(({ name }) => name)).toEqual(rules.map(({ alert }) => alert));
      expect(evaluated.filter(({ health }) => health !== 'ok')).toEqual([]);
    });

    test('an alert fires once what it is about has happened', async () => {
      const firing = await prometheus.at('ALERTS{alertstate="firing"}', scenario.endedAt);
      expect(firing.map(({ labels }) => labels['alertname'])).toContain('StreamHouseHandoffTimedOut');
    });

    describe.each(rules)('the alert $alert', ({ expr }) => {
      test('runs, and what it looks at is there', async () => {
        await prometheus.at(expr);
        expect(finite(await shownBy(withoutThresholds(expr), false))).not.toEqual([]);
      });

      test('finds each of its metrics', async () => {
        for (const { metric } of namedIn(expr).selectors) {
          expect({ metric, series: finite(await shownBy(metric, false)).length }).not.toEqual({
            metric,
            series: 0,
          });
        }
      });
    });

    describe.each(readDashboards())('the dashboard $title', ({ shown, templating, annotations }) => {
      const queries = templating.list.flatMap(({ name, query }) =>
        typeof query === 'object' ? [{ name, query: query.query }] : [],
      );

      test.each(queries)('the variable $name has values', async ({ query }) => {
        const { selector, label } = labelValuesOf(query);
        const { startedAt, endedAt } = scenario;
        expect(
          await prometheus.labelValues(label, filled(selector, filling), startedAt, endedAt),
        ).not.toEqual([]);
      });

      test.each(annotations.list)('the annotation $name marks something', async (annotation) => {
        const found = await shownBy(annotation.expr, false);
        // Grafana marks what is above 0.
        const marks = found.filter(({ values }) => values.some((value) => value > 0));
        expect(marks).not.toEqual([]);
        for (const each of ['titleFormat', 'textFormat'] as const) {
          expect(withoutLabels(marks, labelsNamedIn(annotation[each]))).toEqual([]);
        }
      });

      test.each(shown)('the panel $title shows data, as its legend or its columns say', async (panel) => {
        for (const query of panel.targets) {
          const found = finite(await shownBy(query.expr, query.instant));
          expect({ query: query.expr, series: found.length }).not.toEqual({ query: query.expr, series: 0 });
          expect(withoutLabels(found, labelsNamedIn(query.legendFormat ?? ''))).toEqual([]);
        }
        // Bars count events: one of them has been seen.
        if (panel.fieldConfig.defaults.custom?.drawStyle === 'bars' && !withoutEvents.has(panel.title)) {
          const all = await Promise.all(panel.targets.map(({ expr }) => shownBy(expr, false)));
          expect(all.flat().filter(({ values }) => values.some((value) => value > 0))).not.toEqual([]);
        }
        if (panel.type === 'table')
          expect(await fieldsOf(panel.targets)).toEqual(expect.arrayContaining(columnsOf(panel)));
      });
    });

    /** Bars of what does not happen here, or not to the agent that is shown. */
    const withoutEvents = new Set(['Leases lost', 'Streams dropped, requests turned away']);

    /** What Grafana's table has before columns are chosen: the labels, and a value of each query. */
    async function fieldsOf(targets: readonly Target[]): Promise<string[]> {
      const [alone] = targets.length === 1 ? targets : [];
      const found = await Promise.all(targets.map(async ({ expr }) => shownBy(expr, true)));
      const labels = found.flat().flatMap((series) => Object.keys(series.labels));
      return [...new Set(labels), ...(alone ? ['Value'] : targets.map(({ refId }) => `Value #${refId}`))];
    }
  },
);

/** Series with a value that can be drawn: a quantile of nothing is not a number. */
function finite(series: readonly Series[]): Series[] {
  return series.filter(({ values }) => values.some((value) => Number.isFinite(value)));
}

/** Those that lack one of the labels, or have it empty. */
function withoutLabels(series: readonly Series[], labels: readonly string[]): Series[] {
  return series.filter((each) => labels.some((label) => (each.labels[label] ?? '') === ''));
}
