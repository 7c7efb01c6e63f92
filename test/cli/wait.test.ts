// `wait --for`: every condition, all of them together, and the ways to end without them.
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { cannedApi, type CannedRoutes } from './canned-api.ts';
import { Collector, run } from './run-cli.ts';

const lease = { topic: 'orders', partition: 3, agentId: 'b1', epoch: 7 };
const agent = { agentId: 'b1', state: 'active', placement: 'open', leases: 2 };
const status = {
  group: 'default',
  coordinator: { agentId: 'b1', epoch: 2 },
  partitions: { total: 4, led: 4, unled: 0 },
};
const still = { paused: false, applyRequestedAt: null, partitions: { moving: 0 }, wanted: 0 };
const missing = { status: 404, body: { code: 'not_found', title: 'not there' } };
const leader = 'GET /v1/leases/orders/3';
const b1 = 'GET /v1/agents/b1';

/** A condition, what is so at first, and what is so when it is met. */
const cases: [string, string, unknown, unknown, string][] = [
  ['leader=orders/3', leader, { ...lease, agentId: null }, lease, 'orders/3 is led by b1 under epoch 7'],
  ['leader=orders/3:b2', leader, lease, { ...lease, agentId: 'b2' }, 'orders/3 is led by b2 under epoch 7'],
  ['agent=b1', b1, { ...agent, state: 'expired' }, agent, 'agent b1 is active and leads 2 partitions'],
  ['agent=b1:dead', b1, agent, { ...agent, state: 'dead' }, 'agent b1 is dead and leads 2 partitions'],
  [
    'agent=b1:drained',
    b1,
    { ...agent, state: 'draining', placement: 'draining', leases: 1 },
    { ...agent, state: 'dead', placement: 'draining', leases: 0 },
    'agent b1 is dead and leads 0 partitions',
  ],
  [
    'all-led',
    'GET /v1/status',
    { ...status, partitions: { total: 4, unled: 1 } },
    status,
    '0 of 4 partitions are not led',
  ],
  ['coordinator', 'GET /v1/status', { ...status, coordinator: null }, status, 'agent b1 is coordinator'],
  [
    'coordinator=b2',
    'GET /v1/status',
    status,
    { ...status, coordinator: { agentId: 'b2' } },
    'agent b2 is coordinator',
  ],
  [
    'moves=0',
    'GET /v1/rebalance',
    { ...still, partitions: { moving: 1 } },
    still,
    '0 partitions are on their way, nobody is coordinator',
  ],
  [
    'moves=0',
    'GET /v1/rebalance',
    { ...still, applyRequestedAt: 'now' },
    still,
    '0 partitions are on their way, nobody is coordinator',
  ],
  ['moves=0', 'GET /v1/rebalance', { ...still, wanted: 3 }, still, '0 partitions are on their way, nobody'],
  [
    'healthy',
    'GET /health',
    { checks: [{ name: 'store', ok: false }] },
    { checks: [{ name: 'store', ok: true }] },
    'the agent is ready',
  ],
];

