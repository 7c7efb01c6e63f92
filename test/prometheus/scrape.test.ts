// What Prometheus' own checker says of a real scrape: nothing, but of prom-client's own metrics of the process, whose names we do not choose.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { type EmbeddedAgent, startAgent } from '../../src/embed.ts';
import { createInstruments, table } from '../../src/metrics/instruments.ts';
import { quietProbe, seriesIn } from '../metrics/reading.ts';
import { eventually } from '../support/eventually.ts';

const binaries = inject('prometheusBinaries');

describe.each(binaries === null ? [] : [binaries])('promtool check metrics', ({ promtool }) => {
  const scratch = mkdtempSync(join(tmpdir(), 'streamhouse-scrape-'));
  let agent: EmbeddedAgent | undefined;
  afterAll(async () => {
    await agent?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** What it complains of, without prom-client's own. Fails when it cannot read the exposition. */
  function complaints(exposition: string): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const checking = execFile(promtool, ['check', 'metrics'], (error, stdout, stderr) => {
        // 3: it could read everything, and complains.
        if (error !== null && error.code !== 3) return reject(new Error(stderr || stdout, { cause: error }));
        const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
        resolve(lines.filter((line) => !/^(nodejs|process)_/.test(line)));
      });
      checking.stdin?.end(exposition);
    });
  }

  test('finds nothing wrong with what a coordinator shows that leads partitions', async () => {
    agent = await startAgent({
      databaseUrl: `sqlite:${join(scratch, 'metadata.db')}`,
      agentId: 'broker-1',
      agentAddress: 'broker-1:9092',
      httpPort: 0,
      metricsPerPartition: true,
    });
    const { url } = agent;
    const scrape = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
    await eventually(async () => {
      const created = await fetch(`${url}/v1/topics`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'orders', partitionCount: 3 }),
      });
      return created.status === 201 || created.status === 409;
    });
    const text = await eventually(async () => {
      const shown = await scrape();
      const isPlanned =
        seriesIn(shown, 'streamhouse_agent_partitions')['{group="default",agent_id="broker-1"}'] === 3;
      return isPlanned && seriesIn(shown, 'streamhouse_leases_held')[''] === 3 && shown;
    });
    expect(await complaints(text)).toEqual([]);
    for (const { name } of Object.values(table)) expect(text).toContain(`# TYPE ${name} `);
  });

  test('would be heard when it complains', async () => {
    const { registry, scrape, heartbeats } = createInstruments(quietProbe);
    const text = await scrape.metrics();
    expect(registry.getSingleMetric('streamhouse_heartbeats_total')).toBe(heartbeats);
    const misnamed = text.replaceAll('streamhouse_heartbeats_total', 'streamhouse_heartbeats');
    expect(await complaints(misnamed)).toEqual([expect.stringContaining('streamhouse_heartbeats ')]);
  });
});
