// Tokens, certificates and listeners: what they must be, how a wrong one is told, and that none is ever shown.
import { createPrivateKey } from 'node:crypto';
import { resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { CertificateFiles, newAuthority } from '../support/certificates.ts';
import { type Environment, load, print, refusal, temporaryFile } from './load.ts';

const token = 'hunter2-hunter2-hunter2';

const authority = await newAuthority();
const mine = await authority.issue();
const foreign = await authority.issue();
const files = new CertificateFiles();
afterAll(() => files[Symbol.dispose]());

describe('a token', () => {
  const wrong = {
    'too short': 'hunter2hunter2h',
    'with a blank in it': 'hunter2 hunter2 hunter2',
    'with a line break in it': 'hunter2hunter2\nhunter2',
    'with a tab at its end': 'hunter2hunter2hunter2\t',
    'beyond ASCII': 'hunter2hunter2hunter2é',
    'of blanks': ' '.repeat(20),
  };

  test.each(Object.entries(wrong))('that is %s is refused, and not repeated', (_what, text) => {
    for (const name of ['API_TOKEN', 'API_READ_TOKEN']) {
      for (const env of [{ API_TOKEN: token, [name]: text }]) {
        const message = refusal([], env);
        expect(message).toMatch(new RegExp(`^${name} must be at least 16 characters .* without blanks`));
        expect(message).not.toContain('hunter');
      }
    }
  });

  test('comes from a file too, without its last line break; an empty file locks nobody in or out', () => {
    const { settings } = load([], { API_TOKEN_FILE: temporaryFile('token', `${token}\n`) });
    expect(settings.API_TOKEN).toBe(token);
    expect(refusal([], { API_TOKEN_FILE: temporaryFile('token', '\n') })).toMatch(
      /^API_TOKEN \(read from API_TOKEN_FILE\) must be at least 16 characters/,
    );
  });

  test('for reading alone is refused: changes would stand open', () => {
    const message = refusal([], { API_READ_TOKEN: token });
    expect(message).toMatch(/^API_READ_TOKEN is set without API_TOKEN: .* changes open/);
    expect(message).not.toContain('hunter');
  });

  test('for reading that is the one for everything is refused', () => {
    const message = refusal([], { API_TOKEN: token, API_READ_TOKEN: token });
    expect(message).toMatch(/^API_TOKEN and API_READ_TOKEN are the same/);
    expect(message).not.toContain('hunter');
  });

  test('is never printed, wherever it came from', () => {
    const file = temporaryFile('agent.yaml', `apiToken: ${token}\n`);
    for (const [args, env] of [
      [[], { API_TOKEN: token, API_READ_TOKEN: `${token}-2` }],
      [[], { STREAMHOUSE_API_TOKEN: token }],
      [[], { API_TOKEN_FILE: temporaryFile('token', token) }],
      [['--api-token', token], {}],
      [['--config', file], {}],
    ] as const satisfies readonly (readonly [readonly string[], Environment])[]) {
      const printed = print(['--print-config', ...args], env);
      expect(printed).toMatch(/^API_TOKEN=\*\*\* {2}# /m);
      expect(printed).not.toContain('hunter2');
    }
  });
});

describe('a certificate', () => {
  const pair = (cert: string, key: string) => ({
    TLS_CERT_FILE: files.write('server.pem', cert),
    TLS_KEY_FILE: files.write('server.key', key),
  });

  test('and its key are read', () => {
    expect(load([], pair(mine.cert, mine.key))).toMatchObject({ certificate: mine, warnings: [] });
    expect(load([], pair(`${mine.cert}\n${authority.cert}`, mine.key)).warnings).toEqual([]);
  });

  test('is needed for no agent', () => {
    expect(load([]).certificate).toBeUndefined();
  });

  test.each([
    ['TLS_CERT_FILE', 'TLS_KEY_FILE'],
    ['TLS_KEY_FILE', 'TLS_CERT_FILE'],
  ] as const)('%s without %s is refused', (given, missing) => {
    const env = { [given]: pair(mine.cert, mine.key)[given] };
    expect(refusal([], env)).toBe(`${given} is set without ${missing}; TLS needs both, or leave both out`);
  });

  const locked = createPrivateKey(mine.key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'hunter2',
  });

  test.each([
    {
      what: 'with the key of another',
      cert: mine.cert,
      key: foreign.key,
      says: /is not the key of the certificate/,
    },
    {
      what: 'that is none',
      cert: 'nonsense',
      key: mine.key,
      says: /^TLS_CERT_FILE=".*" holds no certificate/,
    },
    {
      what: 'in the place of the key',
      cert: mine.cert,
      key: mine.cert,
      says: /^TLS_KEY_FILE=".*" holds no private key/,
    },
    {
      what: 'whose key is locked',
      cert: mine.cert,
      key: String(locked),
      says: /^TLS_KEY_FILE=".*" is encrypted/,
    },
    { what: 'that is empty', cert: '', key: mine.key, says: /^TLS_CERT_FILE=".*" holds no certificate/ },
  ])('$what is refused, and no key is repeated', ({ cert, key, says }) => {
    const message = refusal([], pair(cert, key));
    expect(message).toMatch(says);
    expect(message).not.toContain('BEGIN PRIVATE KEY-----\n');
  });

  test('that cannot be read is refused under its name', () => {
    const env = { ...pair(mine.cert, mine.key), TLS_KEY_FILE: '/nowhere/key' };
    expect(refusal([], env)).toMatch(/^TLS_KEY_FILE="\/nowhere\/key" cannot be read: ENOENT/);
  });

  test.each([
    { what: 'ended', begin: -3, end: -2 },
    { what: 'begins only', begin: 2, end: 3 },
  ])('that $what at another time is used with a warning', async ({ what, begin, end }) => {
    const at = (days: number) => new Date(Date.now() + days * 86_400_000);
    const issued = await authority.issue({ notBefore: at(begin), notAfter: at(end) });
    const { certificate, warnings } = load([], pair(issued.cert, issued.key));
    expect(certificate).toEqual(issued);
    expect(warnings).toEqual([
      expect.stringMatching(new RegExp(`^the certificate in TLS_CERT_FILE=.* ${what} at`)),
    ]);
  });
});

describe('listeners', () => {
  test('none at all is refused', () => {
    expect(refusal([], { HTTP_PORT: 'off' })).toBe(
      'HTTP_PORT=off leaves no way to reach this agent; set HTTP_SOCKET beside it',
    );
  });

  test('for the metrics and the API on one port are refused; picking any port is not one port', () => {
    expect(refusal([], { HTTP_PORT: '7171', METRICS_PORT: '7171' })).toMatch(
      /^METRICS_PORT=7171 is HTTP_PORT too/,
    );
    expect(load([], { HTTP_PORT: '0', METRICS_PORT: '0' }).settings.METRICS_PORT).toBe(0);
  });

  test('on a socket have an absolute path that every Unix takes', () => {
    expect(load([], { HTTP_SOCKET: 'data/agent.sock' }).settings.HTTP_SOCKET).toBe(
      resolve('data/agent.sock'),
    );
    expect(load([], { HTTP_SOCKET: 'unix:/run/agent.sock' }).settings.HTTP_SOCKET).toBe('/run/agent.sock');
    const longest = `/run/${'x'.repeat(98)}`;
    expect(load([], { HTTP_SOCKET: longest }).settings.HTTP_SOCKET).toBe(longest);
    expect(refusal([], { HTTP_SOCKET: `${longest}x` })).toMatch(
      /is too long for a Unix socket: at most 103 bytes/,
    );
    expect(refusal([], { HTTP_SOCKET: `/run/${'é'.repeat(50)}` })).toMatch(/is too long for a Unix socket/);
  });
});
