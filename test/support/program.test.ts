// The program runner on small scripts, since the tests that use it can only be as honest as it is.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isRunning } from './processes.ts';
import { runProgram, startProgram } from './program.ts';

const directory = mkdtempSync(join(tmpdir(), 'streamhouse-program-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function script(name: string, source: string): string {
  const file = join(directory, `${name}.mjs`);
  writeFileSync(file, source);
  return file;
}

const service = script(
  'service',
  `process.on('SIGTERM', () => { console.log(JSON.stringify({ msg: 'stopping' })); process.exit(3); });
   console.log('not json');
   console.log(JSON.stringify({ msg: 'started', args: process.argv.slice(2) }));
   console.error('a complaint');
   setInterval(() => {}, 1000);`,
);

test('a record logged before anybody waited for it is found, and the exit code is told', async () => {
  await using program = startProgram(['agent', '--fast'], { entry: service });
  const started = await program.waitForLog(({ msg }) => msg === 'started');
  expect(started['args']).toEqual(['agent', '--fast']);
  program.kill('SIGTERM');
  expect(await program.exited).toEqual({ code: 3, signal: null });
  expect(program.logs.at(-1)).toEqual({ msg: 'stopping' });
  expect(program.stderrLines).toEqual(['a complaint']);
});

test('waiting for a record fails with the output when the program ends without it', async () => {
  await using program = startProgram([], { entry: script('brief', `console.log('{"msg":"only this"}')`) });
  await expect(program.waitForLog(({ msg }) => msg === 'more')).rejects.toThrow(/ended with .*\n.*only this/);
});

test('nothing is left after dispose, even of a stopped process', async () => {
  const program = startProgram([], { entry: service });
  await program.waitForLog(({ msg }) => msg === 'started');
  program.kill('SIGSTOP');
  await program[Symbol.asyncDispose]();
  expect(isRunning(program.pid)).toBe(false);
  expect(await program.exited).toEqual({ code: null, signal: 'SIGKILL' });
});

test('a run gives back what the program wrote, from a clean environment', async () => {
  const echo = script(
    'echo',
    `console.error(Object.keys(process.env).sort().join());
     process.stdin.pipe(process.stdout).on('finish', () => {});
     process.exitCode = 4;`,
  );
  const run = await runProgram([], { entry: echo, stdin: 'hello', env: { GIVEN: '1' } });
  expect(run).toEqual({ code: 4, stdout: 'hello', stderr: 'GIVEN,HOME,PATH\n' });
});

test('a run that takes too long is killed and fails', async () => {
  await expect(runProgram([], { entry: service, timeoutMs: 300 })).rejects.toThrow('ran for 300 ms');
});
