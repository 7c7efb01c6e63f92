// The doors of one server: its port, a Unix socket, a port for metrics; which rules hold at which, and what is in a door's way.
import { once } from 'node:events';
import { existsSync, lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Authentication } from '../../src/http/authentication.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { startProgram } from '../support/program.ts';
import { FakeAgent } from './fixture.ts';
import { rawRequest } from './raw-request.ts';
import { instrumentsOver } from '../metrics/reading.ts';

const silent = { debug: () => undefined, info: () => undefined, error: () => undefined };
const token = 'a-token-for-everything';
const authentication = () => new Authentication({ clock: systemClock, log: silent }, { full: token });

let folder: string;
let socket: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'streamhouse-doors-'));
  socket = join(folder, 'agent.sock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function start(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  return startHttpServer(
    { agent: new FakeAgent(), clock: systemClock, instruments: instrumentsOver(), log: silent, version: '1' },
    { host: '127.0.0.1', port: 0, allowedHosts: [], ...options },
  );
}

const portOf = (url: string | undefined): number => Number(new URL(url ?? '').port);

describe('the socket', () => {
  test('answers beside the port, and is gone when the server has stopped', async () => {
    const server = await start({ socket });
    expect(server.socketUrl).toBe(`unix:${socket}`);
    expect(await rawRequest(socket, { path: '/v1/agent' })).toMatchObject({ status: 200 });
    expect(await rawRequest(server.port, { path: '/v1/agent' })).toMatchObject({ status: 200 });
    await server.close();
    expect(existsSync(socket)).toBe(false);
  });

  test('answers instead of the port', async () => {
    await using server = await start({ port: undefined, socket });
    expect(server).toMatchObject({ url: `unix:${socket}`, port: 0 });
    expect(await rawRequest(socket, { path: '/livez' })).toMatchObject({ status: 200 });
  });

  test('may be used by owner and group alone', async () => {
    const before = process.umask();
    await using _ = await start({ socket });
    expect((statSync(socket).mode & 0o777).toString(8)).toBe('660');
    expect(process.umask()).toBe(before);
  });

  test('takes any host name, which DNS rebinding has no use for, but no foreign origin', async () => {
    await using _ = await start({ socket });
    for (const host of ['evil.example', 'x', undefined]) {
      expect(await rawRequest(socket, { path: '/v1/agent', headers: { host } })).toMatchObject({
        status: 200,
      });
    }
    const headers = { host: 'localhost', origin: 'https://evil.example' };
    const change = { method: 'DELETE', path: '/v1/topics/t', headers };
    expect(await rawRequest(socket, change)).toMatchObject({ status: 403 });
  });

  test('asks for the token as the port does, and counts all failures there as one address', async () => {
    await using server = await start({ socket, authentication: authentication() });
    for (let i = 0; i < 10; i++) {
      expect(await rawRequest(socket, { path: '/v1/agent' })).toMatchObject({ status: 401 });
    }
    expect(await rawRequest(socket, { path: '/v1/agent' })).toMatchObject({ status: 429 });
    expect(await rawRequest(server.port, { path: '/v1/agent' })).toMatchObject({ status: 401 });
    const headers = { authorization: `Bearer ${token}` };
    expect(await rawRequest(socket, { path: '/v1/agent', headers })).toMatchObject({ status: 200 });
  });

  test('of a process that was killed is replaced', async () => {
    const script = join(folder, 'holder.mjs');
    writeFileSync(
      script,
      `import { createServer } from 'node:net';
       createServer().listen(process.argv[2], () => console.log('{"listening":true}'));`,
    );
    const holder = startProgram([socket], { entry: script });
    await holder.waitForLog(({ listening }) => listening === true);

    await expect(start({ socket })).rejects.toThrow(
      `HTTP_SOCKET="${socket}" is in use by a running process; stop it, or name another path`,
    );
    expect(lstatSync(socket).isSocket()).toBe(true);

    holder.kill('SIGKILL');
    await holder.exited;
    expect(lstatSync(socket).isSocket()).toBe(true);
    await using _ = await start({ socket });
    expect(await rawRequest(socket, { path: '/livez' })).toMatchObject({ status: 200 });
  });

  test('is not made in the place of something else', async () => {
    writeFileSync(socket, 'precious');
    await expect(start({ socket })).rejects.toThrow(/names something that is no socket/);
    expect(statSync(socket).size).toBe(8);
  });

  test('that cannot be made is told under its setting', async () => {
    const path = join(folder, 'missing', 'agent.sock');
    await expect(start({ socket: path })).rejects.toThrow(
      /^HTTP_SOCKET=".*agent\.sock" cannot be listened on: /,
    );
  });
});

describe("the metrics' port", () => {
  const metrics = { host: '127.0.0.1', port: 0 };

  test.each(['/metrics', '/livez', '/readyz', '/health'])(
    'has %s, without a token and for any host',
    async (path) => {
      await using server = await start({ metrics, authentication: authentication() });
      const answer = await rawRequest(portOf(server.metricsUrl), { path, headers: { host: '10.1.2.3' } });
      expect(answer.status).toBe(200);
    },
  );

  test.each(['/v1/agent', '/v1/topics', '/openapi.json', '/', '/nothing'])(
    'has no %s, even with a token',
    async (path) => {
      await using server = await start({ metrics, authentication: authentication() });
      for (const method of ['GET', 'POST', 'DELETE']) {
        const headers = { authorization: `Bearer ${token}` };
        const answer = await rawRequest(portOf(server.metricsUrl), { method, path, headers });
        expect(answer).toMatchObject({ status: 404, text: expect.stringContaining('"not_found"') });
      }
    },
  );

  test('is another than the one of the API, which keeps its own', async () => {
    await using server = await start({ metrics });
    expect(portOf(server.metricsUrl)).not.toBe(server.port);
    expect(await rawRequest(server.port, { path: '/metrics' })).toMatchObject({ status: 200 });
  });
});

describe('a door that cannot be opened', () => {
  test('is named, and the others are closed again', async () => {
    await using other = await start();
    const start2 = start({ socket, metrics: { host: '127.0.0.1', port: other.port } });
    await expect(start2).rejects.toMatchObject({
      name: 'ListenFailed',
      message: `METRICS_PORT=${other.port} is in use; stop what listens there, or choose another (0 picks a free one)`,
    });
    expect(existsSync(socket)).toBe(false);
  });

  test('for want of such an address says so', async () => {
    await expect(start({ host: '192.0.2.1' })).rejects.toThrow(
      /^HTTP_PORT=0 cannot be listened on at 192\.0\.2\.1: /,
    );
  });
});

test('localhost is every address it has', async () => {
  await using server = await start({ host: 'localhost' });
  const canConnect = async (host: string): Promise<boolean> => {
    const client = connect(server.port, host);
    const connected = await once(client, 'connect').then(
      () => true,
      () => false,
    );
    client.destroy();
    return connected;
  };
  expect(await canConnect('127.0.0.1')).toBe(true);
  expect(await canConnect('::1')).toBe(await hasIpv6Loopback());
});

/** Whether `localhost` leads there at all on this machine. */
async function hasIpv6Loopback(): Promise<boolean> {
  const { lookup } = await import('node:dns/promises');
  const addresses = await lookup('localhost', { all: true });
  if (!addresses.some(({ address }) => address === '::1')) return false;
  const probe = createServer().listen(0, '::1');
  const isThere = await once(probe, 'listening').then(
    () => true,
    () => false,
  );
  probe.close();
  return isThere;
}
