// The runbook, as far as dashboards lead to it.
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import {
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
} from '@grafana/grafana-foundation-sdk/dashboard';

/**
 * Where docs/runbook.md is to be read. It has no public place, so that this one is to be replaced: in the box `Runbook` of each dashboard,
 * or for good by `npm run dashboards -- URL`.
 */
export const runbookPlaceholder = 'https://runbook.invalid/docs/runbook.md';

/** An alert, and the section of its name. */
export type RunbookSection = `StreamHouse${string}`;

/** Leads to the section, wherever the variable `runbook` says that the runbook is. */
export function toRunbook(section: RunbookSection): cog.Builder<DashboardLink> {
  return new DashboardLinkBuilder(`Runbook: ${section}`)
    .type(DashboardLinkType.Link)
    .url(`\${runbook:raw}#${section.toLowerCase()}`)
    .targetBlank(true);
}
