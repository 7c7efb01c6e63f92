// Mistakes in what is typed: each is named before anything is sent, with exit code 2.
import { describe, expect, test } from 'vitest';
import { INTEGER_MAX } from '../../src/domain/limits.ts';
import { cannedApi } from './canned-api.ts';
import { run } from './run-cli.ts';

const count = 'It must be a whole number from 1 to 100000.';
const anyInteger = `It must be a whole number from 0 to ${INTEGER_MAX}.`;
const name =
  'It must be 1 to 249 characters out of A-Z, a-z, 0-9, ".", "_" and "-", and neither "." nor "..".';
const partition = 'Its partition must be a whole number from 0 to 99999, as in orders/3.';
const unit = 'It needs a number and a unit: 500ms, 10s or 2m.';

const create = ['topics', 'create', 'orders'];
const partitions = (text: string): string =>
  `option '--partitions <n>' argument '${text}' is invalid. ${count}`;
const invalidName = (text: string): string =>
  `command-argument value '${text}' is invalid for argument 'name'. ${name}`;
const invalidRef = (text: string, why: string): string =>
  `command-argument value '${text}' is invalid for argument 'topic/partition'. ${why}`;
const invalidOffset = (text: string): string =>
  `command-argument value '${text}' is invalid for argument 'offset'. ${anyInteger}`;

const mistakes: [string[], string][] = [
  // Commands and options
  [['topic', 'list'], "unknown command 'topic'\n(Did you mean topics?)"],
  [['topics', 'lsit'], "unknown command 'lsit'\n(Did you mean list?)"],
  [['topics', 'list', '--limt', '3'], "unknown option '--limt'\n(Did you mean --limit?)"],
  [['--ur', 'x', 'status'], "unknown option '--ur'\n(Did you mean --url?)"],
  [['topics', 'list', 'orders'], "too many arguments for 'list'. Expected 0 arguments but got 1."],
  [['topics', 'describe'], "missing required argument 'name'"],
  [
    ['topics', 'list', '-o', 'csv'],
    "option '-o, --output <format>' argument 'csv' is invalid. Allowed choices are table, wide, json, yaml, name.",
  ],
  [['-o', 'json', 'topics', 'delete', 'x', '--yes'], "'topics delete' takes no --output"],
  [['--url', 'http://x', 'db', 'status'], "'db status' takes no --url"],
  [['db', '--timeout', '1s', 'migrate'], "'db migrate' takes no --timeout"],
  [['-o', 'json', 'agent'], "'agent' takes no --output"],
  [
    ['leases', 'list', '--unleased', '--agent', 'b1'],
    '--unleased and --agent exclude each other: what nobody holds no agent holds',
  ],
  // Partition counts
  [create, "required option '--partitions <n>' not specified"],
  [[...create, '--partitions'], "option '--partitions <n>' argument missing"],
  ...['0', '1.5', 'abc', '100001', '-1', '1e3', '0x10', '', ' 5', '9'.repeat(400)].map(
    (text): [string[], string] => [[...create, '--partitions', text], partitions(text)],
  ),
  [['topics', 'add-partitions', 'orders', '--partitions', '0'], partitions('0')],
  // Other numbers
  [
    [...create, '--partitions', '1', '--retention-ms', '-1'],
    `option '--retention-ms <n>' argument '-1' is invalid. ${anyInteger}`,
  ],
  [
    [...create, '--partitions', '1', '--retention-ms', '9007199254740992'],
    `option '--retention-ms <n>' argument '9007199254740992' is invalid. ${anyInteger}`,
  ],
  [
    ['topics', 'list', '--limit', '0'],
    `option '--limit <n>' argument '0' is invalid. It must be a whole number from 1 to ${INTEGER_MAX}.`,
  ],
  [['groups', 'commit', 'g', 'orders/3', '-5'], invalidOffset('-5')],
  [['groups', 'commit', 'g', 'orders/3', 'latest'], invalidOffset('latest')],
  [['segments', 'find', 'orders/3', '9007199254740992'], invalidOffset('9007199254740992')],
  [
    ['segments', 'list', 'orders/3', '--from', 'x'],
    `option '--from <offset>' argument 'x' is invalid. ${anyInteger}`,
  ],
  // Names and partitions
  ...['a b', '.', '..', '', 'ü', 'a/b', 'x'.repeat(250)].map((text): [string[], string] => [
    ['topics', 'describe', text],
    invalidName(text),
  ]),
  [['agents', 'get', 'a b'], `command-argument value 'a b' is invalid for argument 'agent'. ${name}`],
  [['groups', 'describe', 'a b'], `command-argument value 'a b' is invalid for argument 'group'. ${name}`],
  [['leases', 'list', '--topic', 'a*'], `option '--topic <name>' argument 'a*' is invalid. ${name}`],
  [['leases', 'get', 'orders'], invalidRef('orders', 'It must be TOPIC/PARTITION, such as orders/3.')],
  [['leases', 'get', '/3'], invalidRef('/3', `Its topic is not a name. ${name}`)],
  [['leases', 'get', 'a/b/3'], invalidRef('a/b/3', `Its topic is not a name. ${name}`)],
  ...['orders/', 'orders/x', 'orders/-1', 'orders/100000'].map((text): [string[], string] => [
    ['leases', 'get', text],
    invalidRef(text, partition),
  ]),
  // Configuration of a topic
  [
    ['topics', 'create', '--partitions', '1', '--config', 'a=1', 'orders'],
    "option '--config <key=value...>' argument 'orders' is invalid. It must be key=value or a JSON object. (--config takes all values that follow it: write NAME before it.)",
  ],
  [
    [...create, '--partitions', '1', '--config', '=x'],
    "option '--config <key=value...>' argument '=x' is invalid. It must be key=value or a JSON object. (--config takes all values that follow it: write NAME before it.)",
  ],
  // Time-outs
  ...['5', '0s', '-1s', 'soon', '1d', '600h', ''].map((text): [string[], string] => [
    ['status', '--timeout', text],
    `option '--timeout <duration>' argument '${text}' is invalid. ${text === '0s' || text === '600h' ? 'It must be between 1ms and 596h.' : unit}`,
  ]),
];

