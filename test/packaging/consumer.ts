// Somebody else's project, in an empty directory, and what it may expect of the package once that is installed in it.
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { z } from 'zod';
import { programVersion } from '../../src/cli/version.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { eventually } from '../support/eventually.ts';
import { startProgram } from '../support/program.ts';

export const project = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

export interface Packed {
  readonly tarball: string;
  /** Paths in the package. */
  readonly files: readonly string[];
}

/** `npm pack` of the compiled project, into `directory`. */
export async function pack(directory: string): Promise<Packed> {
  const { stdout } = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', directory],
    {
      cwd: project,
    },
  );
  const form = z.tuple([z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) })]);
  const [{ filename, files }] = form.parse(JSON.parse(stdout));
  return { tarball: join(directory, filename), files: files.map(({ path }) => path) };
}

export class Consumer implements Disposable {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'streamhouse-consumer-')));

  constructor() {
    this.write('package.json', '{ "name": "consumer", "private": true, "type": "module" }');
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.directory, file), text);
  }

  /** Makes a package of this project the consumer's as well. */
  link(name: string): void {
    const target = join(this.directory, 'node_modules', name);
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(join(project, 'node_modules', name), target);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The program, as npm puts it on the PATH: says its version, and runs on the embedded store. */
export async function expectProgram({ directory }: Consumer, program: string): Promise<void> {
  const { stdout } = await run(program, ['--version'], { cwd: directory });
  expect(stdout.trim()).toBe(programVersion());
  const port = await freePort();
  const env = { HTTP_PORT: String(port), AGENT_ID: 'installed' };
  await using agent = startProgram(['agent'], { entry: program, cwd: directory, env });
  await eventually(() => fetch(`http://127.0.0.1:${port}/readyz`).then(({ ok }) => ok), {
    what: 'the agent',
  });
  expect(existsSync(join(directory, 'data/metadata.db'))).toBe(true);
  agent.kill('SIGTERM');
  expect(await agent.exited).toEqual({ code: 0, signal: null });
}

// Declarations that are `any` would let the lines pass that must not.
const consumerProgram = `
import { startAgent, ConfigError, type EmbeddedAgent } from 'streamhouse-agent';
import { StreamhouseClient } from 'streamhouse-agent/client';

const agent: EmbeddedAgent = await startAgent({ databaseUrl: 'sqlite:./embedded.db', agentId: 'embedded', httpPort: 0 });
const client = new StreamhouseClient({ url: agent.url });
// @ts-expect-error: no such setting
const wrong: Parameters<typeof startAgent>[0] = { databaseURL: 'sqlite:./embedded.db' };
// @ts-expect-error: no such method
const missing: unknown = client.nothing;
const running = client.run({
  onTerm: async (term) => {
    const epoch: number = term.epoch;
    await Promise.reject(new Error(String(epoch)));
  },
});
await client.ready();
await client.close();
await running;
await agent.stop();
console.log(agent.agentId, typeof wrong, typeof missing, new ConfigError('x') instanceof Error);
`;

/** The libraries: they run, and their types are right under a strict compiler that looks at declarations as well. */
export async function expectLibraries(consumer: Consumer): Promise<void> {
  consumer.write('consumer.ts', consumerProgram);
  consumer.write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        types: ['node'],
      },
      include: ['consumer.ts'],
    }),
  );
  for (const name of ['@types/node', 'undici-types']) consumer.link(name);
  const compiler = join(project, 'node_modules/.bin/tsc');
  const compiled = await run(compiler, ['--project', consumer.directory]).catch((error: unknown) => error);
  expect(compiled).toMatchObject({ stdout: '' });
  const { stdout } = await run(process.execPath, ['consumer.js'], { cwd: consumer.directory });
  expect(stdout.trim()).toBe('embedded object undefined true');
}
