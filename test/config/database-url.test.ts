// Database URLs: which are understood, how the others are told, and that a password is never told.
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type Environment, load, print, printedSettings, refusal, temporaryFile } from './load.ts';

const form = 'write it as postgres://USER:PASSWORD@HOST:5432/DATABASE';
const notValid = `DATABASE_URL is not a valid URL; ${form}, special characters percent-encoded`;

describe('a database URL is understood', () => {
  test.each([
    'sqlite:./data/metadata.db',
    'sqlite:///var/lib/streamhouse/metadata.db',
    'postgres://db/store',
    'postgresql://db/store',
    'postgres://user:word@db.example:6432/store?sslmode=verify-full',
    'postgres://user:with,comma@db/store',
    'postgres://user:p%40ss%2Fword@db/store',
    'postgres://user@[::1]:5432/store',
    'postgres:///store?host=/var/run/postgresql',
    'postgres://db/store?user=me@server',
    'postgres://user:with,comma@db1:5432,db2:5433/store?target_session_attrs=read-write',
    'postgres://user@db1,db2,[::1]:5433/store?sslmode=require',
    'postgres://user:word@/store?host=db1,db2&port=5432,5433',
    'postgres:///store?host=db1,::1&port=6432',
  ])('%s', (url) => {
    expect(load([], { DATABASE_URL: url }).settings.DATABASE_URL).toBe(url);
  });
});

