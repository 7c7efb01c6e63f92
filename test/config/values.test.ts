// What a single setting may hold, and how a wrong value is told.
import { describe, expect, test } from 'vitest';
import { type Environment, load, refusal, temporaryFile } from './load.ts';

const plain = [
  { env: { DATABASE_POOL_MAX: '0' }, says: 'DATABASE_POOL_MAX="0" must be a whole number from 1 to 1000' },
  {
    env: { DATABASE_POOL_MAX: '1001' },
    says: 'DATABASE_POOL_MAX="1001" must be a whole number from 1 to 1000',
  },
  { env: { AGENT_WEIGHT: '0' }, says: 'AGENT_WEIGHT="0" must be a whole number from 1 to 1000' },
  { env: { AGENT_WEIGHT: '-1' }, says: 'AGENT_WEIGHT="-1" must be a whole number from 1 to 1000' },
  { env: { AGENT_WEIGHT: '1.5' }, says: 'AGENT_WEIGHT="1.5" must be a whole number from 1 to 1000' },
  { env: { AGENT_WEIGHT: '1e2' }, says: 'AGENT_WEIGHT="1e2" must be a whole number from 1 to 1000' },
  { env: { AGENT_WEIGHT: '0x10' }, says: 'AGENT_WEIGHT="0x10" must be a whole number from 1 to 1000' },
  { env: { AGENT_WEIGHT: '1_000' }, says: 'AGENT_WEIGHT="1_000" must be a whole number from 1 to 1000' },
  { env: { AGENT_WEIGHT: 'NaN' }, says: 'AGENT_WEIGHT="NaN" must be a whole number from 1 to 1000' },
  { env: { SESSION_TTL_MS: '999' }, says: 'SESSION_TTL_MS="999" must be a whole number from 1000 to 300000' },
  {
    env: { SESSION_TTL_MS: '300001' },
    says: 'SESSION_TTL_MS="300001" must be a whole number from 1000 to 300000',
  },
  { env: { SESSION_TTL_MS: '10s' }, says: 'SESSION_TTL_MS="10s" must be a whole number from 1000 to 300000' },
  {
    env: { SESSION_TTL_MS: '9999.9' },
    says: 'SESSION_TTL_MS="9999.9" must be a whole number from 1000 to 300000',
  },
  {
    env: { HEARTBEAT_INTERVAL_MS: '9' },
    says: 'HEARTBEAT_INTERVAL_MS="9" must be a whole number from 10 to 100000',
  },
  {
    env: { STATEMENT_TIMEOUT_MS: '0' },
    says: 'STATEMENT_TIMEOUT_MS="0" must be a whole number from 1 to 300000',
  },
  {
    env: { SHUTDOWN_TIMEOUT_MS: '-1' },
    says: 'SHUTDOWN_TIMEOUT_MS="-1" must be a whole number from 0 to 600000',
  },
  { env: { HTTP_PORT: '65536' }, says: 'HTTP_PORT="65536" must be a whole number from 0 to 65535' },
  { env: { HTTP_PORT: '70 70' }, says: 'HTTP_PORT="70 70" must be a whole number from 0 to 65535' },
  {
    env: { HTTP_PORT: '99999999999999999999' },
    says: 'HTTP_PORT="99999999999999999999" must be a whole number from 0 to 65535',
  },
  { env: { API_INSECURE: 'maybe' }, says: 'API_INSECURE="maybe" must be true or false' },
  { env: { AUTO_MIGRATE: '2' }, says: 'AUTO_MIGRATE="2" must be true or false' },
  { env: { LOG_FORMAT: 'xml' }, says: 'LOG_FORMAT="xml" must be one of json, pretty' },
  {
    env: { LOG_LEVEL: 'INFO' },
    says: 'LOG_LEVEL="INFO" must be one of trace, debug, info, warn, error, fatal, silent',
  },
  {
    env: { AGENT_METADATA: '{"rack":' },
    says: 'AGENT_METADATA="{"rack":" must be a JSON object, for example {"rack":"r1"}',
  },
  {
    env: { AGENT_METADATA: '["r1"]' },
    says: 'AGENT_METADATA="["r1"]" must be a JSON object, for example {"rack":"r1"}',
  },
  {
    env: { AGENT_METADATA: 'null' },
    says: 'AGENT_METADATA="null" must be a JSON object, for example {"rack":"r1"}',
  },
  {
    env: { AGENT_METADATA: '7' },
    says: 'AGENT_METADATA="7" must be a JSON object, for example {"rack":"r1"}',
  },
  {
    env: { AGENT_METADATA: '{\n  "a": 1,\n}' },
    says: 'AGENT_METADATA="{ "a": 1, }" must be a JSON object, for example {"rack":"r1"}',
  },
  { env: { AGENT_ADDRESS: '  ' }, says: 'AGENT_ADDRESS must not be empty' },
  { env: { HTTP_HOST: ' ' }, says: 'HTTP_HOST must not be empty' },
] satisfies readonly { readonly env: Environment; readonly says: string }[];

