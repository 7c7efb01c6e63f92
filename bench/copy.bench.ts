// `streamhouse db copy` at full size, SQLite to PostgreSQL with fsync: killed once in the middle, resumed, compared; with its memory.
import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { AgentProcess, untilLedBy } from '../test/e2e/cluster.ts';
import { eventually } from '../test/support/eventually.ts';
import { fillSqliteStore } from '../test/support/filled-store.ts';
import { startPostgresServer } from '../test/support/postgres-server.ts';
import { startProgram } from '../test/support/program.ts';

const size = { topics: 50, partitionsPerTopic: 400, segmentsPerPartition: 10, offsets: 10_000 };
const segments = size.topics * size.partitionsPerTopic * size.segmentsPerPartition;

test('a copy of 20,000 partitions and 200,000 segments, killed once', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'streamhouse-copy-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'metadata.db');
  await fillSqliteStore(file, size);
  await using server = await startPostgresServer({ major: 16 });
  const pool = new pg.Pool({ connectionString: server.url });
  pool.on('error', () => undefined); // the server goes first
  onTestFinished(() => pool.end());
  const copied = async (): Promise<number> => {
    const { rows } = await pool.query<{ count: string }>('select count(*) from streamhouse.segments');
    return Number(rows[0]?.count);
  };
  const start = () =>
    startProgram(['db', 'copy', '--from', `sqlite:${file}`, '--to', server.url, '-o', 'json']);

  const beganAtMs = performance.now();
  const first = start();
  await eventually(async () => (await copied()) >= segments / 2, { timeoutMs: 300_000, everyMs: 5 });
  first.kill('SIGKILL');
  await first.exited;
  const killedMs = performance.now() - beganAtMs;
  const before = await copied();
  expect(before).toBeLessThan(segments);

  const resumedAtMs = performance.now();
  const second = start();
  let peakKb = 0;
  const watch = setInterval(() => {
    peakKb = Math.max(peakKb, memoryPeakKb(second.pid));
  }, 50);
  expect(await second.exited).toMatchObject({ code: 0 });
  clearInterval(watch);
  const resumedMs = performance.now() - resumedAtMs;
  expect(await copied()).toBe(segments);
  const one = async (text: string): Promise<number> => {
    const { rows } = await pool.query<{ value: string }>(`select (${text}) as value`);
    return Number(rows[0]?.value);
  };
  const highestCopied = await one('select max(epoch) from streamhouse.leases');
  await using agent = new AgentProcess('broker-1', { DATABASE_URL: server.url });
  const ledAtMs = performance.now();
  const mine = await one(
    `select count(*) from streamhouse.partitions p join streamhouse.topics t using (topic_id) where t.group_name = 'default'`,
  );
  await agent.active();
  await agent.ask('POST', '/v1/agents/broker-1/uncordon');
  await untilLedBy([agent], mine);
  const ledMs = performance.now() - ledAtMs;
  const lowestGranted = await one(
    `select min(epoch) from streamhouse.leases where kind = 'partition' and session_id is not null`,
  );
  expect(lowestGranted).toBeGreaterThan(highestCopied);
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  process.stdout.write(
    `\ncopy: killed after ${seconds(killedMs)} with ${before} of ${segments} segments; resumed, compared and opened in ` +
      `${seconds(resumedMs)}, peak ${Math.round(peakKb / 1_024)} MiB\n` +
      `an agent led its ${mine} partitions after ${seconds(ledMs)}, under epochs from ${lowestGranted}; the highest copied is ${highestCopied}\n`,
  );
});

/** The most that the process has had in memory; 0 where the system does not tell, or the process is gone. */
function memoryPeakKb(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
