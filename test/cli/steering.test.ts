// What takes leadership from somebody: cordon, drain, release, move. It says what it will do, and does it only after a yes.
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { cannedApi, type CannedRoutes } from './canned-api.ts';
import { Collector, run } from './run-cli.ts';

const b1 = { agentId: 'b1', state: 'active', placement: 'open', leases: 3 };
const b2 = { ...b1, agentId: 'b2' };
const draining = { ...b1, state: 'draining', placement: 'draining' };
const lease = { topic: 'orders', partition: 3, agentId: 'b1', epoch: 7 };
const asked = { topic: 'orders', partition: 3, epoch: 7, agentId: 'b1', result: 'asked' };
const drainB1 = 'POST /v1/agents/b1/drain';

interface Deed {
  readonly command: string;
  readonly args: string[];
  readonly look: CannedRoutes;
  readonly change: string;
  readonly answer: object;
  /** What is sent after a question, and with --yes, where nothing was looked at. */
  readonly body: object;
  readonly bodyUnseen?: object;
  readonly will: string;
  readonly did: string;
}

const deeds: Deed[] = [
  {
    command: 'agents drain',
    args: ['agents', 'drain', 'b1'],
    look: {
      'GET /v1/agents/b1': { body: b1 },
      'GET /v1/agents': { body: { agents: [b1, b2, { ...b2, agentId: 'b3', state: 'cordoned' }] } },
    },
    change: drainB1,
    answer: draining,
    body: {},
    will: 'drain agent b1 (active), which leads 3 partitions; 1 other agent takes them',
    did: 'draining agent b1, which leads 3 partitions; "agents uncordon b1" takes it back\n',
  },
  {
    command: 'leases release',
    args: ['leases', 'release', 'orders/3'],
    look: { 'GET /v1/leases/orders/3': { body: lease } },
    change: 'POST /v1/leases/orders/3/release',
    answer: asked,
    body: { expectedEpoch: 7 },
    bodyUnseen: {},
    will: 'ask agent b1 to give up orders/3 (epoch 7)',
    did: 'asked agent b1 to give up orders/3\n',
  },
  {
    command: 'leases release',
    args: ['leases', 'release', 'orders/3', '--expected-epoch', '6', '--force'],
    look: { 'GET /v1/leases/orders/3': { body: lease } },
    change: 'POST /v1/leases/orders/3/release',
    answer: asked,
    body: { expectedEpoch: 6, force: true },
    will: 'ask agent b1 to give up orders/3 (epoch 7), and end the session of agent b1 with all that it leads',
    did: 'asked agent b1 to give up orders/3\n',
  },
  {
    command: 'leases move',
    args: ['leases', 'move', 'orders/3', '--to', 'b2'],
    look: { 'GET /v1/leases/orders/3': { body: lease } },
    change: 'POST /v1/leases/orders/3/move',
    answer: { ...asked, to: 'b2' },
    body: { expectedEpoch: 7, to: 'b2' },
    bodyUnseen: { to: 'b2' },
    will: 'move orders/3 from agent b1 to agent b2 (epoch 7)',
    did: 'agent b2 is to lead orders/3; agent b1 hands it over\n',
  },
  {
    command: 'leases move',
    args: ['leases', 'move', 'orders/3'],
    look: { 'GET /v1/leases/orders/3': { body: { ...lease, agentId: null } } },
    change: 'POST /v1/leases/orders/3/move',
    answer: { ...asked, agentId: null, result: 'vacant', to: 'b2' },
    body: { expectedEpoch: 7 },
    bodyUnseen: {},
    will: 'move orders/3 from nobody to the least loaded other agent',
    did: 'agent b2 is to lead orders/3, which nobody leads\n',
  },
];

