// TLS on the API's port: who is let in, a new certificate without a dropped connection, and handshakes that never end.
import { once } from 'node:events';
import { systemClock } from '../../src/platform/clock.ts';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '../../src/http/server.ts';
import { newAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { FakeAgent } from './fixture.ts';
import { rawRequest } from './raw-request.ts';
import { instrumentsOver } from '../metrics/reading.ts';

const silent = { debug: () => undefined, info: () => undefined, error: () => undefined };
const authority = await newAuthority();
const stranger = await newAuthority('somebody else');
const first = await authority.issue();
const second = await authority.issue();

async function start(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  return startHttpServer(
    { agent: new FakeAgent(), clock: systemClock, instruments: instrumentsOver(), log: silent, version: '1' },
    { host: '127.0.0.1', port: 0, allowedHosts: [], certificate: first, ...options },
  );
}

/** The status of /v1/agent and the serial number of the certificate that was shown. */
async function ask(
  server: HttpServer,
  agent: Agent,
): Promise<{ status: number | undefined; serial: string; socket: TLSSocket }> {
  const outgoing = request(`${server.url}/v1/agent`, { agent });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  const socket: TLSSocket = response.socket;
  const { serialNumber: serial } = socket.getPeerCertificate();
  await text(response);
  return { status: response.statusCode, serial, socket };
}

test('who trusts the authority is let in, who trusts another is not', async () => {
  await using server = await start();
  expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
  expect(await ask(server, new Agent({ ca: authority.cert }))).toMatchObject({ status: 200 });
  await expect(ask(server, new Agent({ ca: stranger.cert }))).rejects.toMatchObject({
    code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  });
});

test('the port speaks nothing else, and what speaks plain HTTP to it does no harm', async () => {
  await using server = await start();
  await expect(rawRequest(server.port, { path: '/livez' })).rejects.toThrow(/socket hang up|ECONNRESET/);
  const garbage = connect(server.port, '127.0.0.1');
  garbage.end('\0\0\0\0\0\0\0\0\0\0\0');
  garbage.resume();
  await once(garbage, 'close');
  expect(await ask(server, new Agent({ ca: authority.cert }))).toMatchObject({ status: 200 });
});

test('a new certificate is for new connections; those that are open go on with theirs', async () => {
  await using server = await start();
  const keepAlive = new Agent({ ca: authority.cert, keepAlive: true, maxSockets: 1 });
  const before = await ask(server, keepAlive);
  server.setCertificate(second);
  const after = await ask(server, keepAlive);
  expect(after.socket).toBe(before.socket);
  expect(after).toMatchObject({ status: 200, serial: before.serial });
  const fresh = await ask(server, new Agent({ ca: authority.cert }));
  expect(fresh.status).toBe(200);
  expect(fresh.serial).not.toBe(before.serial);
  keepAlive.destroy();
});

test('the socket and the port of the metrics speak no TLS', async () => {
  await using server = await start({ metrics: { host: '127.0.0.1', port: 0 } });
  expect(server.metricsUrl).toMatch(/^http:/);
  expect((await fetch(`${server.metricsUrl}/livez`)).status).toBe(200);
});

test('versions before TLS 1.2 are refused', async () => {
  await using server = await start();
  const old = connectTls({
    host: '127.0.0.1',
    port: server.port,
    ca: authority.cert,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  await expect(once(old, 'secureConnect')).rejects.toThrow(/protocol|handshake|alert/i);
});

// Its limit is below that of a handshake, 10 s, which would end the connection too.
test(
  'a connection that never shakes hands does not hold up the stop beyond its grace',
  { timeout: 9_000 },
  async () => {
    const server = await start({ closeGraceMs: 50 });
    const mute = connect(server.port, '127.0.0.1');
    await once(mute, 'connect');
    let closed = false;
    mute.once('close', () => {
      closed = true;
    });
    mute.resume();
    // Connections are accepted in order: with this one answered, the other one is in.
    await ask(server, new Agent({ ca: authority.cert }));
    expect(closed).toBe(false);
    await server.close();
    await eventually(() => closed);
  },
);
