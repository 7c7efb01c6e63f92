// pgbench, where it is in PATH: the same statements sent by a program in C, which shows what the server itself can do.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Sample } from '../harness/rounds.ts';
import type { Sent } from './sent.ts';

/**
 * A statement as pgbench's language has it: values are written out, but those of `instead`, by the value that they had when the statement
 * was heard.
 */
export function scripted({ text, values }: Sent, instead: ReadonlyMap<unknown, string>): string {
  return text.replaceAll(/\$(\d+)/g, (_, nth: string) => written(values[Number(nth) - 1], instead));
}

function written(value: unknown, instead: ReadonlyMap<unknown, string>): string {
  const other = instead.get(value);
  if (other !== undefined) return other;
  if (value === null) return 'null';
  if (Array.isArray(value)) return `array[${value.map((each) => written(each, instead)).join(', ')}]`;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return pg.escapeLiteral(value);
  throw new TypeError(`no literal for a ${typeof value}`);
}

export interface PgbenchOptions {
  readonly program: string;
  readonly url: string;
  readonly script: string;
  readonly connections: number;
  /** Whole seconds. */
  readonly seconds: number;
}

/** The time of each of its transactions. */
export async function runPgbench(options: PgbenchOptions): Promise<Sample> {
  const { program, url, script, connections, seconds } = options;
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-bench-pgbench-'));
  try {
    const file = join(directory, 'script.sql');
    writeFileSync(file, script);
    const load = ['-n', '-M', 'prepared', '-c', String(connections), '-j', '1', '-T', String(seconds)];
    const logging = ['-l', `--log-prefix=${join(directory, 'log')}`];
    await promisify(execFile)(program, [...load, ...logging, '-f', file, url]);
    const logs = readdirSync(directory).filter((name) => name.startsWith('log'));
    const lines = logs.flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'));
    // client, transaction, microseconds, …
    const ms = lines.filter((line) => line !== '').map((line) => Number(line.split(' ')[2]) / 1_000);
    return { ms, tookMs: seconds * 1_000 };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
