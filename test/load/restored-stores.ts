// What the runs about restores and failovers share: the guide's blocks, run where a machine has the tools for them, and a few questions to
// agents and servers.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { documentedSql } from '../docs/documented-sql.ts';
import type { AgentProcess } from '../e2e/cluster.ts';
import { eventually } from '../support/eventually.ts';

const shell = documentedSql('backup-and-restore.md', 'sh');
const conf = documentedSql('backup-and-restore.md', 'conf');
const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
export const partitions = 6;
export const opened = z.object({ era: z.number(), nextEra: z.number(), epochsFrom: z.number() });

export function workplace(): string {
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-restore-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o755);
  mkdirSync(join(directory, 'bin'));
  symlinkSync(program, join(directory, 'bin/streamhouse'));
  return directory;
}

/** A block of the guide, line after line, until one fails. */
export function run(name: string, directory: string, env: Readonly<Record<string, string>>): string {
  const { PATH = '', HOME = '' } = process.env;
  const { status, stdout, stderr } = spawnSync('sh', ['-eu', '-c', shell(name)], {
    cwd: directory,
    encoding: 'utf8',
    env: { HOME, PATH: `${join(directory, 'bin')}:${PATH}`, ...env },
  });
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** A block of settings, with the guide's directories in ours. */
export function settings(name: string, archive: string): [string, string][] {
  return conf(name)
    .replaceAll('/srv/archive', archive)
    .split('\n')
    .map((line): [string, string] => {
      const [, key = '', value = ''] = /^(\w+) = '?(.*?)'?$/.exec(line) ?? [];
      return [key, value];
    });
}

/** The newest major that the machine's pg_basebackup can copy. */
export function copyableMajor(): 14 | 16 {
  const version = execFileSync('pg_basebackup', ['--version'], { encoding: 'utf8' });
  return Number(/(\d+)\./.exec(version)?.[1]) >= 16 ? 16 : 14;
}

export async function ask<T extends pg.QueryResultRow>({ url }: { url: string }, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}

export async function epochs(agent: AgentProcess): Promise<Map<string, number>> {
  return new Map([...(await agent.leases())].map(([name, { epoch }]) => [name, epoch]));
}

export async function append(agent: AgentProcess, epoch: number, partition: number, base: number) {
  return agent.ask('POST', `/v1/topics/orders/partitions/${partition}/segments`, {
    epoch,
    id: `s-${epoch}-${base}`,
    baseOffset: base,
    endOffset: base + 9,
    recordCount: 10,
    sizeBytes: 100,
    bucket: 'b',
    key: `orders/${partition}/${epoch}/${base}`,
  });
}

export async function allLed(agent: AgentProcess, by: string): Promise<void> {
  await eventually(async () => {
    const leases = [...(await agent.leases()).values()];
    return leases.length === partitions && leases.every(({ agentId }) => agentId === by);
  });
}
