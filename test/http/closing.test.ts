// Listening and stopping: what is being answered is answered, nothing new is taken, and the wait is bounded.
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { eventually } from '../support/eventually.ts';
import { FakeAgent } from './fixture.ts';
import { instrumentsOver } from '../metrics/reading.ts';

const silent = { debug: () => undefined, info: () => undefined, error: () => undefined };

/** A server whose metrics take as long as the test lets them, with a count of who waits for them. */
async function startSlow(closeGraceMs?: number) {
  const instruments = instrumentsOver();
  const { promise, resolve: finish } = withResolvers();
  let waiting = 0;
  instruments.scrape.metrics = async () => {
    waiting++;
    await promise;
    return 'done';
  };
  const server = await startHttpServer(
    { agent: new FakeAgent(), clock: systemClock, instruments, log: silent, version: '1' },
    { host: '127.0.0.1', port: 0, allowedHosts: [], ...(closeGraceMs === undefined ? {} : { closeGraceMs }) },
  );
  return { server, finish, waiting: () => waiting };
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

async function canConnect({ port }: HttpServer): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const outcome = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return outcome;
}

test('a request in flight ends before the server does, and its connection with it', async () => {
  const { server, finish, waiting } = await startSlow();
  const keepAlive = new Agent({ keepAlive: true });
  const answered = new Promise<string>((resolve, reject) => {
    get(`${server.url}/metrics`, { agent: keepAlive }, (response) => {
      text(response).then((body) => resolve(`${body} ${response.headers.connection}`), reject);
    }).on('error', reject);
  });
  await eventually(() => waiting() === 1);
  let closed = false;
  const closing = server.close().finally(() => {
    closed = true;
  });
  await eventually(async () => !(await canConnect(server)));
  expect(closed).toBe(false);
  finish();
  expect(await answered).toBe('done close');
  await closing;
  await server.close();
  keepAlive.destroy();
});

test('a request that does not end is cut when the grace is over', async () => {
  const { server, finish, waiting } = await startSlow(50);
  const answered = fetch(`${server.url}/metrics`).then(
    () => 'answered',
    () => 'cut',
  );
  await eventually(() => waiting() === 1);
  await server.close();
  expect(await answered).toBe('cut');
  finish();
});

test('an idle connection does not hold up the stop', async () => {
  const { server, finish } = await startSlow();
  finish();
  await (await fetch(`${server.url}/livez`)).text();
  const startedAt = performance.now();
  await server.close();
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test('a connection that has asked for nothing yet does not hold up the stop', async () => {
  const { server, finish } = await startSlow(3_600_000);
  finish();
  const sockets = [connect(server.port, '127.0.0.1'), connect(server.port, '127.0.0.1')];
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  // Accepted in the order of connecting: when this is answered, the others are there.
  await (await fetch(`${server.url}/livez`)).text();
  const ended = sockets.map((socket) => once(socket, 'close'));
  await server.close();
  await Promise.all(ended);
});

test('a port that is taken is an error of the start', async () => {
  await using server = (await startSlow()).server;
  const deps = {
    agent: new FakeAgent(),
    clock: systemClock,
    instruments: instrumentsOver(),
    log: silent,
    version: '1',
  };
  const start = startHttpServer(deps, { host: '127.0.0.1', port: server.port, allowedHosts: [] });
  await expect(start).rejects.toThrow(`HTTP_PORT=${server.port} is in use`);
});

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['localhost', 'localhost'],
])('listening on %s, people are told %s', async (host, shown) => {
  const deps = {
    agent: new FakeAgent(),
    clock: systemClock,
    instruments: instrumentsOver(),
    log: silent,
    version: '1',
  };
  await using server = await startHttpServer(deps, { host, port: 0, allowedHosts: [] });
  expect(server.url).toBe(`http://${shown}:${server.port}`);
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
});
