// The kinds of panels, with what all of one kind have in common. What a panel says is data: title, what it means, what to do about it.
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type DynamicConfigValue,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
  MappingType,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { type RunbookSection, toRunbook } from './runbook.ts';

/** Chosen by its variable, never by name: provisioned dashboards do not know how it is called. */
export const datasource = { type: 'prometheus', uid: '${datasource}' } as const;

export interface About {
  readonly title: string;
  /** What it shows, and of whom. */
  readonly means: string;
  /** What to look at or do when it is not as it should be. */
  readonly act: string;
  readonly runbook?: RunbookSection;
  /** Of Grafana's units: `s`, `percentunit`, `bytes`, `ops`… */
  readonly unit?: string;
  /** Of 24 columns. */
  readonly width: number;
  readonly height?: number;
}

export interface Query {
  readonly expr: string;
  /** `{{label}}` is the label's value. */
  readonly legend?: string;
}

/** From a value on, a colour; the first counts from the lowest value on. */
export type Steps = readonly [first: string, ...(readonly [from: number, color: string])[]];

export interface Graph extends About {
  readonly queries: readonly Query[];
  /** `lines` of values; `bars` of what happened between two points; `stack` of parts of a whole. Default: lines. */
  readonly look?: 'lines' | 'bars' | 'stack';
  readonly max?: number;
  readonly decimals?: number;
  readonly overrides?: readonly { readonly regexp: string; readonly properties: DynamicConfigValue[] }[];
}

/** Values over time. */
export function graph(panel: Graph): cog.Builder<Panel> {
  const { look = 'lines' } = panel;
  const builder = new TimeseriesBuilder()
    .min(0)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .drawStyle(look === 'bars' ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .fillOpacity({ lines: 0, bars: 60, stack: 30 }[look])
    .lineWidth(look === 'bars' ? 0 : 2)
    .showPoints(VisibilityMode.Never)
    .stacking(
      new StackingConfigBuilder().mode(look === 'lines' ? StackingMode.None : StackingMode.Normal).group('A'),
    );
  if (panel.max !== undefined) builder.max(panel.max);
  if (panel.decimals !== undefined) builder.decimals(panel.decimals);
  for (const { regexp, properties } of panel.overrides ?? []) builder.overrideByRegexp(regexp, properties);
  return common(builder, panel, 8).targets(targets(panel.queries, 'range'));
}

/** Lines that may go below zero. */
export function graphBothWays(panel: Graph): cog.Builder<Panel> {
  const built = graph(panel).build();
  delete built.fieldConfig?.defaults.min;
  return { build: () => built };
}

export interface Figure extends About {
  readonly queries: readonly Query[];
  readonly steps: Steps;
  /** `name` where the value is always 1 and its label says it. Default: value. */
  readonly shows?: 'value' | 'name' | 'both';
  /** When there is no series, which is as good as this. */
  readonly none?: string;
  readonly texts?: Readonly<Record<string, string>>;
  readonly decimals?: number;
}

const textModes = {
  value: BigValueTextMode.Value,
  name: BigValueTextMode.Name,
  both: BigValueTextMode.ValueAndName,
} as const;

/** What is so at the end of the time shown. */
export function figure(panel: Figure): cog.Builder<Panel> {
  const builder = new StatBuilder()
    .thresholds(thresholds(panel.steps))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .colorMode(BigValueColorMode.Background)
    .graphMode(BigValueGraphMode.None)
    .textMode(textModes[panel.shows ?? 'value']);
  if (panel.none !== undefined) builder.noValue(panel.none);
  if (panel.texts !== undefined) builder.mappings([mapping(panel.texts)]);
  if (panel.decimals !== undefined) builder.decimals(panel.decimals);
  return common(builder, panel, 4).targets(targets(panel.queries, 'instant'));
}

export interface Column {
  /** The field: a label, or `Value #A` of the first query and so on; `Value` when there is one query. */
  readonly field: string;
  readonly title: string;
  readonly properties?: readonly DynamicConfigValue[];
}

export interface Table extends About {
  readonly queries: readonly string[];
  readonly columns: readonly Column[];
}

/** One line for each set of labels; what is not a column is not shown. */
export function table(panel: Table): cog.Builder<Panel> {
  const fields = panel.columns.map(({ field }) => field);
  const builder = new TableBuilder()
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'filterFieldsByName', options: { include: { names: fields } } })
    .withTransformation({
      id: 'organize',
      options: {
        indexByName: Object.fromEntries(fields.map((field, index) => [field, index])),
        renameByName: Object.fromEntries(panel.columns.map(({ field, title }) => [field, title])),
      },
    });
  for (const { title, properties } of panel.columns) {
    if (properties !== undefined) builder.overrideByName(title, [...properties]);
  }
  const queries = panel.queries.map((expr) => ({ expr }));
  return common(builder, panel, 8).targets(targets(queries, 'table'));
}

export const unit = (value: string): DynamicConfigValue => ({ id: 'unit', value });
export const dashed: DynamicConfigValue = { id: 'custom.lineStyle', value: { fill: 'dash', dash: [6, 6] } };

/** The agent's name leads to its own dashboard. */
export const toAgent: DynamicConfigValue = {
  id: 'links',
  value: [
    {
      title: 'This agent',
      url: '/d/streamhouse-agent?${datasource:queryparam}&${group:queryparam}&var-agent=${__value.raw}&${__url_time_range}',
    },
  ],
};

interface Common<B> {
  title(text: string): B;
  description(text: string): B;
  datasource(ref: { type: string; uid: string }): B;
  span(width: number): B;
  height(height: number): B;
  unit(unit: string): B;
  links(links: ReturnType<typeof toRunbook>[]): B;
}

function common<B extends Common<B>>(builder: B, panel: About, height: number): B {
  const { title, means, act, runbook, width } = panel;
  return builder
    .title(title)
    .description(`${means} ${act}`)
    .datasource({ ...datasource })
    .span(width)
    .height(panel.height ?? height)
    .unit(panel.unit ?? 'short')
    .links(runbook === undefined ? [] : [toRunbook(runbook)]);
}

function targets(queries: readonly Query[], kind: 'range' | 'instant' | 'table'): DataqueryBuilder[] {
  return queries.map(({ expr, legend }, index) => {
    const target = new DataqueryBuilder()
      .refId(String.fromCodePoint(65 + index))
      .datasource({ ...datasource })
      .expr(expr);
    if (legend !== undefined) target.legendFormat(legend);
    if (kind === 'range') return target.range();
    return kind === 'table' ? target.instant().format(PromQueryFormat.Table) : target.instant();
  });
}

function thresholds([first, ...rest]: Steps): ThresholdsConfigBuilder {
  const steps: Threshold[] = [
    { value: null, color: first },
    ...rest.map(([value, color]) => ({ value, color })),
  ];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

function mapping(texts: Readonly<Record<string, string>>): ValueMapping {
  const options = Object.fromEntries(
    Object.entries(texts).map(([value, text], index) => [value, { text, index }]),
  );
  return { type: MappingType.ValueToText, options };
}
