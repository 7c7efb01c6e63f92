// Which source wins, and what each of them may hold.
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { fileKey, flagName, type SettingName, settingNames } from '../../src/config/settings.ts';
import { CertificateFiles, newAuthority } from '../support/certificates.ts';
import { load, print, printedSettings, refusal, temporaryFile } from './load.ts';

const certificate = await (await newAuthority()).issue();
const files = new CertificateFiles();
afterAll(() => files[Symbol.dispose]());

/** A value per setting that differs from its default and fits the others. */
const examples: Readonly<Record<SettingName, string>> = {
  DATABASE_URL: 'postgres://db.example/store',
  DIRECT_DATABASE_URL: 'postgres://direct.example/store',
  DATABASE_SCHEMA: 'other',
  DATABASE_CA_FILE: fileURLToPath(import.meta.url),
  DATABASE_POOL_MAX: '7',
  STATEMENT_TIMEOUT_MS: '1200',
  TRUST_MARGIN_MS: '2500',
  AGENT_ID: 'broker-7',
  AGENT_ADDRESS: 'broker-7.example:9092',
  AGENT_ZONE: 'zone-b',
  AGENT_GROUP: 'group-b',
  AGENT_WEIGHT: '3',
  AGENT_METADATA: '{"rack":"r7"}',
  MANAGED_TOPICS: 'orders,payments-*',
  SESSION_TTL_MS: '12000',
  HEARTBEAT_INTERVAL_MS: '2100',
  AGENT_RETENTION_MS: '86400000',
  HTTP_HOST: 'localhost',
  HTTP_PORT: '7171',
  HTTP_SOCKET: '/run/streamhouse/agent.sock',
  HTTP_ALLOWED_HOSTS: 'agent.example',
  API_TOKEN: 'a-token-for-everything',
  API_READ_TOKEN: 'a-token-for-reading',
  TLS_CERT_FILE: files.write('server.pem', certificate.cert),
  TLS_KEY_FILE: files.write('server.key', certificate.key),
  METRICS_HOST: '127.0.0.9',
  METRICS_PORT: '9464',
  API_INSECURE: 'true',
  BROKER_HEALTH_URL: 'http://127.0.0.1:9092/health',
  BROKER_GRACE_MS: '1500',
  BROKER_REQUIRED: 'true',
  HANDOFF_TIMEOUT_MS: '4000',
  REBALANCE_THRESHOLD_PERCENT: '10',
  REBALANCE_MOVES_MAX: '50',
  RETURN_DELAY_MS: '60000',
  CRASH_DETECTION: 'off',
  SHUTDOWN_TIMEOUT_MS: '9000',
  AUTO_MIGRATE: 'false',
  METRICS_PER_PARTITION: 'true',
  LOG_LEVEL: 'debug',
  LOG_FORMAT: 'pretty',
};

/** What DIRECT_DATABASE_URL, API_READ_TOKEN and each half of a certificate need beside them. */
const context: Partial<Record<SettingName, string>> = {
  DATABASE_URL: 'postgres://db.example/store',
  API_TOKEN: examples.API_TOKEN,
  TLS_CERT_FILE: examples.TLS_CERT_FILE,
  TLS_KEY_FILE: examples.TLS_KEY_FILE,
};

/** As --print-config shows it. */
function printedForm(name: SettingName, text: string): string {
  return name === 'API_TOKEN' || name === 'API_READ_TOKEN' ? '***' : text;
}

