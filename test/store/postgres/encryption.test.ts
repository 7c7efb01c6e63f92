// TLS to PostgreSQL: what each sslmode verifies, on a real server with certificates of our making.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { StoreMisconfigured } from '../../../src/domain/refusal.ts';
import { reach } from '../../../src/store/postgres/encryption.ts';
import { PostgresSchema } from '../../../src/store/postgres/migrate.ts';
import { CertificateFiles, newAuthority } from '../../support/certificates.ts';
import { startEncryptedPostgres } from '../../support/encrypted-postgres.ts';
import type { PostgresServer } from '../../support/postgres-server.ts';

const authority = await newAuthority();
const stranger = await newAuthority('somebody else');
const files = new CertificateFiles();
const right = files.write('right.pem', authority.cert);
const wrong = files.write('wrong.pem', stranger.cert);

let local: PostgresServer;
let renamed: PostgresServer;
let expired: PostgresServer;
beforeAll(async () => {
  const longAgo = {
    notBefore: new Date(Date.now() - 3 * 86_400_000),
    notAfter: new Date(Date.now() - 86_400_000),
  };
  [local, renamed, expired] = await Promise.all([
    startEncryptedPostgres(await authority.issue()),
    startEncryptedPostgres(await authority.issue({ names: ['db.example'] })),
    startEncryptedPostgres(await authority.issue(longAgo)),
  ]);
});
afterAll(async () => {
  await Promise.all([local, renamed, expired].map((server) => server[Symbol.asyncDispose]()));
  files[Symbol.dispose]();
});

/** `connected`, or what the store says instead. */
async function outcome(url: string, caFile?: string): Promise<string> {
  const options = { connectionString: url, caFile, applicationName: 'encryption', attemptMs: 5_000 };
  try {
    await new PostgresSchema(options, 'nowhere').state();
    return 'connected';
  } catch (error) {
    if (error instanceof StoreMisconfigured) return error.message;
    throw error;
  }
}

const url = (server: PostgresServer, mode?: string, host = '127.0.0.1') =>
  `postgres://postgres@${host}:${server.port}/postgres${mode === undefined ? '' : `?sslmode=${mode}`}`;

const untrusted =
  /^the certificate of PostgreSQL is not trusted \(.*\); name the file .* in DATABASE_CA_FILE$/;
const misnamed = /^the certificate of PostgreSQL is for another host .*sslmode=verify-ca$/;

describe('the authority of the server', () => {
  test.each(['require', 'verify-ca', 'verify-full', undefined])(
    'is trusted with sslmode=%s',
    async (mode) => {
      expect(await outcome(url(local, mode), right)).toBe('connected');
      expect(await outcome(url(local, mode, 'localhost'), right)).toBe('connected');
    },
  );

  test.each(['require', 'verify-ca', 'verify-full', undefined])(
    'when it is another, is not, with sslmode=%s',
    async (mode) => {
      expect(await outcome(url(local, mode), wrong)).toMatch(untrusted);
    },
  );

  test.each(['verify-ca', 'verify-full'])('is needed for sslmode=%s', async (mode) => {
    expect(await outcome(url(local, mode))).toMatch(untrusted);
  });

  test('is not asked for by sslmode=require alone, which encrypts and trusts', async () => {
    expect(await outcome(url(local, 'require'))).toBe('connected');
  });

  test('may be named in the URL as well, and the setting wins', async () => {
    const inUrl = (file: string) => `${url(local, 'verify-full')}&sslrootcert=${encodeURIComponent(file)}`;
    expect(await outcome(inUrl(right))).toBe('connected');
    expect(await outcome(inUrl(wrong))).toMatch(untrusted);
    expect(await outcome(inUrl(wrong), right)).toBe('connected');
  });
});

describe('the name in the certificate', () => {
  test.each(['verify-full', undefined])('is looked at with sslmode=%s', async (mode) => {
    expect(await outcome(url(renamed, mode), right)).toMatch(misnamed);
    expect(await outcome(url(renamed, mode, 'localhost'), right)).toMatch(misnamed);
  });

  test.each(['verify-ca', 'require'])('is not with sslmode=%s', async (mode) => {
    expect(await outcome(url(renamed, mode), right)).toBe('connected');
  });
});

test('a certificate that has ended is refused', async () => {
  expect(await outcome(url(expired, 'verify-full'), right)).toMatch(/is not valid now \(CERT_HAS_EXPIRED\)/);
});

test('a server without TLS is refused when TLS is asked for', async () => {
  const [target] = inject('postgresTargets');
  const plain = new URL(target?.url ?? '');
  plain.searchParams.set('sslmode', 'require');
  expect(await outcome(plain.href)).toMatch(/^PostgreSQL offers no TLS, .*sslmode=disable/);
});

describe('what is asked for', () => {
  const host = 'postgres://u:p%40ss@db/store';

  test.each(['prefer', 'allow'])('must not fall back unnoticed: sslmode=%s', (mode) => {
    expect(() => reach(`${host}?sslmode=${mode}`, undefined)).toThrow(/would speak in the clear, unnoticed/);
  });

  test.each(['verify', 'Require', 'true', ''])('must be known: sslmode=%s', (mode) => {
    expect(() => reach(`${host}?sslmode=${mode}`, undefined)).toThrow(
      'sslmode in DATABASE_URL must be one of disable, require, verify-ca, verify-full',
    );
  });

  test('must not contradict itself', () => {
    expect(() => reach(`${host}?sslmode=disable`, right)).toThrow(
      /DATABASE_CA_FILE is set, but sslmode=disable/,
    );
  });

  test('must be a certificate where one is named', () => {
    const key = files.write('nonsense.pem', 'nonsense');
    expect(() => reach(host, key)).toThrow(/"[^"]*nonsense\.pem" holds no certificate in PEM form/);
    expect(() => reach(host, '/nowhere.pem')).toThrow(/ENOENT/);
  });

  test('is taken out of the URL, and nothing else is', () => {
    const all = `${host}?sslmode=require&options=-c%20geqo%3Doff&application_name=x&ssl=true`;
    const { connectionString, ssl } = reach(all, undefined);
    expect(connectionString).toBe(`${host}?options=-c+geqo%3Doff&application_name=x`);
    expect(ssl).toEqual({ rejectUnauthorized: false });
    expect(reach(host, undefined)).toEqual({ connectionString: host });
    expect(reach(`${host}?sslmode=disable`, undefined)).toEqual({ connectionString: host, ssl: false });
  });

  test('is nothing on a Unix socket, which never leaves the machine', () => {
    expect(reach('postgres:///store?host=/run/postgresql&sslmode=verify-full', undefined).ssl).toBe(false);
    expect(reach('postgres://%2Frun%2Fpostgresql/store?sslmode=verify-full', right).ssl).toBe(false);
  });
});