describe('a usage error names the mistake and the next step', () => {
  test.each(mistakes)('%j', async (args, sentence) => {
    await using api = await cannedApi({});
    const { code, stdout, stderr } = await run(args, api);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    const [message, next, end] = stderr.split(/\n(see "streamhouse[^"]* --help")\n/);
    expect(message).toBe(`error: ${sentence}`);
    expect(next).toBeDefined();
    expect(end).toBe('');
    expect(api.lines).toEqual([]);
  });

  test('JSON that is none says where', async () => {
    const { code, stderr } = await run([...create, '--partitions', '1', '--config', '{"a":}']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/is invalid\. It begins like a JSON object but is none \(Unexpected token/);
  });

  test('the next step is the help of the command that was meant', async () => {
    expect((await run(create)).stderr).toMatch(/\nsee "streamhouse topics create --help"\n$/);
    expect((await run(['nope'])).stderr).toMatch(/\nsee "streamhouse --help"\n$/);
  });

  test.each([[[]], [['topics']], [['db']]])(
    'no command at all shows the help as an error: %j',
    async (args) => {
      const { code, stdout, stderr } = await run(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^Usage: streamhouse /);
    },
  );
});

describe('a URL is checked, and never repeated: it may hold a password', () => {
  const noScheme = (suggestion: string): string =>
    `It must begin with http://, https:// or unix:/, such as ${suggestion}.`;
  const urls: [string, string][] = [
    ['127.0.0.1:7070', noScheme('http://127.0.0.1:7070')],
    ['localhost:7070', noScheme('http://localhost:7070')],
    ['broker-1', noScheme('http://broker-1')],
    ['ftp://broker-1', noScheme('http://127.0.0.1:7070')],
    ['http://', noScheme('http://127.0.0.1:7070')],
    ['http://x:99999', noScheme('http://127.0.0.1:7070')],
    ['http://me:secret@x', 'It must not contain a user or password: the token goes into STREAMHOUSE_TOKEN.'],
    ['http://me@x', 'It must not contain a user or password: the token goes into STREAMHOUSE_TOKEN.'],
    ['http://x/?token=secret', 'It must end with the host, the port or a path: no "?" and no "#".'],
  ];

  test.each([...urls, ['', noScheme('http://127.0.0.1:7070')]])('--url %j', async (url, sentence) => {
    expect(await run(['status', '--url', url])).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: --url is invalid. ${sentence}\n`,
    });
  });

  test.each(urls)('STREAMHOUSE_URL=%j is a fault of the configuration', async (url, sentence) => {
    expect(await run(['status'], { env: { STREAMHOUSE_URL: url } })).toEqual({
      code: 78,
      stdout: '',
      stderr: `error: STREAMHOUSE_URL is invalid. ${sentence}\n`,
    });
  });
});
