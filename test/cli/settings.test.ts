// Where a command gets its agent, its token and its patience from.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cannedApi } from './canned-api.ts';
import { run } from './run-cli.ts';

const topics = { 'GET /v1/topics': { body: { topics: [] } } };

describe('the URL', () => {
  test.each([
    ['first of all', (url: string) => ['--url', url, 'topics', 'list']],
    ['behind the group', (url: string) => ['topics', '--url', url, 'list']],
    ['behind the command', (url: string) => ['topics', 'list', '--url', url]],
    [
      'twice, the nearest wins',
      (url: string) => ['--url', 'http://x.invalid', 'topics', 'list', `--url=${url}`],
    ],
  ])('is an option %s', async (_where, args) => {
    await using api = await cannedApi(topics);
    expect((await run(args(api.url), { url: 'http://x.invalid' })).code).toBe(0);
    expect(api.lines).toEqual(['GET /v1/topics']);
  });

  test('may end with slashes and have a path, behind a proxy', async () => {
    await using api = await cannedApi({ ...topics, 'GET /a/b/v1/topics': { body: { topics: [] } } });
    await run(['topics', 'list', '--url', `${api.url}//`]);
    await run(['topics', 'list', '--url', `${api.url}/a/b/`]);
    expect(api.lines).toEqual(['GET /v1/topics', 'GET /a/b/v1/topics']);
  });

  test.each([{}, { STREAMHOUSE_URL: '' }])('is the default of an agent without one: %j', async (env) => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(input instanceof Request ? input.url : input.toString());
      return Response.json({ topics: [] });
    };
    expect((await run(['topics', 'list'], { env, deps: { fetch } })).code).toBe(0);
    expect(asked).toEqual(['http://127.0.0.1:7070/v1/topics']);
  });

  test('the output format is an option in every place too', async () => {
    await using api = await cannedApi(topics);
    for (const args of [
      ['-o', 'json', 'topics', 'list'],
      ['topics', '-o', 'json', 'list'],
      ['topics', 'list', '--output=json'],
    ]) {
      expect((await run(args, api)).stdout).toBe('{\n  "topics": []\n}\n');
    }
  });
});

describe('the token', () => {
  test('is sent as a bearer token', async () => {
    await using api = await cannedApi(topics);
    await run(['topics', 'list'], { url: api.url, env: { STREAMHOUSE_TOKEN: 's3cret' } });
    await run(['topics', 'list'], { url: api.url, env: { STREAMHOUSE_TOKEN: '' } });
    expect(api.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer s3cret', undefined]);
  });

  test('may be in a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'streamhouse-cli-'));
    try {
      writeFileSync(join(folder, 'token'), 's3cret\n');
      await using api = await cannedApi(topics);
      const env = { STREAMHOUSE_TOKEN_FILE: join(folder, 'token') };
      await run(['topics', 'list'], { url: api.url, env });
      await run(['topics', 'list'], { url: api.url, env: { ...env, STREAMHOUSE_TOKEN: 'other' } });
      expect(api.requests.map(({ headers }) => headers.authorization)).toEqual([
        'Bearer s3cret',
        'Bearer other',
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a file that is missing is a fault of the configuration', async () => {
    const { code, stderr } = await run(['topics', 'list'], {
      env: { STREAMHOUSE_TOKEN_FILE: '/no/such/token' },
    });
    expect(code).toBe(78);
    expect(stderr).toMatch(/^error: STREAMHOUSE_TOKEN_FILE cannot be read: ENOENT/);
  });

  test.each(['a b', 'sëcret', 'a\nb'])(
    'that no header can carry is refused without being repeated: %j',
    async (token) => {
      expect(await run(['topics', 'list'], { env: { STREAMHOUSE_TOKEN: token } })).toEqual({
        code: 78,
        stdout: '',
        stderr: 'error: STREAMHOUSE_TOKEN is invalid. A token is printable ASCII without blanks.\n',
      });
    },
  );
});
