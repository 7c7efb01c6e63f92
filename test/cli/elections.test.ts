// `elections list|get|resign`: what they ask, what they print, and what a mistake gets.
import { expect, test } from 'vitest';
import { cannedApi } from './canned-api.ts';
import { run } from './run-cli.ts';

const compactor = {
  name: 'compactor',
  agentId: 'a',
  epoch: 4_294_967_301,
  since: '2026-01-02T03:04:05.000Z',
};
const janitor = { name: 'janitor', agentId: null, epoch: 7, since: null };

test('roles are listed with who leads them', async () => {
  await using api = await cannedApi({ 'GET /v1/elections': { body: { elections: [compactor, janitor] } } });
  const { stdout } = await run(['elections', 'list'], api);
  expect(stdout).toBe(
    'ELECTION    AGENT        EPOCH   SINCE\n' +
      'compactor   a       4294967301   2026-01-02T03:04:05.000Z\n' +
      'janitor     -                7   -\n',
  );
  const json = await run(['elections', 'list', '-o', 'json'], api);
  expect(JSON.parse(json.stdout)).toEqual({ elections: [compactor, janitor] });
});

test('one role is shown', async () => {
  await using api = await cannedApi({
    'GET /v1/elections/janitor': { body: janitor },
    'GET /v1/elections/never': {
      status: 404,
      body: { code: 'not_found', detail: 'election "never" does not exist' },
    },
  });
  const { stdout } = await run(['elections', 'get', 'janitor'], api);
  expect(stdout).toBe('Election:  janitor\nAgent:     nobody\nEpoch:     7\nSince:     -\n');
  const missing = await run(['elections', 'get', 'never'], api);
  expect(missing).toMatchObject({ code: 3, stderr: 'error: election "never" does not exist\n' });
});

test('a leader is asked to resign, at an epoch if one is given', async () => {
  const asked = { name: 'compactor', outcome: 'asked', agentId: 'a', epoch: 9 };
  const vacant = { name: 'janitor', outcome: 'vacant', agentId: null, epoch: 7 };
  await using api = await cannedApi({
    'POST /v1/elections/compactor/resign': { body: asked },
    'POST /v1/elections/janitor/resign': { body: vacant },
  });
  const { stdout } = await run(['elections', 'resign', 'compactor', '--expected-epoch', '9'], api);
  expect(stdout).toBe('asked agent a to give up compactor, epoch 9\n');
  expect((await run(['elections', 'resign', 'janitor'], api)).stdout).toBe(
    'nobody leads janitor (last epoch 7)\n',
  );
  expect(api.requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual([{ expectedEpoch: 9 }, {}]);
});

test.each([
  [
    ['elections', 'resign', 'x', '--expected-epoch', 'new'],
    /'--expected-epoch <n>' argument 'new' is invalid/,
  ],
  [['elections', 'campaign'], /missing required argument 'name'/],
  [['elections', 'campaign', 'a/b'], /argument 'name'.*It must be 1 to 249/s],
  [['elections', 'campaign', 'x', '--candidate', 'a b', '--', 'true'], /'--candidate <name>'.*is invalid/],
  [['elections', 'campaign', 'x', '--hold-ms', '499'], /'--hold-ms <n>'.*from 500 to 300000/],
  [['elections', 'campaign', 'x', '--kill-after', '5'], /'--kill-after <duration>'.*number and a unit/],
  [
    ['elections', 'campaign', 'x', '--stream', '--hold-ms', '5000'],
    /--stream and --hold-ms exclude each other/,
  ],
  [['elections', 'campaign', 'x', '-o', 'json'], /unknown option '-o'/],
  [['-o', 'json', 'elections', 'campaign', 'x'], /'elections campaign' takes no --output/],
])('%j is a usage error, and nobody is asked anything', async (args, says) => {
  await using api = await cannedApi({});
  const { code, stdout, stderr } = await run(args, api);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(says);
  expect(api.lines).toEqual([]);
});

test('a campaign beside no agent ends at once, saying how to find one', async () => {
  const { code, stderr } = await run(['elections', 'campaign', 'x'], { url: 'http://127.0.0.1:1' });
  expect(code).toBe(6);
  expect(stderr).toMatch(/no agent answers at http:\/\/127\.0\.0\.1:1/);
});

test('a campaign that is refused ends at once, with the refusal', async () => {
  const problem = { code: 'conflict', detail: "the role is the agents' own" };
  await using api = await cannedApi({
    'POST /v1/elections/coordinator/campaign': { status: 409, body: problem },
  });
  const { code, stderr } = await run(['elections', 'campaign', 'coordinator', '--hold-ms', '5000'], api);
  expect({ code, stderr }).toEqual({ code: 4, stderr: "error: the role is the agents' own\n" });
});
