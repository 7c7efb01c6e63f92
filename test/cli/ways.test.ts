// The ways to an agent beside plain HTTP: a Unix socket, and TLS under an authority of one's own.
import { systemClock } from '../../src/platform/clock.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { FakeAgent } from '../http/fixture.ts';
import { CertificateFiles, newAuthority } from '../support/certificates.ts';
import { run } from './run-cli.ts';
import { instrumentsOver } from '../metrics/reading.ts';

const silent = { debug: () => undefined, info: () => undefined, error: () => undefined };
const folder = mkdtempSync(join(tmpdir(), 'streamhouse-cli-'));
const socket = join(folder, 'agent.sock');
const authority = await newAuthority();
const files = new CertificateFiles();
const ours = files.write('ours.pem', authority.cert);
const theirs = files.write('theirs.pem', (await newAuthority()).cert);

let server: HttpServer;
beforeAll(async () => {
  server = await startHttpServer(
    { agent: new FakeAgent(), clock: systemClock, instruments: instrumentsOver(), log: silent, version: '1' },
    { host: '127.0.0.1', port: 0, allowedHosts: [], socket, certificate: await authority.issue() },
  );
});
afterAll(async () => {
  await server.close();
  files[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const health = async (url: string, env: Readonly<Record<string, string>> = {}) =>
  run(['health'], { url, env });

describe('a Unix socket', () => {
  test.each([`unix:${socket}`, `unix://${socket}`])('is a URL: %s', async (url) => {
    expect(await health(url)).toMatchObject({ code: 0, stderr: '' });
  });

  test('that is not there is an agent that is not there', async () => {
    const { code, stderr } = await health('unix:/nowhere/agent.sock');
    expect(code).toBe(6);
    expect(stderr).toMatch(/^error: no agent answers at unix:\/nowhere\/agent\.sock \(ENOENT\); start one/);
  });

  test.each(['unix:', 'unix:agent.sock', 'unix:./agent.sock', 'unix://host/agent.sock'])(
    'is named by its absolute path: not %s',
    async (url) => {
      const { code, stderr } = await health(url);
      expect(code).toBe(78);
      expect(stderr).toContain(
        'It must name the socket by its absolute path, such as unix:/run/streamhouse.sock.',
      );
    },
  );
});

describe('TLS', () => {
  test('under an authority of our own works with its file', async () => {
    expect(await health(server.url, { STREAMHOUSE_CA_FILE: ours })).toMatchObject({ code: 0, stderr: '' });
  });

  test.each([{}, { STREAMHOUSE_CA_FILE: theirs }])('is refused without it: %j', async (env) => {
    const { code, stderr } = await health(server.url, {
      ...env,
      STREAMHOUSE_TOKEN: 'a-token-for-everything',
    });
    expect(code).toBe(6);
    expect(stderr).toMatch(/^error: the certificate of https:.* is not trusted .* STREAMHOUSE_CA_FILE$/m);
  });

  test('whose authority cannot be read is a fault of the configuration', async () => {
    const { code, stderr } = await health(server.url, { STREAMHOUSE_CA_FILE: '/nowhere.pem' });
    expect(code).toBe(78);
    expect(stderr).toMatch(/^error: STREAMHOUSE_CA_FILE cannot be read: ENOENT/);
  });

  test('is told apart from what does not speak it', async () => {
    const { code, stderr } = await health(server.url.replace('https:', 'http:'));
    expect(code).toBe(6);
    expect(stderr).toContain(`at http://127.0.0.1:${server.port}`);
  });
});
