// Nothing a test started may outlive the test process: the clean-ups registered here run, synchronously,
// at its exit, at SIGINT, SIGTERM and SIGHUP, and when the parent of a vitest worker disappears.
// kill -9 cannot be caught; for that case see postgres-home.ts.

import process from 'node:process';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const cleanups = new Set<() => void>();
let installed = false;

/** Registers a synchronous clean-up; returns the function that takes it back. */
export function atExit(cleanup: () => void): () => void {
  if (!installed) install();
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

function install(): void {
  installed = true;
  process.once('exit', runCleanups);
  for (const signal of signals) {
    // Whoever listened before us (vitest's main process) also decides how the process ends.
    const isAlone = process.listenerCount(signal) === 0;
    process.once(signal, () => {
      runCleanups();
      if (isAlone) process.kill(process.pid, signal);
    });
  }
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

function runCleanups(): void {
  for (const cleanup of cleanups) {
    cleanups.delete(cleanup);
    try {
      cleanup();
    } catch (error) {
      process.stderr.write(`clean-up at exit failed: ${String(error)}\n`);
    }
  }
}
