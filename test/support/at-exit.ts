// Nothing a test started may outlive the test process: the clean-ups registered here run, synchronously,
// at its exit, at SIGINT, SIGTERM and SIGHUP, and when the parent of a vitest worker disappears.
// kill -9 cannot be caught; for that case see postgres-home.ts.

import process from 'node:process';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const cleanups = new Set<() => void>();
let installed = false;
let isEnding = false;

/** Registers a synchronous clean-up; returns the function that takes it back. At the end it runs at once: nothing begins any more. */
export function atExit(cleanup: () => void): () => void {
  if (!installed) install();
  if (isEnding) {
    cleanup();
    return () => undefined;
  }
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

/** The last begun ends first. vitest kills a worker half a second after its signal, and to end a server can take longer than a hundred agents. */
function runCleanups(): void {
  isEnding = true;
  for (const cleanup of [...cleanups].toReversed()) {
    cleanups.delete(cleanup);
    try {
      cleanup();
    } catch (error) {
      process.stderr.write(`clean-up at exit failed: ${String(error)}\n`);
    }
  }
}
