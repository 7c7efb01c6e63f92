// `streamhouse db copy` at full size, SQLite to PostgreSQL with fsync: killed once in the middle, resumed, compared; with its memory.
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentProcess, postgresStore, type SharedStore, untilLedBy } from '../test/e2e/cluster.ts';
import { eventually } from '../test/support/eventually.ts';
import { fillSqliteStore } from '../test/support/filled-store.ts';
import { startProgram } from '../test/support/program.ts';
import { numberIn, Raw } from './baseline/raw.ts';
import type { Stage } from './bench.ts';
import type { Findings } from './harness/findings.ts';

const size = { topics: 50, partitionsPerTopic: 400, segmentsPerPartition: 10, offsets: 10_000 };
const segments = size.topics * size.partitionsPerTopic * size.segmentsPerPartition;

export async function measureCopy({ findings, postgresUrl }: Stage): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-copy-'));
  try {
    await using store = postgresStore(await postgresUrl());
    await copyInto(store, directory, findings);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function copyInto({ env }: SharedStore, directory: string, findings: Findings): Promise<void> {
  const [url, schema] = [env['DATABASE_URL'] ?? '', env['DATABASE_SCHEMA'] ?? ''];
  const file = join(directory, 'metadata.db');
  await fillSqliteStore(file, size);
  await using raw = new Raw(url);
  const copied = async (): Promise<number> => {
    const [row] = await raw.query(`select count(*) from ${schema}.segments`);
    return numberIn(row, 'count');
  };
  const start = () =>
    startProgram(['db', 'copy', '--from', `sqlite:${file}`, '--to', url, '-o', 'json'], { env });

  const beganAtMs = performance.now();
  const first = start();
  await eventually(async () => (await copied()) >= segments / 2, { timeoutMs: 300_000, everyMs: 5 });
  first.kill('SIGKILL');
  await first.exited;
  const killedMs = performance.now() - beganAtMs;
  const before = await copied();
  if (before >= segments) throw new Error('the copy was over before it was killed');

  const resumedAtMs = performance.now();
  const second = start();
  let peakKb = 0;
  const watch = setInterval(() => {
    peakKb = Math.max(peakKb, memoryPeakKb(second.pid));
  }, 50);
  const { code } = await second.exited;
  clearInterval(watch);
  const resumedMs = performance.now() - resumedAtMs;
  if (code !== 0 || (await copied()) !== segments)
    throw new Error(`the copy failed: ${second.stderrLines.join('\n')}`);
  const one = async (text: string): Promise<number> => {
    const [row] = await raw.query(`select (${text}) as value`);
    return numberIn(row, 'value');
  };
  const highestCopied = await one(`select max(epoch) from ${schema}.leases`);
  await using agent = new AgentProcess('broker-1', env);
  const ledAtMs = performance.now();
  const mine = await one(
    `select count(*) from ${schema}.partitions p join ${schema}.topics t using (topic_id) where t.group_name = 'default'`,
  );
  await agent.active();
  await agent.ask('POST', '/v1/agents/broker-1/uncordon');
  await untilLedBy([agent], mine);
  const ledMs = performance.now() - ledAtMs;
  const lowestGranted = await one(
    `select min(epoch) from ${schema}.leases where kind = 'partition' and session_id is not null`,
  );
  if (lowestGranted <= highestCopied)
    throw new Error(`epoch ${lowestGranted} was granted after ${highestCopied}`);
  const seconds = (what: string, ms: number) => ({ what, amount: ms / 1_000, unit: 's' });
  findings.add({
    title: `A copy of 20,000 partitions and ${segments} segments from SQLite to PostgreSQL`,
    values: [
      seconds('killed after', killedMs),
      { what: 'segments copied by then', amount: before, unit: '' },
      seconds('then resumed, compared and opened in', resumedMs),
      { what: 'peak memory', amount: Math.round(peakKb / 1_024), unit: 'MiB' },
      seconds(`an agent led its ${mine} partitions after`, ledMs),
    ],
  });
}

/** The most that the process has had in memory; 0 where the system does not tell, or the process is gone. */
function memoryPeakKb(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
