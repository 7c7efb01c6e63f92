// The doors of a running agent: what SIGHUP changes and what it leaves, what a bad file does, what is refused at the start, and TLS
// on every connection to PostgreSQL.
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CertificateFiles, newAuthority } from '../support/certificates.ts';
import { startEncryptedPostgres } from '../support/encrypted-postgres.ts';
import { eventually, eventuallyHolds } from '../support/eventually.ts';
import { type LogRecord, runProgram, startProgram, type Program } from '../support/program.ts';
import { rawRequest } from '../http/raw-request.ts';

const authority = await newAuthority();
const first = 'the-first-token-of-all';
const second = 'the-second-token-of-all';
const reading = 'a-token-for-reading-only';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'streamhouse-doors-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function start(env: Readonly<Record<string, string>>, args: readonly string[] = []): Program {
  const store = `sqlite:${join(folder, 'metadata.db')}`;
  return startProgram(['agent', ...args], {
    env: { HTTP_PORT: '0', LOG_FORMAT: 'json', AGENT_ID: 'broker-1', DATABASE_URL: store, ...env },
  });
}

const listening = async (program: Program): Promise<URL> =>
  new URL(z.string().parse((await program.waitForLog(({ msg }) => msg === 'listening'))['url']));

/** Reloads, and answers the lines that say how it went. */
async function reload(program: Program): Promise<LogRecord> {
  const fromLine = program.stdoutLines.length;
  program.kill('SIGHUP');
  return program.waitForLog(({ msg }) => String(msg).includes('reload'), { fromLine });
}

async function statusWith(url: URL, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(new URL('/v1/agent', url), { headers })).status;
}

describe('SIGHUP', () => {
  test('takes over new tokens and the log level, and says so; no token is in the log', async () => {
    const tokenFile = file('token', `${first}\n`);
    const config = file('agent.yaml', `apiReadToken: ${reading}\nlogLevel: info\n`);
    await using program = start({ API_TOKEN_FILE: tokenFile }, ['--config', config]);
    const url = await listening(program);
    expect([
      await statusWith(url, first),
      await statusWith(url, second),
      await statusWith(url, reading),
    ]).toEqual([200, 401, 200]);

    file('token', `${second}\n`);
    file('agent.yaml', `apiReadToken: ${reading}-2\nlogLevel: debug\nagentZone: elsewhere\n`);
    expect(await reload(program)).toMatchObject({
      msg: 'reloaded',
      applied: ['API_TOKEN', 'API_READ_TOKEN', 'LOG_LEVEL'],
    });
    await program.waitForLog(
      ({ msg, pending }) => /only after a restart/.test(String(msg)) && String(pending) === 'AGENT_ZONE',
    );
    expect([
      await statusWith(url, first),
      await statusWith(url, second),
      await statusWith(url, reading),
    ]).toEqual([401, 200, 401]);
    await program.waitForLog(({ level, msg }) => level === 'debug' && msg === 'request');
    const output = [...program.stdoutLines, ...program.stderrLines].join('\n');
    for (const token of [first, second, reading]) expect(output).not.toContain(token);

    program.kill('SIGTERM');
    expect(await program.exited).toMatchObject({ code: 0 });
  });

  test.each([
    { what: 'a token that is too short', content: 'short', says: /API_TOKEN .* at least 16 characters/ },
    { what: 'an empty file', content: '', says: /API_TOKEN .* at least 16 characters/ },
  ])('changes nothing with $what', async ({ content, says }) => {
    const tokenFile = file('token', first);
    await using program = start({ API_TOKEN_FILE: tokenFile });
    const url = await listening(program);
    file('token', content);
    const record = await reload(program);
    expect(record).toMatchObject({ level: 'error', msg: 'not reloaded: everything stays as it was' });
    expect(record['problem']).toMatch(says);
    expect(await statusWith(url, first)).toBe(200);
    expect(await statusWith(url, second)).toBe(401);
  });

  test('does not unlock what was locked', async () => {
    const config = file('agent.yaml', `apiToken: ${first}\n`);
    await using program = start({}, ['--config', config]);
    const url = await listening(program);
    file('agent.yaml', 'logLevel: debug\n');
    const record = await reload(program);
    expect(record['problem']).toMatch(/^API_TOKEN is gone, and a reload does not unlock/);
    expect(await statusWith(url, second)).toBe(401);
  });

  test('with nothing new says so', async () => {
    await using program = start({});
    await listening(program);
    expect(await reload(program)).toMatchObject({ msg: 'reloaded: nothing has changed', applied: [] });
  });

  test('takes over a new certificate without dropping a connection, and keeps the old one when the new one is bad', async () => {
    const [before, after] = [await authority.issue(), await authority.issue()];
    const env = { TLS_CERT_FILE: file('cert.pem', before.cert), TLS_KEY_FILE: file('key.pem', before.key) };
    await using program = start(env);
    const url = await listening(program);
    expect(url.protocol).toBe('https:');
    const keepAlive = new Agent({ ca: authority.cert, keepAlive: true, maxSockets: 1 });
    const old = await serialOf(url, keepAlive);

    file('cert.pem', after.cert);
    const bad = await reload(program);
    expect(bad).toMatchObject({ level: 'error', msg: 'not reloaded: everything stays as it was' });
    expect(bad['problem']).toMatch(/TLS_KEY_FILE=".*" is not the key of the certificate/);
    expect(await serialOf(url, new Agent({ ca: authority.cert }))).toEqual({
      ...old,
      port: expect.any(Number),
    });

    file('key.pem', after.key);
    expect(await reload(program)).toMatchObject({
      msg: 'reloaded',
      applied: ['TLS_CERT_FILE', 'TLS_KEY_FILE'],
    });
    expect(await serialOf(url, keepAlive)).toEqual(old);
    expect((await serialOf(url, new Agent({ ca: authority.cert }))).serial).not.toBe(old.serial);
    keepAlive.destroy();
  });
});

