// What is in the environment and not understood: warned about where silence would mislead.
import { describe, expect, test } from 'vitest';
import { load, print, temporaryFile } from './load.ts';

describe('a variable one edit away from a setting is warned about', () => {
  test.each([
    ['HTTP_PROT', 'HTTP_PORT'],
    ['HTTP_POR', 'HTTP_PORT'],
    ['HTTPS_PORT', 'HTTP_PORT'],
    ['AGENT_IDS', 'AGENT_ID'],
    ['STREAMHOUSE_AGENT_ZOEN', 'AGENT_ZONE'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATABSE_URL_FILE', 'DATABASE_URL'],
    ['STREAMHOUSE_DATABSE_URL_FILE', 'DATABASE_URL'],
    ['DATABSE_CA_FILE', 'DATABASE_CA_FILE'],
    ['API_TOKEM', 'API_TOKEN'],
  ])('%s: did you mean %s?', (variable, meant) => {
    expect(load([], { [variable]: 'hunter2' }).warnings).toEqual([
      `environment variable ${variable} is unknown; did you mean ${meant}?`,
    ]);
  });

  test('and --print-config, where people look for it, says so too', () => {
    expect(print(['--print-config'], { HTTP_PROT: '1' })).toMatch(
      /^# environment variable HTTP_PROT is unknown/m,
    );
  });
});

test('variables that have nothing to do with us are not warned about', () => {
  const others = {
    PATH: '/bin',
    HOME: '/root',
    PORT: '80',
    HOST: 'h',
    HOSTNAME: 'h',
    USER: 'u',
    LANG: 'C',
    TZ: 'UTC',
    AGENT: 'x',
    AGENT_NAME: 'x',
    DATABASE: 'x',
    DATABASE_HOST: 'x',
    LOG: '1',
    DEBUG: '*',
    NODE_ENV: 'production',
    NODE_OPTIONS: '--enable-source-maps',
    HTTP_PROXY: 'p',
    HTTP_PORT_7070_TCP: 'tcp://10.0.0.1:7070',
    HTTP_SERVICE_PORT: '7070',
    KUBERNETES_PORT: 'tcp://10.0.0.1:443',
    PGPASSWORD: 'x',
    STREAMHOUSE_URL: 'http://127.0.0.1:7070',
    STREAMHOUSE_TOKEN: 't',
    STREAMHOUSE_CA_FILE: '/etc/ca.pem',
  };
  expect(load([], others).warnings).toEqual([]);
});

describe('known variables are not warned about', () => {
  test.each(['AGENT_ZONE', 'STREAMHOUSE_AGENT_ZONE'])('%s', (variable) => {
    expect(load([], { [variable]: 'z' }).warnings).toEqual([]);
  });

  test.each(['AGENT_ZONE_FILE', 'STREAMHOUSE_AGENT_ZONE_FILE', 'DATABASE_CA_FILE'])('%s', (variable) => {
    expect(load([], { [variable]: temporaryFile('value', 'z') }).warnings).toEqual([]);
  });
});
