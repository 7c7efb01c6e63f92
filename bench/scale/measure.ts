// One part of the run, measured from its beginning to its end.
import type { HostingProcess } from './hosting-process.ts';
import type { Usage } from './messages.ts';
import type { DatabaseLook, Observer } from './observer.ts';
import { type ServerUsage, serverUsage } from './server-usage.ts';
import type { Counts } from './statement-counts.ts';

export interface Phase {
  readonly name: string;
  readonly seconds: number;
  /** Told by agents that were there at its end: what the killed had asked last is missing. */
  readonly statements: Readonly<Counts>;
  readonly statementsPerSecond: number;
  readonly transactionsPerSecond: number;
  /** By table. */
  readonly rowsWritten: Readonly<Counts>;
  readonly walBytesPerSecond: number;
  /** Of one core. */
  readonly serverCpuShare: number;
  readonly agentsCpuShare: number;
  readonly deadRows: { readonly before: number; readonly after: number };
  /** The worst of all processes, milliseconds. */
  readonly lag: { readonly p99: number; readonly max: number };
  readonly connections: number;
  /** Made meanwhile. */
  readonly connectionsOpened: number;
  readonly backendMb: number;
  /** Of all hosting processes. */
  readonly agentsMb: number;
  readonly active: number;
  readonly warnings: Readonly<Counts>;
  /** What this part alone tells, by name: milliseconds. */
  readonly took: Readonly<Record<string, number>>;
}

interface Moment {
  readonly atMs: number;
  readonly database: DatabaseLook;
  readonly server: ServerUsage;
  readonly hosts: ReadonlyMap<HostingProcess, Usage>;
}

const mega = 1e6;

export class Measuring {
  private readonly observer: Observer;
  private readonly postmaster: number;
  private readonly hosts: readonly HostingProcess[];

  constructor(observer: Observer, postmaster: number, hosts: readonly HostingProcess[]) {
    this.observer = observer;
    this.postmaster = postmaster;
    this.hosts = hosts;
  }

  /** `work` answers what it took itself. */
  async phase(name: string, work: () => Promise<Readonly<Record<string, number>>>): Promise<Phase> {
    const before = await this.moment();
    const took = await work();
    const after = await this.moment();
    const seconds = (after.atMs - before.atMs) / 1_000;
    const { statements, warnings, cpuMs } = changeOf(before, after);
    const lags = [...after.hosts.values()].map(({ lag }) => lag);
    return {
      name,
      seconds,
      statements,
      statementsPerSecond: total(statements) / seconds,
      transactionsPerSecond: (after.database.transactions - before.database.transactions) / seconds,
      rowsWritten: grown(before.database.rowsWritten, after.database.rowsWritten),
      walBytesPerSecond: (after.database.walBytes - before.database.walBytes) / seconds,
      serverCpuShare: (after.server.cpuMs - before.server.cpuMs) / (seconds * 1_000),
      agentsCpuShare: cpuMs / (seconds * 1_000),
      deadRows: { before: before.database.deadRows, after: after.database.deadRows },
      lag: {
        p99: Math.max(0, ...lags.map(({ p99 }) => p99)),
        max: Math.max(0, ...lags.map(({ max }) => max)),
      },
      connections: after.database.connections,
      connectionsOpened: after.database.connectionsOpened - before.database.connectionsOpened,
      backendMb: after.server.backendBytes / mega,
      agentsMb: [...after.hosts.values()].reduce((sum, { rssBytes }) => sum + rssBytes, 0) / mega,
      active: [...after.hosts.values()].reduce((sum, { active }) => sum + active, 0),
      warnings,
      took,
    };
  }

  private async moment(): Promise<Moment> {
    const running = this.hosts.filter((host) => host.isRunning);
    const hosts = new Map(
      await Promise.all(running.map(async (host) => [host, await host.usage()] as const)),
    );
    const database = await this.observer.look();
    return { atMs: performance.now(), database, server: serverUsage(this.postmaster), hosts };
  }
}

/** Of the processes that were there at the end; one that has begun meanwhile began at zero. */
function changeOf(before: Moment, after: Moment): Pick<Usage, 'statements' | 'warnings' | 'cpuMs'> {
  const statements: Counts = {};
  const warnings: Counts = {};
  let cpuMs = 0;
  for (const [host, usage] of after.hosts) {
    const known = before.hosts.get(host);
    const began = known?.pid === usage.pid ? known : { statements: {}, warnings: {}, cpuMs: 0 };
    add(statements, grown(began.statements, usage.statements));
    add(warnings, grown(began.warnings, usage.warnings));
    cpuMs += usage.cpuMs - began.cpuMs;
  }
  return { statements, warnings, cpuMs };
}

function add(sum: Counts, more: Readonly<Counts>): void {
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
}

/** What grew, by how much. */
function grown(before: Readonly<Counts>, after: Readonly<Counts>): Counts {
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, by]) => by !== 0),
  );
}

export function total(counts: Readonly<Counts>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
