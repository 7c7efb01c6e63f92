// The faults the proxy promises, on an echo server: a fault that does not happen proves nothing downstream.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Client } from 'pg';
import { expect, inject, test } from 'vitest';
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

test('what is delayed comes late, in order, and whole with its end', async () => {
  await using echo = await startEcho();
  await using proxy = await startProxy(echo.port);
  proxy.delayMs = 100;
  const { socket, heard } = await dial(proxy.port);
  const sentMs = performance.now();
  socket.write('a');
  await eventually(() => heard.text === 'a', { ...fewMs, everyMs: 1 });
  expect(performance.now() - sentMs).toBeGreaterThanOrEqual(199); // there and back; a timer may be a millisecond early
  socket.write('b');
  await eventually(() => proxy.connectionCount === 1, fewMs);
  proxy.delayMs = 0;
  socket.end('c');
  await eventually(() => heard.isClosed, fewMs);
  expect(heard.text).toBe('abc');
});

/** Ends in `heard` and `ended`: what the server of the connection saw. */
async function startListener() {
  const seen = { text: '', isOver: false };
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => (seen.text += String(chunk)));
    socket.on('close', () => (seen.isOver = true));
  }).listen(0, '127.0.0.1');
  server.unref();
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, seen };
}

test.each(['client', 'server'] as const)(
  'cut half on the %s side: the other side hears nothing of it',
  async (side) => {
    const { port, seen } = await startListener();
    await using proxy = await startProxy(port);
    const { socket, heard } = await dial(proxy.port);
    socket.write('a');
    await eventually(() => seen.text === 'a', fewMs);
    proxy.cutHalf(side);
    const [isCut, isSpared] =
      side === 'client'
        ? [() => heard.isClosed, () => !seen.isOver]
        : [() => seen.isOver, () => !heard.isClosed];
    await eventually(isCut, fewMs);
    if (side === 'server') socket.write('b');
    // The silence itself can only be watched for a while.
    await expect(eventually(() => !isSpared(), { timeoutMs: 200 })).rejects.toThrow('last answer: false');
    expect(seen.text).toBe('a');
    expect(proxy.connectionCount).toBe(1);
    // New connections are as before, and the half that stayed ends when its owner ends it, or with all.
    const late = await dial(proxy.port);
    late.socket.write('c');
    await eventually(() => seen.text === 'ac', fewMs);
    late.socket.destroy();
    if (side === 'server') socket.destroy();
    else proxy.cutAll();
    await eventually(() => proxy.connectionCount === 0 && seen.isOver, fewMs);
  },
);

const commits = [
  ['a statement of its own', 'asked', 0],
  ['a statement of its own', 'answered', 1],
  ['a prepared statement', 'asked', 0],
  ['a prepared statement', 'answered', 1],
  ['a transaction', 'asked', 0],
  ['a transaction', 'answered', 1],
] as const;

test.each(commits)('cut at the commit of %s, %s: %i row is there', async (what, when, rows) => {
  const [target] = inject('postgresTargets');
  if (target === undefined) throw new Error('no PostgreSQL on this platform');
  const url = new URL(target.url);
  await using proxy = await startProxy(Number(url.port), { targetHost: url.hostname, isPostgres: true });
  url.host = `127.0.0.1:${proxy.port}`;
  const direct = new Client({ connectionString: target.url });
  const through = new Client({ connectionString: url.href });
  through.on('error', () => undefined); // rejects the query as well
  await Promise.all([direct.connect(), through.connect()]);
  const table = `commits_${Date.now()}_${Math.floor(Math.random() * 1e9)}`;
  try {
    await direct.query(`create table ${table} (n integer)`);
    await through.query('begin');
    await through.query(`insert into ${table} values (1)`);
    await through.query('rollback');
    await through.query(`select * from ${table}`);
    const cut = proxy.cutAtCommit(when);
    // What does not write, does not match, or does not commit, goes through.
    expect((await through.query(`select count(*)::int as n from ${table}`)).rows).toEqual([{ n: 0 }]);
    if (what === 'a transaction') {
      await through.query('begin');
      expect((await through.query(`insert into ${table} values (1)`)).rowCount).toBe(1);
      await expect(through.query('commit')).rejects.toThrow('ECONNRESET');
    } else if (what === 'a prepared statement') {
      await expect(
        through.query({ name: 'add', text: `insert into ${table} values ($1)`, values: [1] }),
      ).rejects.toThrow('ECONNRESET');
    } else {
      await expect(through.query(`insert into ${table} values (1)`)).rejects.toThrow('ECONNRESET');
    }
    await cut;
    await eventually(async () => {
      const found = await direct.query<{ n: number }>(`select count(*)::int as n from ${table}`);
      return found.rows[0]?.n === rows;
    }, fewMs);
    expect(proxy.connectionCount).toBe(0);
  } finally {
    await direct.query(`drop table ${table}`);
    await direct.end();
  }
});

test('a cut that is forgotten does not happen', async () => {
  const [target] = inject('postgresTargets');
  if (target === undefined) throw new Error('no PostgreSQL on this platform');
  const url = new URL(target.url);
  await using proxy = await startProxy(Number(url.port), { targetHost: url.hostname, isPostgres: true });
  url.host = `127.0.0.1:${proxy.port}`;
  const through = new Client({ connectionString: url.href });
  await through.connect();
  const cut = proxy.cutAtCommit('answered', /./);
  proxy.forgetCommitCut();
  await cut;
  await through.query('select 1');
  await through.end();
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
