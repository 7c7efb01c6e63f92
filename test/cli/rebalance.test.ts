// The commands about placement: plan, apply, status, explain, pause and resume, against answers in the API's form.
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type {
  ExplanationAnswer,
  PauseAnswer,
  PlanAnswer,
  RebalanceAnswer,
} from '../../src/http/schemas/answers/rebalance.ts';
import { cannedApi } from './canned-api.ts';
import { Collector, run } from './run-cli.ts';

const at = '2026-01-02T03:04:05.678Z';
const load = { zone: 'eu-1a', weight: 1, state: 'active', share: 6.04, settlesInMs: 0 } as const;
const agents: PlanAnswer['agents'] = [
  { ...load, agentId: 'b1', assigned: 8, planned: 6 },
  { ...load, agentId: 'b2', assigned: 4, planned: 6, settlesInMs: 7000 },
  { ...load, agentId: 'b3', assigned: 1, planned: 1, state: 'cordoned', share: null },
];
const move = { topic: 'orders', partition: 3, from: 'b1', to: 'b2', reason: 'agent_joined' } as const;
const fresh = { ...move, partition: 11, from: null, reason: 'new_partition' } as const;
const plan: PlanAnswer = { generation: 7, agents, moves: [move, fresh], totalMoves: 2, unassignable: 0 };

const settled: RebalanceAnswer = {
  generation: 8,
  coordinator: { agentId: 'b1', epoch: 4_294_967_297, since: at },
  paused: false,
  pausedSince: null,
  applyRequestedAt: null,
  partitions: { total: 13, led: 13, moving: 0, unassigned: 0, pinned: 1 },
  wanted: 0,
  agents,
  moving: [],
};
const moving: RebalanceAnswer = {
  ...settled,
  applyRequestedAt: at,
  partitions: { ...settled.partitions, led: 12, moving: 1 },
  wanted: 1,
  moving: [{ topic: 'orders', partition: 3, from: 'b1', to: 'b2' }],
};

describe('rebalance plan', () => {
  test('shows what each agent has, what it would have, and every move with its reason', async () => {
    await using api = await cannedApi({ 'GET /v1/plan': { body: plan } });
    expect(await run(['rebalance', 'plan'], api)).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'Generation:    7',
        'Moves:         2',
        'Unassignable:  0',
        '',
        'AGENT   STATE      ZONE    WEIGHT   SHARE   NOW   PLANNED   CHANGE',
        'b1      active     eu-1a        1       6     8         6       -2',
        'b2      active     eu-1a        1       6     4         6       +2',
        'b3      cordoned   eu-1a        1       -     1         1        0',
        '',
        'PARTITION   FROM   TO   REASON',
        'orders/3    b1     b2   agent_joined',
        'orders/11   -      b2   new_partition',
        '',
      ].join('\n'),
    });
  });

  test('follows its pages up to --limit, and says that there are more', async () => {
    await using api = await cannedApi({
      'GET /v1/plan?limit=1': { body: { ...plan, moves: [move], nextCursor: 'x' } },
    });
    const { stdout, stderr } = await run(['rebalance', 'plan', '--limit', '1'], {
      url: api.url,
      isTty: true,
    });
    expect(stdout).toContain('Moves:         2\n');
    expect(stdout).not.toContain('orders/11');
    expect(stderr).toBe('only the first 1 moves, as --limit says; there are more\n');
    const names = await run(['rebalance', 'plan', '--limit', '1', '-o', 'name'], api);
    expect(names.stdout).toBe('orders/3\n');
  });

  test('that is empty shows no table of moves, and says so', async () => {
    await using api = await cannedApi({ 'GET /v1/plan': { body: { ...plan, moves: [], totalMoves: 0 } } });
    const { stdout, stderr } = await run(['rebalance', 'plan'], { url: api.url, isTty: true });
    expect(stdout).not.toContain('PARTITION');
    expect(stderr).toBe('nothing to move: every partition is assigned where the plan wants it\n');
  });

  test('of an agent of another version shows what it says', async () => {
    await using api = await cannedApi({ 'GET /v1/plan': { body: { moves: [{ ...move, cost: 3 }] } } });
    expect((await run(['rebalance', 'plan'], api)).stdout).toContain(
      'orders/3    b1     b2   agent_joined\n',
    );
  });
});

