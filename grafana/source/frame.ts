// What all dashboards have around their panels: variables, annotations, links to each other and to the runbook.
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import {
  type AnnotationQuery,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { named } from './expression.ts';
import { datasource } from './panels.ts';

export interface Row {
  readonly title: string;
  readonly panels: readonly cog.Builder<Panel>[];
}

export interface Frame {
  /** Part of its address in Grafana: links keep working as long as it stays. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** About one agent, chosen by the variable `agent`. */
  readonly hasAgent?: boolean;
  readonly rows: readonly Row[];
}

/** What Grafana loads. */
export function framed(
  { uid, title, description, hasAgent = false, rows }: Frame,
  runbook: string,
): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['streamhouse'])
    .timezone('browser')
    .refresh('5s')
    .time({ from: 'now-30m', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([source(), group(), ...(hasAgent ? [agent()] : []), runbookBox(runbook)])
    .links([others(), wholeRunbook()]);
  for (const { title: heading, panels } of rows) {
    builder.withRow(new RowBuilder(heading));
    for (const panel of panels) builder.withPanel(panel);
  }
  const built = builder.build();
  built.annotations.list = [coordinatorChanges, takeovers];
  built.panels?.forEach((panel, index) => {
    panel.id = index + 1;
  });
  return built;
}

const source = () => new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus');

const group = () =>
  new QueryVariableBuilder('group')
    .label('Group')
    .datasource({ ...datasource })
    .query({ query: 'label_values(streamhouse_agent_info, group)', refId: 'group' })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: ['All'], value: ['$__all'] });

const agent = () =>
  new QueryVariableBuilder('agent')
    .label('Agent')
    .datasource({ ...datasource })
    .query({ query: 'label_values(streamhouse_agent_info{group=~"$group"}, agent_id)', refId: 'agent' })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc);

const runbookBox = (url: string) =>
  new TextBoxVariableBuilder('runbook')
    .label('Runbook')
    .description('Where docs/runbook.md is published: links of panels lead there')
    .defaultValue(url)
    .current({ selected: true, text: url, value: url });

const others = () =>
  new DashboardLinkBuilder('Dashboards')
    .type(DashboardLinkType.Dashboards)
    .tags(['streamhouse'])
    .includeVars(true)
    .keepTime(true);

const wholeRunbook = () =>
  new DashboardLinkBuilder('Runbook')
    .type(DashboardLinkType.Link)
    .icon('doc')
    .url('${runbook:raw}')
    .targetBlank(true);

/** As Grafana's data source of Prometheus reads it: the SDK's type knows what all data sources have. */
interface PrometheusAnnotation extends AnnotationQuery {
  readonly step: string;
  readonly titleFormat: string;
  readonly textFormat: string;
  readonly tagKeys: string;
}

// The epoch only grows, so that one above all that were seen before is a new term, however the agents came and went.
const coordinatorChanges: PrometheusAnnotation = {
  name: 'Coordinator changes',
  datasource: { ...datasource },
  enable: true,
  iconColor: 'blue',
  expr: `${named('streamhouse_coordinator_epoch', 'group', 'agent_id')} > on (group) group_left () max by (group) (max_over_time(streamhouse_coordinator_epoch[1h] offset $__interval))`,
  step: '5s',
  titleFormat: 'Coordinator of {{group}}',
  textFormat: '{{agent_id}}',
  tagKeys: 'group',
};

const takeovers: PrometheusAnnotation = {
  name: 'Takeovers',
  datasource: { ...datasource },
  enable: true,
  iconColor: 'orange',
  expr: named(
    '(streamhouse_failover_duration_seconds_count - streamhouse_failover_duration_seconds_count offset $__interval > 0)',
    'group',
  ),
  step: '5s',
  titleFormat: 'Takeover in {{group}}',
  textFormat: 'by {{agent_id}}',
  tagKeys: 'group',
};
