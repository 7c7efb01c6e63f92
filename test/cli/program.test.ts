// The program as a whole: help, version, what it passes on to others, and the database commands.
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import type { DbOptions } from '../../src/cli/deps.ts';
import { commandTree, run } from './run-cli.ts';

const program = commandTree();
const never = (): Promise<never> => Promise.reject(new Error('not in this test'));

function pathsOf(command: Command, path: string[] = []): string[][] {
  return [path, ...command.commands.flatMap((each) => pathsOf(each, [...path, each.name()]))];
}

describe('help', () => {
  const paths = pathsOf(program);

  test('names the commands of this release and no others', () => {
    const leaves = paths
      .map((path) => path.join(' '))
      .filter((path) => !paths.some((p) => p.join(' ').startsWith(`${path} `)));
    expect(leaves.filter((path) => path !== '')).toEqual([
      'agent',
      'demo',
      'status',
      'health',
      'top',
      'watch',
      'wait',
      'topics list',
      'topics create',
      'topics describe',
      'topics add-partitions',
      'topics delete',
      'leases list',
      'leases get',
      'leases history',
      'leases release',
      'leases move',
      'elections list',
      'elections get',
      'elections resign',
      'elections campaign',
      'agents list',
      'agents get',
      'agents cordon',
      'agents uncordon',
      'agents drain',
      'agents remove',
      'rebalance plan',
      'rebalance apply',
      'rebalance status',
      'explain',
      'pause',
      'resume',
      'segments list',
      'segments find',
      'segments prune',
      'groups list',
      'groups describe',
      'groups commit',
      'groups delete',
      'db migrate',
      'db status',
      'db doctor',
      'db copy',
      'db fence',
      'db grants',
      'completion',
      'debug bundle',
    ]);
  });

  // `agent` and `demo` print their own, with all their settings.
  test.each(paths.filter(([first]) => first !== 'agent' && first !== 'demo'))(
    'has an example: streamhouse %s %s',
    async (...path) => {
      const words = path.filter((word) => word !== undefined);
      const { code, stdout, stderr } = await run([...words, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const usage = ['streamhouse', ...words].join(' ');
      expect(stdout.startsWith(`Usage: ${usage}`)).toBe(true);
      expect(stdout).toContain('\nExamples:\n  $ streamhouse ');
      expect(stdout).toContain(`\n  $ ${usage}`);
    },
  );

  test('shows arguments, own options and shared options', async () => {
    expect((await run(['topics', 'create', '--help'])).stdout).toBe(
      [
        'Usage: streamhouse topics create [options] <name>',
        '',
        'Create a topic',
        '',
        'Arguments:',
        "  name                     the topic's name",
        '',
        'Options:',
        '  -o, --output <format>    how to print the answer (default: table) (choices: "table", "wide",',
        '                           "json", "yaml", "name")',
        '  --url <url>              the agent to talk to (env: STREAMHOUSE_URL, default:',
        '                           http://127.0.0.1:7070)',
        '  --timeout <duration>     how long to wait for each answer (default: 10s)',
        '  --partitions <n>         how many partitions it has',
        '  --retention-ms <n>       how long segments are meant to be kept (default: for ever)',
        '  --config <key=value...>  settings for brokers, kept with the topic; or one JSON object',
        '  --prefer <agents>        who should lead it while there and willing, best first: a,b for all',
        '                           partitions, 3=c for partition 3; repeatable',
        '  -h, --help               show help',
        '',
        'Examples:',
        '  $ streamhouse topics create orders --partitions 12',
        '  $ streamhouse topics create audit --partitions 3 --retention-ms 604800000 --config owner=billing tier=cold',
        `  $ streamhouse topics create audit --partitions 3 --config '{"replicas": 3}'`,
        '  $ streamhouse topics create orders --partitions 12 --prefer broker-1,broker-2 --prefer 3=broker-3',
        '',
      ].join('\n'),
    );
  });

  test('help agent lists the settings, or tells where they are listed', async () => {
    const { code, stdout } = await run(['help', 'agent']);
    expect(code).toBe(0);
    expect(stdout).toContain('"streamhouse agent --help" lists its settings');
    const agentHelp = (): string => 'Usage: streamhouse agent [--name value …]\n';
    expect((await run(['help', 'agent'], { deps: { agentHelp } })).stdout).toBe(
      [
        'Usage: streamhouse agent [--name value …]',
        '',
        'Examples:',
        '  $ streamhouse agent',
        '  $ streamhouse agent --agent-id broker-1 --database-url postgres://db/streamhouse',
        '  $ streamhouse agent --print-config',
        '',
      ].join('\n'),
    );
  });

  test.each(['--version', '-V'])('%s prints the version alone', async (flag) => {
    const { code, stdout, stderr } = await run([flag]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('agent and demo', () => {
  const lines = [
    [],
    ['--help'],
    ['-h'],
    ['--version'],
    ['--agent-id', 'b1', '--url', 'x', '-o', 'json'],
    ['--agent-metadata={"a":1}', '--print-config'],
    ['stray', '--agent-id', 'b1'],
  ];

  test.each(lines.map((args) => [args]))('agent gets its arguments as they were typed: %j', async (args) => {
    const got: string[][] = [];
    const runAgent = async (given: string[]): Promise<number> => got.push(given) - 1;
    expect(await run(['agent', ...args], { deps: { runAgent } })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect(got).toEqual([args]);
  });

  test('demo too', async () => {
    const got: string[][] = [];
    const runDemo = async (given: string[]): Promise<number> => got.push(given) - 1;
    expect((await run(['demo', '--fast', 'x'], { deps: { runDemo } })).code).toBe(0);
    expect(got).toEqual([['--fast', 'x']]);
  });

  test.each([78, 1, 143])("their exit code %d is the program's", async (code) => {
    const runAgent = async (): Promise<number> => code;
    expect(await run(['agent'], { deps: { runAgent } })).toEqual({ code, stdout: '', stderr: '' });
  });

  test('an error that is a fault of the configuration is one line', async () => {
    const runAgent = (): Promise<never> => Promise.reject(named('ConfigError', 'HTTP_PORT must be a port'));
    expect(await run(['agent'], { deps: { runAgent } })).toEqual({
      code: 78,
      stdout: '',
      stderr: 'error: HTTP_PORT must be a port\n',
    });
  });

  test('an error that nobody foresaw comes with its stack', async () => {
    const runAgent = (): Promise<never> => Promise.reject(new TypeError('x is undefined'));
    const { code, stderr } = await run(['agent'], { deps: { runAgent } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: x is undefined\nTypeError: x is undefined\n {4}at /);
  });
});

describe('db', () => {
  const url = 'postgres://me:secret@db/streamhouse';

  function database(applied: string[], pending: string[], isHalfCopied = false) {
    const calls: [string, string, Omit<DbOptions, 'signal'>][] = [];
    const note = (what: string, at: string, { schema, caFile }: DbOptions): void => {
      calls.push([what, at, { schema, caFile }]);
    };
    const db = {
      migrate: async (at: string, options: DbOptions) => {
        note('migrate', at, options);
        return { applied: pending };
      },
      status: async (at: string, options: DbOptions) => {
        note('status', at, options);
        return { applied, pending, minCompatible: isHalfCopied ? 1_000_000 : 1, isHalfCopied };
      },
      copy: never,
      fence: never,
      doctor: never,
      grants: () => '',
    };
    return { calls, db };
  }

  test('status lists the migrations, the pending ones with what to do about them', async () => {
    const { db } = database(['0000_init'], ['0001_more']);
    const stdout = [
      'Applied:                  1',
      'Pending:                  1',
      'Lowest compatible level:  1',
      '',
      'MIGRATION   STATE',
      '0000_init   applied',
      '0001_more   pending',
      '',
    ].join('\n');
    const args = ['db', 'status', '--database-url', url];
    expect(await run(args, { deps: { db } })).toEqual({ code: 0, stdout, stderr: '' });
    expect(await run(args, { deps: { db }, isTty: true })).toEqual({
      code: 0,
      stdout,
      stderr: 'apply what is pending with "streamhouse db migrate"\n',
    });
    const json = await run([...args, '-o', 'json'], { deps: { db } });
    expect(JSON.parse(json.stdout)).toEqual({
      applied: ['0000_init'],
      pending: ['0001_more'],
      minCompatible: 1,
      isHalfCopied: false,
    });
  });

  test('status says that a copy is not finished, where the level would tell nobody', async () => {
    const deps = { db: database(['0000_init'], [], true).db };
    const args = ['db', 'status', '--database-url', url];
    const { stdout, stderr } = await run(args, { deps, isTty: true });
    expect(stdout).toContain('Copy into it:  not finished; agents refuse to start on it');
    expect(stdout).not.toContain('1000000');
    expect(stderr).toBe('run the same "streamhouse db copy" again: it goes on where it was\n');
    const json = await run([...args, '-o', 'json'], { deps });
    expect(JSON.parse(json.stdout)).toMatchObject({ isHalfCopied: true });
  });

  test('migrate tells what it applied', async () => {
    const args = ['db', 'migrate', '--database-url', url];
    const some = { db: database([], ['0000_init', '0001_more']).db };
    expect(await run(args, { deps: some })).toEqual({
      code: 0,
      stdout: 'applied 0000_init\napplied 0001_more\n',
      stderr: '',
    });
    expect(JSON.parse((await run([...args, '-o', 'json'], { deps: some })).stdout)).toEqual({
      applied: ['0000_init', '0001_more'],
    });
    const none = { db: database(['0000_init'], []).db };
    expect((await run(args, { deps: none })).stdout).toBe('nothing to apply\n');
  });

  test.each<[string[], Record<string, string>, string, string, string | undefined]>([
    [['--database-url', url], { DATABASE_URL: 'sqlite:./x' }, url, 'streamhouse', undefined],
    [[], { DATABASE_URL: 'sqlite:./x', STREAMHOUSE_DATABASE_URL: url }, url, 'streamhouse', undefined],
    [[], { DATABASE_URL: 'sqlite:./x', DATABASE_SCHEMA: 's1' }, 'sqlite:./x', 's1', undefined],
    [
      ['--schema', 's2'],
      { DATABASE_URL: url, STREAMHOUSE_DATABASE_SCHEMA: 's1', DATABASE_CA_FILE: '/ca.pem' },
      url,
      's2',
      '/ca.pem',
    ],
  ])('finds its store: %j %j', async (flags, env, at, schema, caFile) => {
    const { calls, db } = database([], []);
    expect((await run(['db', 'status', ...flags], { env, deps: { db } })).code).toBe(0);
    expect(calls).toEqual([['status', at, { schema, caFile }]]);
  });

  const longSchema = 'It must be 1 to 63 characters out of A-Z, a-z, 0-9, ".", "_" and "-".';
  test.each<[string[], Record<string, string>, number, string]>([
    [
      [],
      {},
      2,
      'which store? Name it with --database-url or set DATABASE_URL\nsee "streamhouse db migrate --help"',
    ],
    [
      ['--database-url', 'mysql://me:secret@db'],
      {},
      2,
      '--database-url is invalid. It must begin with postgres:// or sqlite:.',
    ],
    [
      [],
      { DATABASE_URL: 'mysql://me:secret@db' },
      78,
      'DATABASE_URL is invalid. It must begin with postgres:// or sqlite:.',
    ],
    [
      ['--database-url', url, '--schema', 'x'.repeat(64)],
      {},
      2,
      `option '--schema <name>' argument '${'x'.repeat(64)}' is invalid. ${longSchema}\nsee "streamhouse db migrate --help"`,
    ],
    [['--database-url', url], { DATABASE_SCHEMA: 'a b' }, 78, `DATABASE_SCHEMA is invalid. ${longSchema}`],
  ])('refuses %j %j', async (flags, env, code, sentence) => {
    const { calls, db } = database([], []);
    expect(await run(['db', 'migrate', ...flags], { env, deps: { db } })).toEqual({
      code,
      stdout: '',
      stderr: `error: ${sentence}\n`,
    });
    expect(calls).toEqual([]);
  });

  test.each([
    ['StoreMisconfigured', 78],
    ['StoreUnavailable', 6],
  ])('%s is exit code %d', async (name, code) => {
    const fail = (): Promise<never> => Promise.reject(named(name, 'the store says no'));
    const deps = {
      db: { migrate: fail, status: fail, copy: fail, fence: fail, doctor: fail, grants: () => '' },
    };
    expect(await run(['db', 'migrate', '--database-url', url], { deps })).toEqual({
      code,
      stdout: '',
      stderr: 'error: the store says no\n',
    });
  });
});

describe('db grants', () => {
  const args = ['db', 'grants', '--role', 'agents'];

  test.each([
    [args, {}, '-- agents streamhouse false\n'],
    [[...args, '--schema', 'staging'], { DATABASE_SCHEMA: 'other' }, '-- agents staging false\n'],
    [args, { DATABASE_SCHEMA: 'other' }, '-- agents other false\n'],
    [[...args, '--agents-migrate'], {}, '-- agents streamhouse true\n'],
    [['db', 'grants', '--role', 'Team "A"'], {}, '-- Team "A" streamhouse false\n'],
  ])('%j %j prints what the store says, without a store', async (given, env, stdout) => {
    expect(await run(given, { env })).toEqual({ code: 0, stdout, stderr: '' });
  });

  test.each(['', 'a\nb', 'a\u2028b', 'x'.repeat(64), '$$; drop'])('refuses the role %j', async (role) => {
    const { code, stdout, stderr } = await run(['db', 'grants', '--role', role]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('It must be 1 to 63 bytes, without "$" and control characters.');
  });

  test('refuses to guess the role', async () => {
    expect(await run(['db', 'grants'])).toMatchObject({ code: 2, stdout: '' });
  });
});

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}
