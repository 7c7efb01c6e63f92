// The faults the proxy promises, on an echo server: a fault that does not happen proves nothing downstream.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { startProxy } from './proxy.ts';

async function startEcho(): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function dial(port: number) {
  const socket = connect(port, '127.0.0.1');
  const heard = { text: '', isClosed: false };
  socket.on('data', (chunk) => (heard.text += String(chunk)));
  socket.on('error', () => undefined);
  socket.on('close', () => (heard.isClosed = true));
  await once(socket, 'connect');
  return { socket, heard };
}

const fewMs = { timeoutMs: 5_000 };

test('what is said passes through, and so does the end', async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  const { socket, heard } = await dial(proxy.port);
  socket.end('hello');
  await eventually(() => heard.isClosed, fewMs);
  expect(heard.text).toBe('hello');
  await eventually(() => proxy.connectionCount === 0, fewMs);
});

test('a black hole keeps connections open and silent, and delivers when it heals', async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  const { socket, heard } = await dial(proxy.port);
  socket.write('a');
  await eventually(() => heard.text === 'a', fewMs);

  proxy.mode = 'blackhole';
  const late = await dial(proxy.port);
  socket.write('b');
  late.socket.write('c');
  // The silence itself can only be watched for a while.
  await expect(
    eventually(() => heard.text !== 'a' || late.heard.text !== '' || heard.isClosed, { timeoutMs: 300 }),
  ).rejects.toThrow('last answer: false');

  proxy.mode = 'pass';
  await eventually(() => heard.text === 'ab' && late.heard.text === 'c', fewMs);
  socket.destroy();
  late.socket.destroy();
});

test('the end of the server is not heard through a black hole', async () => {
  await using proxy = await startProxy(await portOfServerThatHangsUpOn('bye'));
  const { socket, heard } = await dial(proxy.port);
  await eventually(() => proxy.connectionCount === 1, fewMs);
  proxy.mode = 'blackhole';
  socket.write('bye');
  await expect(eventually(() => heard.isClosed, { timeoutMs: 200 })).rejects.toThrow('last answer: false');
  proxy.mode = 'pass';
  await eventually(() => heard.isClosed, fewMs);
});

test('refused are the new connections alone, until all are cut', async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  const old = await dial(proxy.port);
  old.socket.write('a');
  await eventually(() => old.heard.text === 'a', fewMs);

  proxy.mode = 'refuse';
  const refused = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
  await eventually(() => refused.destroyed, fewMs);
  old.socket.write('b');
  await eventually(() => old.heard.text === 'ab', fewMs);

  proxy.cutAll();
  await eventually(() => old.heard.isClosed, fewMs);
  expect(proxy.connectionCount).toBe(0);
});

test('a target that does not listen closes the connection', async () => {
  const echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  await echo[Symbol.asyncDispose]();
  const { heard } = await dial(proxy.port);
  await eventually(() => heard.isClosed, fewMs);
});

async function portOfServerThatHangsUpOn(word: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (String(chunk) === word) socket.destroy();
    });
  }).listen(0, '127.0.0.1');
  server.unref();
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