const nameRule = 'must be 1 to 249 of the characters A-Z a-z 0-9 . _ -, and not "." or ".."';

describe('a wrong value is told with its setting and with what would be right', () => {
  test.each(plain)('$says', ({ env, says }) => {
    expect(refusal([], env)).toBe(says);
  });

  test.each(['broker 1', 'broker/1', '.', '..', 'bröker', 'a\nb', 'a:9092'])('AGENT_ID %j', (text) => {
    expect(refusal([], { AGENT_ID: text })).toBe(`AGENT_ID="${text.replace('\n', ' ')}" ${nameRule}`);
  });

  test('a name of 250 characters, shortened', () => {
    expect(load([], { AGENT_ID: 'a'.repeat(249) }).settings.AGENT_ID).toHaveLength(249);
    expect(refusal([], { AGENT_ID: 'a'.repeat(250) })).toBe(`AGENT_ID="${'a'.repeat(57)}…" ${nameRule}`);
  });

  test.each(['AGENT_ZONE', 'AGENT_GROUP', 'DATABASE_SCHEMA'])('%s is a name too', (name) => {
    expect(refusal([], { [name]: 'a b' })).toBe(`${name}="a b" ${nameRule}`);
  });

  test('a PostgreSQL schema has 63 characters at most', () => {
    expect(load([], { DATABASE_SCHEMA: 's'.repeat(63) }).settings.DATABASE_SCHEMA).toHaveLength(63);
    expect(refusal([], { DATABASE_SCHEMA: 's'.repeat(64) })).toMatch(
      /^DATABASE_SCHEMA .*at most 63 characters/,
    );
  });
});

describe('a file that cannot be read', () => {
  test.each([
    { path: '/nowhere/ca.pem', why: 'ENOENT: no such file or directory' },
    { path: '/', why: 'EISDIR: illegal operation on a directory' },
  ])('is told at once: $why', ({ path, why }) => {
    expect(refusal([], { DATABASE_CA_FILE: path })).toBe(`DATABASE_CA_FILE="${path}" cannot be read: ${why}`);
  });
});

describe('the name in the message is the one the user gave', () => {
  const rule = 'must be a whole number from 0 to 65535';

  test.each([
    { by: 'flag', args: ['--http-port', 'x'], env: { HTTP_PORT: '7070' }, name: '--http-port' },
    { by: 'variable', args: [], env: { HTTP_PORT: 'x' }, name: 'HTTP_PORT' },
    {
      by: 'prefixed variable',
      args: [],
      env: { HTTP_PORT: '7070', STREAMHOUSE_HTTP_PORT: 'x' },
      name: 'STREAMHOUSE_HTTP_PORT',
    },
  ])('by $by', ({ args, env, name }) => {
    expect(refusal(args, { ...env })).toBe(`${name}="x" ${rule}`);
  });

  test('by the key of a file', () => {
    const file = temporaryFile('agent.yaml', 'httpPort: x');
    expect(refusal(['--config', file])).toBe(`HTTP_PORT (httpPort in file ${file})="x" ${rule}`);
  });
});

