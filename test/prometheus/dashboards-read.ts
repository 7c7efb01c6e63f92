// Dashboards as Grafana reads them: their queries, and how it fills the variables in.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const directory = fileURLToPath(new URL('../../grafana/dashboards/', import.meta.url));

const sourceForm = z.object({ type: z.literal('prometheus'), uid: z.literal('${datasource}') });
const targetForm = z.looseObject({
  refId: z.string(),
  expr: z.string(),
  datasource: sourceForm,
  legendFormat: z.string().optional(),
  format: z.string().optional(),
  instant: z.boolean(),
  range: z.boolean(),
});
const linkForm = z.looseObject({ title: z.string(), type: z.string(), url: z.string().optional() });
const propertyForm = z.object({ id: z.string(), value: z.unknown() });
const panelForm = z.looseObject({
  id: z.number(),
  type: z.string(),
  title: z.string(),
  description: z.string(),
  datasource: sourceForm,
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  fieldConfig: z.object({
    defaults: z.looseObject({
      unit: z.string(),
      custom: z.looseObject({ drawStyle: z.string().optional() }).optional(),
    }),
    overrides: z.array(z.object({ matcher: z.looseObject({}), properties: z.array(propertyForm) })),
  }),
  targets: z.array(targetForm).min(1),
  transformations: z.array(z.looseObject({ id: z.string(), options: z.looseObject({}) })).default([]),
  links: z.array(linkForm),
});
const rowForm = z.looseObject({
  id: z.number(),
  type: z.literal('row'),
  title: z.string(),
  gridPos: panelForm.shape.gridPos,
});
const variableForm = z.looseObject({
  name: z.string(),
  type: z.string(),
  query: z.union([z.string(), z.object({ query: z.string(), refId: z.string() })]),
  datasource: z.unknown().optional(),
});
const annotationForm = z.looseObject({
  name: z.string(),
  datasource: sourceForm,
  expr: z.string(),
  step: z.string(),
  titleFormat: z.string(),
  textFormat: z.string(),
});
const dashboardForm = z.looseObject({
  uid: z.string(),
  title: z.string(),
  schemaVersion: z.number(),
  links: z.array(linkForm),
  templating: z.object({ list: z.array(variableForm) }),
  annotations: z.object({ list: z.array(annotationForm) }),
  panels: z.array(z.unknown()),
});

export type Panel = z.infer<typeof panelForm>;
export type Target = z.infer<typeof targetForm>;
export type Annotation = z.infer<typeof annotationForm>;

export interface ReadDashboard extends z.infer<typeof dashboardForm> {
  readonly file: string;
  readonly text: string;
  readonly rows: readonly z.infer<typeof rowForm>[];
  /** All but rows. */
  readonly shown: readonly Panel[];
}

export function readDashboards(): ReadDashboard[] {
  return readdirSync(directory).map((file) => {
    const text = readFileSync(`${directory}${file}`, 'utf8');
    const dashboard = dashboardForm.parse(JSON.parse(text));
    const isRow = (panel: unknown) => rowForm.safeParse(panel).success;
    return {
      ...dashboard,
      file,
      text,
      rows: z.array(rowForm).parse(dashboard.panels.filter(isRow)),
      shown: z.array(panelForm).parse(dashboard.panels.filter((panel) => !isRow(panel))),
    };
  });
}

/** The label and the series of `label_values(…)`, which is what a variable's query is here. */
export function labelValuesOf(query: string): { readonly selector: string; readonly label: string } {
  const { selector, label } = /^label_values\((?<selector>.+), (?<label>\w+)\)$/.exec(query)?.groups ?? {};
  if (selector === undefined || label === undefined) throw new Error(`not label_values: ${query}`);
  return { selector, label };
}

/** Fields that a table shows, by the name they have before they are renamed. */
export function columnsOf(panel: Panel): string[] {
  const form = z.object({ include: z.object({ names: z.array(z.string()) }) });
  return panel.transformations.flatMap(({ id, options }) =>
    id === 'filterFieldsByName' ? form.parse(options).include.names : [],
  );
}

/** Labels that a legend or a title of an annotation names. */
export const labelsNamedIn = (text: string): string[] =>
  [...text.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = '']) => label);

export interface Filling {
  /** Chosen values by variable; of those that allow several, a list. */
  readonly variables: Readonly<Record<string, string | readonly string[]>>;
  readonly scrapeMs: number;
  readonly intervalMs: number;
  readonly rangeSeconds: number;
}

/** `expression` as Grafana sends it to Prometheus. Throws for a variable that is not there. */
export function filled(expression: string, filling: Filling): string {
  const { variables, scrapeMs, intervalMs, rangeSeconds } = filling;
  const own: Readonly<Record<string, string>> = {
    __interval: `${intervalMs}ms`,
    __rate_interval: `${Math.max(intervalMs + scrapeMs, 4 * scrapeMs)}ms`,
    __range: `${rangeSeconds}s`,
  };
  return expression.replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => {
    const value = own[name] ?? variables[name];
    if (value === undefined) throw new Error(`no variable ${name} for ${expression}`);
    return typeof value === 'string'
      ? value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
      : alternatives(value);
  });
}

/** Of a variable that allows several values, each is escaped for a regular expression within a string. */
function alternatives(values: readonly string[]): string {
  const escaped = values.map((value) =>
    value.replaceAll('\\', '\\\\\\\\').replaceAll(/[$^*{}[\]'+?.()|]/g, String.raw`\\$&`),
  );
  return escaped.length === 1 ? String(escaped[0]) : `(${escaped.join('|')})`;
}
