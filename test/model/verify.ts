// Asks spin one question: generates the verifier, compiles it and runs it, in a directory that goes afterwards.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { atExit } from '../support/at-exit.ts';
import type { Question } from './catalogue.ts';

const models = new URL('../../model/', import.meta.url).pathname;

export interface Verdict {
  /** `incomplete`: neither was anything found, nor everything seen. */
  readonly found: 'holds' | 'breaks' | 'incomplete';
  /** The assertion that is broken. */
  readonly broken: string | undefined;
  readonly states: number;
  readonly depth: number;
  readonly seconds: number;
}

/** `memoryMbMax` bounds what the verifier takes. Throws when spin or the compiler refuse the model. */
export async function verify(
  spin: string,
  { file, defines, isBroad = false, depthMax = 5_000_000 }: Question,
  { memoryMbMax }: { readonly memoryMbMax: number },
): Promise<Verdict> {
  const directory = await mkdtemp(join(tmpdir(), 'streamhouse-model-'));
  try {
    const startedMs = performance.now();
    await run(spin, [...defines.map((define) => `-D${define}`), '-a', join(models, file)], directory);
    const flags = ['-O1', '-w', '-DSAFETY', '-DNOREDUCE', `-DMEMLIM=${memoryMbMax}`];
    await run('gcc', [...flags, ...(isBroad ? ['-DBFS'] : []), '-o', 'pan', 'pan.c'], directory);
    // A verifier that has found something says so, and exits as always.
    const said = await run(join(directory, 'pan'), ['-E', '-n', '-w22', `-m${depthMax}`], directory);
    return { ...read(said), seconds: (performance.now() - startedMs) / 1_000 };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function read(said: string): Omit<Verdict, 'seconds'> {
  const number = (form: RegExp) => Number(form.exec(said)?.[1] ?? Number.NaN);
  const errors = number(/errors: (\d+)/);
  const isWhole =
    errors === 0 && !/out of memory|search not completed|max search depth too small/i.test(said);
  return {
    found: errors > 0 ? 'breaks' : isWhole ? 'holds' : 'incomplete',
    broken: /assertion violated (.*) \(at depth/.exec(said)?.[1]?.trim(),
    states: number(/(\d+) states, stored/),
    depth: number(/depth reached (\d+)/),
  };
}

async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const running = promisify(execFile)(program, [...args], { cwd, maxBuffer: 64 * 1_024 * 1_024 });
  const forget = atExit(() => running.child.kill('SIGKILL'));
  try {
    const { stdout, stderr } = await running;
    return stdout + stderr;
  } finally {
    forget();
  }
}