describe('what Kubernetes injects for a Service called http', () => {
  const injected = 'tcp://10.0.0.1:7070';

  test('is refused with the explanation and both ways out', () => {
    expect(refusal([], { HTTP_PORT: injected })).toBe(
      `HTTP_PORT="${injected}" was not meant for us: Kubernetes sets it because a Service has that name; set STREAMHOUSE_HTTP_PORT, which wins, or set enableServiceLinks: false`,
    );
  });

  test('loses against the prefixed variable and against the flag', () => {
    expect(load([], { HTTP_PORT: injected, STREAMHOUSE_HTTP_PORT: '7171' }).settings.HTTP_PORT).toBe(7171);
    expect(load(['--http-port', '7272'], { HTTP_PORT: injected }).settings.HTTP_PORT).toBe(7272);
  });

  test('under the prefix, for a Service called streamhouse-http, is not advised to use the prefix', () => {
    const message = refusal([], { STREAMHOUSE_HTTP_PORT: injected });
    expect(message).toMatch(
      /^STREAMHOUSE_HTTP_PORT=.* rename the Service, or set enableServiceLinks: false$/,
    );
  });

  test('is an ordinary mistake where Kubernetes cannot have set it', () => {
    expect(refusal(['--http-port', injected])).toBe(
      `--http-port="${injected}" must be a whole number from 0 to 65535`,
    );
  });
});

describe('values are taken as people write them', () => {
  test.each([
    ['API_INSECURE', 'true', true],
    ['API_INSECURE', 'TRUE', true],
    ['API_INSECURE', '1', true],
    ['API_INSECURE', 'on', true],
    ['API_INSECURE', 'yes', true],
    ['API_INSECURE', 'false', false],
    ['API_INSECURE', 'Off', false],
    ['API_INSECURE', '0', false],
    ['API_INSECURE', 'no', false],
    ['HTTP_PORT', '0', 0],
    ['HTTP_PORT', '65535', 65_535],
    ['HTTP_PORT', ' 7070 ', 7070],
    ['MANAGED_TOPICS', ' orders , ,payments-* ', ['orders', 'payments-*']],
    ['HTTP_HOST', '[::1]', '::1'],
    ['AGENT_METADATA', '{"rack":"r1","slots":2}', { rack: 'r1', slots: 2 }],
  ] as const)('%s=%s', (name, text, value) => {
    expect(load([], { [name]: text }).settings[name]).toEqual(value);
  });

  test('the defaults need nothing', () => {
    const { settings, budget, warnings } = load([]);
    expect(settings).toMatchObject({
      DATABASE_URL: 'sqlite:./data/metadata.db',
      DIRECT_DATABASE_URL: undefined,
      DATABASE_SCHEMA: 'streamhouse',
      DATABASE_POOL_MAX: 4,
      AGENT_ADDRESS: '127.0.0.1:9092',
      AGENT_ZONE: 'default',
      AGENT_GROUP: 'default',
      AGENT_WEIGHT: 1,
      AGENT_METADATA: {},
      MANAGED_TOPICS: [],
      SESSION_TTL_MS: 10_000,
      AGENT_RETENTION_MS: 604_800_000,
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: 7070,
      API_INSECURE: false,
      SHUTDOWN_TIMEOUT_MS: 25_000,
      AUTO_MIGRATE: true,
      LOG_LEVEL: 'info',
    });
    expect(budget).toEqual({
      ttlMs: 10_000,
      heartbeatIntervalMs: 2_500,
      trustMarginMs: 2_000,
      attemptMs: 1_500,
    });
    expect(warnings).toEqual([]);
  });
});
