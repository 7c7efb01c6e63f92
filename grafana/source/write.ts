// Writes the dashboards: `npm run dashboards`, or `npm run dashboards -- https://wiki.example/runbook` to lead their links there.
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { dashboardFiles } from './dashboards.ts';
import { runbookPlaceholder } from './runbook.ts';

const [runbook = runbookPlaceholder] = process.argv.slice(2);
for (const [name, text] of dashboardFiles(runbook)) writeFileSync(`grafana/dashboards/${name}`, text);