/** Which certificate is shown, and over which connection (by its own port). */
async function serialOf(url: URL, agent: Agent): Promise<{ serial: string; port: number }> {
  const outgoing = request(new URL('/livez', url), { agent });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  const { serialNumber: serial } = response.socket.getPeerCertificate();
  const { localPort: port } = response.socket;
  await text(response);
  return { serial, port };
}

test('an agent behind a socket alone, with a port for its metrics, is found and stopped like any other', async () => {
  const socket = join(folder, 'agent.sock');
  await using program = start({
    HTTP_PORT: 'off',
    HTTP_SOCKET: socket,
    METRICS_PORT: '0',
    METRICS_HOST: '127.0.0.1',
    API_TOKEN: first,
  });
  const record = await program.waitForLog(({ msg }) => msg === 'listening');
  expect(record).toMatchObject({ url: `unix:${socket}`, socketUrl: `unix:${socket}` });
  const metrics = new URL(z.string().parse(record['metricsUrl']));
  const { text } = await rawRequest(Number(metrics.port), { path: '/metrics' });
  // Its own, and the process's, of which an alert asks.
  expect(text).toContain('streamhouse_agent_info{');
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds ');

  const env = { STREAMHOUSE_URL: `unix:${socket}` };
  await eventually(async () => (await runProgram(['health'], { env })).code === 0);
  expect(await runProgram(['topics', 'list'], { env })).toMatchObject({ code: 1 });
  const withToken = { ...env, STREAMHOUSE_TOKEN: first };
  expect(
    await runProgram(['topics', 'create', 'orders', '--partitions', '2'], { env: withToken }),
  ).toMatchObject({
    code: 0,
  });
  program.kill('SIGTERM');
  expect(await program.exited).toMatchObject({ code: 0 });
  expect(existsSync(socket)).toBe(false);
});

describe('an agent that would stand open, or cannot be reached as asked, ends with 78', () => {
  test.each([
    { env: { HTTP_HOST: '0.0.0.0' }, says: /lies beyond loopback.*API_TOKEN_FILE/ },
    { env: { API_READ_TOKEN: reading }, says: /API_READ_TOKEN is set without API_TOKEN/ },
    { env: { API_TOKEN: 'short' }, says: /API_TOKEN must be at least 16 characters/ },
    { env: { TLS_CERT_FILE: '/etc/hosts' }, says: /TLS_CERT_FILE is set without TLS_KEY_FILE/ },
    {
      env: { HTTP_SOCKET: '/nowhere/agent.sock' },
      says: /HTTP_SOCKET="\/nowhere\/agent\.sock" cannot be listened on/,
    },
    { env: { HTTP_PORT: 'off' }, says: /HTTP_PORT=off leaves no way/ },
  ])('$env', async ({ env, says }) => {
    const store = `sqlite:${join(folder, 'metadata.db')}`;
    const { code, stderr } = await runProgram(['agent'], {
      env: { HTTP_PORT: '0', LOG_FORMAT: 'json', DATABASE_URL: store, ...env },
    });
    expect({ code, stderr }).toEqual({ code: 78, stderr: expect.stringMatching(says) });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('PostgreSQL with TLS', () => {
  test('has every connection of an agent encrypted: for statements, for coordination and for signals', async () => {
    await using server = await startEncryptedPostgres(await authority.issue());
    using files = new CertificateFiles();
    await using program = start({
      DATABASE_URL: `${server.url}?sslmode=verify-full`,
      DATABASE_CA_FILE: files.write('ca.pem', authority.cert),
    });
    const url = await listening(program);
    await eventually(async () => (await fetch(new URL('/readyz', url))).status === 200);
    const admin = new pg.Client({ connectionString: server.url });
    admin.on('error', () => undefined); // a failure above it ends the server first
    await admin.connect();
    await eventuallyHolds(async () => {
      // Makes the pool open one.
      await fetch(new URL('/v1/topics', url));
      const { rows } = await admin.query<{ ssl: boolean; query: string }>(
        `select ssl, query from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'streamhouse broker-1'`,
      );
      expect(rows.length).toBeGreaterThanOrEqual(3);
      expect(rows.filter(({ ssl }) => !ssl)).toEqual([]);
      expect(rows.some(({ query }) => /sessions/.test(query))).toBe(true);
    });
    await admin.end();
  });

  test.each([
    {
      what: 'another authority',
      names: ['127.0.0.1'],
      trusted: false,
      says: /is not trusted .* DATABASE_CA_FILE/,
    },
    {
      what: 'another host',
      names: ['db.example'],
      trusted: true,
      says: /is for another host than DATABASE_URL names/,
    },
  ])('and a certificate of $what ends the start with 78 and a sentence', async ({ names, trusted, says }) => {
    await using server = await startEncryptedPostgres(await authority.issue({ names }));
    using files = new CertificateFiles();
    const ca = files.write('ca.pem', (trusted ? authority : await newAuthority('somebody else')).cert);
    const { code, stderr } = await runProgram(['agent'], {
      env: {
        HTTP_PORT: '0',
        LOG_FORMAT: 'json',
        DATABASE_URL: `${server.url}?sslmode=verify-full`,
        DATABASE_CA_FILE: ca,
      },
    });
    expect({ code, stderr }).toEqual({ code: 78, stderr: expect.stringMatching(says) });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
