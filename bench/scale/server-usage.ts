// What the database server's processes take, as the kernel counts it (Linux).
import { readFileSync } from 'node:fs';
import { childrenOf } from '../../test/support/processes.ts';

export interface ServerUsage {
  readonly cpuMs: number;
  readonly processes: number;
  /** Of one backend, not shared with others: the mean of some. */
  readonly backendBytes: number;
}

const msPerTick = 10;
const sampledMax = 20;

export function serverUsage(postmaster: number): ServerUsage {
  const children = childrenOf(postmaster);
  // Those that have ended are in the postmaster's own account of its children.
  const cpuMs = children.reduce((sum, pid) => sum + ticks(pid, 2), ticks(postmaster, 4)) * msPerTick;
  const step = Math.max(1, Math.floor(children.length / sampledMax));
  const sampled = children.filter((_, index) => index % step === 0).map(privateBytes);
  const backendBytes = sampled.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, sampled.length);
  return { cpuMs, processes: children.length, backendBytes };
}

/** Behind the name, which may hold spaces: field 3 on; utime, stime, cutime and cstime are 14 to 17. */
function ticks(pid: number, fields: number): number {
  const stat = read(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  return stat.slice(11, 11 + fields).reduce((sum, field) => sum + Number(field), 0);
}

function privateBytes(pid: number): number {
  const lines = read(`/proc/${pid}/smaps_rollup`).matchAll(/^Private_\w+:\s+(\d+) kB/gm);
  return [...lines].reduce((sum, [, kb]) => sum + Number(kb) * 1_024, 0);
}

/** A process may end while it is looked at. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
