// The coordinator forgets, slowly: dead agents, ended history, and leases of topics that are gone, older than the retention. Epochs
// are never forgotten.
import type { CoordinationDeps } from './deps.ts';

const purgeEveryMs = 3_600_000;
const firstPurgeMs = 60_000;

export async function purgeLoop(
  deps: CoordinationDeps,
  retentionMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { clock, store, log } = deps;
  await clock.sleep(firstPurgeMs, signal);
  while (!signal.aborted) {
    try {
      const purged = await store.purge(retentionMs);
      if (purged.agents + purged.historyRows + purged.leases > 0)
        log.info({ ...purged, retentionMs }, 'purged');
    } catch (error) {
      log.info({ err: error }, 'purge failed');
    }
    await clock.sleep(purgeEveryMs, signal);
  }
}