describe.each(deeds)('$args', ({ command, args, look, change, answer, body, bodyUnseen, will, did }) => {
  const routes = { ...look, [change]: { body: answer } };

  test('is a usage error where there is no terminal to ask on, and asks the agent nothing', async () => {
    await using api = await cannedApi(routes);
    expect(await run(args, { url: api.url, input: 'y\n' })).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: '${command}' asks before it changes who leads, and here is no terminal to ask on; add --yes, or --dry-run to see what it would do\n`,
    });
    expect(api.lines).toEqual([]);
  });

  test('is done at once with --yes', async () => {
    await using api = await cannedApi(routes);
    expect(await run([...args, '--yes'], api)).toEqual({ code: 0, stdout: did, stderr: '' });
    expect(api.lines).toEqual([change]);
    expect(JSON.parse(api.requests[0]?.body ?? '')).toEqual(bodyUnseen ?? body);
  });

  test('is only told with --dry-run', async () => {
    await using api = await cannedApi(routes);
    expect(await run([...args, '--dry-run'], api)).toEqual({
      code: 0,
      stdout: `would ${will}\n`,
      stderr: '',
    });
    expect(api.lines).toEqual(Object.keys(look));
  });

  test('is done after a yes, to what the question showed', async () => {
    await using api = await cannedApi(routes);
    expect(await run(args, { url: api.url, isTty: true, input: 'y\n' })).toEqual({
      code: 0,
      stdout: did,
      stderr: `This will ${will}.\nGo on? [y/N] `,
    });
    expect(api.lines).toEqual([...Object.keys(look), change]);
    expect(JSON.parse(api.requests.at(-1)?.body ?? '')).toEqual(body);
  });

  test('is not done after a no', async () => {
    await using api = await cannedApi(routes);
    const { code, stderr } = await run(args, { url: api.url, isTty: true, input: 'n\n' });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `This will ${will}.\nGo on? [y/N] error: not confirmed, nothing was changed\n`,
    });
    expect(api.lines).toEqual(Object.keys(look));
  });

  test('answers in JSON what the agent said', async () => {
    await using api = await cannedApi(routes);
    const { code, stdout } = await run([...args, '--yes', '-o', 'json'], api);
    expect({ code, answer: JSON.parse(stdout) }).toEqual({ code: 0, answer });
  });
});

test.each([
  ['cordon', 'cordoned agent b1: it keeps what it leads and gets nothing new\n'],
  ['uncordon', 'agent b1 takes partitions again\n'],
])('agents %s asks nobody: it takes nothing from anyone', async (verb, did) => {
  await using api = await cannedApi({ [`POST /v1/agents/b1/${verb}`]: { body: b1 } });
  expect(await run(['agents', verb, 'b1'], api)).toEqual({ code: 0, stdout: did, stderr: '' });
  expect(JSON.parse((await run(['agents', verb, 'b1', '-o', 'json'], api)).stdout)).toEqual(b1);
});

test('a drain that leaves nobody to lead says so before', async () => {
  await using api = await cannedApi({
    'GET /v1/agents/b1': { body: b1 },
    'GET /v1/agents': { body: { agents: [b1, { ...b2, state: 'dead' }] } },
  });
  expect((await run(['agents', 'drain', 'b1', '--dry-run'], api)).stdout).toMatch(
    /no other agent takes any now, so that nobody would lead them\n$/,
  );
});

test('a fenced move is exit code 4 and names the epoch', async () => {
  const problem = { code: 'fenced', detail: 'partition orders/3 is at epoch 8, not 7', currentEpoch: 8 };
  await using api = await cannedApi({ 'POST /v1/leases/orders/3/move': { status: 409, body: problem } });
  const args = ['leases', 'move', 'orders/3', '--expected-epoch', '7', '--yes'];
  expect(await run(args, api)).toEqual({
    code: 4,
    stdout: '',
    stderr: 'error: partition orders/3 is at epoch 8, not 7 (current epoch 8)\n',
  });
});

test.each([
  [
    ['leases', 'release', 'orders/3'],
    { ...asked, agentId: null, result: 'vacant' },
    'nobody leads orders/3: there was nothing to ask for\n',
  ],
  [
    ['leases', 'move', 'orders/3', '--to', 'b1'],
    { ...asked, result: 'in_place', to: 'b1' },
    'agent b1 leads orders/3 already, and is to go on\n',
  ],
])('%j tells when there was nothing to do', async (args, body, did) => {
  await using api = await cannedApi({ [`POST /v1/leases/orders/3/${args[1]}`]: { body } });
  expect(await run([...args, '--yes'], api)).toEqual({ code: 0, stdout: did, stderr: '' });
});

describe('agents drain --wait', () => {
  const args = ['agents', 'drain', 'b1', '--yes', '--wait'];
  const line = (text: string) => `\r\u001b[2K${text}`;
  const left = (leases: number) => ({ body: { ...draining, leases } });

  const rebalance = (more: object) => ({
    body: {
      generation: 3,
      paused: false,
      coordinator: { agentId: 'b1', epoch: 1, since: null },
      agents: [taker],
      ...more,
    },
  });
  const taker = { agentId: 'b2', state: 'active' };
  const moving = (count: number) =>
    Array.from({ length: count }, (_, partition) => ({ topic: 'orders', partition, from: 'b1', to: 'b2' }));

  test('returns when the agent leads nothing, and tells a terminal how far it is', async () => {
    await using api = await cannedApi({
      [drainB1]: { body: draining },
      'GET /v1/agents/b1': [left(3), left(3), left(1), left(0)],
      'GET /v1/rebalance': [
        rebalance({ moving: moving(2) }),
        rebalance({ moving: moving(2) }),
        rebalance({ moving: moving(1) }),
      ],
    });
    const some = 'it and its broker have to hand over 2, the others wait for moves under way';
    expect(await run(args, { url: api.url, isTty: true })).toEqual({
      code: 0,
      stdout: 'drained agent b1: it leads nothing\n',
      stderr:
        line(`agent b1 still leads 3 partitions: ${some}`.slice(0, 79)) +
        line('agent b1 still leads 1 partition: it and its broker have to hand them over') +
        line(''),
    });
  });

  test.each([
    { name: 'nobody takes them', answer: { agents: [] }, why: 'no other agent takes any' },
    {
      name: 'nobody plans',
      answer: { coordinator: null },
      why: 'nobody is coordinator, so nothing is planned',
    },
    { name: 'nothing is planned yet', answer: {}, why: 'the plan has not moved them yet' },
  ])('gives up waiting after --timeout with exit code 5, and says why: $name', async ({ answer, why }) => {
    await using api = await cannedApi({
      [drainB1]: { body: draining },
      'GET /v1/agents/b1': left(2),
      'GET /v1/rebalance': rebalance(answer),
    });
    expect(await run([...args, '--timeout', '300ms'], api)).toEqual({
      code: 5,
      stdout: '',
      stderr: `error: agent b1 still leads 2 partitions after 300ms: ${why}; it goes on draining\n`,
    });
  });

  test('is left by an interrupt, and the drain goes on', async () => {
    await using api = await cannedApi({
      [drainB1]: { body: draining },
      'GET /v1/agents/b1': left(2),
      'GET /v1/rebalance': rebalance({}),
    });
    const interrupt = new AbortController();
    const stderr = new Collector(true);
    const running = run(args, { url: api.url, isTty: true, deps: { stderr, signal: interrupt.signal } });
    await eventually(() => stderr.text.includes('2 partitions'));
    interrupt.abort();
    expect(await running).toMatchObject({ code: 130, stdout: '' });
    expect(stderr.text).toMatch(/error: interrupted/);
  });
});
