// The figures, for people.
import { type Phase, total } from './measure.ts';
import type { Outcome } from './run.ts';

const column = 14;

export function describe({ options, phases, fallen, unfinished }: Outcome): string {
  const { agents, partitions, zones, processes, ttlMs } = options;
  const title = `${agents} agents, ${partitions} partitions, ${zones} zones, ${processes} processes and one, TTL ${ttlMs} ms; one PostgreSQL 16, fsync on`;
  const shown = phases.filter(({ seconds, name }) => seconds > 0 && name !== 'settling');
  const names = shown.map(({ name }, index) => `  ${index + 1}: ${name}`);
  const head = `  ${''.padEnd(30)}${shown.map((_, index) => String(index + 1).padStart(column)).join('')}`;
  const lines = rows.map(
    ([what, value]) => `  ${what.padEnd(30)}${shown.map((phase) => value(phase).padStart(column)).join('')}`,
  );
  const took = shown.flatMap((phase) =>
    Object.entries(phase.took).map(([what, ms]) => `  ${phase.name}: ${what}: ${ms.toFixed(0)} ms`),
  );
  return [
    title,
    ...names,
    head,
    ...lines,
    '',
    ...took,
    ...shown.flatMap(byName),
    ...(unfinished === undefined ? [] : [`  GIVEN UP at ${unfinished}`]),
    fallen.length === 0 ? '  no epoch fell' : `  EPOCHS FELL: ${fallen.join(', ')}`,
  ].join('\n');
}

const rows: readonly (readonly [what: string, value: (phase: Phase) => string])[] = [
  ['seconds', (phase) => phase.seconds.toFixed(1)],
  ['statements/s', (phase) => phase.statementsPerSecond.toFixed(1)],
  ['transactions/s', (phase) => phase.transactionsPerSecond.toFixed(1)],
  ['rows written/s', (phase) => (total(phase.rowsWritten) / phase.seconds).toFixed(1)],
  ['write-ahead log, kB/s', (phase) => (phase.walBytesPerSecond / 1e3).toFixed(1)],
  ['server, % of a core', (phase) => (100 * phase.serverCpuShare).toFixed(1)],
  ['agents, % of a core', (phase) => (100 * phase.agentsCpuShare).toFixed(1)],
  ['event loop lag p99, ms', (phase) => phase.lag.p99.toFixed(0)],
  ['event loop lag max, ms', (phase) => phase.lag.max.toFixed(0)],
  ['dead rows', (phase) => `${phase.deadRows.before}→${phase.deadRows.after}`],
  ['connections', (phase) => String(phase.connections)],
  ['connections opened', (phase) => String(phase.connectionsOpened)],
  ['MB of each backend', (phase) => phase.backendMb.toFixed(1)],
  ['MB of all agents', (phase) => phase.agentsMb.toFixed(0)],
  ['agents active', (phase) => String(phase.active)],
];

/** What was asked most, what was written, what agents complained of. */
function byName({ name, seconds, statements, rowsWritten, warnings }: Phase): readonly string[] {
  const most = Object.entries(statements).toSorted(([, a], [, b]) => b - a);
  return [
    '',
    `  ${name}: statements by name, each second`,
    ...most.slice(0, 16).map(([what, count]) => `    ${(count / seconds).toFixed(2).padStart(10)}  ${what}`),
    `  ${name}: rows written: ${listed(rowsWritten)}; warnings: ${listed(warnings)}`,
  ];
}

function listed(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).map(([what, count]) => `${what} ${count}`);
  return entries.length === 0 ? 'none' : entries.join(', ');
}
