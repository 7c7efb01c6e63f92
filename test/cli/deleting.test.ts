// What deletes: it says what it will do, and does it only after a yes.
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { cannedApi, type CannedRoutes } from './canned-api.ts';
import { Collector, run } from './run-cli.ts';

const dead = { agentId: 'b3', state: 'dead', leases: 0 };

interface Deletion {
  readonly command: string;
  readonly args: string[];
  readonly look: CannedRoutes;
  readonly remove: string;
  readonly will: string;
  readonly did: string;
  readonly answer: { status?: number; body?: unknown };
}

const deletions: Deletion[] = [
  {
    command: 'topics delete',
    args: ['topics', 'delete', 'orders'],
    look: { 'GET /v1/topics/orders': { body: { name: 'orders', partitionCount: 12 } } },
    remove: 'DELETE /v1/topics/orders',
    will: 'delete topic orders: 12 partitions, their segments and all offsets committed for them',
    did: 'deleted topic orders\n',
    answer: { status: 204 },
  },
  {
    command: 'groups delete',
    args: ['groups', 'delete', 'billing'],
    look: {
      'GET /v1/groups/billing': {
        body: { group: 'billing', offsets: [{ topic: 'orders', partition: 0, offset: 1 }] },
      },
    },
    remove: 'DELETE /v1/groups/billing',
    will: 'delete group billing: 1 committed offset',
    did: 'deleted group billing\n',
    answer: { status: 204 },
  },
  {
    command: 'agents remove',
    args: ['agents', 'remove', 'b3'],
    look: { 'GET /v1/agents/b3': { body: dead } },
    remove: 'DELETE /v1/agents/b3',
    will: 'remove agent b3 (dead, 0 leases)',
    did: 'removed agent b3\n',
    answer: { body: { agentId: 'b3', result: 'removed' } },
  },
];

