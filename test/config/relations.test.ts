// Settings that hold each other: the time budget, and the doors that must not stand open by accident.
import { describe, expect, test } from 'vitest';
import { load, refusal } from './load.ts';

describe('the time budget', () => {
  test.each([
    {
      env: { HEARTBEAT_INTERVAL_MS: '4000' },
      names: ['HEARTBEAT_INTERVAL_MS=4000', 'SESSION_TTL_MS=10000', 'at most 3333'],
    },
    {
      env: { SESSION_TTL_MS: '5000', HEARTBEAT_INTERVAL_MS: '1667' },
      names: ['HEARTBEAT_INTERVAL_MS=1667', 'SESSION_TTL_MS=5000', 'at most 1666'],
    },
    {
      env: { TRUST_MARGIN_MS: '199' },
      names: ['TRUST_MARGIN_MS=199', 'SESSION_TTL_MS=10000', '2 % and 50 %'],
    },
    { env: { TRUST_MARGIN_MS: '5001' }, names: ['TRUST_MARGIN_MS=5001', 'SESSION_TTL_MS=10000'] },
    {
      env: { STATEMENT_TIMEOUT_MS: '1501' },
      names: ['STATEMENT_TIMEOUT_MS=1501', 'HEARTBEAT_INTERVAL_MS=2500', 'at most 1500'],
    },
    {
      env: { HEARTBEAT_INTERVAL_MS: '3000', TRUST_MARGIN_MS: '5000' },
      names: ['HEARTBEAT_INTERVAL_MS=3000', 'STATEMENT_TIMEOUT_MS=1800', 'the 5000 ms'],
    },
  ])('refuses $env and names both values of the broken relation', ({ env, names }) => {
    const message = refusal([], { ...env });
    for (const name of names) expect(message).toContain(name);
  });

  test.each([
    { env: { SESSION_TTL_MS: '1000' }, ms: [1_000, 250, 200, 150] },
    { env: { SESSION_TTL_MS: '300000' }, ms: [300_000, 75_000, 60_000, 45_000] },
    { env: { HEARTBEAT_INTERVAL_MS: '3333' }, ms: [10_000, 3_333, 2_000, 1_999] },
    { env: { HEARTBEAT_INTERVAL_MS: '10' }, ms: [10_000, 10, 2_000, 6] },
    { env: { TRUST_MARGIN_MS: '200' }, ms: [10_000, 2_500, 200, 1_500] },
    { env: { STATEMENT_TIMEOUT_MS: '1500' }, ms: [10_000, 2_500, 2_000, 1_500] },
  ])('derives from $env: TTL, interval, margin and attempt are $ms', ({ env, ms }) => {
    const { ttlMs, heartbeatIntervalMs, trustMarginMs, attemptMs } = load([], { ...env }).budget;
    expect([ttlMs, heartbeatIntervalMs, trustMarginMs, attemptMs]).toEqual(ms);
  });

  test('never derives an attempt of 0 ms, which would be no limit at all', () => {
    for (const interval of [10, 11, 12, 13, 100]) {
      const { budget } = load([], { HEARTBEAT_INTERVAL_MS: String(interval) });
      expect(budget.attemptMs).toBeGreaterThan(0);
    }
  });
});

describe('listening beyond loopback', () => {
  const beyond = [
    '0.0.0.0',
    '::',
    '[::]',
    '10.1.2.3',
    'broker-1.example',
    '127.0.0.1.example',
    '127.1',
    '::ffff:1.2.3.4',
  ];
  const loopback = ['127.0.0.1', '127.8.9.10', 'localhost', 'LOCALHOST', '::1', '[::1]'];

  const token = 'a-token-for-everything';

  test.each(beyond)('is refused on %s without a token and without API_INSECURE', (host) => {
    const message = refusal([], { HTTP_HOST: host });
    expect(message).toMatch(/^HTTP_HOST=".*" lies beyond loopback, .*API_TOKEN_FILE.*API_INSECURE=true/);
  });

  test.each(beyond)('is allowed on %s with API_INSECURE', (host) => {
    expect(load([], { HTTP_HOST: host, API_INSECURE: 'true' }).settings.API_INSECURE).toBe(true);
  });

  test.each(beyond)('is allowed on %s with a token, with a warning when it would go in the clear', (host) => {
    const { warnings } = load([], { HTTP_HOST: host, API_TOKEN: token });
    expect(warnings).toEqual([expect.stringMatching(/speaks no TLS: the token can be read on its way/)]);
  });

  test.each(loopback)('is not what %s does', (host) => {
    const { settings, warnings } = load([], { HTTP_HOST: host, API_TOKEN: token });
    expect(settings.HTTP_HOST).toBe(host.replace(/[[\]]/g, ''));
    expect(warnings).toEqual([]);
  });

  test('is not what a Unix socket does, nor a port that is off', () => {
    const env = { HTTP_HOST: '0.0.0.0', HTTP_PORT: 'off', HTTP_SOCKET: '/run/agent.sock' };
    expect(load([], env).settings).toMatchObject({ HTTP_PORT: 'off', HTTP_SOCKET: '/run/agent.sock' });
    const both = { HTTP_HOST: '0.0.0.0', HTTP_SOCKET: '/run/agent.sock' };
    expect(refusal([], both)).toContain('lies beyond loopback');
  });

  test('is what the port of the metrics may do', () => {
    expect(load([], { METRICS_PORT: '9464' }).settings).toMatchObject({
      METRICS_HOST: '0.0.0.0',
      METRICS_PORT: 9464,
    });
  });
});