describe('rebalance apply', () => {
  const apply = 'POST /v1/plan/apply';
  const asked = { body: { generation: 8, requestedAt: at } };
  const args = ['rebalance', 'apply'];
  const deed = 'move 2 partitions: orders/3 b1 → b2 (agent_joined), orders/11 nobody → b2 (new_partition)';

  test('shows what it will do and asks', async () => {
    await using api = await cannedApi({ 'GET /v1/plan?limit=5': { body: plan }, [apply]: asked });
    expect(await run(args, { url: api.url, isTty: true, input: 'y\n' })).toEqual({
      code: 0,
      stdout: 'asked the coordinator for the plan; "rebalance status --watch" follows it\n',
      stderr: `This will ${deed}.\nGo on? [y/N] `,
    });
    expect(api.lines).toEqual(['GET /v1/plan?limit=5', apply]);
  });

  test('does nothing when the answer is no, on --dry-run, and where nobody can be asked', async () => {
    await using api = await cannedApi({ 'GET /v1/plan?limit=5': { body: plan } });
    const no = await run(args, { url: api.url, isTty: true, input: 'n\n' });
    expect(no.code).toBe(1);
    expect(no.stderr).toContain('not confirmed, nothing was changed');
    expect(await run([...args, '--dry-run'], api)).toEqual({
      code: 0,
      stdout: `would ${deed}\n`,
      stderr: '',
    });
    expect((await run(args, api)).code).toBe(2);
    expect(api.lines.filter((line) => line.startsWith('POST'))).toEqual([]);
  });

  test('--wait returns when nothing is asked for and nothing moves, and tells a terminal how far it is', async () => {
    await using api = await cannedApi({
      [apply]: asked,
      'GET /v1/rebalance': [
        { body: moving },
        { body: { ...moving, applyRequestedAt: null, wanted: 0 } },
        { body: settled },
      ],
    });
    const line = (text: string) => `\r\u001b[2K${text}`;
    expect(await run([...args, '--yes', '--wait'], { url: api.url, isTty: true })).toEqual({
      code: 0,
      stdout: 'the plan is carried out: 13 of 13 partitions are led\n',
      stderr: [
        line('1 partition is on its way, 1 more is to move, the coordinator has not written a'),
        line('1 partition is on its way'),
        line(''),
      ].join(''),
    });
  });

  test('--wait gives up after --timeout with exit code 5', async () => {
    await using api = await cannedApi({ [apply]: asked, 'GET /v1/rebalance': { body: moving } });
    expect(await run([...args, '--yes', '--wait', '--timeout', '300ms'], api)).toEqual({
      code: 5,
      stdout: '',
      stderr:
        'error: after 300ms 1 partition is on its way, 1 more is to move, the coordinator has not written all of it yet; the plan goes on being carried out\n',
    });
  });

  test('--wait is left by an interrupt with exit code 130', async () => {
    await using api = await cannedApi({ [apply]: asked, 'GET /v1/rebalance': { body: moving } });
    const interrupt = new AbortController();
    const stderr = new Collector(true);
    const running = run([...args, '--yes', '--wait'], {
      url: api.url,
      deps: { stderr, signal: interrupt.signal },
    });
    await eventually(() => stderr.text.includes('on its way'));
    interrupt.abort();
    expect((await running).code).toBe(130);
  });
});

test('rebalance status shows what is on its way, for how long, and why', async () => {
  await using api = await cannedApi({ 'GET /v1/rebalance': { body: moving } });
  const { code, stdout } = await run(['rebalance', 'status', '-o', 'wide'], api);
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      'Generation:   8',
      'Coordinator:  b1',
      'Paused:       no',
      `Asked for:    since ${at}`,
      'Partitions:   13',
      'Led:          12',
      'Moving:       1',
      'Wanted:       1',
      'Unassigned:   0',
      'Pinned:       1',
      '',
      'AGENT   STATE      ZONE    WEIGHT   SHARE   NOW   PLANNED   CHANGE   SETTLES-IN',
      'b1      active     eu-1a        1       6     8         6       -2            -',
      'b2      active     eu-1a        1       6     4         6       +2           7s',
      'b3      cordoned   eu-1a        1       -     1         1        0            -',
      '',
      'MOVING     LED-BY   TO',
      'orders/3   b1       b2',
      '',
    ].join('\n'),
  );
  expect((await run(['rebalance', 'status', '-o', 'name'], api)).stdout).toBe('orders/3\n');
});