describe('wait --for', () => {
  test.each(cases)('%s waits', async (condition, line, before, after, said) => {
    await using api = await cannedApi({ [line]: [{ body: before }, { body: after }] });
    const { code, stdout, stderr } = await run(['wait', `--for=${condition}`], api);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(said);
    expect(api.lines).toHaveLength(2);
  });

  test('topic= and leader= wait for a topic that is not there yet, agent=:gone until it is not', async () => {
    await using api = await cannedApi({
      'GET /v1/topics/orders': [missing, { body: { name: 'orders', partitionCount: 1 } }],
      [leader]: [missing, { body: lease }],
      [b1]: [{ body: agent }, missing],
    });
    const line = ['wait', '--for=topic=orders', '--for', 'leader=orders/3', '--for', 'agent=b1:gone'];
    expect(await run(line, api)).toEqual({
      code: 0,
      stdout: 'topic orders has 1 partition\norders/3 is led by b1 under epoch 7\nthere is no agent b1\n',
      stderr: '',
    });
  });

  test('several mean all of them in one look', async () => {
    const flapping: CannedRoutes = {
      [leader]: [{ body: lease }, { body: { ...lease, agentId: null } }, { body: lease }],
      [b1]: [{ body: { ...agent, state: 'expired' } }, { body: agent }],
    };
    await using api = await cannedApi(flapping);
    const line = ['wait', '--for=leader=orders/3', '--for=agent=b1'];
    expect((await run(line, api)).code).toBe(0);
    expect(api.lines).toHaveLength(6);
  });

  test('an agent that does not answer is waited for', async () => {
    await using api = await cannedApi({ [leader]: [{ fault: 'cut' }, { body: lease }] });
    expect((await run(['wait', '--for=leader=orders/3'], api)).code).toBe(0);
  });

  test('ends after --timeout with exit code 5 and what is missing, also when no answer comes', async () => {
    await using api = await cannedApi({
      [leader]: { body: { ...lease, agentId: null } },
      [b1]: { fault: 'silent' },
    });
    const start = (condition: string) => run(['wait', `--for=${condition}`, '--timeout', '300ms'], api);
    expect(await start('leader=orders/3')).toEqual({
      code: 5,
      stdout: '',
      stderr: 'error: not met within 300ms: nobody leads orders/3\n',
    });
    expect(await start('agent=b1')).toEqual({
      code: 5,
      stdout: '',
      stderr: 'error: not met within 300ms: no answer came\n',
    });
    const nobody = await run(['wait', '--for=healthy', '--timeout', '300ms', '--url', 'http://127.0.0.1:1']);
    expect(nobody.code).toBe(5);
    expect(nobody.stderr).toMatch(/^error: not met within 300ms: no agent answers at http:\/\/127.0.0.1:1 /);
  });

  test('a refusal ends it at once', async () => {
    const refused = { status: 401, body: { code: 'unauthorized', title: 'no token' } };
    await using api = await cannedApi({ [leader]: refused });
    expect((await run(['wait', '--for=leader=orders/3'], api)).code).toBe(1);
  });

  test('tells a terminal what it waits for, and ends when interrupted', async () => {
    await using api = await cannedApi({ [leader]: { body: { ...lease, agentId: null } } });
    const interrupt = new AbortController();
    const stderr = new Collector(true);
    const running = run(['wait', '--for=leader=orders/3'], {
      url: api.url,
      deps: { stderr, signal: interrupt.signal },
    });
    await eventually(() => stderr.text.includes('nobody leads orders/3'));
    interrupt.abort();
    expect((await running).code).toBe(130);
    expect(stderr.text).toMatch(/error: interrupted: nobody leads orders\/3\n$/);
  });

  test.each([
    [[], "required option '--for <condition>' not specified"],
    [['--for=nope'], 'Conditions are leader=TOPIC/PARTITION[:AGENT], agent=NAME[:STATE], all-led, '],
    [['--for=leader=orders'], 'It must be TOPIC/PARTITION, such as orders/3.'],
    [['--for=leader'], 'It must be TOPIC/PARTITION, such as orders/3.'],
    [['--for=leader=orders/3:'], 'It must be 1 to 249 characters'],
    [['--for=agent=b1:asleep'], 'States of an agent are active, cordoned,'],
    [['--for=agent'], 'It must be 1 to 249 characters'],
    [['--for=all-led=yes'], 'It takes no "=".'],
    [['--for=moves=none'], 'It must be a whole number, as in moves=0.'],
    [['--for=healthy', '--timeout', '5'], 'It needs a number and a unit'],
  ])('%j is refused before anything is sent', async (options, sentence) => {
    await using api = await cannedApi({});
    const { code, stderr } = await run(['wait', ...options], api);
    expect(code).toBe(2);
    expect(stderr).toContain(sentence);
    expect(api.lines).toEqual([]);
  });

  test('help says what each condition means, with an example', async () => {
    const { stdout } = await run(['wait', '--help']);
    for (const name of ['leader=', 'agent=', 'all-led', 'coordinator', 'topic=', 'moves=', 'healthy']) {
      expect(stdout).toContain(`such as --for=${name}`);
    }
  });
});
