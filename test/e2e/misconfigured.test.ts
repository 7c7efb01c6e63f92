// What a person must mend: one sentence on stderr that names it, exit code 78, no stack.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../src/platform/free-port.ts';
import { type PostgresServer, startPostgresServer } from '../support/postgres-server.ts';
import { runProgram } from '../support/program.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgresServer({
    major: 16,
    passwordRoles: { streamhouse: 'right' },
    settings: { fsync: 'off' },
  });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function url(user: string, database: string, password = ''): string {
  return `postgres://${user}${password && `:${password}`}@127.0.0.1:${server.port}/${database}`;
}

async function refused(env: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<string> {
  const { code, stdout, stderr } = await runProgram(['agent', ...args], {
    env: { HTTP_PORT: '0', LOG_FORMAT: 'json', ...env },
  });
  expect({ code, stderr }).toMatchObject({ code: 78 });
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(`${stdout}${stderr}`).not.toMatch(/^ {4}at /m);
  return stderr;
}

describe('an agent that cannot work ends with 78 and one sentence', () => {
  test('a wrong password', async () => {
    const said = await refused({ DATABASE_URL: url('streamhouse', 'postgres', 'wrong-password') });
    expect(said).toContain('password authentication failed');
    expect(said).not.toContain('wrong-password');
  });

  test('a database that does not exist', async () => {
    expect(await refused({ DATABASE_URL: url('postgres', 'nowhere') })).toMatch(
      /database "nowhere" does not exist.*create it/,
    );
  });

  test('missing rights, with the SQL that mends it', async () => {
    expect(await refused({ DATABASE_URL: url('streamhouse', 'postgres', 'right') })).toMatch(
      /permission denied.*GRANT CREATE ON DATABASE/,
    );
  });

  test('a schema that lacks migrations while AUTO_MIGRATE is off', async () => {
    const said = await refused({
      DATABASE_URL: url('postgres', 'postgres'),
      DATABASE_SCHEMA: 'not_migrated',
      AUTO_MIGRATE: 'false',
    });
    expect(said).toContain('streamhouse db migrate');
  });

  test('a store that needs a newer program', async () => {
    const env = { DATABASE_URL: url('postgres', 'postgres'), DATABASE_SCHEMA: 'too_new' };
    expect(await runProgram(['db', 'migrate', '--schema', 'too_new'], { env })).toMatchObject({ code: 0 });
    const client = new pg.Client({ connectionString: env.DATABASE_URL });
    await client.connect();
    await client.query('update too_new.store_info set min_compatible = 1000');
    await client.end();
    expect(await refused(env)).toMatch(/schema level 1000.*upgrade/);
  });

  test('a port that is taken', async () => {
    expect(await refused({ HTTP_PORT: String(server.port) })).toMatch(
      new RegExp(`HTTP_PORT=${server.port} is in use`),
    );
  });

  test('values out of range, unknown flags, malformed URLs', async () => {
    const port = String(await freePort());
    expect(await refused({ SESSION_TTL_MS: '10' })).toContain('SESSION_TTL_MS="10"');
    expect(await refused({ HTTP_PORT: 'tcp://10.0.0.1:7070' })).toContain('Kubernetes');
    expect(await refused({ HTTP_PORT: port }, ['--sesion-ttl-ms', '5000'])).toContain(
      'did you mean --session-ttl-ms',
    );
    expect(await refused({ DATABASE_URL: 'mysql://x' })).toContain('must begin with sqlite: or postgres://');
    expect(await refused({ HTTP_HOST: '0.0.0.0' })).toContain('API_INSECURE');
  });
});
