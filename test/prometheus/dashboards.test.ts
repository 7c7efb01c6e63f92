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
import { columnsOf, filled, labelsNamedIn, labelValuesOf, readDashboards } from './dashboards-read.ts';
import { exposition } from './exposition.ts';
import { unknownIn } from './unknown.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(`${project}${path}`, 'utf8');
const dashboards = readDashboards();
const shownByAgents = await exposition();
const sections = new Set(
  [...read('docs/runbook.md').matchAll(/^## (\w+)$/gm)].map(([, name = '']) => name.toLowerCase()),
);
const known: ReadonlySet<unknown> = new Set(Object.values(units));

test('the files are what `npm run dashboards` makes', () => {
  const made = dashboardFiles(runbookPlaceholder);
  expect(dashboards.map(({ file }) => file)).toEqual([...made.keys()].sort());
  for (const { file, text } of dashboards) expect(text).toBe(made.get(file));
});
