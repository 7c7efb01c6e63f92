// The dashboards, held without a Prometheus: they are what the generator makes, as Grafana needs them, and name only what exists.
// That their queries return data is live.test.ts's.
import * as units from '@grafana/grafana-foundation-sdk/units';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { dashboardFiles } from '../../grafana/source/dashboards.ts';
import { runbookPlaceholder } from '../../grafana/source/runbook.ts';
import { columnsOf, filled, labelValuesOf, readDashboards } from './dashboards-read.ts';
import type { LabelValues } from '../../src/metrics/definition.ts';
import { table } from '../../src/metrics/instruments.ts';
import { exposition, type Shown } from './exposition.ts';
import { unknownIn } from './unknown.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(`${project}${path}`, 'utf8');
const dashboards = readDashboards();
const sections = new Set(
  [...read('docs/runbook.md').matchAll(/^## (\w+)$/gm)].map(([, name = '']) => name.toLowerCase()),
);
const known: ReadonlySet<unknown> = new Set(Object.values(units));

/** What agents show, and what Prometheus shows of alerts. */
const names = new Map<string, Shown>([
  ...[...(await exposition())].map(([name, shown]) => [name, withClosedLabels(name, shown)] as const),
  [
    'ALERTS',
    {
      labels: new Set(['alertname', 'alertstate', 'severity', 'group', 'agent_id']),
      values: new Map([['alertname', new Set(['StreamHouse.*'])]]),
    },
  ],
]);

test('the files are what `npm run dashboards` makes', () => {
  const made = dashboardFiles(runbookPlaceholder);
  expect(dashboards.map(({ file }) => file)).toEqual([...made.keys()].sort());
  for (const { file, text } of dashboards) expect(text).toBe(made.get(file));
});

describe.each(dashboards)('the dashboard $title', (dashboard) => {
  const { text, rows, shown, annotations, links } = dashboard;
  const variables = dashboard.templating.list;

  test('asks for its data source by a variable, as provisioned dashboards must', () => {
    expect(text).not.toContain('__inputs');
    expect(variables.find(({ name }) => name === 'datasource')).toMatchObject({
      type: 'datasource',
      query: 'prometheus',
    });
    for (const query of variables.filter(({ type }) => type === 'query')) {
      expect(query.datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
    }
  });

  test('is of the schema of the Grafana that docker-compose.yml starts', () => {
    const { services } = z
      .object({ services: z.object({ grafana: z.object({ image: z.string() }) }) })
      .parse(parse(read('docker-compose.yml'), { merge: true }));
    const { devDependencies: packages } = z
      .object({ devDependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(read('package.json')));
    const [, version = ''] = services.grafana.image.split(':');
    expect(packages['@grafana/grafana-foundation-sdk']?.split('-')[0]).toBe(version);
  });

  test.each(shown.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr }))))(
    'names only what agents show: $title, $expr',
    ({ expr }) => {
      expect(unknownIn(timed(expr), names)).toEqual([]);
    },
  );

  test('names only what agents show in its variables and annotations', () => {
    const queries = variables.flatMap(({ query }) => (typeof query === 'object' ? [query.query] : []));
    for (const query of queries) {
      const { selector, label } = labelValuesOf(query);
      expect(unknownIn(selector, names)).toEqual([]);
      expect(names.get('streamhouse_agent_info')?.labels).toContain(label);
    }
    for (const { expr } of annotations.list) expect(unknownIn(timed(expr), names)).toEqual([]);
  });

  test('uses only variables that it has, or that Grafana has', () => {
    const used = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name);
    const grafanas = ['__rate_interval', '__interval', '__range', '__all', '__value', '__url_time_range'];
    const has = new Set([...variables.map(({ name }) => name), ...grafanas]);
    expect(used.filter((name) => !has.has(name))).toEqual([]);
  });

  test('has panels of their own number that do not overlap', () => {
    const all = [...rows, ...shown];
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const cells = all.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(all.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });

  test.each(shown)('$title says what it means and what to do, in a unit of Grafana', (panel) => {
    expect(panel.description.split(/[.:;] /).length).toBeGreaterThan(1);
    expect(known).toContain(panel.fieldConfig.defaults.unit);
    for (const { properties } of panel.fieldConfig.overrides) {
      for (const { id, value } of properties) if (id === 'unit') expect(known).toContain(value);
    }
  });

  test('leads to sections that the runbook has, and to the other dashboards', () => {
    const runbook = shown.flatMap((panel) => panel.links.map(({ url = '' }) => url));
    expect(runbook.length).toBeGreaterThan(0);
    for (const url of runbook) {
      const [place, section = ''] = url.split('#');
      expect(place).toBe('${runbook:raw}');
      expect(sections).toContain(section);
    }
    expect(links).toContainEqual(expect.objectContaining({ type: 'dashboards', tags: ['streamhouse'] }));
    const uids = dashboards.map(({ uid }) => uid);
    for (const [, uid] of text.matchAll(/"\/d\/([\w-]+)/g)) expect(uids).toContain(uid);
  });
});

test('an agent in a table leads to its own dashboard, where the variable of that name is', () => {
  const cluster = dashboards.find(({ uid }) => uid === 'streamhouse-cluster');
  const agent = dashboards.find(({ uid }) => uid === 'streamhouse-agent');
  const tables = cluster?.shown.filter((panel) => columnsOf(panel).includes('agent_id')) ?? [];
  expect(tables.length).toBeGreaterThan(1);
  for (const { fieldConfig } of tables) {
    expect(JSON.stringify(fieldConfig.overrides)).toMatch(
      /\/d\/streamhouse-agent\?[^"]*&var-agent=\$\{__value/,
    );
  }
  expect(agent?.templating.list.map(({ name }) => name)).toContain('agent');
});

test('Grafana derives `$__rate_interval` from the interval at which Prometheus scrapes', () => {
  const { global } = z
    .object({ global: z.object({ scrape_interval: z.string() }) })
    .parse(parse(read('prometheus/prometheus.yml')));
  const [provisioned] = z
    .object({ datasources: z.array(z.object({ jsonData: z.object({ timeInterval: z.string() }) })) })
    .parse(parse(read('grafana/provisioning/datasources/prometheus.yml'))).datasources;
  expect(provisioned?.jsonData.timeInterval).toBe(global.scrape_interval);
});

describe('filled in as Grafana does', () => {
  const filling = {
    variables: { one: "it's", some: ['a.1', 'b'], alone: ['a.1'] },
    scrapeMs: 5_000,
    intervalMs: 1_000,
    rangeSeconds: 60,
  };
  test.each([
    ['rate(x[$__rate_interval])', 'rate(x[20000ms])'],
    ['x[$__range] offset $__interval', 'x[60s] offset 1000ms'],
    ['x{a="$one"}', String.raw`x{a="it\'s"}`],
    ['x{a=~"${some}"}', String.raw`x{a=~"(a\\.1|b)"}`],
    ['x{a=~"$alone|"}', String.raw`x{a=~"a\\.1|"}`],
  ])('%s', (expression, expected) => {
    expect(filled(expression, filling)).toBe(expected);
  });

  test('a variable that is not there is an error', () => {
    expect(() => filled('x{a="$two"}', filling)).toThrow('no variable two');
  });
});

/** Where another label is open, the values of one that is closed are not shown before something has happened: the tables have them. */
function withClosedLabels(name: string, { labels, values }: Shown): Shown {
  const definition = Object.values(table).find(
    (each) => name.replace(/_(?:bucket|count|sum)$/, '') === each.name || name === each.name,
  );
  const closed = Object.entries<LabelValues>(definition?.labels ?? {}).flatMap(([label, among]) =>
    among === 'open' ? [] : [[label, new Set(among)] as const],
  );
  return { labels, values: new Map([...values, ...closed]) };
}

/** With times for Grafana's variables of time; those that people choose stay. */
function timed(expression: string): string {
  return expression.replaceAll(/\$__\w+/g, '20s');
}