test('rebalance status says that it is paused, and that nobody is coordinator', async () => {
  const body: RebalanceAnswer = { ...settled, coordinator: null, paused: true, pausedSince: at };
  await using api = await cannedApi({ 'GET /v1/rebalance': { body } });
  const { stdout } = await run(['rebalance', 'status'], api);
  expect(stdout).toContain(`Paused:       since ${at}\n`);
  expect(stdout).toContain('Coordinator:  nobody, so nothing is planned\n');
});

describe('explain', () => {
  const body: ExplanationAnswer = {
    topic: 'orders',
    partition: 3,
    leader: 'b1',
    epoch: 9,
    assignedTo: 'b2',
    reason: 'balance',
    assignedAt: at,
    plan: null,
    waitsFor: ['agent b1 hands it over'],
    sentences: ['Agent b1 leads orders/3.', 'It waits for \u001b[2J.'],
  };
  const path = 'GET /v1/explain/orders/3';

  test('prints the sentences, unable to move the cursor', async () => {
    await using api = await cannedApi({ [path]: { body } });
    expect(await run(['explain', 'orders/3'], api)).toEqual({
      code: 0,
      stdout: 'Agent b1 leads orders/3.\nIt waits for \\u{1b}[2J.\n',
      stderr: '',
    });
  });

  test('wide, also the facts', async () => {
    await using api = await cannedApi({ [path]: { body } });
    const { stdout } = await run(['explain', 'orders/3', '-o', 'wide'], api);
    expect(stdout).toContain('Assigned to:  b2\n');
    expect(stdout).toContain('Waits for:    agent b1 hands it over\n');
  });

  test('a partition that is not there has exit code 3', async () => {
    const problem = { code: 'not_found', title: 'Not found', detail: 'there is no topic nope' };
    await using api = await cannedApi({ 'GET /v1/explain/nope/0': { status: 404, body: problem } });
    expect(await run(['explain', 'nope/0'], api)).toEqual({
      code: 3,
      stdout: '',
      stderr: 'error: there is no topic nope\n',
    });
  });
});

test('pause and resume say what they mean, and ask nothing', async () => {
  const paused: PauseAnswer = { paused: true, since: at };
  await using api = await cannedApi({
    'POST /v1/pause': { body: paused },
    'POST /v1/resume': { body: { paused: false, since: null } },
  });
  const { code, stdout } = await run(['pause'], api);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^paused since 2026-01-02T03:04:05.678Z: no partition moves for balance\n/);
  expect(stdout).toContain('takeover still works');
  expect((await run(['resume'], api)).stdout).toContain('balancing goes on');
  expect(JSON.parse((await run(['pause', '-o', 'json'], api)).stdout)).toEqual(paused);
});

describe('topics create --prefer', () => {
  const args = ['topics', 'create', 'orders', '--partitions', '4'];
  const created = { 'POST /v1/topics': { status: 201, body: { name: 'orders', partitionCount: 4 } } };

  test('becomes keys of the config, beside those of --config', async () => {
    await using api = await cannedApi(created);
    const prefer = ['--prefer', 'a,b', '--prefer', '3=c', '--prefer', '0=b, a', '--config', 'owner=x'];
    expect((await run([...args, ...prefer], api)).code).toBe(0);
    expect(JSON.parse(api.requests[0]?.body ?? '')).toMatchObject({
      config: { owner: 'x', prefer: 'a,b', 'prefer.3': 'c', 'prefer.0': 'b,a' },
    });
  });

  test.each([
    [['--prefer', 'a', '--prefer', 'b'], 'It was given for all partitions before'],
    [['--prefer', '3=a', '--prefer', '3=b'], 'It was given for partition 3 before'],
    [['--prefer', '4=a'], '--prefer 4=… is for no partition of it: they are 0 to 3'],
    [['--prefer', 'x=a'], '"x" is no partition: write 3=c for partition 3.'],
    [['--prefer', ''], 'It must be agents, best first'],
    [['--prefer', 'a,,b'], 'It must be agents, best first'],
    [['--prefer', '3='], 'It must be agents, best first'],
    [['--prefer', 'a b'], 'It must be agents, best first'],
    [['--prefer', 'a,a'], 'It names a twice.'],
  ])('%j is refused before anything is sent', async (prefer, sentence) => {
    await using api = await cannedApi({});
    const { code, stderr } = await run([...args, ...prefer], api);
    expect(code).toBe(2);
    expect(stderr).toContain(sentence);
    expect(api.lines).toEqual([]);
  });
});
