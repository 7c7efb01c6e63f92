// Keeps a loop running: an error that escapes it is a defect of ours, said loudly, and no reason for a broker to lose its agent.
import type { Clock } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';

const restartMs = 1_000;

export async function supervise(
  deps: { readonly log: Logger; readonly clock: Clock },
  name: string,
  run: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      return await run();
    } catch (error) {
      deps.log.error({ err: error, loop: name, restartInMs: restartMs }, 'loop failed');
      await deps.clock.sleep(restartMs, signal);
    }
  }
}
