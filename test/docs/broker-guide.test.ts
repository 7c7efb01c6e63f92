// The guide's examples, run as they stand: as a program of their own that imports the built package by its name.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeAgent, startFakeAgent } from '../client/fake-agent.ts';
import { beating } from '../client/pair.ts';
import { startFixture } from '../http/fixture.ts';
import { eventually } from '../support/eventually.ts';
import { Program } from '../support/program.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
const guide = readFileSync(join(project, 'docs/broker-guide.md'), 'utf8');
const examples = new Map(
  [...guide.matchAll(/^```js run=(?<name>\w+)\n(?<code>.*?)^```$/gms)].map(({ groups }) => [
    groups?.['name'] ?? '',
    groups?.['code'] ?? '',
  ]),
);

let agent: FakeAgent;
let beats: Disposable;
const scratch = mkdtempSync(join(tmpdir(), 'streamhouse-guide-'));
const running: Program[] = [];

beforeEach(async () => {
  agent = await startFakeAgent();
  beats = beating(agent);
});

afterEach(async () => {
  for (const program of running.splice(0)) await program[Symbol.asyncDispose]();
  beats[Symbol.dispose]();
  await agent[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

/** An example with what it takes for granted, against the agent at `url`. Evaluated in the package, so that it finds itself by name. */
function run(name: string, { url = agent.url, given = '' } = {}): Program {
  const code = examples.get(name);
  if (code === undefined) throw new Error(`the guide has no example "${name}"`);
  const text = `${code.replaceAll('http://127.0.0.1:7070', url).replaceAll('./metadata.db', join(scratch, 'm.db'))}\n${given}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', text], { cwd: project });
  const program = new Program(child, [name]);
  running.push(program);
  return program;
}

async function ended(program: Program): Promise<readonly string[]> {
  const exit = await program.exited;
  expect({ ...exit, stderr: program.stderrLines }).toEqual({ code: 0, signal: null, stderr: [] });
  return program.stdoutLines;
}

test('a broker: uploads, appends, acknowledges its producers, and the agent when it is asked', async () => {
  const program = run('broker', {
    given: `
      async function* batchesFor(topic, partition, revoking) {
        yield {
          id: 'batch-1', recordCount: 3, content: Buffer.from('abc'),
          acknowledge: (offset) => console.log('acknowledged ' + topic + '/' + partition + ' at ' + offset),
        };
        if (!revoking.aborted) await new Promise((resolve) => revoking.addEventListener('abort', resolve));
      }
      async function upload(key) { console.log('uploaded ' + key); }
    `,
  });
  await eventually(() => agent.openStreams.length === 1);
  agent.grant('orders', 4, 7, 0);
  await eventually(() => program.stdoutLines.length === 2);
  expect(program.stdoutLines).toEqual(['uploaded orders/4/7/0-batch-1', 'acknowledged orders/4 at 0']);
  expect(agent.stored('orders', 4)).toMatchObject([{ id: 'batch-1', epoch: 7, endOffset: 2 }]);
  agent.revoke('orders', 4, 10_000);
  await eventually(() => agent.requests('POST', '/v1/held/released').length === 1);
});

test('one partition by itself', async () => {
  const program = run('lease', {
    given: `async function compact(topic, partition) { console.log('compacting ' + topic + '/' + partition); }`,
  });
  await eventually(() => agent.openStreams.length === 1);
  agent.grant('orders', 1, 6);
  agent.grant('orders', 0, 7);
  await eventually(() => program.stdoutLines.length > 0);
  expect(program.stdoutLines).toEqual(['compacting orders/0']);
});

test('a named role, until its work is done', async () => {
  const program = run('campaign', {
    given: `async function expired() { return ['a', 'b']; } async function remove() {}`,
  });
  await eventually(() => agent.candidates.has('retention'));
  agent.win('retention', 4);
  expect(await ended(program)).toEqual(['removed 2 objects']);
  expect(agent.requests('POST', '/v1/elections/retention/resign')).toHaveLength(1);
});

test('reading and committing, on the real interface', async () => {
  await using fixture = await startFixture({ backend: 'sqlite' });
  await fixture.ask('POST', '/v1/topics', { name: 'orders', partitionCount: 1 });
  const [epoch] = await fixture.acquire('orders', 0);
  const segment = {
    id: 's',
    epoch,
    baseOffset: 0,
    endOffset: 9,
    recordCount: 10,
    sizeBytes: 1,
    bucket: 'b',
    key: 'k',
  };
  await fixture.ask('POST', '/v1/topics/orders/partitions/0/segments', segment);
  const lines = await ended(run('reading', { url: fixture.server.url }));
  expect(lines).toEqual(['led by agent-1 at agent-1:9092', '0 to 9: k']);
  const committed = await fixture.ask('GET', '/v1/groups/billing/offsets/orders/0');
  expect(committed).toMatchObject({ body: { offset: 10 } });
});

test('the agent inside the process', async () => {
  expect(await ended(run('embed'))).toEqual(['broker-1 is active']);
});

test('every example is run', () => {
  expect([...examples.keys()]).toEqual(['broker', 'lease', 'campaign', 'reading', 'embed']);
});