describe.each(deletions)('$command', ({ command, args, look, remove, will, did, answer }) => {
  const routes = { ...look, [remove]: answer };

  test('is a usage error where there is no terminal to ask on, and asks the agent nothing', async () => {
    await using api = await cannedApi(routes);
    expect(await run(args, { url: api.url, input: 'y\n' })).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: '${command}' asks before it deletes, and here is no terminal to ask on; add --yes, or --dry-run to see what it would do\n`,
    });
    expect(api.lines).toEqual([]);
  });

  test.each(['--yes', '-y'])('deletes at once with %s', async (flag) => {
    await using api = await cannedApi(routes);
    expect(await run([...args, flag], api)).toEqual({ code: 0, stdout: did, stderr: '' });
    expect(api.lines).toEqual([remove]);
  });

  test.each([['--dry-run'], ['--dry-run', '--yes']])('only tells with %s %s', async (...flags) => {
    await using api = await cannedApi(routes);
    const given = flags.filter((flag) => flag !== undefined);
    expect(await run([...args, ...given], api)).toEqual({ code: 0, stdout: `would ${will}\n`, stderr: '' });
    expect(api.lines).toEqual(Object.keys(look));
  });

  test.each(['y\n', 'yes\n', 'Y\n', ' YES \r\n'])('deletes after the answer %j', async (input) => {
    await using api = await cannedApi(routes);
    expect(await run(args, { url: api.url, isTty: true, input })).toEqual({
      code: 0,
      stdout: did,
      stderr: `This will ${will}.\nGo on? [y/N] `,
    });
    expect(api.lines).toEqual([...Object.keys(look), remove]);
  });

  test.each(['n\n', '\n', 'yep\n', 'delete\ny\n'])('deletes nothing after the answer %j', async (input) => {
    await using api = await cannedApi(routes);
    expect(await run(args, { url: api.url, isTty: true, input })).toEqual({
      code: 1,
      stdout: '',
      stderr: `This will ${will}.\nGo on? [y/N] error: not confirmed, nothing was deleted\n`,
    });
    expect(api.lines).toEqual(Object.keys(look));
  });

  test('takes the end of the input for a no', async () => {
    await using api = await cannedApi(routes);
    const { code, stderr } = await run(args, { url: api.url, isTty: true });
    expect(code).toBe(1);
    expect(stderr).toBe(`This will ${will}.\nGo on? [y/N] \nerror: not confirmed, nothing was deleted\n`);
  });

  test('what is not there is exit code 3 before anything is asked', async () => {
    const problem = { status: 404, body: { code: 'not_found', detail: 'there is no such thing' } };
    await using api = await cannedApi(Object.fromEntries(Object.keys(look).map((line) => [line, problem])));
    expect(await run(args, { url: api.url, isTty: true, input: 'y\n' })).toEqual({
      code: 3,
      stdout: '',
      stderr: 'error: there is no such thing\n',
    });
  });
});

test('an interrupt while the question stands deletes nothing', async () => {
  await using api = await cannedApi({
    'GET /v1/topics/orders': { body: { name: 'orders', partitionCount: 1 } },
  });
  const interrupt = new AbortController();
  const stderr = new Collector(true);
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const running = run(['topics', 'delete', 'orders'], {
    url: api.url,
    deps: { stdin, stderr, signal: interrupt.signal },
  });
  await eventually(() => stderr.text.endsWith('[y/N] '));
  interrupt.abort();
  expect(await running).toMatchObject({ code: 130, stdout: '' });
  expect(stderr.text).toMatch(/\nerror: interrupted, nothing was deleted\n$/);
  expect(api.lines).toEqual(['GET /v1/topics/orders']);
});

test('an answer is not taken from a pipe, though the question could be seen', async () => {
  await using api = await cannedApi({});
  const stdin = Object.assign(new PassThrough(), { isTTY: false });
  stdin.end('y\n');
  const { code } = await run(['topics', 'delete', 'orders'], { url: api.url, isTty: true, deps: { stdin } });
  expect(code).toBe(2);
  expect(api.lines).toEqual([]);
});

test('a question is not asked when nobody would see it', async () => {
  await using api = await cannedApi({});
  const deps = { stderr: new Collector(false) };
  const { code } = await run(['topics', 'delete', 'orders'], {
    url: api.url,
    isTty: true,
    input: 'y\n',
    deps,
  });
  expect(code).toBe(2);
  expect(api.lines).toEqual([]);
});

describe('agents remove, of an agent that lives', () => {
  const alive = { agentId: 'b3', state: 'active', leases: 4 };
  const look = { 'GET /v1/agents/b3': { body: alive } };

  test.each([
    ['a dry run', ['--dry-run'], false],
    ['a terminal', [], true],
  ])('is refused without --force before it is asked for, in %s', async (_where, flags, isTty) => {
    await using api = await cannedApi(look);
    expect(await run(['agents', 'remove', 'b3', ...flags], { url: api.url, isTty, input: 'y\n' })).toEqual({
      code: 4,
      stdout: '',
      stderr:
        'error: agent b3 has a live session (active, 4 leases); stop it first, or end its session with --force\n',
    });
    expect(api.lines).toEqual(['GET /v1/agents/b3']);
  });

  test('tells with --force that the session is asked to end', async () => {
    const remove = 'DELETE /v1/agents/b3?force=true';
    await using api = await cannedApi({ ...look, [remove]: { body: { agentId: 'b3', result: 'asked' } } });
    expect(await run(['agents', 'remove', 'b3', '--force', '--yes'], api)).toEqual({
      code: 0,
      stdout: 'told agent b3 to end its session, which it does at its next heartbeat\n',
      stderr: '',
    });
    expect((await run(['agents', 'remove', 'b3', '--force', '--dry-run'], api)).stdout).toBe(
      'would remove agent b3 (active, 4 leases)\n',
    );
  });

  test('leaves the last word to the agent with --yes', async () => {
    const problem = { code: 'conflict', detail: 'agent "b3" has a live session' };
    await using api = await cannedApi({ 'DELETE /v1/agents/b3': { status: 409, body: problem } });
    expect(await run(['agents', 'remove', 'b3', '--yes'], api)).toEqual({
      code: 4,
      stdout: '',
      stderr: 'error: agent "b3" has a live session\n',
    });
  });
});

describe('segments prune', () => {
  const path = '/v1/topics/orders/partitions/3/segments';
  const segment = (id: string, baseOffset: number) => ({
    id,
    baseOffset,
    endOffset: baseOffset + 9,
    key: `k/${id}`,
  });
  const all = { body: { segments: [segment('a', 0), segment('b', 10), segment('c', 20)] } };
  const args = ['segments', 'prune', 'orders/3', '--before', '20'];

  test('says how many it would delete, and deletes nothing on a dry run', async () => {
    await using api = await cannedApi({ [`GET ${path}?limit=10000`]: all });
    expect(await run([...args, '--dry-run'], api)).toEqual({
      code: 0,
      stdout: 'would delete 2 segments of orders/3 that end before offset 20\n',
      stderr: '',
    });
    expect(api.lines).toHaveLength(1);
  });

  test('asks until there is no more, and tells what was removed', async () => {
    const answers = [
      { body: { removed: [segment('a', 0)], more: true } },
      { body: { removed: [segment('b', 10)], more: false } },
    ];
    const line = `DELETE ${path}?before=20`;
    await using api = await cannedApi({ [line]: answers });
    const { code, stdout } = await run([...args, '--yes', '-o', 'json'], api);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ removed: [segment('a', 0), segment('b', 10)] });
    expect(api.lines).toEqual([line, line]);
  });

  test('wants to know before which offset', async () => {
    expect((await run(['segments', 'prune', 'orders/3', '--yes'])).stderr).toContain(
      "required option '--before <offset>' not specified",
    );
  });
});
