// The ways to an agent: its Unix socket, and TLS under an authority of its own, for requests and the event stream alike.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StreamhouseClient, StreamhouseError, Unavailable } from '../../src/client/client.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { FakeAgent } from '../http/fixture.ts';
import { newAuthority } from '../support/certificates.ts';
import { instrumentsOver } from '../metrics/reading.ts';

const silent = { debug: () => undefined, info: () => undefined, error: () => undefined };
const folder = mkdtempSync(join(tmpdir(), 'streamhouse-ways-'));
const socket = join(folder, 'agent.sock');
const authority = await newAuthority();
const stranger = await newAuthority();

let server: HttpServer;

beforeAll(async () => {
  const agent = new FakeAgent();
  agent.sessionId = '11111111-1111-4111-8111-111111111111';
  agent.heldNow = { trustedForMs: 60_000, terms: [] };
  server = await startHttpServer(
    { agent, clock: systemClock, instruments: instrumentsOver(), log: silent, version: '1' },
    { host: '127.0.0.1', port: 0, allowedHosts: [], socket, certificate: await authority.issue() },
  );
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each([`unix:${socket}`, `unix://${socket}`])('through a Unix socket: %s', async (url) => {
  await using client = new StreamhouseClient({ url });
  await client.ready();
});

test('through TLS, under an authority that is named', async () => {
  await using client = new StreamhouseClient({ url: server.url, ca: authority.cert });
  await client.ready();
});

test.each([undefined, stranger.cert])('an authority that is not trusted is not spoken to', async (ca) => {
  await using client = new StreamhouseClient({ url: server.url, ...(ca !== undefined && { ca }) });
  const failed = client.metadata.leader({ topic: 'orders', partition: 0 });
  await expect(failed).rejects.toBeInstanceOf(Unavailable);
  await expect(failed).rejects.toThrow(/certificate|CERT|VERIFY/i);
});

test.each(['localhost:7070', 'ftp://x', 'unix:agent.sock', 'http://', ''])(
  'what is no URL of an agent is told at once, not waited for: "%s"',
  (url) => {
    expect(() => new StreamhouseClient({ url })).toThrow(StreamhouseError);
  },
);
