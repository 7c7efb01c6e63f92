// All dashboards, as the files that Grafana is provisioned with.
import { agentDashboard } from './agent-dashboard.ts';
import { clusterDashboard } from './cluster-dashboard.ts';
import { type Frame, framed } from './frame.ts';
import { storeDashboard } from './store-dashboard.ts';

const frames: Readonly<Record<string, Frame>> = {
  'agent.json': agentDashboard,
  'cluster.json': clusterDashboard,
  'store.json': storeDashboard,
};

/** The text of each file by its name; `runbook` is where docs/runbook.md is to be read. */
export function dashboardFiles(runbook: string): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(frames).map(([name, frame]) => [
      name,
      `${JSON.stringify(framed(frame, runbook), undefined, 2)}\n`,
    ]),
  );
}
