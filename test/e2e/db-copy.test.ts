// `streamhouse db copy` as an operator runs it: the built program, killed in the middle, started again, and agents on what came out.
import { existsSync } from 'node:fs';
import Libsql from 'libsql';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import { temporaryFile } from '../store/contract/sqlite-backend.ts';
import { topic, join as register } from '../store/contract/samples.ts';
import { eventually } from '../support/eventually.ts';
import { fillSqliteStore } from '../support/filled-store.ts';
import { runProgram, startProgram } from '../support/program.ts';
import { schemaOfTest } from '../support/schema.ts';
import { AgentProcess } from './cluster.ts';

const url = inject('postgresTargets')[0]?.url ?? '';
const size = { topics: 5, partitionsPerTopic: 40, segmentsPerPartition: 300, offsets: 100 };
const segments = size.topics * size.partitionsPerTopic * size.segmentsPerPartition;

const summaryForm = z.object({
  outcome: z.literal('copied'),
  way: z.string(),
  era: z.number(),
  tables: z.array(z.object({ table: z.string(), rows: z.number(), checksum: z.string().length(64) })),
});

interface Target {
  readonly schema: string;
  /** What tells the program of it. */
  readonly env: Readonly<Record<string, string>>;
  one(text: string): Promise<unknown>;
}

async function emptyTarget(): Promise<Target> {
  const { schema, client } = await schemaOfTest(url);
  return {
    schema,
    env: { DATABASE_URL: url, DATABASE_SCHEMA: schema },
    async one(text) {
      const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' });
      return rows[0]?.[0];
    },
  };
}

function copyArguments(file: string, { schema }: Target, ...more: string[]): string[] {
  return ['db', 'copy', '--from', `sqlite:${file}`, '--to', url, '--to-schema', schema, ...more];
}

describe('db copy, SQLite to PostgreSQL', () => {
  test('killed in the middle it goes on, nobody may use the target before its end, and epochs go on above', async () => {
    const file = temporaryFile();
    await fillSqliteStore(file, size);
    const target = await emptyTarget();

    const first = startProgram(copyArguments(file, target));
    onTestFinished(() => first[Symbol.asyncDispose]());
    await eventually(async () => Number(await target.one('select count(*) from segments')) > 0, {
      everyMs: 2,
    });
    first.kill('SIGKILL');
    expect(await first.exited).toMatchObject({ signal: 'SIGKILL' });
    const before = Number(await target.one('select count(*) from segments'));
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(segments);

    const agent = await runProgram(['agent'], { env: { ...target.env, HTTP_PORT: '0' } });
    expect(agent).toMatchObject({ code: 78, stderr: expect.stringContaining('streamhouse db copy') });

    const second = await runProgram(copyArguments(file, target, '-o', 'json'));
    expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining('all equal') });
    const summary = summaryForm.parse(JSON.parse(second.stdout));
    expect(summary.way).toBe('resume');
    expect(summary.tables.find(({ table }) => table === 'segments')?.rows).toBe(segments);
    expect(await target.one('select min(epoch) from leases where session_id is not null')).toBeNull();

    await using running = new AgentProcess('broker-9', target.env);
    const held = await eventually(async () => {
      const leases = await running.held();
      return leases.length === 160 && leases;
    });
    const highestCopied = 5_000_000_000;
    for (const { epoch } of held) expect(epoch).toBeGreaterThan(highestCopied);
    expect(held.every(({ epoch }) => epoch >= summary.era * 2 ** 32)).toBe(true);
    const created = await running.ask('POST', '/v1/topics', { name: 'later', partitionCount: 1 });
    expect(created).toMatchObject({ status: 201 });
  });

  test('it stays away while agents run on the source, and from a target that holds something', async () => {
    const file = temporaryFile();
    const store = await openSqliteStore({ file, group: 'g', attemptMs: 20_000, migrate: true });
    await store.createTopic(topic('orders'));
    const session = await register(store, 'broker-1');
    const target = await emptyTarget();
    const refused = await runProgram(copyArguments(file, target));
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('broker-1 (group g)') });
    await store.endSession(session, 'deregistered');
    await store[Symbol.asyncDispose]();

    const dry = await runProgram(copyArguments(file, target, '--dry-run'));
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringMatching(/empty target[\s\S]*topics +1 /) });
    expect(await target.one(`select to_regnamespace('${target.schema}')`)).toBeNull();

    expect(await runProgram(copyArguments(file, target))).toMatchObject({ code: 0 });
    const again = await runProgram(copyArguments(file, target));
    expect(again).toMatchObject({ code: 4, stderr: expect.stringContaining('--replace') });
    const unasked = await runProgram(copyArguments(file, target, '--replace'));
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
    const era = Number(await target.one('select number from era'));
    expect(await runProgram(copyArguments(file, target, '--replace', '--yes'))).toMatchObject({ code: 0 });
    expect(await target.one('select number from era')).toBe(String(era + 1));
  });

  test('a source that is not there, is no store, or is the target is told apart', async () => {
    const target = await emptyTarget();
    const missing = temporaryFile();
    const none = await runProgram(copyArguments(missing, target));
    expect(none).toMatchObject({ code: 78, stderr: expect.stringContaining('it has no schema') });
    expect(existsSync(missing)).toBe(false);
    const theirs = new Libsql(missing);
    theirs.exec('create table theirs (x)');
    theirs.close();
    expect(await runProgram(copyArguments(missing, target))).toMatchObject({ code: 78 });
    const file = temporaryFile();
    await fillSqliteStore(file, { ...size, segmentsPerPartition: 1 });
    const same = await runProgram(['db', 'copy', '--from', `sqlite:${file}`, '--to', `sqlite:${file}`]);
    expect(same).toMatchObject({ code: 4, stderr: expect.stringContaining('the same store') });
  });
});