describe('every setting is read', () => {
  const each = settingNames.map((name) => ({ name, text: examples[name] }));

  test.each(each)('$name from its variable', ({ name, text }) => {
    const env = { ...context, [name]: text };
    expect(printedSettings([], env).get(name)).toEqual({
      value: printedForm(name, text),
      source: `environment ${name}`,
    });
  });

  test.each(each)('$name from its prefixed variable', ({ name, text }) => {
    const env = { ...context, [`STREAMHOUSE_${name}`]: text };
    const source = `environment STREAMHOUSE_${name}`;
    expect(printedSettings([], env).get(name)).toEqual({ value: printedForm(name, text), source });
  });

  test.each(each)(
    '$name from the file that $name_FILE names, its last line break left out',
    ({ name, text }) => {
      const { [name]: _, ...others } = context;
      const env = { ...others, [`${name}_FILE`]: temporaryFile('value', `${text}\n`) };
      expect(printedSettings([], env).get(name)).toEqual({
        value: printedForm(name, text),
        source: `environment ${name}_FILE`,
      });
    },
  );

  test.each(each)('$name as a flag with the value behind it', ({ name, text }) => {
    const shown = printedSettings([flagName(name), text], context).get(name);
    expect(shown).toEqual({ value: printedForm(name, text), source: flagName(name) });
  });

  test.each(each)('$name as a flag with the value after =', ({ name, text }) => {
    const shown = printedSettings([`${flagName(name)}=${text}`], context).get(name);
    expect(shown).toEqual({ value: printedForm(name, text), source: flagName(name) });
  });

  test.each(each)('$name as a key of a configuration file', ({ name, text }) => {
    const beside = settingNames.flatMap((other) =>
      context[other] ? [[fileKey(other), context[other]]] : [],
    );
    const settings = { ...Object.fromEntries(beside), [fileKey(name)]: text };
    const file = temporaryFile('agent.json', JSON.stringify(settings));
    const shown = printedSettings(['--config', file]).get(name);
    expect(shown).toEqual({ value: printedForm(name, text), source: `file ${file}` });
  });
});

describe('the nearer source wins', () => {
  const flag = ['--agent-zone', 'flag'];
  const prefixed = { STREAMHOUSE_AGENT_ZONE: 'prefixed' };
  const plain = { AGENT_ZONE: 'plain' };
  const file = () => ['--config', temporaryFile('agent.yaml', 'agentZone: file\n')];

  test.each([
    { wins: 'flag', over: 'all others', args: () => [...flag, ...file()], env: { ...prefixed, ...plain } },
    { wins: 'prefixed', over: 'plain and file', args: file, env: { ...prefixed, ...plain } },
    { wins: 'plain', over: 'file', args: file, env: plain },
    { wins: 'file', over: 'default', args: file, env: {} },
    { wins: 'default', over: 'nothing', args: () => [], env: {} },
  ])('$wins over $over', ({ wins, args, env }) => {
    expect(load(args(), env).settings.AGENT_ZONE).toBe(wins);
  });

  test('the file of a prefixed variable wins over the plain variable', () => {
    const env = { ...plain, STREAMHOUSE_AGENT_ZONE_FILE: temporaryFile('zone', 'prefixed-file') };
    expect(load([], env).settings.AGENT_ZONE).toBe('prefixed-file');
  });

  test('a variable wins over its own file', () => {
    const env = { ...plain, AGENT_ZONE_FILE: temporaryFile('zone', 'file') };
    expect(load([], env).settings.AGENT_ZONE).toBe('plain');
  });

  describe('a value beside the file of one is a warning that says what wins', () => {
    const zone = 'AGENT_ZONE';
    const prefixedZone = 'STREAMHOUSE_AGENT_ZONE';
    test.each([
      { given: [zone, `${zone}_FILE`] },
      { given: [prefixedZone, `${prefixedZone}_FILE`] },
      { given: [prefixedZone, `${zone}_FILE`] },
      { given: [`${prefixedZone}_FILE`, zone] },
    ])('$given', ({ given: [winner = '', loser = ''] }) => {
      const valueOf = (name: string, text: string): string =>
        name.endsWith('_FILE') ? temporaryFile('zone', text) : text;
      const env = { [winner]: valueOf(winner, 'wins'), [loser]: valueOf(loser, 'loses') };
      const { settings, warnings } = load([], env);
      expect(settings.AGENT_ZONE).toBe('wins');
      expect(warnings).toEqual([`${winner} and ${loser} are both set; ${winner} is used`]);
    });

    test('and none where both are values, both are files, or a flag decides', () => {
      const file = temporaryFile('zone', 'file');
      expect(load([], { ...prefixed, ...plain }).warnings).toEqual([]);
      expect(load([], { [`${zone}_FILE`]: file, [`${prefixedZone}_FILE`]: file }).warnings).toEqual([]);
      expect(load(flag, { ...plain, [`${zone}_FILE`]: file }).warnings).toEqual([]);
    });
  });

  test('a losing value is not even looked at', () => {
    expect(load([], { HTTP_PORT: 'nonsense', STREAMHOUSE_HTTP_PORT: '7171' }).settings.HTTP_PORT).toBe(7171);
  });

  test('of a flag that is given twice the last wins', () => {
    expect(load(['--agent-zone', 'a', '--agent-zone=b']).settings.AGENT_ZONE).toBe('b');
  });
});

