// What the figures were taken on, and how busy it was with other things.
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { medianOf } from './harness/percentiles.ts';

export interface Machine {
  readonly cpus: number;
  readonly cpu: string;
  readonly memoryGb: number;
  readonly node: string;
  /** Processes that wanted to run, over the last minute. */
  readonly loadAverage: number;
  /** Of 8 KiB appended to a file where the databases are, milliseconds, the median. */
  readonly fsyncMs: number;
}

const fsyncs = 50;

export function machineNow(): Machine {
  const all = cpus();
  return {
    cpus: all.length,
    cpu: all[0]?.model ?? 'unknown',
    memoryGb: totalmem() / 1e9,
    node: process.versions.node,
    loadAverage: loadavg()[0] ?? Number.NaN,
    fsyncMs: fsyncMs(),
  };
}

function fsyncMs(): number {
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-bench-'));
  try {
    const file = openSync(join(directory, 'file'), 'w');
    const page = Buffer.alloc(8_192);
    const ms = Array.from({ length: fsyncs }, () => {
      const beganMs = performance.now();
      writeSync(file, page);
      fsyncSync(file);
      return performance.now() - beganMs;
    });
    closeSync(file);
    return medianOf(ms);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
