// Starts one of the long runs of vitest.load.config.ts, and ends as it ends.
import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** `which`: part of the file's name, as `load/faults`. `values` reach the run by `loadArguments`. */
export function startLongRun(which: string, values: Readonly<Record<string, string | boolean>>): void {
  // Not by npx, which passes no signal on.
  const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')));
  const child = spawn(process.execPath, [vitest, 'run', '--config', 'vitest.load.config.ts', which], {
    stdio: 'inherit',
    env: { ...process.env, LOAD_ARGUMENTS: JSON.stringify(values) },
  });
  // Who ends this, ends the run: it leaves no agent behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}

/** As the start of a run names it, so that the same can be run again. */
export function someSeed(): string {
  return String(Date.now() % 1_000_000);
}