describe('what is empty counts as not set', () => {
  test('an empty variable', () => {
    const env = { AGENT_ZONE: '', STREAMHOUSE_AGENT_ZONE: '', API_TOKEN: '', HTTP_PROT: '' };
    const { settings, warnings } = load([], env);
    expect(settings.AGENT_ZONE).toBe('default');
    expect(warnings).toEqual([]);
  });

  test('an empty prefixed variable lets the plain one through', () => {
    expect(load([], { AGENT_ZONE: 'z', STREAMHOUSE_AGENT_ZONE: '' }).settings.AGENT_ZONE).toBe('z');
  });

  test('an empty name of a file', () => {
    expect(load([], { AGENT_ZONE_FILE: '' }).settings.AGENT_ZONE).toBe('default');
  });

  test('a key of a configuration file without a value', () => {
    const file = temporaryFile('agent.yaml', 'agentZone:\nhttpPort: 7171\n');
    const { settings } = load(['--config', file]);
    expect(settings).toMatchObject({ AGENT_ZONE: 'default', HTTP_PORT: 7171 });
  });

  test('an empty configuration file', () => {
    expect(load(['--config', temporaryFile('agent.yaml', '')]).settings.AGENT_ZONE).toBe('default');
  });
});

describe('a configuration file', () => {
  const yaml = `
# comments are fine
databaseUrl: postgres://db.example/store
httpPort: 7171
apiInsecure: true
managedTopics: [orders, payments-*]
agentMetadata:
  rack: r1
`;
  const json = JSON.stringify({
    databaseUrl: 'postgres://db.example/store',
    httpPort: 7171,
    apiInsecure: true,
    managedTopics: ['orders', 'payments-*'],
    agentMetadata: { rack: 'r1' },
  });

  test.each([
    ['YAML', 'agent.yaml', yaml],
    ['JSON', 'agent.json', json],
    ['JSON in a file of any name', 'agent.conf', json],
  ])('may be %s, with numbers, booleans, lists and objects as they are', (_, name, content) => {
    expect(load(['--config', temporaryFile(name, content)]).settings).toMatchObject({
      DATABASE_URL: 'postgres://db.example/store',
      HTTP_PORT: 7171,
      API_INSECURE: true,
      MANAGED_TOPICS: ['orders', 'payments-*'],
      AGENT_METADATA: { rack: 'r1' },
    });
  });

  test.each([
    {
      what: 'malformed YAML',
      content: 'httpPort: [1',
      says: /is neither JSON nor YAML: .* at line 1, column \d+$/,
    },
    { what: 'malformed JSON', content: '{"httpPort": 7171,, }', says: /is neither JSON nor YAML: .*line 1/ },
    {
      what: 'a key given twice',
      content: 'httpPort: 1\nhttpPort: 2',
      says: /is neither JSON nor YAML: .*unique/,
    },
    {
      what: 'a list',
      content: '- httpPort',
      says: /must hold an object of settings, for example httpPort: 7070$/,
    },
    { what: 'a sentence', content: 'hello', says: /must hold an object of settings/ },
    { what: 'two documents', content: 'httpPort: 1\n---\nhttpPort: 2', says: /is neither JSON nor YAML: / },
    { what: 'an unknown key', content: 'colour: red', says: /: unknown key "colour"$/ },
    {
      what: 'a mistyped key',
      content: 'httpPrt: 1',
      says: /unknown key "httpPrt"; did you mean "httpPort"\?$/,
    },
    { what: 'a variable for a key', content: 'HTTP_PORT: 1', says: /unknown key "HTTP_PORT"/ },
    {
      what: 'an object for a number',
      content: 'httpPort: {a: 1}',
      says: /HTTP_PORT \(httpPort in file .*must be a/,
    },
  ])('is refused with $what', ({ content, says }) => {
    const file = temporaryFile('agent.yaml', content);
    const message = refusal(['--config', file]);
    expect(message).toMatch(says);
    expect(message).toContain(file);
  });

  test('is refused when it cannot be read', () => {
    expect(refusal(['--config', '/nowhere/agent.yaml'])).toBe(
      '--config "/nowhere/agent.yaml" cannot be read: ENOENT: no such file or directory',
    );
    expect(refusal(['--config', '/'])).toBe(
      '--config "/" cannot be read: EISDIR: illegal operation on a directory',
    );
  });
});

describe('the arguments', () => {
  test.each([
    { args: ['--htp-port', '1'], says: 'unknown flag --htp-port; did you mean --http-port?' },
    { args: ['--http_port=1'], says: 'unknown flag --http_port; did you mean --http-port?' },
    { args: ['--agent-di=1'], says: 'unknown flag --agent-di; did you mean --agent-id?' },
    { args: ['--confg', 'x'], says: 'unknown flag --confg; did you mean --config?' },
    { args: ['--print-confg'], says: 'unknown flag --print-confg; did you mean --print-config?' },
    { args: ['--colour'], says: 'unknown flag --colour; see streamhouse agent --help' },
    { args: ['-p', '1'], says: 'unknown flag -p; see streamhouse agent --help' },
    { args: ['7070'], says: 'unexpected argument "7070"; settings are given as --name value' },
    { args: ['--http-port'], says: '--http-port needs a value' },
    { args: ['--agent-id', '--http-port', '1'], says: '--agent-id needs a value' },
    { args: ['--config'], says: '--config needs a value' },
    { args: ['--print-config=false'], says: '--print-config takes no value' },
  ])('$args are refused: $says', ({ args, says }) => {
    expect(refusal(args)).toBe(says);
  });

  test('a value may begin with dashes when it stands behind =', () => {
    expect(load(['--agent-id=--odd']).settings.AGENT_ID).toBe('--odd');
  });

  test('a value may hold =', () => {
    expect(load(['--agent-address=a=b']).settings.AGENT_ADDRESS).toBe('a=b');
  });

  test.each([['--help'], ['-h']])('%s asks for help whatever else is wrong', (flag) => {
    expect(print([flag, '--http-port', 'nonsense'], { API_TOKEN: 't' })).toContain(
      'Usage: streamhouse agent',
    );
  });
});

describe('the file of a variable', () => {
  test('that is missing is named', () => {
    expect(refusal([], { DATABASE_URL_FILE: '/nowhere/url' })).toBe(
      'DATABASE_URL_FILE="/nowhere/url" cannot be read: ENOENT: no such file or directory',
    );
  });

  test('is named beside the setting when its content is wrong', () => {
    expect(refusal([], { HTTP_PORT_FILE: temporaryFile('port', 'x\n') })).toBe(
      'HTTP_PORT (read from HTTP_PORT_FILE)="x" must be a whole number from 0 to 65535',
    );
  });
});