describe('a database URL is refused with what would be right', () => {
  test.each([
    { url: 'mysql://user:hunter2@db/store', says: 'DATABASE_URL must begin with sqlite: or postgres://' },
    { url: 'user:hunter2@db/store', says: 'DATABASE_URL must begin with sqlite: or postgres://' },
    { url: 'host=db password=hunter2', says: 'DATABASE_URL must begin with sqlite: or postgres://' },
    { url: 'sqlite:', says: 'DATABASE_URL names no file; write it as sqlite:./data/metadata.db' },
    { url: 'postgres://user:hunter2@db:notaport/store', says: notValid },
    { url: 'postgres://user:hunter2@db:99999/store', says: notValid },
    { url: 'postgres://user:hunter2@[::1/store', says: notValid },
    { url: 'postgres://user:hunter2/x@db/store', says: notValid },
    { url: 'postgres://user:12/hunter2@db/store', says: notValid },
    { url: 'postgres://user:1,2/hunter2@db/store', says: notValid },
    { url: 'postgres://user:hunter2#x@db/store', says: notValid },
    { url: 'postgres://user@db/store?password=hunter#hunter2', says: notValid },
    { url: 'postgres://user:hunter2%zz@db/store', says: notValid },
    { url: 'postgres://user:hunter2@db/store%zz', says: notValid },
    { url: 'postgres://user:hunter2@db', says: `DATABASE_URL names no database; ${form}` },
    { url: 'postgres://user:hunter2@db/?sslmode=require', says: `DATABASE_URL names no database; ${form}` },
    { url: 'postgres:///store', says: `DATABASE_URL names no host; ${form}` },
    {
      url: 'postgres://user:hunter2@a:5432,,b:5432/store',
      says: 'DATABASE_URL has an empty place in its list: host 2 of 3',
    },
    {
      url: 'postgres://user:hunter2@a:5432,/store',
      says: 'DATABASE_URL has an empty place in its list: host 2 of 2',
    },
    {
      url: 'postgres://user:hunter2@a,b:hunter2/store',
      says: 'DATABASE_URL has no valid port (1 to 65535) for host 2 of 2',
    },
    {
      url: 'postgres://user:hunter2@a:0,b/store',
      says: 'DATABASE_URL has no valid port (1 to 65535) for host 1 of 2',
    },
    {
      url: 'postgres://user:hunter2@a,::1/store',
      says: 'DATABASE_URL has no valid host 2 of 2; write it as HOST:PORT, an IPv6 address in brackets as [::1]:5432',
    },
    {
      url: 'postgres://user:hunter2@a,b:5432,a:5432/store',
      says: 'DATABASE_URL names host 3 of 3 twice',
    },
    {
      url: 'postgres://user:hunter2@a,%2Frun/store',
      says: 'DATABASE_URL has a Unix socket in its list (host 2 of 2); a socket stands alone',
    },
    {
      url: 'postgres://user:hunter2@a,b,c,d,e,f,g,h,i/store',
      says: 'DATABASE_URL names 9 hosts; at most 8 are tried',
    },
    { url: 'postgres://user:hunter2@a,b', says: 'DATABASE_URL names no database behind its hosts' },
    { url: 'postgres://user:hunter2@a b,c/store', says: notValid },
    {
      url: 'postgres:///store?host=a,b,c&port=1,2&password=hunter2',
      says: 'DATABASE_URL lists 2 ports for 3 hosts; give one for each, or one for all',
    },
    {
      url: 'postgres:///store?host=a&host=b&password=hunter2',
      says: 'DATABASE_URL gives the parameter host twice; several go into one: host=A,B',
    },
    {
      url: 'postgres://user:hunter2@a,b/store?target_session_attrs=standby',
      says: 'DATABASE_URL has target_session_attrs for servers that only read; agents write: leave it out, or say read-write',
    },
  ])('$url', ({ url, says }) => {
    const message = refusal([], { DATABASE_URL: url });
    expect(message).toBe(says);
    expect(message).not.toContain('hunter2');
  });

  test('under the name that the user gave it', () => {
    expect(refusal(['--database-url', 'mysql://x'])).toMatch(/^--database-url must begin/);
    expect(refusal([], { DIRECT_DATABASE_URL: 'mysql://x' })).toMatch(/^DIRECT_DATABASE_URL must begin/);
  });

  test.each([
    { DATABASE_URL: 'sqlite:a.db', DIRECT_DATABASE_URL: 'postgres://db/store' },
    { DATABASE_URL: 'postgres://db/store', DIRECT_DATABASE_URL: 'sqlite:a.db' },
    { DIRECT_DATABASE_URL: 'postgres://db/store' },
  ])('when the direct one leads to another kind of store: %j', (env) => {
    const message = refusal([], { ...env });
    expect(message).toMatch(/^DIRECT_DATABASE_URL .* DATABASE_URL must both begin with postgres:\/\//);
  });
});

describe('a password never shows', () => {
  /** Each way of writing one, and what of it must not be seen. */
  const urls = [
    { url: 'postgres://user:hunter2@db/store', secret: 'hunter2' },
    { url: 'postgres://:hunter2@db/store', secret: 'hunter2' },
    { url: 'postgres://user:p%40ss%2Fhunter2@db/store', secret: 'hunter2' },
    { url: 'postgres://user:%68unter2@db/store', secret: 'unter2' },
    { url: 'postgres://user:p@hunter2@db/store', secret: 'hunter2' },
    { url: 'postgres://user:p hunter2@db/store', secret: 'hunter2' },
    { url: 'postgres://user@db/store?password=hunter2', secret: 'hunter2' },
    { url: 'postgres://user@db/store?sslmode=require&password=hunter2', secret: 'hunter2' },
    { url: 'postgres://user@db/store?PASSWORD=hunter2', secret: 'hunter2' },
    { url: 'postgres://user@db/store?p%61ssword=hunter2', secret: 'hunter2' },
    { url: 'postgres://user@db/store?password=x&password=hunter2', secret: 'hunter2' },
    { url: 'postgres://user@db/store?sslpassword=hunter2', secret: 'hunter2' },
    { url: 'postgres:///store?host=/tmp&password=hunter2', secret: 'hunter2' },
    { url: 'postgres://user:hunter2@db1:5432,db2:5432/store', secret: 'hunter2' },
    { url: 'postgres://user:p@hunter2@db1,db2/store', secret: 'hunter2' },
    { url: 'postgres://user@db1,db2/store?password=hunter2', secret: 'hunter2' },
  ];

  test.each(urls)('in --print-config: $url', ({ url, secret }) => {
    const env = { DATABASE_URL: url, DIRECT_DATABASE_URL: url };
    expect(print(['--print-config'], env)).not.toContain(secret);
    expect(printedSettings([], env).get('DATABASE_URL')?.value).toContain('***');
    expect(print(['--print-config', `--database-url=${url}`])).not.toContain(secret);
    expect(print(['--print-config'], { DATABASE_URL_FILE: temporaryFile('url', url) })).not.toContain(secret);
    const file = temporaryFile('agent.json', JSON.stringify({ databaseUrl: url }));
    expect(print(['--print-config', '--config', file])).not.toContain(secret);
  });

  test('and what is not secret does', () => {
    const shown = printedSettings([], {
      DATABASE_URL: 'postgres://user:hunter2@db:6432/store?sslmode=require',
    });
    expect(shown.get('DATABASE_URL')?.value).toBe('postgres://user:***@db:6432/store?sslmode=require');
    const several = printedSettings([], { DATABASE_URL: 'postgres://user:hunter2@db1:6432,[::1]/store' });
    expect(several.get('DATABASE_URL')?.value).toBe('postgres://user:***@db1:6432,[::1]/store');
  });

  const misplaced: readonly {
    readonly where: string;
    readonly args?: (url: string) => readonly string[];
    readonly env?: (url: string) => Environment;
  }[] = [
    { where: 'without its flag', args: (url) => [url] },
    { where: 'as a flag', args: (url) => [`--${url}`] },
    { where: 'for the name of a file', env: (url) => ({ DATABASE_URL_FILE: url }) },
    { where: 'for the configuration file', args: (url) => ['--config', url] },
    { where: 'for a port', env: (url) => ({ HTTP_PORT: url }) },
    { where: 'for a host', env: (url) => ({ HTTP_HOST: url }) },
    { where: 'for a schema', env: (url) => ({ DATABASE_SCHEMA: url }) },
    { where: 'for a log level', args: (url) => ['--log-level', url] },
    { where: 'for a switch', env: (url) => ({ AUTO_MIGRATE: url }) },
    { where: 'in metadata that is not JSON', env: (url) => ({ AGENT_METADATA: `{db: ${url}` }) },
    { where: 'in malformed YAML', args: (url) => ['--config', yaml(`databaseUrl: ${url}\n  x: y\n`)] },
    { where: 'as a YAML key', args: (url) => ['--config', yaml(`? ${JSON.stringify(url)}\n: y\n`)] },
    { where: 'as the whole YAML', args: (url) => ['--config', yaml(`databaseUrl=${url}\n`)] },
    { where: 'behind =', args: (url) => [`--databaseurl=${url}`] },
  ];

  test.each(misplaced)('in an error about a URL $where', ({ args, env }) => {
    for (const { url, secret } of urls) {
      // Percent-encoded names of parameters are only read where a URL is expected.
      if (url.includes('p%61ssword')) continue;
      expect(refusal(args?.(url) ?? [], env?.(url))).not.toContain(secret);
    }
  });

  test('in --print-config of a setting that is not a URL', () => {
    const env = { AGENT_METADATA: '{"db":"postgres://user:hunter2@db/store"}' };
    expect(print(['--print-config'], env)).not.toContain('hunter2');
  });

  test('on stderr in a warning of the YAML parser', async () => {
    const warned: unknown[] = [];
    const listen = (warning: Error): void => void warned.push(warning);
    process.on('warning', listen);
    try {
      const file = yaml('databaseUrl: !vault postgres://user:hunter2@db/store\n');
      expect(load(['--config', file]).settings.DATABASE_URL).toBe('postgres://user:hunter2@db/store');
      await setImmediate(); // a warning is emitted after the code that gives it
    } finally {
      process.off('warning', listen);
    }
    expect(warned).toEqual([]);
  });
});

function yaml(content: string): string {
  return temporaryFile('agent.yaml', content);
}
